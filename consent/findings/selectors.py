"""Reading what the rules look at, and what the officer said of it."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, time, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from audit.models import Event, Gap
from audit.reading.lookups import WEEK, unusual
from audit.types import Action
from consent.findings import rules
from consent.findings.models import FindingDecision
from consent.findings.types import (
    ERASED,
    OBSERVED,
    Agreed,
    Behind,
    Decided,
    Declared,
    Finding,
    Kind,
    Objected,
    Record,
    Restricted,
    Sent,
    Stopped,
)
from consent.ledger.models import Disclosure, Holding
from consent.models import Consent, Notice, Objection, ProcessingItem, Restriction
from consent.modes import selectors as modes
from consent.register import policy as register
from consent.register.selectors import in_force
from consent.register.types import SENSITIVE, Assessment
from consent.register.types import Kind as RecordKind
from consent.types import ALWAYS, WITHDRAWN, Decision
from directory.models import Membership
from directory.types import MemberState

AT_ONCE = 1000


def findings(*, now: datetime) -> list[Finding]:
    """What there is today, over the last 90 days; as many statements however many tools there are."""
    sent, known = list(_sent(since=now - OBSERVED)), sheets()
    agreed, declared = list(_agreed()), list(_declared())
    today = timezone.localdate(now)
    gaps = Gap.objects.filter(settled_at=None).aggregate(count=Count("pk"), since=Min("at"))
    return [
        *rules.undeclared(sent, known, modes.periods()),
        *rules.not_agreed(sent, known, agreed),
        *rules.ended(sent, agreed, _objected(), _gone(), _restricted()),
        *rules.grown(sent, known, _read()),
        *rules.unlogged(gaps["count"], gaps["since"]),
        *rules.overdue(_records(now), today=today),
        *rules.sensitive(_known_to_be_in()),
        *rules.looked_up(unusual(today), since=now - timedelta(days=WEEK), now=now),
        *rules.kept(_kept(now)),
        *rules.outdated(_behind()),
        *rules.unobserved(declared, now=now),
        *rules.empty(sent, _in_force(declared), now - OBSERVED),
    ]


def decisions() -> list[FindingDecision]:
    """What was said of findings, the newest first; one statement."""
    return list(FindingDecision.objects.select_related("author", "tool").order_by("-pk"))


def decided(row: FindingDecision) -> Decided:
    return Decided(Kind(row.kind), row.tool_id, row.reference, frozenset(row.items), row.at, row.until)


def standing(found: Collection[Finding], said: Collection[FindingDecision], *, now: datetime) -> dict[int, Finding]:
    """Of these decisions, by their number, the finding that each covers today."""
    today = timezone.localdate(now)
    pairs = ((row.pk, each) for row in said for each in found if rules.covers(decided(row), each, today=today))
    return dict(pairs)


def open_findings(*, now: datetime) -> list[Finding]:
    """Those that nobody has settled or accepted."""
    found = findings(now=now)
    covered = standing(found, decisions(), now=now).values()
    return [each for each in found if each not in covered]


def preview(tool_id: int, items: Collection[str], *, now: datetime) -> Stopped:
    """What a sheet with these items would have stopped in the last 90 days; one statement."""
    return rules.stopped(_sent(since=now - OBSERVED, tool=tool_id), items)


def let_out(tool_id: int, asked: Collection[str], *, now: datetime) -> Stopped:
    """What would have left besides in the last 90 days, had the tool not been strict; four statements."""
    declared = ProcessingItem.objects.filter(processing__tool=tool_id, processing__ended_at=None)
    stated = set(declared.order_by().values_list("item", flat=True))
    more = frozenset(asked) - ALWAYS - stated - modes.on_consent(tool_id)
    return rules.let_out(_sent(since=now - OBSERVED, tool=tool_id), more, modes.noes(tool_id))


def sheets() -> dict[int, dict[str, str]]:
    """The legal basis of each item, by processing, of all versions: rows of the ledger name the one of then."""
    known: dict[int, dict[str, str]] = {}
    rows = ProcessingItem.objects.order_by().values_list("processing_id", "item", "purpose__legal_basis")
    for processing, item, basis in rows.iterator(AT_ONCE):
        known.setdefault(processing, {})[item] = basis
    return known


def _sent(*, since: datetime, tool: int | None = None) -> Iterator[Sent]:
    rows = Disclosure.objects.filter(last_at__gte=since)
    rows = rows.order_by() if tool is None else rows.filter(tool_id=tool).order_by()
    alike = rows.values_list("member_id", "tool_id", "items", "processing_id", "decision", "mode")
    told = alike.annotate(first=Min("at"), last=Max("last_at"), times=Sum("count"))
    for member, tool_id, items, processing, decision, mode, first, last, count in told.iterator(AT_ONCE):
        if named := frozenset(items) - ALWAYS:
            yield Sent(member, tool_id, named, processing, decision, first, last, count, mode)


def _agreed() -> Iterator[Agreed]:
    rows = Consent.objects.filter(decision=Decision.GIVEN).order_by()
    told = rows.values_list("pk", "member_id", "tool_id", "items", "at", "ended_at", "ended_reason")
    for number, member, tool, items, at, ended_at, reason in told.iterator(AT_ONCE):
        yield Agreed(number, member, tool, frozenset(items), at, ended_at, withdrawn=reason == WITHDRAWN)


def _objected() -> Iterator[Objected]:
    rows = Objection.objects.order_by().values_list("member_id", "tool_id", "items", "at", "ended_at")
    for member, tool, items, at, ended_at in rows.iterator(AT_ONCE):
        yield Objected(member, tool, frozenset(items), at, ended_at)


def _restricted() -> Iterator[Restricted]:
    rows = Restriction.objects.order_by().values_list("member_id", "tool_id", "at", "ended_at")
    for member, tool, at, ended_at in rows.iterator(AT_ONCE):
        yield Restricted(member, tool, at, ended_at)


def _gone() -> dict[UUID, datetime]:
    """Since when who has left, or was erased, is gone."""
    people = get_user_model().objects.exclude(state=MemberState.ACTIVE, erased_at=None)
    told = people.values_list("pk", "state", "state_since", "erased_at")
    since = {member: at if state != MemberState.ACTIVE else erased for member, state, at, erased in told}
    return {member: at for member, at in since.items() if at is not None}


def _behind() -> list[Behind]:
    live = Consent.objects.filter(ended_at=None).exclude(decision=Decision.REFUSED)
    in_force = Notice.objects.filter(processing__ended_at=None).order_by("processing__tool")
    counts = dict(
        live.exclude(notice__processing__ended_at=None).order_by().values_list("tool").annotate(count=Count("pk"))
    )
    told = in_force.values_list("processing__tool", "created_at")
    return [Behind(tool, at, counts[tool]) for tool, at in told if tool in counts]


def _declared() -> Iterator[Declared]:
    seen = {
        (tool, item): timezone.make_aware(datetime.combine(last, time.max))
        for tool, item, last in Holding.objects.order_by().values_list("tool_id", "item").annotate(seen=Max("last"))
    }
    rows = ProcessingItem.objects.filter(processing__ended_at=None).order_by()
    wanted = rows.values_list("processing__tool", "item", "processing__started_at", "purpose__legal_basis")
    for tool, item, since, basis in wanted:
        yield Declared(tool, item, since, seen.get((tool, item)), basis)


def _in_force(declared: Collection[Declared]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for each in declared:
        found[each.tool][each.item] = each.basis
    return found


def _read() -> dict[int, int]:
    """The processing that each decision was about."""
    return dict(Consent.objects.order_by().values_list("pk", "notice__processing"))


def _records(now: datetime) -> Iterator[Record]:
    today = timezone.localdate(now)
    rows = in_force().exclude(record__kind=RecordKind.PARTIES).select_related("record")
    for row in rows.order_by("record__reference"):
        content, kind = register.content_of(row.content), RecordKind(row.record.kind)
        done = content.assessment == Assessment.DONE
        yield Record(
            row.record.reference,
            row.record.tool_id,
            row.started_at,
            frozenset(register.holes(content, kind, today=today)),
            any(each.rubric in SENSITIVE for each in content.data),
            content.reviewed if done else None,
        )


def _known_to_be_in() -> Iterator[tuple[int, datetime]]:
    """Tools that were told somebody's collectives before one of them was marked as sensitive, each person once."""
    marked: dict[UUID, datetime] = {}
    changes = Event.objects.filter(action=Action.COLLECTIVE_MARKED, facts__change="sensitive").order_by("at")
    for at, facts in changes.values_list("at", "facts"):
        marked[UUID(facts["collective"])] = at
    if not marked:
        return
    people: dict[UUID, datetime] = {}
    rows = Membership.objects.filter(collective__sensitive=True, collective__present=True, collective__in=list(marked))
    for member, collective in rows.values_list("member_id", "collective_id"):
        at = marked[collective]
        people[member] = max(at, people.get(member, at))
    held = Holding.objects.filter(item="groups", ended_at=None, member__in=people).order_by()
    for member, tool, since in held.values_list("member_id", "tool_id", "since"):
        if since < people[member]:
            yield tool, people[member]


def _kept(now: datetime) -> Iterator[tuple[int, str, datetime, int]]:
    held = Holding.objects.filter(ended_at=None, member__erased_at__lt=now - ERASED).exclude(item__in=ALWAYS)
    told = held.order_by().values_list("tool_id", "item")
    yield from told.annotate(since=Min("member__erased_at"), people=Count("member", distinct=True))
