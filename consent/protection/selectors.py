"""Reading what is declared, what left and what changed, for the officer's pages."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from consent.display import item_label
from consent.findings import selectors as findings
from consent.findings.models import FindingDecision
from consent.findings.types import OBSERVED, SETTLED, Finding, Kind
from consent.models import (
    Consent,
    Disclosure,
    Holding,
    Notice,
    Objection,
    Processing,
    ProcessingItem,
    ProcessingPurpose,
)
from consent.protection import policy, words
from consent.protection.types import Answered, Cell, Line, Seen, Shares, Stated, Text
from consent.register import policy as register
from consent.register.models import RegisterRecord
from consent.register.selectors import in_force
from consent.register.types import Recipient, Transfer
from consent.types import ALWAYS, WITHDRAWN, Decision

# What changed since the officer was here, where no visit is known.
A_MONTH = timedelta(days=30)
# From when on a contract that ends is worth a letter.
CONTRACT_ENDS = timedelta(days=60)
CHANGES = (
    *(Action.SHEET_DECLARED, Action.REGISTER_CHANGED, Action.REGISTER_CLOSED, Action.REGISTER_IMPORTED),
    *(Action.REGISTER_EXPORTED, Action.TOOL_CREATED, Action.TOOL_CHANGED, Action.TOOL_CLOSED, Action.TOOLS_PAIRED),
    *(Action.CONSENT_WITHDRAWN, Action.CONSENT_REFUSED, Action.OBJECTED, Action.OBJECTION_ENDED),
    *(Action.ERASURE_CONFIRMED, Action.MEMBER_ERASED, Action.PERSON_ERASED, Action.COLLECTIVE_MARKED),
    *(Action.RETENTION_CHANGED, Action.RETENTION_RUN, Action.HOLD_PUT, Action.HOLD_LIFTED, Action.LOG_EXPORTED),
    *(Action.ROLE_GRANTED, Action.ROLE_REVOKED, Action.FACTOR_POLICY_CHANGED, Action.SOURCE_CHANGED),
)


@dataclass(frozen=True, slots=True)
class Changed:
    """How often something happened that may matter to the officer."""

    action: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool in the picture, with a cell for each category."""

    tool: Any
    cells: list[Cell]
    has_sheet: bool


def tools() -> Any:
    """Every tool that is not a sketch any more, by name; tools live above, and are reached by the relation."""
    return Disclosure._meta.get_field("tool").related_model._default_manager.order_by("name")


def visit_before(person: UUID) -> datetime | None:
    """When this person signed in the time before this one; one statement."""
    visits = Event.objects.about(person).filter(action=Action.SIGN_IN, refused=False).order_by("-id")
    return next(iter(visits.values_list("at", flat=True)[1:2]), None)


