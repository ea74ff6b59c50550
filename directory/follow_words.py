"""Words of the pages about directories: items, troubles of a connection, issues and what to do, runs and what waits."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.ldap.probing import CODES, Trouble
from directory.types import MailState, MemberState

Text = str | Promise

ITEMS: dict[str, Text] = {
    "login": _("Identifiant de connexion"),
    "email": _("Adresse e-mail"),
    "display_name": _("Nom affiché"),
    "common_name": _("Nom complet (à défaut)"),
    "given_name": _("Prénom"),
    "family_name": _("Nom de famille"),
    "phone": _("Téléphone"),
    "mobile": _("Téléphone mobile"),
    "trade": _("Métier"),
    "employee_number": _("Numéro de membre"),
    "employee_type": _("Statut dans la coopérative"),
    "business_name": _("Nom d’activité"),
    "postal_address": _("Adresse postale"),
    "postal_code": _("Code postal"),
    "town": _("Commune"),
    "language": _("Langue"),
    "locked": _("Verrou du compte"),
    "state": _("état"),
    "state_reason": _("raison de l’état"),
    "email_state": _("état de l’adresse e-mail"),
    "login_ambiguous": _("identifiant partagé"),
    "dn": _("place dans l’annuaire"),
    "name": _("Nom"),
    "description": _("Description"),
    "kind": _("Genre"),
    "member": _("Membres"),
    "lead": _("Responsables"),
    "present": _("ouvert"),
    "nested": _("collectifs qu’il contient"),
    "member_keys": _("Membres"),
    "lead_keys": _("Responsables"),
    "unknown_keys": _("membres introuvables"),
    "photo": _("Photo"),
}
SETTINGS: dict[str, Text] = {
    "name": _("nom"),
    "uri": _("adresse"),
    "authorities": _("autorité"),
    "bind_dn": _("compte de lecture"),
    "bind_password": _("mot de passe de lecture"),
    "write_dn": _("compte d’écriture"),
    "write_password": _("mot de passe d’écriture"),
    "server": _("sorte d’annuaire"),
    "base": _("racine"),
    "people_base": _("branche des personnes"),
    "groups_base": _("branche des groupes"),
    "former_base": _("branche des anciens"),
    "people_filter": _("filtre des personnes"),
    "groups_filter": _("filtre des groupes"),
    "mapping": _("correspondance"),
    "kinds": _("genres de collectifs"),
    "writable": _("données modifiables"),
    "ceilings": _("garde-fous"),
}
# What may go in one pass, and in one day, without a person's word.
CEILINGS: dict[str, Text] = {
    "people": _("Comptes qui se ferment"),
    "groups": _("Collectifs qui se ferment"),
    "memberships": _("Personnes qui quittent un collectif"),
    "leads": _("Responsables qui ne le sont plus"),
    "emptied": _("Fiches qui perdent une même donnée"),
    "others": _("Personnes d’autres annuaires qui perdent leur identifiant"),
}
CEILINGS_EXPLAINED: dict[str, Text] = {
    "others": _(
        "Cet annuaire donnerait à quelqu’un d’autre leur identifiant ou leur adresse : "
        "aucun des deux n’entrerait plus avec. Avec 0, chacune attend votre accord."
    ),
}
STEPS: dict[str, Text] = {
    "address": _("Adresse"),
    "tls": _("Chiffrement"),
    "account": _("Compte"),
    "bases": _("Branches"),
    "mapping": _("Correspondance"),
    "abilities": _("Possibilités"),
    "trial": _("Lecture à blanc"),
}
# What a step of the setting-up met: what it is in a word (for the journal), and what to do.
TROUBLES: dict[str, Text] = {
    "name_unknown": _("nom de serveur inconnu"),
    "no_answer": _("pas de réponse à temps"),
    "connection_refused": _("connexion refusée"),
    "unreachable": _("serveur injoignable"),
    "not_ldap": _("autre chose qu’un annuaire"),
    "no_tls": _("pas de chiffrement à cette adresse"),
    "no_connection": _("connexion impossible"),
    "certificate_early": _("certificat pas encore valable"),
    "certificate_expired": _("certificat expiré"),
    "authority_unknown": _("autorité inconnue"),
    "certificate_name": _("certificat d’un autre serveur"),
    "certificate_refused": _("certificat refusé"),
    "no_account": _("aucun compte"),
    "no_password": _("aucun mot de passe"),
    "wrong_password": _("compte ou mot de passe refusé"),
    "dn_unreadable": _("nom d’entrée illisible"),
    "branch_unreadable": _("nom de branche illisible"),
    "unwilling": _("demande déclinée par l’annuaire"),
    "no_such_branch": _("branche absente, ou invisible pour ce compte"),
    "no_former_branch": _("branche des anciens absente, ou invisible pour ce compte"),
    "no_right": _("droit insuffisant"),
    "filter_unreadable": _("filtre illisible"),
    "limit_reached": _("limite de l’annuaire atteinte"),
    "answer_too_large": _("réponse trop grande pour la mémoire permise"),
    "nobody_found": _("personne dans cette branche"),
    "read_missing": _("fiches non reconnues"),
    "not_configured": _("réglages incomplets"),
    "directory_refused": _("refus de l’annuaire"),
}
ADVICE: dict[str, Text] = {
    "name_unknown": _("Aucun serveur ne porte ce nom. Vérifiez l’orthographe, ou essayez son adresse IP."),
    "no_answer": _("Le serveur n’a pas répondu en cinq secondes. Est-il allumé ? Un pare-feu bloque-t-il ce port ?"),
    "connection_refused": _(
        "Ce serveur refuse la connexion à ce port. D’habitude : 389 pour ldap://, 636 pour ldaps://."
    ),
    "unreachable": _("Le réseau ne mène pas à ce serveur. Vérifiez l’adresse, puis le réseau de Trousseau."),
    "not_ldap": _(
        "Ce qui répond à ce port n’est pas un annuaire LDAP. D’habitude : 389 pour ldap://, 636 pour ldaps://."
    ),
    "no_tls": _(
        "Rien de chiffré ne répond ici. Pour ldaps://, le port est d’habitude 636 ; "
        "pour ldap://, l’annuaire doit accepter StartTLS."
    ),
    "no_connection": _("La connexion ne s’établit pas. Reprenez les étapes de l’adresse et du chiffrement."),
    "certificate_early": _(
        "Le certificat n’est pas encore valable. Les horloges des deux serveurs sont-elles à l’heure ?"
    ),
    "certificate_expired": _("Le certificat a expiré : renouvelez-le sur le serveur de l’annuaire."),
    "authority_unknown": _(
        "Ce certificat est signé par une autorité que Trousseau ne connaît pas. "
        "Si c’est celle de votre coopérative, collez son certificat ci-dessus."
    ),
    "authority_other": _(
        "L’autorité collée ci-dessus n’est pas celle de ce serveur. Collez le certificat de celle qui a signé le "
        "sien : son nom est plus bas, « Signé par ». Pas celui du serveur lui-même."
    ),
    "certificate_name": _(
        "Ce certificat n’est pas au nom de cette adresse. Utilisez un des noms qu’il porte, "
        "ou faites établir un certificat pour cette adresse."
    ),
    "certificate_refused": _("Le certificat est refusé. Faites-le vérifier par qui gère le serveur de l’annuaire."),
    "no_account": _("Donnez le compte avec lequel Trousseau lit l’annuaire."),
    "no_password": _("Donnez le mot de passe de ce compte."),
    "wrong_password": _("L’annuaire refuse ce compte ou ce mot de passe. Il ne dit pas lequel des deux."),
    "dn_unreadable": _("Ceci n’est pas un nom d’entrée. Exemple : cn=lecture,ou=services,dc=exemple,dc=fr"),
    "unwilling": _("L’annuaire décline la demande. Ce compte a-t-il le droit de s’y connecter de cette façon ?"),
    "no_such_branch": _("Cette branche n’existe pas, ou le compte de lecture ne la voit pas."),
    "no_former_branch": _(
        "Cette branche n’existe pas, ou le compte de lecture ne la voit pas. "
        "Avec un mauvais nom, les anciens membres entreraient encore."
    ),
    "branch_unreadable": _("Ceci n’est pas un nom de branche. Exemple : ou=personnes,dc=exemple,dc=fr"),
    "no_right": _("Le compte de lecture n’a pas le droit de lire ici."),
    "filter_unreadable": _("Ce filtre est mal écrit. Exemple : (objectClass=inetOrgPerson)"),
    "limit_reached": _("L’annuaire coupe sa réponse : relevez la limite de ce compte de lecture."),
    "answer_too_large": _(
        "L’annuaire répond plus que la mémoire permise n’en contient. Est-ce le bon serveur ? "
        "Si oui, relevez TROUSSEAU_DIRECTORY_MEMORY_MB."
    ),
    "nobody_found": _("La branche existe, mais le filtre n’y trouve personne."),
    "read_missing": _("Les fiches ne se reconnaissent pas : voyez ci-dessous."),
    "not_configured": _("Il manque encore des réglages : reprenez les étapes précédentes."),
    "directory_refused": _("L’annuaire refuse la demande."),
}
# By what to do first.  Each: what it is, and what to do in the directory.
ISSUES: dict[str, tuple[Text, Text]] = {
    "login_shared": (
        _("Même identifiant pour plusieurs personnes"),
        _("Personne n’entre par cet identifiant. Dans l’annuaire, donnez-en un autre à l’une des deux fiches."),
    ),
    "mail_shared": (
        _("Même adresse e-mail pour plusieurs personnes"),
        _(
            "Personne n’entre par cette adresse, et aucun e-mail n’y part. "
            "Dans l’annuaire, donnez à chaque fiche sa propre adresse."
        ),
    ),
    "login_is_mail": (
        _("Identifiant d’une personne, adresse e-mail d’une autre"),
        _(
            "Personne n’entre par ce mot : chacune entre par son autre nom. Dans l’annuaire, changez l’identifiant "
            "de l’une ou l’adresse de l’autre."
        ),
    ),
    "login_reused": (
        _("Identifiant d’une personne absente, repris par une autre"),
        _(
            "C’est un nouveau compte, qui n’hérite de rien. Si c’est la même personne saisie deux fois, "
            "remettez sa première fiche en place, et dans ses groupes si le serveur l’en a retirée."
        ),
    ),
    "entry_elsewhere": (
        _("Fiche déjà suivie par un autre annuaire"),
        _("Une personne n’a qu’un compte. Gardez-la dans un seul des deux annuaires."),
    ),
    "no_login": (
        _("Sans identifiant de connexion"),
        _("Cette personne n’entre que par e-mail ou clé d’accès. Dans l’annuaire, donnez-lui un identifiant."),
    ),
    "mail_invalid": (
        _("Adresse e-mail qui n’en est pas une"),
        _("Elle est laissée de côté. Dans l’annuaire, corrigez l’adresse."),
    ),
    "no_mail": (
        _("Sans adresse e-mail"),
        _("Cette personne ne reçoit ni invitation ni lien de secours. Dans l’annuaire, ajoutez son adresse."),
    ),
    "group_member_unknown": (
        _("Collectif avec des membres introuvables"),
        _("Des noms de la liste ne sont ceux de personne. Dans l’annuaire, retirez-les du groupe ou corrigez-les."),
    ),
    "group_lead_unknown": (
        _("Collectif avec un responsable introuvable"),
        _("Le responsable indiqué n’est personne. Dans l’annuaire, nommez quelqu’un qui y est."),
    ),
    "group_cycle": (
        _("Collectifs qui se contiennent l’un l’autre"),
        _("Ils partagent tous leurs membres. Dans l’annuaire, retirez l’un de l’autre."),
    ),
    "group_in_itself": (
        _("Collectif qui se contient lui-même"),
        _("C’est sans effet. Dans l’annuaire, retirez le groupe de sa propre liste."),
    ),
    "group_kind_unknown": (
        _("Collectif d’un genre inconnu"),
        _("Il est rangé dans « autre ». Ajoutez son genre à la correspondance, ou corrigez-le dans l’annuaire."),
    ),
    "group_kind_missing": (
        _("Collectif sans genre"),
        _("Il est rangé dans « autre ». Dans l’annuaire, dites de quel genre il est."),
    ),
    "phone_unclear": (
        _("Numéro de téléphone ambigu"),
        _("Il est gardé tel qu’il est écrit. Dans l’annuaire, écrivez-le avec son indicatif : +33…"),
    ),
    "value_not_utf8": (
        _("Valeur illisible"),
        _("Elle est laissée de côté : ce n’est pas du texte. Dans l’annuaire, saisissez-la de nouveau."),
    ),
    "value_cut": (
        _("Valeur trop longue"),
        _("Elle est raccourcie ici. Dans l’annuaire, écrivez-la plus court."),
    ),
    "characters_removed": (
        _("Caractères invisibles"),
        _("Ils sont retirés ici. Dans l’annuaire, saisissez la valeur de nouveau, sans copier-coller."),
    ),
}
# To the person whose entry it is: what it does to them. Who else is concerned is not theirs to know.
OWN_ISSUES: dict[str, Text] = {
    "login_shared": _("Votre identifiant est aussi celui d’une autre personne : il n’ouvre plus votre compte."),
    "mail_shared": _(
        "Votre adresse e-mail est aussi celle d’une autre personne : elle n’ouvre plus votre compte, "
        "et Trousseau n’y écrit pas."
    ),
    "login_is_mail": _(
        "Votre identifiant est l’adresse e-mail d’une autre personne, ou l’inverse : ce mot n’ouvre rien."
    ),
    "no_login": _("Votre fiche n’a pas d’identifiant : vous entrez par votre adresse e-mail ou une clé d’accès."),
    "mail_invalid": _("Votre adresse e-mail n’est pas lisible : Trousseau ne vous écrit pas."),
    "no_mail": _("Votre fiche n’a pas d’adresse e-mail : aucun lien de secours ne peut vous parvenir."),
    "phone_unclear": _("Un numéro de téléphone peut se lire de plusieurs façons : écrivez-le avec son indicatif, +33…"),
    "value_not_utf8": _("Une donnée de votre fiche est illisible : elle manque ici."),
    "value_cut": _("Une donnée de votre fiche est trop longue : elle est raccourcie ici."),
    "characters_removed": _("Une donnée de votre fiche contenait des caractères invisibles : ils sont retirés ici."),
}
UNKNOWN_ISSUE: tuple[Text, Text] = (_("Autre anomalie"), _("Demandez à la technique."))
# Problems of a sample that a pass would not come to tell of.
SAMPLE_PROBLEMS: dict[str, Text] = {
    "identity_hidden": _("Le compte de lecture ne voit pas l’identifiant de cette fiche : elle ne serait pas lue."),
    "name_unreadable": _("Le nom de cette entrée est illisible : elle ne serait pas lue."),
}
VERBS: dict[str, Text] = {
    "people-join": _("Arrivées"),
    "people-end": _("Comptes fermés"),
    "people-return": _("Retours"),
    "people-taken": _("Personnes reprises d’un annuaire retiré"),
    "people-edit": _("Fiches modifiées"),
    "groups-new": _("Nouveaux collectifs"),
    "groups-end": _("Collectifs fermés"),
    "groups-return": _("Collectifs rouverts"),
    "groups-taken": _("Collectifs repris d’un annuaire retiré"),
    "groups-edit": _("Collectifs modifiés"),
    "memberships-set": _("Appartenances ajoutées"),
    "memberships-removed": _("Appartenances retirées"),
    "leads-added": _("Responsables ajoutés"),
    "leads-removed": _("Responsables retirés"),
    "issues": _("Anomalies"),
}
HELD_TITLES: dict[str, Text] = {
    "server_went_back": _("L’annuaire montre un contenu plus ancien qu’avant"),
    "nothing_in_common": _("L’annuaire ne montre plus aucune des personnes connues"),
    "people": _("Trop de comptes se fermeraient d’un coup"),
    "people_today": _("Trop de comptes se fermeraient en un jour"),
    "last_administrator": _("La dernière personne de la technique partirait"),
    "taken_over": _("Des personnes d’un annuaire retiré passeraient à celui-ci"),
    "others": _("Trop de personnes d’autres annuaires perdraient leur identifiant"),
    "groups": _("Trop de collectifs se fermeraient d’un coup"),
    "groups_today": _("Trop de collectifs se fermeraient en un jour"),
    "memberships": _("Trop de personnes quitteraient leur collectif d’un coup"),
    "memberships_today": _("Trop de personnes quitteraient leur collectif en un jour"),
    "leads": _("Trop de responsables ne le seraient plus d’un coup"),
    "leads_today": _("Trop de responsables ne le seraient plus en un jour"),
}
HELD_ADVICE: dict[str, Text] = {
    "server_went_back": _(
        "Une ancienne sauvegarde a-t-elle été remise en place ? Si c’est voulu, acceptez ; "
        "sinon attendez que l’annuaire soit rétabli : rien ne change d’ici là."
    ),
    "nothing_in_common": _("Est-ce le bon serveur, la bonne branche ? Rien ne change tant que personne n’accepte."),
    "people": _("Fin d’année, ou accident ? Lisez la liste : acceptez si ces départs sont voulus."),
    "people_today": _(
        "D’autres se sont fermés depuis hier, lecture après lecture. "
        "Est-ce voulu, ou l’annuaire se vide-t-il peu à peu ?"
    ),
    "last_administrator": _(
        "Sans elle, personne ne pourrait plus régler Trousseau. Nommez d’abord quelqu’un d’autre, ou acceptez."
    ),
    "taken_over": _(
        "Elles garderaient leur compte et leurs rôles, et entreraient avec le mot de passe de cet annuaire. "
        "Acceptez si ce sont bien les mêmes personnes."
    ),
    "others": _(
        "Cet annuaire donne à d’autres leur identifiant ou leur adresse : elles ne pourraient plus entrer avec. "
        "Les mêmes personnes sont-elles dans deux annuaires ? Retirez d’abord l’ancien."
    ),
    "groups": _("Une branche a-t-elle été déplacée ? Acceptez si ces fermetures sont voulues."),
    "groups_today": _(
        "D’autres se sont fermés depuis hier, lecture après lecture. Acceptez si ces fermetures sont voulues."
    ),
    "memberships": _("Des groupes ont-ils été vidés par erreur ? Acceptez si c’est voulu."),
    "memberships_today": _(
        "D’autres en sont sorties depuis hier, lecture après lecture. "
        "Est-ce voulu, ou des groupes se vident-ils peu à peu ?"
    ),
    "leads": _(
        "Le compte de lecture voit-il encore qui est responsable ? "
        "Acceptez si c’est voulu, après des élections par exemple. Les nouveaux responsables le sont déjà."
    ),
    "leads_today": _(
        "D’autres ne le sont plus depuis hier, lecture après lecture. "
        "Acceptez si c’est voulu. Les nouveaux responsables le sont déjà."
    ),
}
# Why somebody is absent from the directory, and what brings them back.
ABSENCES: dict[str, tuple[Text, Text]] = {
    "entry_gone": (
        _("fiche disparue"),
        _(
            "Rétablissez la même fiche depuis une sauvegarde : le compte revient. Remettez-la aussi dans ses groupes, "
            "si le serveur l’en a retirée. Une fiche neuve ouvre un autre compte."
        ),
    ),
    "out_of_scope": (
        _("fiche rangée ailleurs"),
        _(
            "Remettez la fiche dans la branche des membres : le compte revient à la lecture suivante. "
            "Remettez-la aussi dans ses groupes, si le serveur l’en a retirée."
        ),
    ),
}
ERRORS: dict[str, Text] = {
    "DirectoryUnavailable": _("L’annuaire n’a pas répondu."),
    "DirectoryRefused": _("L’annuaire a refusé la lecture."),
    "MemoryError": _("La lecture demande plus que la mémoire permise."),
}
# And what to do.
CURES: dict[str, Text] = {
    "DirectoryUnavailable": _(
        "Son serveur est-il allumé, et joignable depuis celui de Trousseau ? Essayez la connexion, étape par étape."
    ),
    "DirectoryRefused": _("Essayez la connexion, étape par étape : la première qui échoue dit quoi corriger."),
    "MemoryError": _("Relevez TROUSSEAU_DIRECTORY_MEMORY_MB dans les réglages du serveur, puis relancez Trousseau."),
}

# By libldap's name: which limit it is, and what each server calls it.
LIMIT_CURES: dict[str, Text] = {
    "SIZELIMIT_EXCEEDED": _(
        "Le compte de lecture n’a pas droit à tant de fiches. Relevez sa limite sur le serveur : olcLimits, size "
        "(OpenLDAP), nsSizeLimit (389 Directory Server) ou MaxPageSize (Active Directory)."
    ),
    "TIMELIMIT_EXCEEDED": _(
        "Le compte de lecture n’a pas droit à une recherche aussi longue. Relevez sa limite sur le serveur : "
        "olcLimits, time (OpenLDAP), nsTimeLimit (389 Directory Server) ou MaxQueryDuration (Active Directory)."
    ),
    "ADMINLIMIT_EXCEEDED": _(
        "Le serveur ne parcourt pas tant de fiches pour ce compte. Relevez la limite : olcLimits, size.unchecked "
        "(OpenLDAP), nsLookThroughLimit et nsPagedLookThroughLimit (389 Directory Server)."
    ),
}


def reason(code: str) -> Text:
    """What was wrong with a connection that somebody tried, as the journal keeps it."""
    kind, _underline, found = code.partition("_")
    return TROUBLES.get(found, "") if kind == "source" else ""


def item(code: str) -> Text:
    return ITEMS.get(code, code)


def changed(code: str, line: Mapping[str, Any]) -> str:
    """An item that changed, as a report's line tells of it; where it says what came of it, that.

    Why somebody's state is what it is stands beside it.
    """
    if code == "state_reason":
        return ""
    if code == "state" and line.get("state"):
        return gettext("État : {state}").format(state=state_word(line["state"]))
    if code == "email_state" and line.get(code):
        words: Mapping[str, Text] = dict(MailState.choices)
        return gettext("Adresse e-mail : {state}").format(state=words.get(line[code], line[code]))
    if code == "login_ambiguous" and code in line:
        return gettext("Identifiant partagé") if line[code] else gettext("Identifiant qui n’est plus partagé")
    return capfirst(str(item(code)))


def trouble(found: Trouble) -> str:
    """What is wrong, and what to do."""
    return str(ADVICE.get(found.code, ADVICE["directory_refused"]))


def issue(code: str) -> tuple[Text, Text]:
    return ISSUES.get(code, UNKNOWN_ISSUE)


def problem(code: str, detail: str) -> str:
    """A problem of a sample in words; ``detail`` names an attribute."""
    said = str(SAMPLE_PROBLEMS.get(code) or issue(code)[0])
    return f"{said} ({detail})" if detail and code not in SAMPLE_PROBLEMS else said


def held_title(what: str) -> str:
    kind, _space, name = what.partition(" ")
    if kind == "attribute":
        return gettext("Trop de fiches perdraient une donnée d’un coup : {item}").format(item=item(name))
    if kind == "attribute_today":
        return gettext("Trop de fiches perdraient une donnée en un jour : {item}").format(item=item(name))
    return str(HELD_TITLES.get(what, what))


def held_advice(what: str) -> str:
    if what.startswith("attribute_today "):
        return gettext(
            "D’autres l’ont perdue depuis hier, lecture après lecture. "
            "Est-ce voulu, ou l’annuaire se vide-t-il peu à peu ?"
        )
    if what.startswith("attribute "):
        return gettext("Le compte de lecture a-t-il perdu un droit, l’attribut son nom ? Acceptez si c’est voulu.")
    return str(HELD_ADVICE.get(what, ""))


def error(text: str) -> str:
    """The error of a run: what kind it is, and why the directory refused, where there are words for it."""
    kind, _colon, name = text.partition(": ")
    said = str(ERRORS.get(kind, gettext("Une erreur interne a arrêté la lecture.")))
    code = CODES.get(name, "") if kind == "DirectoryRefused" else ""
    if code == "answer_too_large":
        # Nobody's refusal: it was read, and would not end.
        return str(ADVICE[code])
    why = TROUBLES.get(code)
    return f"{said.rstrip('.')}\N{NO-BREAK SPACE}: {why}." if why else said


def cure(text: str) -> str:
    """What to do about the error of a run."""
    kind, _colon, name = text.partition(": ")
    if CODES.get(name) == "answer_too_large":
        # Its words say it already.
        return ""
    if kind == "DirectoryRefused" and name in LIMIT_CURES:
        return str(LIMIT_CURES[name])
    return str(
        CURES.get(kind, gettext("Ce n’est pas la faute de l’annuaire : le journal technique du serveur dit pourquoi."))
    )


def state_word(state: str) -> str:
    words: Mapping[str, Text] = dict(MemberState.choices)
    return str(words.get(state, ""))
