"""Values of findings that pages may use."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

# How far findings look back.
OBSERVED = timedelta(days=90)


class Kind(TextChoices):
    UNDECLARED = "F1", _("Transmis sans figurer sur la fiche")
    NOT_AGREED = "F2", _("Transmis sur la base d’un accord qui n’était pas donné")
    ENDED = "F3", _("Transmis après un retrait, une opposition, un effacement ou un départ")
    OUTDATED = "F5", _("Information plus récente que celle qui a été lue")
    UNOBSERVED = "F6", _("Déclaré, mais pas transmis depuis 90 jours")


class Level(TextChoices):
    ALARM = "alarm", _("ne doit jamais arriver")
    ASK = "ask", _("à présenter à la prochaine connexion")
    SUGGESTION = "suggestion", _("à retirer de la fiche, peut-être")


LEVELS: dict[Kind, Level] = {
    Kind.UNDECLARED: Level.ALARM,
    Kind.NOT_AGREED: Level.ALARM,
    Kind.ENDED: Level.ALARM,
    Kind.OUTDATED: Level.ASK,
    Kind.UNOBSERVED: Level.SUGGESTION,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a tool, since when, and how often: releases, people or items, as its kind has it."""

    kind: Kind
    tool: int
    since: datetime
    count: int
    items: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        return LEVELS[self.kind]


@dataclass(frozen=True, slots=True)
class Sent:
    """What left alike of somebody to a tool, so many times, on one decision of theirs; the identifiers left out."""

    member: UUID
    tool: int
    items: frozenset[str]
    processing: int | None
    decision: int
    first: datetime
    last: datetime
    count: int = 1


@dataclass(frozen=True, slots=True)
class Agreed:
    """A decision by which items leave, and its end; ``withdrawn``: the member took it back."""

    number: int
    member: UUID
    tool: int
    items: frozenset[str]
    since: datetime
    until: datetime | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Objected:
    member: UUID
    tool: int
    items: frozenset[str]
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """An item of a sheet in force, since when it is declared and when it was last seen to leave."""

    tool: int
    item: str
    since: datetime
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """How many members know another notice than the one in force."""

    tool: int
    since: datetime
    members: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a sheet would have stopped, had it been in force."""

    releases: int = 0
    members: int = 0
    items: tuple[str, ...] = field(default=())
