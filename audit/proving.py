"""Some lines of the journal with the proof that each stands in a signed log, for somebody who does not trust this hub.

Of every log one pass, batch by batch: what comes later in the export waits in a file that has no name.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from json import loads
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from audit import bundle, merkle, releases, witnesses
from audit.bundle import Disclosed, Proved, Sink
from audit.models import Event, Leaf, Log
from audit.parts import Part, Role, from_base64url
from audit.sequencer import ExpectedTiles

AT_ONCE = 256


class Placed(NamedTuple):
    number: int
    entry: bytes
    event: Event


# What of an event is shown; what of it is kept back is counted, by role.
Show = Callable[[Event, Counter[str]], Iterator[Part]]
# Told of each batch once its entries have been read.
Follow = Callable[[Sequence[Placed]], None]


@dataclass(frozen=True, slots=True)
class Lines:
    """What was looked for, and the lines that say what tools received of it: references, which are few."""

    rows: QuerySet[Event]
    described: Sequence[UUID]

    @classmethod
    def of(cls, rows: QuerySet[Event]) -> "Lines":
        return cls(rows.select_related(None).order_by(), releases.descriptions(rows))


@dataclass(frozen=True, slots=True)
class Signed:
    """A log as far as its newest checkpoint goes."""

    log: Log
    checkpoint: str

    @property
    def size(self) -> int:
        return bundle.size_of(self.checkpoint)

    def places(self, rows: QuerySet[Event]) -> QuerySet[Leaf]:
        return self._leaves().filter(reference__in=rows.values("reference"))

    def read(self, lines: Lines) -> Iterator[list[Placed]]:
        """In the order of the log, nothing twice; one statement for each batch."""
        columns = "index", "entry", "reference"
        # Apart: one condition for both would be looked for from one end of the log to the other.
        apart = self.places(lines.rows), self._leaves().filter(reference__in=lines.described)
        places = _once(merge(*(each.values_list(*columns).iterator(AT_ONCE) for each in apart)))
        events = Event.objects.select_related("tool", "actor_tool", "subject_key", "actor_key")
        while some := list(islice(places, AT_ONCE)):
            found = events.in_bulk([reference for _, _, reference in some], field_name="reference")
            # One may have been erased since its place was read.
            kept = [Placed(at, bytes(entry), found[which]) for at, entry, which in some if which in found]
            if kept:
                yield kept

    def _leaves(self) -> QuerySet[Leaf]:
        return Leaf.objects.filter(log=self.log, index__lt=self.size).order_by("index")


def signed_logs() -> list[Signed]:
    """Every log that anybody has signed, the oldest first; what witnesses signed of it goes along."""
    last = [(log, log.checkpoints.order_by("-size").first()) for log in Log.objects.order_by("pk")]
    return [Signed(log, witnesses.with_lines([checkpoint])[0]) for log, checkpoint in last if checkpoint is not None]


class Run:
    """What is shown of one log; ``count`` and ``withheld`` are known once it has been put and read.

    ``parts`` is where parts wait while the proofs are written.
    """

    def __init__(self, signed: Signed, lines: Lines, *, show: Show, parts: IO[bytes], follow: Follow | None = None):
        self._signed, self._show, self._parts, self._follow = signed, show, parts, follow
        self._tiles = ExpectedTiles(signed.log, signed.size)
        self._batches = signed.read(lines)
        self._first = next(self._batches, None)
        self.count, self.withheld = 0, Counter[str]()

    @property
    def is_empty(self) -> bool:
        return self._first is None

    def put(self, sink: Sink) -> None:
        bundle.write_person(
            sink,
            self._signed.log.name,
            checkpoint=self._signed.checkpoint,
            proved=self._proved(),
            parts=self._kept_parts(),
        )

    def _proved(self) -> Iterator[Proved]:
        prover = merkle.Prover(self._tiles, self._signed.size)
        for batch in chain([self._first or []], self._batches):
            self._tiles.expect(each.number for each in batch)
            for placed in batch:
                self.count += 1
                for part in self._show(placed.event, self.withheld):
                    self._parts.write(bundle.disclosed_line(Disclosed(placed.event.reference, part)))
                yield Proved(placed.number, placed.entry, prover.proof(placed.number))
            if self._follow:
                self._follow(batch)

    def _kept_parts(self) -> Iterator[Disclosed]:
        self._parts.seek(0)
        for written in self._parts:
            row: dict[str, Any] = loads(written)
            yield Disclosed(UUID(row["id"]), Part(Role(row["role"]), from_base64url(row["salt"]), row["json"]))


def _once(places: Iterator[Any]) -> Iterator[Any]:
    before = -1
    for row in places:
        if row[0] > before:
            yield row
        before = row[0]
