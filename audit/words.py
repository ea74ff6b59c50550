"""Human sentences for the lines of the journal, and names for the codes in their facts."""

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.models import Event
from audit.types import Action

Text = str | Promise
Namer = Callable[[str], Text | None]

# {who} did it, {subject} is concerned, {tool} is the tool.  Present tense, and never « de » before a name: no
# agreement and no elision to guess.
SENTENCES: dict[str, Text] = {
    Action.SIGN_IN: _("{who} se connecte."),
    Action.SIGN_IN_REFUSED: _("Une connexion est refusée pour {subject}."),
    Action.REAUTHENTICATED: _("{who} confirme son identité."),
    Action.SIGN_OUT: _("Fin de session pour {subject}."),
    Action.TOOL_SESSION_ENDED: _("{subject} n’a plus de session ouverte dans {tool}."),
    Action.FACTOR_ADDED: _("{who} ajoute une double vérification."),
    Action.FACTOR_REMOVED: _("{who} retire une double vérification."),
    Action.FACTOR_RENAMED: _("{who} renomme un moyen de connexion."),
    Action.FACTOR_DOUBTED: _("La clé d’accès qui sert pour {subject} a peut-être un double."),
    Action.FACTORS_RESET: _("La double vérification repart de zéro pour {subject}."),
    Action.PASSWORD_CHANGED: _("Nouveau mot de passe pour {subject}."),
    Action.PASSWORD_REFUSED: _("Un nouveau mot de passe est refusé pour {subject}."),
    Action.INVITED: _("{who} invite {subject}."),
    Action.INVITATION_ENDED: _("L’invitation faite à {subject} ne sert plus."),
    Action.LINK_OPENED: _("{subject} ouvre un lien reçu."),
    Action.LINK_REFUSED: _("Un lien n’est pas accepté."),
    Action.RESET_ASKED: _("Un nouveau mot de passe est demandé pour {subject}."),
    Action.RESET_REFUSED: _("Une demande de mot de passe reste sans suite."),
    Action.FIRST_ACCOUNT_MADE: _("Un lien est créé pour la première personne de la technique."),
    Action.ACCOUNT_UNLOCKED: _("{who} débloque le compte : {subject}."),
    Action.BROWSER_ADDED: _("{subject} se connecte depuis un nouveau navigateur."),
    Action.BROWSER_TRUSTED: _("{subject} fait confiance à un navigateur."),
    Action.BROWSER_FORGOTTEN: _("Un navigateur n’est plus reconnu pour {subject}."),
    Action.ALARM_RAISED: _("{subject} signale : ce n’était pas moi."),
    Action.ALARM_SETTLED: _("{who} a traité l’alerte : {subject}."),
    Action.RECOVERY_ASKED: _("{who} demande la récupération du compte : {subject}."),
    Action.RECOVERY_APPROVED: _("{who} accepte la récupération du compte : {subject}."),
    Action.RECOVERY_REFUSED: _("{who} refuse la récupération du compte : {subject}."),
    Action.RECOVERY_CANCELLED: _("La récupération du compte s’arrête : {subject}."),
    Action.MAIL_SENT: _("Un courrier part pour {subject}."),
    Action.MAIL_FAILED: _("Un courrier pour {subject} n’est pas parti."),
    Action.MEMBER_CONSULTED: _("{who} ouvre la fiche : {subject}."),
    Action.ACT_REFUSED: _("{who} ne peut pas faire cela sur ce compte : {subject}."),
    Action.MEMBERS_SEARCHED: _("{who} cherche parmi les membres."),
    Action.AUTHORIZATION_REFUSED: _("{subject} ne peut pas ouvrir {tool}."),
    Action.CODE_ISSUED: _("{subject} ouvre {tool}."),
    Action.CODE_REPLAYED: _("{tool} présente un code déjà utilisé pour {subject} : ses jetons sont révoqués."),
    Action.TOKEN_ISSUED: _("{tool} reçoit des jetons pour {subject}."),
    Action.TOKEN_REFRESHED: _("{tool} renouvelle ses jetons pour {subject}."),
    Action.TOKEN_REFUSED: _("{tool} demande des jetons : refus."),
    Action.TOKEN_REVOKED: _("{tool} perd ses jetons pour {subject}."),
    Action.LOGOUT_REFUSED: _("{tool} demande une déconnexion : refus."),
    Action.LOGOUT_DELIVERED: _("{tool} reçoit l’avis de déconnexion pour {subject}."),
    Action.LOGOUT_FAILED: _("{tool} n’a pas reçu l’avis de déconnexion pour {subject}."),
    Action.LOGOUT_RETRIED: _("{who} relance les avis de déconnexion pour {tool}."),
    Action.TOOL_CREATED: _("{who} connecte {tool}."),
    Action.TOOL_CHANGED: _("{who} modifie {tool}."),
    Action.TOOL_CLOSED: _("{who} retire {tool}."),
    Action.TOOLS_PAIRED: _("{who} autorise {tool} à agir auprès d’un autre outil."),
    Action.TOOLS_PARTED: _("{who} n’autorise plus {tool} à agir auprès d’un autre outil."),
    Action.SECRET_ROTATED: _("{who} renouvelle le secret : {tool}."),
    Action.REGISTRATION_ALLOWED: _("{who} donne le droit d’enregistrer des outils."),
    Action.REGISTRATION_REFUSED: _("L’enregistrement d’un outil est refusé."),
    Action.DEVICE_STARTED: _("{tool} demande un code pour un appareil."),
    Action.DEVICE_OPENED: _("{who} saisit le code d’un appareil : {tool}."),
    Action.DEVICE_APPROVED: _("{who} relie un appareil à {tool}."),
    Action.DEVICE_DENIED: _("{who} ne relie pas l’appareil : {tool}."),
    Action.DEVICE_REFUSED: _("Un code d’appareil saisi par {who} n’est pas accepté."),
    Action.KEY_ROTATED: _("Une nouvelle clé de signature est créée."),
    Action.KEY_ACTIVATED: _("Une clé de signature entre en service."),
    Action.KEY_RETIRED: _("Une clé de signature ne signe plus."),
    Action.KEY_GONE: _("Une clé de signature n’est plus reconnue."),
    Action.KEY_RESEALED: _("Les secrets sont chiffrés avec une nouvelle clé."),
    Action.FAVOURITE_CHANGED: _("{who} change ses favoris : {tool}."),
    Action.SHEET_DECLARED: _("{who} déclare une nouvelle version de fiche : {tool}."),
    Action.NOTICE_SEEN: _("{subject} lit l’information sur {tool}."),
    Action.HUB_NOTICE_SEEN: _("{subject} lit ce que Trousseau garde."),
    Action.CONSENT_GIVEN: _("{subject} donne son accord à {tool}."),
    Action.CONSENT_REFUSED: _("{subject} refuse son accord à {tool}."),
    Action.CONSENT_WITHDRAWN: _("L’accord donné par {subject} à {tool} prend fin."),
    Action.DISCLOSED: _("{tool} reçoit des données sur {subject}."),
    Action.OWN_DATA_DOWNLOADED: _("{who} télécharge son propre relevé."),
    Action.SYNC_APPLIED: _("L’annuaire est synchronisé."),
    Action.SYNC_HELD: _("Une synchronisation de l’annuaire est retenue : elle attend une décision."),
    Action.SYNC_FAILED: _("Une synchronisation de l’annuaire échoue."),
    Action.SYNC_ASKED: _("{who} demande une synchronisation de l’annuaire."),
    Action.SYNC_APPROVED: _("{who} accepte des retraits qui attendaient."),
    Action.SYNC_APPROVAL_REFUSED: _("{who} n’a pas pu accepter des retraits : ce ne sont plus les mêmes."),
    Action.SOURCE_ADDED: _("{who} ajoute un annuaire."),
    Action.SOURCE_CHANGED: _("{who} modifie les réglages d’un annuaire."),
    Action.SOURCE_TESTED: _("{who} essaie la connexion à un annuaire."),
    Action.SOURCE_RETIRED: _("{who} retire un annuaire."),
    Action.ISSUE_ACKNOWLEDGED: _("{who} a vu une anomalie de l’annuaire."),
    Action.PROFILE_CHANGED: _("{who} modifie des coordonnées : {subject}."),
    Action.PROFILE_REFUSED: _("Une modification de coordonnées est refusée : {subject}."),
    Action.MEMBER_JOINED: _("{subject} arrive de l’annuaire."),
    Action.MEMBER_CHANGED: _("L’annuaire met à jour {subject}."),
    Action.MEMBER_LEFT: _("Compte fermé pour {subject}."),
    Action.ABSENCE_ENDED: _("L’absence de {subject} compte maintenant comme un départ."),
    Action.MEMBER_RETURNED: _("Compte rouvert pour {subject}."),
    Action.MEMBER_SUSPENDED: _("{who} suspend le compte : {subject}."),
    Action.MEMBER_RESUMED: _("{who} lève la suspension : {subject}."),
    Action.MEMBER_ERASED: _("Les coordonnées sont effacées : {subject}."),
    Action.LOCAL_ACCOUNT_CREATED: _("Un compte de secours est créé : {subject}."),
    Action.DEPARTURE_PLANNED: _("{who} date le départ : {subject}."),
    Action.DEPARTURE_CANCELLED: _("{who} annule le départ : {subject}."),
    Action.DEPARTURE_ANNOUNCED: _("Le départ est annoncé : {subject}."),
    Action.STATUS_CHANGED: _("Changement de statut pour {subject}."),
    Action.FACTOR_POLICY_CHANGED: _("{who} change la règle de double vérification."),
    Action.FACTOR_REQUIRED: _("La double vérification devient nécessaire pour {subject}."),
    Action.COLLECTIVE_CHANGED: _("Un collectif suit l’annuaire."),
    Action.COLLECTIVE_MARKED: _("{who} dit si un collectif est sensible."),
    Action.ROLE_GRANTED: _("{who} attribue un rôle à {subject}."),
    Action.ROLE_REVOKED: _("{who} retire un rôle à {subject}."),
    Action.JOURNAL_READ: _("{who} consulte le journal."),
    Action.ACCESS_REFUSED: _("Une page est refusée à {who}."),
}
FACTS: dict[str, Text] = {
    "items": _("données"),
    "refused_items": _("données refusées"),
    "channel": _("voie"),
    "legal_basis": _("base légale"),
    "processing": _("traitement"),
    "notice": _("information"),
    "consent": _("accord"),
    "version": _("version"),
    "digest": _("empreinte"),
    "page": _("page"),
    "action": _("action"),
    "attempts": _("essais"),
    "notices": _("avis"),
    "language": _("langue"),
    "methods": _("preuves"),
    "scopes": _("portées demandées"),
    "target": _("outil visé"),
    "filters": _("critères"),
    "export": _("export"),
    "refresh": _("jeton de renouvellement"),
    "properties": _("réglages"),
    "kid": _("clé"),
    "device": _("appareil"),
    "registration": _("droit d’enregistrement"),
    "uses": _("usages"),
    "overlap_hours": _("heures de recouvrement"),
    "everyone": _("tout le monde"),
    "collectives": _("collectifs"),
    "opens": _("ouvert à tout le monde"),
    "relaxes_pkce": _("sans PKCE"),
    "step": _("étape"),
    "factor": _("moyen"),
    "role": _("rôle"),
    "favourite": _("favori"),
    "state": _("état"),
    "run": _("passage"),
    "held": _("en attente"),
    "approval": _("empreinte à approuver"),
    "collective": _("collectif"),
    "change": _("changement"),
    "members_set": _("membres ajoutés"),
    "members_removed": _("membres retirés"),
    "memberships_set": _("appartenances ajoutées"),
    "memberships_removed": _("appartenances retirées"),
    "leads_added": _("responsables ajoutés"),
    "leads_removed": _("responsables retirés"),
    "people_joined": _("arrivées"),
    "people_changed": _("fiches modifiées"),
    "people_ended": _("départs"),
    "people_returned": _("retours"),
    "groups_new": _("nouveaux collectifs"),
    "groups_changed": _("collectifs modifiés"),
    "groups_ended": _("collectifs fermés"),
    "groups_returned": _("collectifs rouverts"),
    "issues": _("anomalies"),
    "written": _("lignes écrites"),
    "algorithm": _("algorithme"),
    "active_at": _("mise en service"),
    "resources": _("ressources"),
    "binding": _("jetons liés à"),
    "own_account": _("au nom de l’outil"),
    "repeated": _("réponse répétée"),
    "endpoint": _("demande"),
    "refusals_this_minute": _("refus dans la minute"),
    "exchanged_by": _("outil qui échange"),
    "act": _("geste"),
    "link": _("lien"),
    "link_kind": _("sorte de lien"),
    "mail": _("courrier"),
    "browser": _("navigateur"),
    "browsers": _("navigateurs"),
    "sessions": _("sessions"),
    "last_day": _("dernier jour"),
    "absent_since": _("absence depuis le"),
    "ends_at": _("jusqu’au"),
    "by": _("avant le"),
    "status": _("statut"),
    "former_status": _("statut précédent"),
    "recovery": _("récupération"),
    "by_hand": _("remis en main propre"),
    "alarm": _("alerte"),
    "results": _("résultats"),
    "told": _("personnes prévenues"),
    "suspension": _("raison"),
    "required": _("exigée"),
    "source": _("annuaire"),
    "source_step": _("essai"),
    "source_state": _("état de l’annuaire"),
    "mode": _("lecture"),
    "dry": _("à blanc"),
    "issue": _("anomalie"),
    "undone": _("remise à régler"),
}
# Days and moments, as people read them.
MOMENTS = frozenset({"by", "ends_at", "last_day", "absent_since"})
# Numbers of rows, digests, names of settings: for whoever looks a line up, not for whoever reads them all.
ASIDE = frozenset(
    {
        "alarm",
        "approval",
        "browser",
        "collective",
        "consent",
        "device",
        "digest",
        "exchanged_by",
        "kid",
        "link",
        "notice",
        "processing",
        "properties",
        "recovery",
        "registration",
        "run",
        "source",
        "target",
    }
)
CRITERIA: dict[str, Text] = {
    "member": _("membre"),
    "tool": _("outil"),
    "action": _("action"),
    "since": _("depuis"),
    "until": _("jusqu’au"),
    "refused": _("refus seulement"),
}
_OWN: dict[str, dict[str, Text]] = {
    "reason": {"role_missing": _("rôle manquant")},
    "page": {"audit:journal": _("journal"), "audit:export": _("export du journal")},
    "filters": CRITERIA,
    "action": {action.value: action.label for action in Action},
}
_namers: dict[str, list[Namer]] = {fact: [names.get] for fact, names in _OWN.items()}