def changed_since(since: datetime) -> list[Changed]:
    """What was done since, the most frequent first; one statement."""
    rows = Event.objects.filter(action__in=CHANGES, at__gt=since, refused=False).order_by()
    counted = rows.values_list("action").annotate(count=Count("pk"))
    found = [Changed(code, str(Action(code).label), count) for code, count in counted]
    return sorted(found, key=lambda each: (-each.count, each.label))


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with what it is about: a tool, its record in the register where it has one, or the hub."""

    finding: Finding
    tool: Any
    reference: str

    @property
    def why(self) -> Text:
        return words.BY_MODE[0] if self.finding.mode else words.WHY[self.finding.kind]

    @property
    def to_do(self) -> Text:
        return words.BY_MODE[1] if self.finding.mode else words.TO_DO[self.finding.kind]

    @property
    def labels(self) -> list[Text]:
        return [words.OVERDUE.get(each) or item_label(each) for each in self.finding.items]

    @property
    def is_settled(self) -> bool:
        """Whether somebody says what was done about it; others are accepted for a while."""
        return self.finding.kind in SETTLED

    @property
    def is_decided_here(self) -> bool:
        return self.finding.kind is not Kind.UNLOGGED and not self.finding.mode

    @property
    def is_compared(self) -> bool:
        return self.finding.kind is Kind.UNLOGGED

    @property
    def is_of_lookups(self) -> bool:
        return self.finding.kind is Kind.LOOKUPS

    @property
    def counted(self) -> Text:
        return words.COUNTED[self.finding.kind]


@dataclass(frozen=True, slots=True)
class Said:
    """A decision about a finding, and whether there still is something that it covers."""

    row: FindingDecision
    covers: bool

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)


def told_findings(*, now: datetime) -> tuple[list[Told], list[Said]]:
    """Those that wait for somebody, and what was said of others; two statements beside those that look for them."""
    found, said = findings.findings(now=now), findings.decisions()
    covered = findings.standing(found, said, now=now)
    waiting = [each for each in found if each not in covered.values()]
    known = tools().in_bulk([each.tool for each in waiting if each.tool])
    references = dict(RegisterRecord.objects.filter(tool__in=known).values_list("tool_id", "reference"))
    told = [
        Told(each, known.get(each.tool or 0), each.reference or references.get(each.tool or 0, "")) for each in waiting
    ]
    return told, [Said(row, row.pk in covered) for row in said]


def matrix(*, now: datetime) -> list[ToolRow]:
    """Every tool that declares something or received something; three statements, however many there are."""
    stated, seen = _stated(), _seen(since=now - OBSERVED)
    rows = []
    for tool in tools():
        declared, received = stated.get(tool.pk, {}), seen.get(tool.pk, {})
        if declared or received:
            found = policy.lines(declared, received, observable=tool.signs_in_here)
            rows.append(ToolRow(tool, policy.row(found), bool(declared)))
    return rows


@dataclass(frozen=True, slots=True)
class Detail:
    """One item of a tool in full; ``holders``: of how many people the tool has it."""

    line: Line
    holders: int


def of_tool(tool: Any, *, now: datetime) -> list[tuple[Cell, list[Detail]]]:
    """The row of one tool, item by item; three statements."""
    stated, seen = _stated(tool.pk), _seen(since=now - OBSERVED, tool=tool.pk)
    held = Holding.objects.filter(tool=tool.pk, ended_at=None).order_by().values_list("item")
    holders = dict(held.annotate(people=Count("member", distinct=True)))
    found = policy.lines(stated.get(tool.pk, {}), seen.get(tool.pk, {}), observable=tool.signs_in_here)
    return [(cell, [Detail(line, holders.get(line.item, 0)) for line in cell.lines]) for cell in policy.row(found)]


def _stated(tool: int | None = None) -> dict[int, dict[str, Stated]]:
    rows = ProcessingItem.objects.filter(processing__ended_at=None).order_by("purpose__order", "order", "pk")
    if tool is not None:
        rows = rows.filter(processing__tool=tool)
    found: dict[int, dict[str, Stated]] = defaultdict(dict)
    for order, row in enumerate(rows.select_related("processing", "purpose")):
        since, why = row.processing.started_at, row.purpose.shown_text
        found[row.processing.tool_id][row.item] = Stated(since, row.purpose.legal_basis, why, order)
    return found


def _seen(*, since: datetime, tool: int | None = None) -> dict[int, dict[str, Seen]]:
    """Few distinct sets of items, many rows: they are counted by the set."""
    rows = Disclosure.objects.filter(last_at__gte=since).order_by()
    if tool is not None:
        rows = rows.filter(tool=tool)
    alike = rows.values_list("tool_id", "items", "channel", "profile")
    told = alike.annotate(first=Min("at"), last=Max("last_at"), times=Coalesce(Sum("count"), 0))
    found: dict[int, dict[str, Seen]] = defaultdict(dict)
    for tool_id, items, channel, profile, first, last, times in told:
        one = Seen(first, last, times, (channel,), (profile,) if profile else ())
        for item in items:
            before = found[tool_id].get(item)
            found[tool_id][item] = _both(before, one) if before else one
    return found


def _both(one: Seen, other: Seen) -> Seen:
    return Seen(
        min(one.first, other.first),
        max(one.last, other.last),
        one.times + other.times,
        tuple(sorted({*one.channels, *other.channels})),
        tuple(sorted({*one.profiles, *other.profiles})),
    )


# Tools ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Engaged:
    """A tool with what binds whoever runs it, as the register has it, and by which ways it was told of whom."""

    tool: Any
    reference: str
    recipient: Recipient | None
    transfer: Transfer | None
    channels: list[str]
    holders: int
    today: date

    @property
    def is_over(self) -> bool:
        end = self.recipient.contract_end if self.recipient else None
        return end is not None and end < self.today

    @property
    def ends_soon(self) -> bool:
        end = self.recipient.contract_end if self.recipient else None
        return end is not None and self.today <= end <= self.today + CONTRACT_ENDS


def engaged(*, now: datetime) -> list[Engaged]:
    """Every tool that is there for somebody or still holds something; four statements, however many there are."""
    versions = in_force().filter(record__tool__isnull=False).select_related("record")
    of_tool = {row.record.tool_id: (row.record.reference, register.content_of(row.content)) for row in versions}
    channels: dict[int, list[str]] = defaultdict(list)
    rows = Disclosure.objects.filter(last_at__gte=now - OBSERVED).order_by("channel")
    for tool_id, channel in rows.values_list("tool_id", "channel").distinct():
        channels[tool_id].append(channel)
    # Its own identifiers every tool has, of everybody who opens it.
    held = Holding.objects.filter(ended_at=None).exclude(item__in=ALWAYS).order_by().values_list("tool_id")
    holders = dict(held.annotate(people=Count("member", distinct=True)))
    found = []
    for tool in tools():
        reference, content = of_tool.get(tool.pk, ("", None))
        if not tool.is_open and not holders.get(tool.pk) and content is None:
            continue
        recipients = [each for each in content.recipients if each.fed] if content else []
        transfers = [each for each in content.transfers if each.fed] if content else []
        found.append(
            Engaged(
                tool,
                reference,
                recipients[0] if recipients else None,
                transfers[0] if transfers else None,
                channels.get(tool.pk, []),
                holders.get(tool.pk, 0),
                timezone.localdate(now),
            )
        )
    return found


# Notices --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """One version of a tool's notice: until when it stood, in which languages, and what members made of it."""

    notice: Notice
    languages: list[str]
    saw: int
    refused: int

    @property
    def ended_at(self) -> datetime | None:
        return self.notice.processing.ended_at


