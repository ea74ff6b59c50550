"""Values of findings that pages may use."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from consent.types import Mode

# How far findings look back.
OBSERVED = timedelta(days=90)
# How old the impact assessment of a processing may be, and how long a tool has to confirm an erasure.
ASSESSED = timedelta(days=3 * 365)
ERASED = timedelta(days=30)
# An item that never had a value although its scope left so often has none.
OFTEN = 10
# How long a finding may be accepted: whoever accepts it looks at it again then.
ACCEPTED = timedelta(days=366)


class Kind(TextChoices):
    UNDECLARED = "F1", _("Transmis sans figurer sur la fiche")
    NOT_AGREED = "F2", _("Transmis sur la base d’un accord qui n’était pas donné")
    ENDED = "F3", _("Transmis après un retrait, une opposition, un gel, un effacement ou un départ")
    GROWN = "F4", _("Transmis sans être dans le texte que le membre a lu")
    OUTDATED = "F5", _("Information plus récente que celle qui a été lue")
    UNOBSERVED = "F6", _("Déclaré, mais pas transmis depuis 90 jours")
    EMPTY = "F8", _("Demandé, et toujours vide")
    OVERDUE = "F9", _("Contrat, transfert ou analyse d’impact à reprendre")
    SENSITIVE = "F10", _("Collectif devenu sensible, que l’outil connaît")
    LOOKUPS = "F11", _("Consultations bien au-dessus de l’habitude")
    UNLOGGED = "F12", _("Fait sans sa ligne au journal")
    KEPT = "F13", _("Membre effacé, dont l’outil n’a pas confirmé l’effacement")


class Level(TextChoices):
    ALARM = "alarm", _("ne doit jamais arriver")
    WARNED = "warned", _("part encore, et les membres le savent")
    OBSERVED = "observed", _("part encore, le temps d’observer")
    TASK = "task", _("attend votre décision")
    ASK = "ask", _("à présenter à la prochaine connexion")
    SUGGESTION = "suggestion", _("à retirer de la fiche, peut-être")


LEVELS: dict[Kind, Level] = {
    Kind.UNDECLARED: Level.ALARM,
    Kind.NOT_AGREED: Level.ALARM,
    Kind.ENDED: Level.ALARM,
    Kind.GROWN: Level.ALARM,
    Kind.OUTDATED: Level.ASK,
    Kind.UNOBSERVED: Level.SUGGESTION,
    Kind.EMPTY: Level.SUGGESTION,
    Kind.OVERDUE: Level.TASK,
    Kind.SENSITIVE: Level.TASK,
    Kind.LOOKUPS: Level.TASK,
    Kind.UNLOGGED: Level.ALARM,
    Kind.KEPT: Level.TASK,
}
# What leaves undeclared and is known to.
BY_MODE: dict[str, Level] = {Mode.WARN: Level.WARNED, Mode.OBSERVE: Level.OBSERVED}
# What happened is settled once somebody has dealt with it, and is back when it happens again; what is so may be
# accepted for a while, and goes by itself once it is no longer so.
SETTLED = frozenset({Kind.UNDECLARED, Kind.NOT_AGREED, Kind.ENDED, Kind.GROWN, Kind.LOOKUPS})


class FindingGone(Exception):
    """There is no such finding, or no longer: nothing is left to be decided."""


class DecisionInvalid(ValueError):
    """The code says why: ``until_missing``, ``until_past``, ``until_far``, ``not_accepted``, ``elsewhere`` or
    ``by_mode``.
    """


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a tool or a record, since when, and how often: releases, people or items, as its kind has it.

    ``last``: when it happened last, of what happens rather than is; ``reference``: the record it is about, if it is;
    ``mode``: by which mode of its tool it happens, until that is over.
    """

    kind: Kind
    tool: int | None
    since: datetime
    count: int
    items: tuple[str, ...] = ()
    last: datetime | None = field(default=None, compare=False)
    reference: str = ""
    mode: str = ""

    @property
    def level(self) -> Level:
        return BY_MODE[self.mode] if self.mode else LEVELS[self.kind]

    @property
    def code(self) -> str:
        """What it is about, whatever it counts; the same tomorrow."""
        return "-".join(filter(None, (str(self.kind), str(self.tool or 0), self.reference, self.mode)))


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
    mode: str = ""


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
class Restricted:
    """Since when nothing may leave of a member, for one tool or for all."""

    member: UUID
    tool: int | None
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """An item of a sheet in force, since when it is declared and when it was last seen to leave."""

    tool: int
    item: str
    since: datetime
    seen: datetime | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """How many members know another notice than the one in force."""

    tool: int
    since: datetime
    members: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a sheet would have stopped, or a mode let out, had it been in force."""

    releases: int = 0
    members: int = 0
    items: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the register: what F9 looks at.  ``holes`` are those that the register names."""

    reference: str
    tool: int | None
    since: datetime
    holes: frozenset[str] = frozenset()
    is_sensitive: bool = False
    assessed: date | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What the officer said of a finding: settled then, or accepted ``until`` a day."""

    kind: Kind
    tool: int | None
    reference: str
    items: frozenset[str]
    at: datetime
    until: date | None = None
