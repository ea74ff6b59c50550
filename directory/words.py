"""Words for the codes that the directory's passes write to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory.types import MemberState, Role, Status

Text = str | Promise

REASONS: dict[str, Text] = {
    "former_branch": _("rangé parmi les anciens membres"),
    "locked_for_good": _("compte verrouillé dans l’annuaire"),
    "entry_gone": _("fiche disparue de l’annuaire"),
    "out_of_scope": _("fiche déplacée hors des membres"),
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
