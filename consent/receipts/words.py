"""States of a decision in the member's words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.display import basis_words
from consent.dpv import BASES
from consent.receipts.types import State

STATES: dict[State, str | Promise] = {
    State.REQUESTED: _("Accord demandé"),
    State.ACKNOWLEDGED: _("Information lue"),
    State.GIVEN: _("Accord donné"),
    State.REFUSED: _("Rien de facultatif accordé"),
    State.TAKEN_BACK: _("Accord retiré"),
    State.EXPIRED: _("Échu : le texte a changé"),
    State.TERMINATED: _("Remplacé par une décision plus récente"),
}
BADGES = {
    State.GIVEN: "ok",
    State.ACKNOWLEDGED: "ok",
    State.REFUSED: "wait",
    State.TAKEN_BACK: "wait",
    State.EXPIRED: "wait",
}


def state_words(state: State) -> str | Promise:
    return STATES[state]


def state_badge(state: State) -> str:
    return BADGES.get(state, "")


def term_words(term: str) -> str | Promise:
    """The legal basis that a record names by its term."""
    return next((basis_words(basis) for basis, known in BASES.items() if known == term), term)
