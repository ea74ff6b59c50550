"""What is compared: the apps that own the rows hand them over when they are ready, as they hand over their words."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from django.db.models import CharField, Exists, F, Max, OuterRef, Q, QuerySet, Value
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import Event, Leaf, Log, Pending
from audit.parts import ERASING, GONE, Role
from audit.reconciliation.matching import Fact, Line, unmatched
from audit.types import Action

Text = str | Promise
AT_ONCE = 1000
# A row and its line are written in one transaction, most of them by one clock.
SLACK = timedelta(minutes=2)
# What began before is over, and what it wrote is there to be read.
SETTLED = timedelta(minutes=5)
END = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """From ``since`` to before ``until``; ``leaf``: the entry up to which logs were compared before, 0 for none.

    ``kept``: how rows without a time were at ``kept_at``, by source.
    """

    since: datetime
    until: datetime
    leaf: int = 0
    kept: Mapping[str, Any] = field(default_factory=dict)
    kept_at: datetime | None = None


@dataclass(slots=True)
class Compared:
    """How many rows were looked at so far, and what the next comparison needs to know of them; complete once the gaps
    were read to their end.
    """

    examined: int = 0
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows beside each of which a line must stand.

    ``at``, ``person`` and ``tool`` are columns; where the tool is not said, any line of the person will do.
    """

    code: str
    label: Text
    actions: tuple[Action, ...]
    rows: Callable[[], QuerySet[Any]]
    at: str
    person: str = ""
    tool: str = ""
    slack: timedelta = SLACK

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        """Two statements, read row by row; what lies just outside is read too, or it would lend its lines."""
        for fact in unmatched(self._facts(window, compared), self._lines(window), self.slack):
            if window.since <= fact.at < window.until:
                yield fact

    def _facts(self, window: Window, compared: Compared) -> Iterator[Fact]:
        since, until = window.since - self.slack, window.until + self.slack
        rows = self.rows().filter(**{f"{self.at}__gte": since, f"{self.at}__lt": until}).order_by(self.at)
        for fact in self._read(rows):
            compared.examined += window.since <= fact.at < window.until
            yield fact

    def _read(self, rows: QuerySet[Any]) -> Iterator[Fact]:
        columns = [F(name) if name else Value(None, CharField()) for name in (self.at, self.person, self.tool)]
        for row, at, person, tool in rows.values_list("pk", *columns).iterator(AT_ONCE):
            yield Fact(at, (person, tool), str(row))

    def _without_line(
        self, moved: Iterable[Fact], others: Iterable[Fact], window: Window, kept_at: datetime
    ) -> Iterator[Fact]:
        """Those that no line since then is about; ``others``: rows that need the lines of their own date."""
        listed = list(moved)
        if not listed:
            return
        # Up to this moment, for so the rows were read.
        lines = Counter(line.about for line in self._lines_between(kept_at - self.slack, END))
        lines.subtract(fact.about for fact in others if kept_at <= fact.at < window.until)
        for fact in listed:
            lines[fact.about] -= 1
            if lines[fact.about] < 0:
                yield fact

    def _lines(self, window: Window) -> Iterator[Line]:
        return self._lines_between(window.since - 2 * self.slack, window.until + 2 * self.slack)

    def _lines_between(self, since: datetime, until: datetime) -> Iterator[Line]:
        rows = Event.objects.filter(action__in=self.actions, at__gte=since, at__lt=until).order_by("at")
        for at, person, tool in rows.values_list("at", "subject_key__person", "tool").iterator(AT_ONCE):
            yield Line(at, (person if self.person else None, tool if self.tool else None))


@dataclass(frozen=True, slots=True)
class Numbered(Source):
    """Rows whose numbers only grow: one that is new and bears another date than today's was dated by somebody, and
    needs a line about the same person and tool since the last comparison.
    """

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        yield from Source.gaps(self, window, compared)
        compared.kept[self.code] = self.rows().aggregate(last=Max("pk"))["last"] or 0
        before, kept_at = window.kept.get(self.code), window.kept_at
        if before is None or kept_at is None:
            return
        elsewhen = Q(**{f"{self.at}__lt": window.since}) | Q(**{f"{self.at}__gte": window.until + SETTLED})
        dated = self._read(self.rows().filter(elsewhen, pk__gt=before))
        others = self._read(self.rows().filter(**{f"{self.at}__gte": kept_at}))
        yield from self._without_line(dated, others, window, kept_at)


