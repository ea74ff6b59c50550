"""Words for the codes that the directory's passes write to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.types import MemberState, Role, Status, SuspensionReason

Text = str | Promise

REASONS: dict[str, Text] = {
    "former_branch": _("rangé parmi les anciens membres"),
    "locked_for_good": _("compte verrouillé dans l’annuaire"),
    "entry_gone": _("fiche disparue de l’annuaire"),
    "out_of_scope": _("fiche déplacée hors des membres"),
    "departure": _("départ daté"),
    "welcomed_back": _("retour dans la coopérative"),
    "retention_over": _("fin de la durée de conservation"),
    "role_over": _("date de fin atteinte"),
    # Changes that the rules refuse.
    "member_unknown": _("membre inconnu"),
    "collective_unknown": _("collectif inconnu"),
    "own_account": _("son propre compte"),
    "role_too_new": _("rôle donné trop récemment"),
    "role_first": _("tient un rôle à retirer d’abord"),
    "suspended_already": _("compte déjà suspendu"),
    "gone_already": _("membre déjà parti"),
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
    "DirectoryUnavailable": _("l’annuaire ne répond pas"),
    "DirectoryRefused": _("l’annuaire refuse"),
}
HELD: dict[str, Text] = {
    "server_went_back": _("l’annuaire montre un contenu plus ancien"),
    "nothing_in_common": _("l’annuaire montre d’autres personnes"),
    "people": _("trop de départs"),
    "last_administrator": _("départ du dernier administrateur"),
    "groups": _("trop de collectifs fermés"),
    "memberships": _("trop d’appartenances perdues"),
}
# The columns of a member that are no item of a sheet.
FIELDS: dict[str, Text] = {
    "display_name": _("Nom affiché"),
    "mobile": _("Téléphone mobile"),
    "postal_address": _("Adresse postale"),
    "postal_code": _("Code postal"),
    "employee_type": _("Statut dans la coopérative"),
    "email_state": _("état de l’adresse e-mail"),
    "login_ambiguous": _("identifiant partagé"),
    "state": _("état"),
    "state_reason": _("raison de l’état"),
}
CHANGES: dict[str, Text] = {
    "new": _("nouveau"),
    "edit": _("modifié"),
    "end": _("fermé"),
    "return": _("rouvert"),
}


def held(code: str) -> Text:
    """What makes a pass wait; ``attribute x`` when many would lose x."""
    kind, _space, name = code.partition(" ")
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
}


def refusal(code: str) -> Text:
    """The sentence for ``CannotChange.reason``."""
    return REFUSALS.get(code, code)