def name_codes(fact: str, namer: Namer) -> None:
    """Let the app that owns codes of a fact, or of a line's reason, say them in words; called when the apps are ready.

    A namer answers nothing, or the code itself, for what is not its own: the next one is asked.
    """
    _namers.setdefault(fact, []).append(namer)


def name(fact: str, code: str) -> str:
    """The code in words; one that nobody knows stays as it is."""
    for namer in _namers.get(fact, []):
        said = namer(code)
        if said and str(said) != code:
            return str(said)
    return code


def sentence(event: Event) -> str:
    """What happened, in one sentence; whoever is gone is named by their identifier."""
    pattern = str(SENTENCES.get(event.action) or event.get_action_display())
    return pattern.format(who=_actor(event), subject=_subject(event), tool=_tool(event.tool, event.tool_id))


def reason(event: Event) -> str:
    return name("reason", event.reason)


def facts(event: Event) -> list[tuple[str, str]]:
    """What the facts of a line say, as (label, words)."""
    return [(label, said) for fact, label, said in _told(event) if fact not in ASIDE]


def particulars(event: Event) -> list[tuple[str, str]]:
    """The facts of a line that stand aside, as (label, words)."""
    return [(label, said) for fact, label, said in _told(event) if fact in ASIDE]


def _told(event: Event) -> list[tuple[str, str, str]]:
    known = event.facts if isinstance(event.facts, dict) else {}
    return [
        (fact, str(FACTS.get(fact, fact)), _words(fact, value))
        for fact, value in known.items()
        if value not in (None, "", [])
    ]


