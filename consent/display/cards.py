"""The card of a tool in « Mes données »: what it gets, what it is for, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from consent.corrections.types import Correction
from consent.display.words import Text, item_label
from consent.models import Objection, ProcessingPurpose
from consent.selectors import Relation
from consent.types import ALWAYS, Face

# Why every tool gets its own identifiers, with or without a sheet.
ALWAYS_WHY: dict[str, Text] = {
    "identifier": _("Reconnaître votre compte sans donner votre nom."),
    "session": _("Vous déconnecter de partout en une fois."),
}


@dataclass(frozen=True, slots=True)
class CardItem:
    """One data item on a tool's card: why it is wanted, and what became of it.

    ``current`` is true for an item that was part of the last day's transmissions, whose time the card tells once.
    """

    code: str
    label: Text
    why: Text
    last: datetime | None
    current: bool
    refused: bool = False
    declared: bool = True
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class CardGroup:
    """A purpose on a tool's card; none for what no purpose of today's sheet covers."""

    purpose: ProcessingPurpose | None
    items: list[CardItem]
    objection: Objection | None = None
    may_object: bool = False
    may_choose: bool = False


def card_groups(relation: Relation) -> list[CardGroup]:
    """What a tool gets, by what it is for; then what it received beyond its sheet, identifiers last."""
    last = {each.item: each.last for each in relation.received}
    consent = relation.consent
    refused = frozenset(consent.refused_items) if consent and consent.ended_at is None else frozenset[str]()
    corrected = {each.item: each for each in relation.corrections}
    objected = {item: each for each in relation.objections for item in each.items}

    def row(code: str, why: Text, *, declared: bool = True) -> CardItem:
        at = last.get(code)
        current = at is not None and relation.last is not None and at.date() == relation.last.date()
        return CardItem(code, item_label(code), why, at, current, code in refused, declared, corrected.get(code))

    may_choose = relation.stands and not relation.outdated
    found, on_the_sheet = [], set(ALWAYS)
    for purpose in relation.purposes:
        codes = {each.item: each.shown_why for each in purpose.items.all()}
        on_the_sheet |= codes.keys()
        # What was never sent under an agreement that is over will not be: nothing to tell.
        rows = [row(code, why) for code, why in codes.items() if code in last or not relation.ended]
        objections = [objected.get(code) for code in codes]
        objection = objections[0] if objections and all(objections) else None
        may_object = purpose.face == Face.OBJECTION and objection is None and bool(codes)
        if rows or not relation.ended:
            found.append(CardGroup(purpose, rows, objection, may_object, may_choose and purpose.face == Face.CONSENT))
    beyond = [row(code, "", declared=False) for code in last if code not in on_the_sheet]
    beyond += [row(code, why) for code, why in ALWAYS_WHY.items() if code in last]
    return [*found, CardGroup(None, beyond)] if beyond or not found else found