def notices() -> list[tuple[Any, list[Shown]]]:
    """By tool, each version with how many saw it, the newest first; three statements."""
    rows = Notice.objects.select_related("processing__tool").prefetch_related("copies")
    decided = Consent.objects.order_by().values_list("notice")
    refusing = Count("member", distinct=True, filter=Q(decision=Decision.REFUSED))
    told = decided.annotate(saw=Count("member", distinct=True), refused=refusing)
    saw = {notice: (people, refused) for notice, people, refused in told}
    by_tool: dict[int, tuple[Any, list[Shown]]] = {}
    for row in rows.order_by("processing__tool__name", "processing__tool", "-version"):
        tool = row.processing.tool
        languages = [copy.language for copy in row.copies.all()]
        by_tool.setdefault(tool.pk, (tool, []))[1].append(Shown(row, languages, *saw.get(row.pk, (0, 0))))
    return list(by_tool.values())


# Decisions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Purposed:
    """A purpose in force with what members made of it."""

    purpose: ProcessingPurpose
    shares: Shares


@dataclass(frozen=True, slots=True)
class Asked:
    """A tool's sheet in force, purpose by purpose; ``behind`` have yet to see it."""

    processing: Processing
    purposes: list[Purposed]
    behind: int
    withdrawn: int


def asked(*, now: datetime) -> list[Asked]:
    """What members made of each purpose in force; six statements, however many there are."""
    answers, behind = _answers()
    objected = _objected()
    taken_back = Consent.objects.filter(ended_reason=WITHDRAWN, ended_at__gte=now - OBSERVED).order_by()
    withdrawn = dict(taken_back.values_list("tool").annotate(count=Count("pk")))
    rows = Processing.objects.filter(ended_at=None).select_related("tool").order_by("tool__name")
    found = []
    for row in rows.prefetch_related("purposes__items"):
        purposes = []
        for purpose in row.purposes.all():
            items = [each.item for each in purpose.items.all()]
            against = sum(each.members for each in objected.get(row.tool_id, ()) if each.items.intersection(items))
            told = policy.shares(purpose.face, items, answers.get(row.tool_id, []), against)
            purposes.append(Purposed(purpose, told))
        found.append(Asked(row, purposes, behind.get(row.tool_id, 0), withdrawn.get(row.tool_id, 0)))
    return found


def _answers() -> tuple[dict[int, list[Answered]], dict[int, int]]:
    """What stands about the notice in force, by tool, and how many stand with an older one."""
    live = Consent.objects.filter(ended_at=None).order_by()
    answers: dict[int, list[Answered]] = defaultdict(list)
    current = live.filter(notice__processing__ended_at=None).values_list("tool_id", "items", "decision")
    for tool, items, decision, members in current.annotate(members=Count("pk")):
        answers[tool].append(Answered(frozenset(items), decision == Decision.REFUSED, members))
    older = live.exclude(notice__processing__ended_at=None).values_list("tool_id")
    return answers, dict(older.annotate(members=Count("pk")))


def _objected() -> dict[int, list[Answered]]:
    """How many object to what, by tool: an objection outlives the version of the sheet that it was made about."""
    found: dict[int, list[Answered]] = defaultdict(list)
    rows = Objection.objects.filter(ended_at=None).order_by().values_list("tool_id", "items")
    for tool, items, members in rows.annotate(members=Count("member", distinct=True)):
        found[tool].append(Answered(frozenset(items), True, members))
    return found
