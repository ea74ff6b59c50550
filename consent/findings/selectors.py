"""Reading what the rules look at."""

from collections.abc import Collection, Iterator
from datetime import datetime, time
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from consent.findings import rules
from consent.findings.types import OBSERVED, Agreed, Behind, Declared, Finding, Objected, Sent, Stopped
from consent.ledger.models import Disclosure, Holding
from consent.models import Consent, Notice, Objection, ProcessingItem
from consent.services import WITHDRAWN
from consent.types import ALWAYS, Decision
from directory.types import MemberState

AT_ONCE = 1000


def findings(*, now: datetime) -> list[Finding]:
    """What there is today, over the last 90 days; nine statements, however many tools there are."""
    sent, known = list(_sent(since=now - OBSERVED)), sheets()
    agreed = list(_agreed())
    return [
        *rules.undeclared(sent, known),
        *rules.not_agreed(sent, known, agreed),
        *rules.ended(sent, agreed, _objected(), _gone()),
        *rules.outdated(_behind()),
        *rules.unobserved(_declared(), now=now),
    ]


def preview(tool_id: int, items: Collection[str], *, now: datetime) -> Stopped:
    """What a sheet with these items would have stopped in the last 90 days; one statement."""
    return rules.stopped(_sent(since=now - OBSERVED, tool=tool_id), items)


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
    alike = rows.values_list("member_id", "tool_id", "items", "processing_id", "decision")
    told = alike.annotate(first=Min("at"), last=Max("last_at"), times=Sum("count"))
    for member, tool_id, items, processing, decision, first, last, count in told.iterator(AT_ONCE):
        if named := frozenset(items) - ALWAYS:
            yield Sent(member, tool_id, named, processing, decision, first, last, count)


def _agreed() -> Iterator[Agreed]:
    rows = Consent.objects.filter(decision=Decision.GIVEN).order_by()
    told = rows.values_list("pk", "member_id", "tool_id", "items", "at", "ended_at", "ended_reason")
    for number, member, tool, items, at, ended_at, reason in told.iterator(AT_ONCE):
        yield Agreed(number, member, tool, frozenset(items), at, ended_at, withdrawn=reason == WITHDRAWN)


def _objected() -> Iterator[Objected]:
    rows = Objection.objects.order_by().values_list("member_id", "tool_id", "items", "at", "ended_at")
    for member, tool, items, at, ended_at in rows.iterator(AT_ONCE):
        yield Objected(member, tool, frozenset(items), at, ended_at)


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
    for tool, item, since in rows.values_list("processing__tool", "item", "processing__started_at"):
        yield Declared(tool, item, since, seen.get((tool, item)))
