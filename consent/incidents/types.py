"""Values of breaches: what each step says, and what stands once all are read."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from pydantic import ConfigDict

_CLOSED = ConfigDict(extra="forbid")


class Nature(TextChoices):
    """What was lost (article 4(12), EDPB guidelines 9/2022)."""

    CONFIDENTIALITY = "confidentiality", _("confidentialité : des données ont été vues ou copiées")
    INTEGRITY = "integrity", _("intégrité : des données ont été modifiées")
    AVAILABILITY = "availability", _("disponibilité : des données sont perdues ou hors d’atteinte")


class Risk(TextChoices):
    """For the people concerned: it decides who is told (articles 33(1) and 34(1))."""

    NONE = "none", _("aucun risque probable : registre interne seulement")
    SOME = "some", _("un risque : la CNIL est avertie")
    HIGH = "high", _("un risque élevé : la CNIL et les personnes sont averties")


class Phase(TextChoices):
    """A notice may come in phases (article 33(4))."""

    INITIAL = "initial", _("notification initiale")
    COMPLEMENT = "complement", _("complément")


class StepKind(TextChoices):
    FACTS = "facts", _("Faits")
    COUNT = "count", _("Personnes comptées")
    ASIDE = "aside", _("Comptage écarté")
    RISK = "risk", _("Risque apprécié")
    FORM = "form", _("Brouillon pour la CNIL")
    LETTER = "letter", _("Lettre aux personnes")
    NOTICE = "notice", _("CNIL avertie")
    TELLING = "telling", _("Personnes averties")
    CLOSING = "closing", _("Dossier clos")


class IncidentInvalid(ValueError):
    """What cannot be kept: a code by the field it is about; the empty name is all of it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {said}" for place, said in problems.items()))
        self.problems = problems


class IncidentChanged(Exception):
    """Another step was written since the page was shown."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known so far.  ``aware`` starts the clock, and ``hours`` is the delay that the law gave on that day.

    ``people`` and ``entries`` are estimates, for what the hub cannot count.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    title: str
    natures: tuple[Nature, ...]
    aware: datetime
    hours: int
    began: datetime | None = None
    ended: datetime | None = None
    noticed: datetime | None = None
    happened: str = ""
    people: int | None = None
    entries: int | None = None
    consequences: str = ""
    measures: str = ""

    @property
    def deadline(self) -> datetime:
        return self.aware + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class Sealed:
    """How far a log was signed: the note can be checked for as long as the log is kept."""

    log: str
    size: int
    note: str


@dataclass(frozen=True, slots=True)
class Count:
    """Of how many people a tool held something in a window, what, and how far the journal had come when it was asked.

    ``entries`` are items of people; ``sensitive`` are the items and rubrics that article 9 may be about.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    tool: int
    tool_name: str
    since: datetime
    until: datetime
    people: int
    entries: int
    categories: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()
    sealed: tuple[Sealed, ...] = ()


@dataclass(frozen=True, slots=True)
class Aside:
    """A count that was of the wrong tool or window: it stays in the file, and is part of no draft any more."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    number: int


@dataclass(frozen=True, slots=True)
class Decision:
    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    risk: Risk
    reason: str


@dataclass(frozen=True, slots=True)
class Form:
    """The headings of the CNIL's online notification, as we know them."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    controller: str = ""
    contact: str = ""
    dates: str = ""
    nature: str = ""
    circumstances: str = ""
    data: str = ""
    people: str = ""
    numbers: str = ""
    consequences: str = ""
    measures: str = ""
    telling: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """Article 34(2): in clear and plain language."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Notice:
    """``late`` says why, after the delay (article 33(1)); ``number`` is the authority's receipt."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    at: datetime
    phase: Phase
    number: str = ""
    late: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    at: datetime
    how: str
    people: int


@dataclass(frozen=True, slots=True)
class Closing:
    """``reason`` is needed where people at high risk were not told (article 34(3))."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    reason: str = ""


Content = Facts | Count | Aside | Decision | Form | Letter | Notice | Telling | Closing


class Pace(TextChoices):
    """How the clock stands."""

    UNDECIDED = "undecided", _("risque à apprécier")
    TO_NOTIFY = "to_notify", _("CNIL à avertir")
    LATE = "late", _("délai dépassé")
    NOTIFIED = "notified", _("CNIL avertie dans le délai")
    NOTIFIED_LATE = "notified_late", _("CNIL avertie après le délai")
    NOT_DUE = "not_due", _("sans notification")


@dataclass(frozen=True, slots=True)
class Clock:
    """``spent`` is the part of the delay that is over, in hundredths, 100 at most."""

    pace: Pace
    deadline: datetime
    left: timedelta
    spent: int
    total: int

    @property
    def is_running(self) -> bool:
        return self.pace in (Pace.UNDECIDED, Pace.TO_NOTIFY, Pace.LATE)

    @property
    def hours(self) -> int:
        """Whole hours that are left, or by which it is over."""
        return int(abs(self.left) // timedelta(hours=1))

    @property
    def minutes(self) -> int:
        return int(abs(self.left) % timedelta(hours=1) // timedelta(minutes=1))

    @property
    def days(self) -> list[str]:
        """Where each day of the delay ends, in hundredths of it."""
        return [f"{100 * hours / self.total:.2f}" for hours in range(24, self.total, 24)]


@dataclass(frozen=True, slots=True)
class Standing:
    """What all steps of a breach say together; ``counts`` by the number of their steps."""

    facts: Facts
    counts: tuple[tuple[int, Count], ...] = ()
    decision: Decision | None = None
    form: Form | None = None
    letter: Letter | None = None
    notices: tuple[Notice, ...] = ()
    tellings: tuple[Telling, ...] = ()
    closing: Closing | None = None
