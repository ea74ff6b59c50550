"""Reading breaches: all of them, one of them, what is due, and of whom a tool held something."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from audit.proof import selectors as proof
from consent.incidents import policy
from consent.incidents.models import Incident, IncidentStep
from consent.incidents.types import Clock, Count, Pace, Sealed, Standing, StepKind
from consent.ledger.holdings import Concerned, held_by
from consent.register import policy as register
from consent.register import selectors as registered
from consent.register.models import RegisterVersion
from consent.register.types import SENSITIVE
from consent.types import ITEMS, RecipientRole
from directory.models import Member

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Known:
    """A breach as it stands."""

    incident: Incident
    standing: Standing
    steps: tuple[IncidentStep, ...]
    clock: Clock

    @property
    def version(self) -> int:
        """What was written last: who writes next says what they saw."""
        return self.steps[-1].number

    @property
    def people(self) -> int | None:
        return policy.people_of(self.standing)

    @property
    def entries(self) -> int | None:
        return policy.entries_of(self.standing)


@dataclass(frozen=True, slots=True)
class Due:
    """What somebody has to do about a breach, and until when; ``what`` is a code."""

    reference: str
    title: str
    what: str
    at: datetime
    is_late: bool


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody to write to; no address for whom the hub has none any more."""

    member: Member | None
    concerned: Concerned


def incidents(now: datetime) -> list[Known]:
    """All breaches, the newest first.  Two statements."""
    rows = Incident.objects.prefetch_related("steps").order_by("-opened_at", "-pk")
    return [_known(row, tuple(row.steps.all()), now) for row in rows]


def incident(reference: str, now: datetime) -> Known | None:
    row = Incident.objects.filter(reference=reference).first()
    return _known(row, tuple(row.steps.select_related("author")), now) if row else None


def due(now: datetime) -> list[Due]:
    """What waits for the officer, the most urgent first.  Two statements."""
    found = []
    for each in incidents(now):
        said = each.incident.reference, each.standing.facts.title
        if each.standing.closing is not None:
            continue
        if each.clock.is_running:
            what = "decide" if each.clock.pace is Pace.UNDECIDED else "notify"
            found.append(Due(*said, what, each.clock.deadline, each.clock.pace is Pace.LATE))
        if policy.owes_telling(each.standing):
            # "Without undue delay", article 34(1): no later than the authority.
            found.append(Due(*said, "tell", each.clock.deadline, now > each.clock.deadline))
    return sorted(found, key=lambda each: each.at)


def closed_before(cut: datetime) -> QuerySet[Incident]:
    """Files in which nothing was written since, and which were closed by then."""
    files = Incident.objects.annotate(last=Max("steps__at")).filter(last__lt=cut)
    return files.filter(Exists(IncidentStep.objects.filter(incident=OuterRef("pk"), kind=StepKind.CLOSING)))


def tools() -> list[tuple[int, str]]:
    """Every tool, also those that are closed: they may hold something still."""
    model: Any = apps.get_model(settings.OAUTH2_PROVIDER_APPLICATION_MODEL)
    return list(model.objects.order_by("name", "pk").values_list("pk", "name"))


def separate(counts: Iterable[Count]) -> list[str]:
    """Of the tools that were counted, those that answer for their data themselves (article 4(7)), by name."""
    names = {each.tool: each.tool_name for each in counts}
    rows = registered.in_force().filter(record__tool__in=names).values_list("record__tool_id", "content")
    return [
        names[tool]
        for tool, content in rows
        if any(each.fed and each.role == RecipientRole.SEPARATE for each in register.content_of(content).recipients)
    ]


def count(tool_id: int, *, since: datetime, until: datetime) -> Count:
    """The question after a breach: of how many people the tool held what at any moment of the window."""
    people, items, categories = 0, Counter[str](), Counter[str]()
    for each in held_by(tool_id, since=since, until=until):
        people += 1
        items.update(each.items)
        categories.update(category.value for category in each.categories)
    return Count(
        tool=tool_id,
        tool_name=dict(tools()).get(tool_id, ""),
        since=since,
        until=until,
        people=people,
        entries=items.total(),
        categories={code: categories[code] for code in sorted(categories)},
        items={code: items[code] for code in [*ITEMS, *sorted(items.keys() - ITEMS)] if items[code]},
        sensitive=(
            *(code for code in ITEMS if items[code] and code in policy.TELLING_ITEMS),
            *_sensitive(tool_id, since=since, until=until),
        ),
        sealed=tuple(Sealed(*each) for each in proof.last_notes()),
    )


def addressees(asked: Count) -> Iterator[Addressee]:
    """Everyone whom this question finds now, batch by batch: whoever was erased meanwhile is in nobody's list."""
    batch: list[Concerned] = []
    for each in held_by(asked.tool, since=asked.since, until=asked.until):
        batch.append(each)
        if len(batch) == AT_ONCE:
            yield from _with_members(batch)
            batch = []
    yield from _with_members(batch)


def _with_members(batch: list[Concerned]) -> Iterator[Addressee]:
    members = Member.objects.in_bulk([each.member for each in batch])
    return (Addressee(members.get(each.member), each) for each in batch)


def _sensitive(tool_id: int, *, since: datetime, until: datetime) -> Iterator[str]:
    """What the register says of the tool in the window that article 9 or 10 is about."""
    rows = RegisterVersion.objects.filter(record__tool_id=tool_id, started_at__lte=until)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gte=since)).order_by("version")
    said = {row.rubric for each in rows for row in register.content_of(each.content).data}
    return (rubric.value for rubric in sorted(SENSITIVE) if rubric in said)


def _known(row: Incident, steps: tuple[IncidentStep, ...], now: datetime) -> Known:
    standing = policy.standing_of((each.number, each.kind, each.content) for each in steps)
    return Known(row, standing, steps, policy.clock(standing, now))
