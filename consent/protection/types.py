"""Values of the officer's workspace."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.types import DataCategory

Text = str | Promise


class Urgency(TextChoices):
    """In the order in which the officer reads."""

    NOW = "now", _("À faire maintenant")
    SOON = "soon", _("À prévoir")
    KNOW = "know", _("À savoir")
    CALM = "calm", _("Rien à signaler")


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that may need the officer: counts, and never anybody's name.

    ``code`` stays the same whatever it says.
    """

    code: str
    title: Text
    sentence: Text
    urgency: Urgency
    address: str
    count: int | None = None


class Sight(TextChoices):
    """What is declared beside what was seen to leave; each has its sign, so that nobody needs its colour."""

    OBSERVED = "observed", _("transmis sans être déclaré")
    BOTH = "both", _("déclaré et transmis")
    DECLARED = "declared", _("déclaré, pas transmis en 90 jours")
    HIDDEN = "hidden", _("déclaré, non observable d’ici")


@dataclass(frozen=True, slots=True)
class Seen:
    """An item that left to a tool, since when within the days looked at, until when and how often."""

    first: datetime
    last: datetime
    times: int
    channels: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """An item of a sheet in force: since when the sheet is, and what the item is for."""

    since: datetime
    basis: str
    why: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a tool; without a sight it left under an older sheet, and not since."""

    item: str
    sight: Sight | None
    stated: Stated | None = None
    seen: Seen | None = None

    @property
    def is_former(self) -> bool:
        return self.sight is None


@dataclass(frozen=True, slots=True)
class Cell:
    """The items of one category together; the worst of them decides.  ``of`` are declared, ``seen`` of those left."""

    category: DataCategory
    sight: Sight | None
    lines: tuple[Line, ...] = ()

    @property
    def of(self) -> int:
        return sum(each.stated is not None for each in self.lines)

    @property
    def seen(self) -> int:
        return sum(each.sight is Sight.BOTH for each in self.lines)

    @property
    def beyond(self) -> int:
        return sum(each.sight is Sight.OBSERVED for each in self.lines)


@dataclass(frozen=True, slots=True)
class Answered:
    """So many members with the same answer: what they agreed to, or refused, whole or in part by an objection."""

    items: frozenset[str]
    is_refusal: bool
    members: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many of those who could say yes did, as a whole percentage; of nobody there is none."""

    yes: int
    of: int

    @property
    def percent(self) -> int | None:
        return round(100 * self.yes / self.of) if self.of else None


@dataclass(frozen=True, slots=True)
class Shares:
    """What members made of a purpose: all of it, and item by item.  ``objected`` are those who object to it."""

    total: Share
    items: tuple[tuple[str, Share], ...] = ()
    objected: int = 0
