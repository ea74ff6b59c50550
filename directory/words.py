"""Words for the codes that the directory's passes write to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.ldap.servers import Ability
from directory.types import MemberState, Role, ServerKind, Shown, Status, SuspensionReason

Text = str | Promise

REASONS: dict[str, Text] = {
    "former_branch": _("rangé parmi les anciens membres"),
    "locked_for_good": _("compte verrouillé dans l’annuaire"),
    "entry_gone": _("fiche disparue de l’annuaire"),
    "out_of_scope": _("fiche déplacée hors des membres"),
    "departure": _("départ daté"),
    "welcomed_back": _("retour dans la coopérative"),
    "retention_over": _("fin de la durée de conservation"),
    "erasure_asked": _("effacement demandé et accepté"),
    "erased_already": _("personne déjà effacée"),
    "still_there": _("personne encore là : son départ se date d’abord"),
    "role_over": _("date de fin atteinte"),
    # Changes that the rules refuse.
    "member_unknown": _("membre inconnu"),
    "collective_unknown": _("collectif inconnu"),
    "own_account": _("son propre compte"),
    "role_too_new": _("rôle donné trop récemment"),
    "role_first": _("tient un rôle à retirer d’abord"),
    "suspended_already": _("compte déjà suspendu"),
    "gone_already": _("membre déjà parti"),
    "absent_already": _("membre absent de l’annuaire, au compte déjà fermé"),
    "not_suspended": _("compte non suspendu"),
    "not_gone": _("membre qui n’est pas parti"),
    "last_technician": _("dernière personne de la technique"),
    "watches_you": _("compte de la personne chargée de la protection des données"),
    "day_past": _("date passée"),
    "day_too_far": _("date trop lointaine"),
    "no_departure": _("aucun départ daté"),
    "own_role": _("rôle pour soi-même"),
    "not_yours_to_give": _("rôle qu’une autre personne attribue"),
    "incompatible_role": _("rôle incompatible avec un autre"),
    "source_unknown": _("annuaire inconnu"),
    "source_retired": _("annuaire retiré"),
    "source_from_settings": _("réglé par l’exploitant"),
    "source_followed": _("annuaire suivi, à mettre en pause d’abord"),
    "source_followed_already": _("annuaire déjà suivi"),
    "source_not_followed": _("annuaire non suivi"),
    "source_not_tried": _("aucune lecture à blanc avec ces réglages"),
    "source_not_probed": _("réglages pas encore essayés"),
    "pass_asked_already": _("lecture déjà demandée"),
    "nothing_waits": _("rien n’attend"),
    "others_wait": _("ce ne sont plus les mêmes retraits"),
    "right_gone": _("la personne qui avait accepté n’en a plus le droit"),
    # Corrections of one’s own entry.
    "no_entry": _("compte hors de l’annuaire"),
    "not_own_entry": _("fiche d’une autre personne"),
    "not_writable": _("donnée qui ne se corrige pas ici"),
    "changed_meanwhile": _("modifié entre-temps dans l’annuaire"),
    "not_run_here": _("membres d’un collectif qui ne se changent pas ici"),
    "not_led": _("collectif d’une autre personne responsable"),
    "own_membership": _("ajout de soi-même"),
    "not_of_this_directory": _("personne d’un autre annuaire, ou sans entrée"),
    "not_active": _("compte inactif"),
    "through_another": _("membre par un collectif contenu"),
    "last_member": _("dernier membre du collectif"),
    "value_unfit": _("valeur que l’annuaire ne prend pas"),
    "change_uncertain": _("annuaire muet pendant l’écriture"),
    "too_many_corrections": _("trop de corrections en une minute"),
    "too_heavy": _("photo trop lourde"),
    "too_large": _("photo de trop grandes dimensions"),
    "unreadable": _("photo illisible"),
    "DirectoryUnavailable": _("l’annuaire ne répond pas"),
    "DirectoryRefused": _("l’annuaire refuse"),
    "MemoryError": _("lecture trop grande pour la mémoire permise"),
    "reading_broke": _("erreur interne pendant la lecture"),
}
HELD: dict[str, Text] = {
    "server_went_back": _("l’annuaire montre un contenu plus ancien"),
    "nothing_in_common": _("l’annuaire montre d’autres personnes"),
    "people": _("trop de départs"),
    "people_today": _("trop de départs en un jour"),
    "last_administrator": _("départ du dernier administrateur"),
    "taken_over": _("personnes d’un annuaire retiré"),
    "others": _("trop d’identifiants perdus dans d’autres annuaires"),
    "groups": _("trop de collectifs fermés"),
    "groups_today": _("trop de collectifs fermés en un jour"),
    "memberships": _("trop d’appartenances perdues"),
    "memberships_today": _("trop d’appartenances perdues en un jour"),
    "leads": _("trop de responsables retirés"),
    "leads_today": _("trop de responsables retirés en un jour"),
}
# The columns of a member that are no item of a sheet.
FIELDS: dict[str, Text] = {
    "display_name": _("Nom affiché"),
    "mobile": _("Téléphone mobile"),
    "postal_address": _("Adresse postale"),
    "postal_code": _("Code postal"),
    "photo": _("Photo"),
    "listed": _("Présence dans la liste des membres"),
    **{item.value: item.label for item in Shown if item != Shown.PHOTO},
    "employee_type": _("Statut dans la coopérative"),
    "email_state": _("état de l’adresse e-mail"),
    "login_ambiguous": _("identifiant partagé"),
    "state": _("état"),
    "state_reason": _("raison de l’état"),
}
CHANGES: dict[str, Text] = {
    "new": _("nouveau"),
    "sensitive": _("devenu sensible"),
    "ordinary": _("n’est plus sensible"),
    "edit": _("modifié"),
    "end": _("fermé"),
    "return": _("rouvert"),
}


def held(code: str) -> Text:
    """What makes a pass wait; ``attribute x`` when many would lose x."""
    kind, _space, name = code.partition(" ")
    if kind == "attribute_today":
        return gettext("trop de valeurs vidées en un jour ({name})").format(name=FIELDS.get(name, name))
    if kind != "attribute":
        return HELD.get(code, "")
    return gettext("trop de valeurs vidées ({name})").format(name=FIELDS.get(name, name))


def role(code: str) -> Text:
    return Role(code).label if code in Role.values else ""


def state(code: str) -> Text:
    return MemberState(code).label if code in MemberState.values else ""


def status(code: str) -> Text:
    return Status(code).label if code in Status.values else ""


def suspension(code: str) -> Text:
    return SuspensionReason(code).label if code in SuspensionReason.values else ""


# What the office reads when a change is refused: what is wrong, and what to do.
REFUSALS: dict[str, Text] = {
    "member_unknown": _("Ce membre n’existe plus. Rechargez la page."),
    "collective_unknown": _("Ce collectif n’existe plus. Rechargez la page."),
    "own_account": _("Vous ne pouvez pas faire cela sur votre propre compte : demandez à une autre personne."),
    "suspended_already": _("Ce compte est déjà suspendu."),
    "gone_already": _("Ce membre est déjà parti."),
    "absent_already": _("Ce membre est absent de l’annuaire : son compte est déjà fermé."),
    "not_suspended": _("Ce compte n’est pas suspendu : il n’y a rien à lever."),
    "not_gone": _("Ce membre n’est pas parti : son compte est déjà le sien."),
    "last_technician": _(
        "C’est la dernière personne de la technique : sans elle, personne ne pourrait nommer la suivante. "
        "Donnez d’abord ce rôle à quelqu’un d’autre."
    ),
    "watches_you": _(
        "Cette personne contrôle ce que fait la structure : demandez d’abord à la technique de lui retirer ce rôle."
    ),
    "role_too_new": _(
        "Votre rôle vient de vous être donné par la structure : "
        "une personne qui le tient depuis trois jours doit décider."
    ),
    "role_first": _(
        "Cette personne tient un rôle que la structure ne donne pas : "
        "il faut d’abord qu’il lui soit retiré, par qui le donne."
    ),
    "day_past": _("Cette date est passée. Choisissez aujourd’hui ou un jour à venir."),
    "day_too_far": _("Cette date est dans plus de deux ans. Vérifiez l’année."),
    "no_departure": _("Aucun départ n’est daté pour ce membre."),
    "own_role": _("Personne ne se donne un rôle : demandez à une autre personne qui peut l’attribuer."),
    "not_yours_to_give": _("Votre rôle ne permet pas d’attribuer ni de retirer celui-ci."),
    "incompatible_role": _(
        "Ce rôle ne va pas avec un autre que cette personne a déjà : nul ne contrôle ce qu’il fait lui-même."
    ),
    "source_unknown": _("Cet annuaire n’existe plus. Rechargez la page."),
    "source_retired": _("Cet annuaire est retiré : il ne se règle plus et ne se lit plus."),
    "source_from_settings": _(
        "Cet annuaire est réglé par l’exploitant, sur le serveur : sa connexion se change là-bas."
    ),
    "source_followed": _("Cet annuaire est suivi en ce moment : mettez-le d’abord en pause."),
    "source_followed_already": _("Cet annuaire est déjà suivi."),
    "source_not_followed": _("Cet annuaire n’est pas suivi en ce moment."),
    "source_not_tried": _("Demandez d’abord une lecture à blanc avec ces réglages, et lisez ce qu’elle donnerait."),
    "source_not_probed": _("Les réglages ont changé : essayez d’abord ce que l’annuaire permet."),
    "pass_asked_already": _("Une lecture est déjà demandée : elle commence dans quelques secondes."),
    "nothing_waits": _("Plus rien n’attend ici : il n’y a rien à accepter."),
    "others_wait": _(
        "Ce ne sont plus les mêmes retraits : l’annuaire a changé depuis. Relisez la liste, puis décidez de nouveau."
    ),
}


def refusal(code: str) -> Text:
    """The sentence for ``CannotChange.reason``."""
    return REFUSALS.get(code, code)


# What a source page says of a server: what can be done with it, why, and what follows.
ABILITIES: dict[str, Text] = {
    "read": _("Fiches reconnues"),
    "page": _("Réponses par pages"),
    "pivot": _("Différences seulement"),
    "probe": _("Suivi en continu"),
    "policy": _("Règles des mots de passe"),
    "change_password": _("Changer son mot de passe"),
    "reset_password": _("Mot de passe oublié"),
    "write": _("Corriger sa fiche"),
    "whoami": _("Identité confirmée"),
}
WHY: dict[str, Text] = {
    "read.identity_shown": _(
        "Chaque fiche porte un identifiant stable ({names}) : renommée ou déplacée, elle reste la même personne."
    ),
    "read.identity_hidden": _(
        "Le compte de lecture ne voit pas l’identifiant des fiches ({names}). "
        "Sans lui rien n’est lu : donnez-lui le droit de le voir."
    ),
    "read.nothing_found": _(
        "Aucune fiche n’a été trouvée : vérifiez les bases, les filtres et les droits du compte de lecture."
    ),
    "page.offered": _(
        "L’annuaire répond page par page. Ses limites peuvent tout de même couper sa réponse ({names}) : "
        "la lecture échouerait alors, et rien ne changerait."
    ),
    "page.not_offered": _(
        "L’annuaire répond en une seule fois : si une de ses limites coupe sa réponse ({names}), "
        "la lecture échoue et rien ne change."
    ),
    "pivot.mark_shown": _("Une lecture ordinaire ne redemande que les fiches modifiées ({names})."),
    "pivot.mark_hidden": _(
        "Les fiches ne montrent pas si elles ont changé ({names}) : seulement par lecture complète, "
        "toutes les quinze minutes."
    ),
    "pivot.nothing_read": _("Rien n’est lu pour l’instant."),
    "probe.watermark_shown": _("Les modifications sont vues en une seconde ou deux ({names})."),
    "probe.watermark_hidden": _(
        "L’annuaire ne dit pas si quelque chose a changé ({names}) : les modifications sont vues "
        "à la lecture suivante, dans les quinze minutes."
    ),
    "policy.offered": _("L’annuaire dit pourquoi un mot de passe est refusé, et quand il faut en changer."),
    "policy.by_message": _(
        "L’annuaire dit qu’un mot de passe a expiré, mais pas pourquoi il en refuse un nouveau : "
        "les membres lisent alors un message général."
    ),
    "policy.not_offered": _(
        "L’annuaire ne dit pas pourquoi un mot de passe est refusé : les membres lisent un message général."
    ),
    "change_password.offered": _("Les membres changent ici leur mot de passe, et l’annuaire vérifie l’ancien."),
    "change_password.not_offered": _(
        "L’annuaire ne permet pas de changer un mot de passe d’ici : les membres le font ailleurs."
    ),
    "reset_password.offered": _(
        "Un membre qui a oublié son mot de passe en choisit un autre, par un lien reçu par e-mail."
    ),
    "reset_password.no_writer": _("Sans compte d’écriture, un mot de passe oublié ne se remplace que dans l’annuaire."),
    "reset_password.not_offered": _(
        "L’annuaire ne permet pas de remplacer un mot de passe d’ici : cela se fait dans l’annuaire."
    ),
    "write.by_assertion": _(
        "Les membres corrigent leur fiche, "
        "et la modification qu’une autre personne vient de faire n’est jamais écrasée."
    ),
    "write.by_value": _(
        "Les membres corrigent leur fiche, et une valeur qu’une autre personne vient de changer n’est jamais écrasée."
    ),
    "write.no_writer": _("Sans compte d’écriture, les fiches ne se corrigent que dans l’annuaire."),
    "whoami.offered": _("À chaque connexion, l’annuaire confirme qui vient d’entrer."),
    "whoami.not_offered": _(
        "L’annuaire ne dit pas qui vient d’entrer : personne ne peut se connecter avec son mot de passe."
    ),
}
# What to change on a server of this kind where an ability is missing.
HINTS: dict[tuple[ServerKind, str], Text] = {
    (ServerKind.OPENLDAP, "probe"): _("Activez le module syncprov, et laissez le compte de lecture voir contextCSN."),
    (ServerKind.OPENLDAP, "pivot"): _("Laissez le compte de lecture voir entryCSN."),
    (ServerKind.DS389, "probe"): _("Activez le module USN de l’annuaire, puis redémarrez-le."),
    (ServerKind.DS389, "pivot"): _(
        "Activez le module USN de l’annuaire, puis redémarrez-le ; laissez le compte de lecture voir entryUSN."
    ),
    (ServerKind.ACTIVE_DIRECTORY, "probe"): _(
        "Laissez le compte de lecture voir l’invocationId du contrôleur de domaine."
    ),
    (ServerKind.ACTIVE_DIRECTORY, "pivot"): _(
        "Laissez le compte de lecture voir l’invocationId du contrôleur de domaine."
    ),
}


def why(ability: Ability) -> str:
    """Why something can or cannot be done with a server, and what follows."""
    return str(WHY[f"{ability.what}.{ability.why}"]).format(names=", ".join(ability.names))


def hint(kind: ServerKind, ability: Ability) -> Text:
    """What somebody could change on the server; empty where nothing is missing, or nothing can be done."""
    return "" if ability.can else HINTS.get((kind, ability.what), "")


# What members read when a correction of their own is refused: what became of it, whose doing it is, what to do.
PROFILE_REFUSALS: dict[str, Text] = {
    "no_entry": _("Rien n’est enregistré : votre compte n’a pas de fiche dans l’annuaire. Demandez à la structure."),
    "not_own_entry": _("Rien n’est enregistré : cette fiche n’est pas la vôtre."),
    "not_writable": _("Cette donnée ne se corrige pas ici, et rien n’est enregistré. Demandez à la structure."),
    "changed_meanwhile": _(
        "Rien n’est enregistré : votre fiche n’est plus à sa place dans l’annuaire. Demandez à la structure."
    ),
    "value_unfit": _("L’annuaire ne prend pas cette valeur, et rien n’est enregistré. Écrivez-la autrement."),
    "change_uncertain": _(
        "L’annuaire s’est tu pendant l’enregistrement : nous ne savons pas s’il l’a fait. "
        "Ce que vous avez écrit est encore là. Attendez un moment, puis enregistrez de nouveau : "
        "rien ne sera fait deux fois."
    ),
    "too_heavy": _("Cette photo pèse plus de 15 Mo. Rien n’est enregistré : choisissez-en une plus légère."),
    "too_large": _(
        "Cette photo a plus de 25 millions de points. Rien n’est enregistré : choisissez-en une plus petite."
    ),
    "unreadable": _(
        "Ce fichier n’est pas une photo JPEG, PNG ou WebP que nous savons lire. Rien n’est enregistré : "
        "choisissez-en une autre."
    ),
    "DirectoryUnavailable": _(
        "Pas enregistré : l’annuaire ne répond pas. Vous n’y êtes pour rien, et ce que vous avez écrit est encore là. "
        "Attendez un moment, puis enregistrez de nouveau."
    ),
    "DirectoryRefused": _(
        "Pas enregistré : l’annuaire refuse d’être modifié d’ici. Vous n’y êtes pour rien. Prévenez la structure."
    ),
    "too_many_corrections": _(
        "Pas enregistré : vous avez enregistré beaucoup de fois en une minute. Attendez une minute, puis recommencez : "
        "ce que vous avez écrit est encore là."
    ),
}


def profile_refusal(code: str) -> Text:
    return PROFILE_REFUSALS[code]