def _actor(event: Event) -> str:
    if event.actor_id is not None:
        return _person(event.actor, event.actor_id)
    if event.actor_tool_id is not None:
        return _tool(event.actor_tool, event.actor_tool_id)
    return gettext("Trousseau")


def _subject(event: Event) -> str:
    if event.subject_id is not None:
        return _person(event.subject, event.subject_id)
    return gettext("une personne inconnue")


def _person(member: Any, member_id: object) -> str:
    return str(member) if member is not None else gettext("membre effacé {id}").format(id=str(member_id))


def _tool(tool: Any, tool_id: object) -> str:
    if tool_id is None:
        return gettext("un outil inconnu")
    return str(tool.name) if tool is not None else gettext("outil supprimé n° {id}").format(id=tool_id)


def _words(fact: str, value: object) -> str:
    if isinstance(value, bool):
        return gettext("oui") if value else gettext("non")
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        return ", ".join(name(fact, str(each)) for each in value)
    if fact in ASIDE and isinstance(value, int):
        return gettext("n° {number}").format(number=value)
    if fact in MOMENTS:
        return _moment(str(value))
    text = name(fact, str(value))
    # A digest is compared by its beginning; the export has it whole.
    return text[:12] + "…" if fact == "digest" else text


def _moment(text: str) -> str:
    try:
        day = parse_date(text)
        at = None if day else parse_datetime(text)
    except ValueError:
        return text
    if at is not None:
        return date_format(localtime(at) if at.tzinfo else at, "SHORT_DATETIME_FORMAT")
    return date_format(day, "SHORT_DATE_FORMAT") if day else text