@dataclass(frozen=True, slots=True)
class Standing(Source):
    """Rows so few, and worth so much, that all of them are compared each night with how they were the last time.

    Whoever dates a row at will, or changes one that was compared, would not be seen otherwise.  Whatever its date, a
    row that is new or another one needs a line about the same person since.  ``holds``: the columns that it may not
    change without one.
    """

    holds: tuple[str, ...] = ()

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        yield from Source.gaps(self, window, compared)
        now = dict(self._all())
        compared.kept[self.code] = {fact.row: digest for fact, digest in now.items()}
        before, kept_at = window.kept.get(self.code), window.kept_at
        if before is None or kept_at is None:
            return
        # What is dated otherwise was compared above, or will be the next time.
        moved = [
            fact
            for fact, digest in now.items()
            if before.get(fact.row) != digest and not window.since <= fact.at < window.until + SETTLED
        ]
        compared.examined += len(moved)
        yield from self._without_line(moved, now, window, kept_at)

    def _all(self) -> Iterator[tuple[Fact, str]]:
        columns = [F(name) if name else Value(None, CharField()) for name in (self.at, self.person, self.tool)]
        rows = self.rows().order_by("pk").values_list("pk", *columns, *self.holds)
        for row, at, person, tool, *held in rows.iterator(AT_ONCE):
            told = json.dumps([at, person, tool, *held], default=str)
            yield Fact(at, (person, tool), str(row)), sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Whole:
    """One thing made of rows without a time: how many there are, and a digest of them."""

    row: str
    count: int
    digest: str


class Told(NamedTuple):
    """How many rows may have come to one thing and left it, as the journal tells since."""

    came: int
    left: int


@dataclass(frozen=True, slots=True)
class Wholes:
    """Things that change only where the journal says so, and by no more rows than it says.

    What is compared is how they are now with how they were the last time; ``told`` answers for a moment and one thing.
    """

    code: str
    label: Text
    actions: tuple[Action, ...]
    read: Callable[[], Iterator[Whole]]
    told: Callable[[datetime], Callable[[str], Told]]
    slack: timedelta = SLACK

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        now: dict[str, list[Any]] = {each.row: [each.count, each.digest] for each in self.read()}
        compared.kept[self.code] = now
        compared.examined += sum(count for count, _digest in now.values())
        before = window.kept.get(self.code)
        if before is None or window.kept_at is None:
            return
        told = self.told(window.kept_at - self.slack)
        for row in sorted(before.keys() | now.keys()):
            was, stands = before.get(row, [0, ""]), now.get(row, [0, ""])
            if was == stands:
                continue
            came, left = told(row)
            if not (came or left) or not -left <= stands[0] - was[0] <= came:
                yield Fact(window.until, None, row)


class LinesWithoutEntry:
    """A line that neither has a place in a log nor waits for one."""

    code = "audit.line"
    label = _("Lignes du journal sans place dans un registre de preuve")

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        rows = Event.objects.filter(at__gte=window.since, at__lt=window.until)
        compared.examined += rows.count()
        placed = Exists(Leaf.objects.filter(reference=OuterRef("reference")))
        waiting = Exists(Pending.objects.filter(reference=OuterRef("reference")))
        missing = rows.exclude(placed).exclude(waiting).order_by("at")
        for reference, at in missing.values_list("reference", "at").iterator(AT_ONCE):
            yield Fact(at, None, str(reference))


class EntriesWithoutLine:
    """An entry of a log whose line is gone from the journal, and no erasure announced it."""

    code = "audit.entry"
    label = _("Entrées des registres de preuve sans ligne du journal")

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        entries = Leaf.objects.filter(pk__gt=window.leaf)
        compared.examined += entries.count()
        told = Exists(Event.objects.filter(reference=OuterRef("reference")))
        missing = entries.exclude(told)
        announced = _announced(window)
        for log in Log.objects.filter(leaves__in=missing).distinct():
            own = missing.filter(log=log).order_by("pk")
            if announced.get(log.name, 0) >= own.count():
                continue
            for reference in own.values_list("reference", flat=True).iterator(AT_ONCE):
                yield Fact(window.until, None, str(reference))


def _announced(window: Window) -> dict[str, int]:
    """How many common parts erasures say are gone, by log: all erasures, where every entry is compared."""
    counts: dict[str, int] = {}
    lines = Event.objects.filter(action__in=ERASING)
    if window.leaf:
        lines = lines.filter(at__gte=window.since)
    for facts in lines.values_list("facts", flat=True).iterator(AT_ONCE):
        for log, gone in (facts.get(GONE) or {}).items():
            counts[log] = counts.get(log, 0) + int(gone.get(Role.COMMON.value, 0))
    return counts


class Compares(Protocol):
    """Something that is compared every night; ``gaps`` reads while it is iterated."""

    @property
    def code(self) -> str: ...

    @property
    def label(self) -> Text: ...

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]: ...


_sources: dict[str, Compares] = {each.code: each for each in (LinesWithoutEntry(), EntriesWithoutLine())}


def compare_with(*sources: Compares) -> None:
    """Called by the apps that own the rows, when they are ready."""
    _sources.update({each.code: each for each in sources})


def sources() -> list[Compares]:
    return list(_sources.values())


def label_of(code: str) -> Text:
    """Of one that this version no longer compares, its code."""
    return _sources[code].label if code in _sources else code


def expected_of(code: str) -> tuple[Action, ...]:
    """Which lines should have been there, one or another."""
    source = _sources.get(code)
    return source.actions if isinstance(source, Source | Wholes) else ()
