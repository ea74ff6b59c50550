"""Reading whom a correction reached: what changed last, beside what is held and when it left last.  No values."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Min, QuerySet
from django.db.models.functions import TruncDate

from consent.corrections.types import Correction, Undelivered
from consent.models import Disclosure, Holding
from directory.corrections import of_member
from directory.models import ItemChange

AT_ONCE = 500
# Who changed, to which tool, and what.
Key = tuple[UUID, int, str]


def by_tool(member_id: UUID) -> dict[int, list[Correction]]:
    """What of a member changed, by tool that holds it; one statement where nothing did, else three."""
    changes = {each.item: each for each in of_member(member_id)}
    if not changes:
        return {}
    held = Holding.objects.filter(member_id=member_id, ended_at=None, item__in=changes)
    pairs = list(held.order_by("tool", "item").values_list("tool_id", "item"))
    left = _left([member_id], since=min(each.sure_from for each in changes.values())) if pairs else {}
    found: dict[int, list[Correction]] = defaultdict(list)
    for tool, item in pairs:
        change, last = changes[item], left.get((member_id, tool, item))
        # What left in the very moments of the change may have been the value of before: it does not count.
        is_delivered = last is not None and last > change.sure_from
        found[tool].append(Correction(item, change.at, last if is_delivered else None))
    return dict(found)


def undelivered(*, before: datetime | None = None) -> list[Undelivered]:
    """By tool, of how many people it still has the value of before, the longest first; ``before``: changed before then.

    Three statements, and one more for every few hundred people whose item left last on the day on which it changed.
    """
    people: dict[int, Counter[str]] = defaultdict(Counter)
    since: dict[int, datetime] = {}
    changed = _changed(before)
    # The days that are kept with what is held tell of all but the day of the change itself.
    never_since = changed.filter(last__lt=F("sure_day")).values_list("tool", "item")
    for tool, item, at, count in never_since.annotate(at_first=Min("at"), people=Count("member")):
        people[tool][item] += count
        since[tool] = min(since.get(tool, at), at)
    for tool, item, at in _not_since_on_the_day(changed.filter(last=F("sure_day"))):
        people[tool][item] += 1
        since[tool] = min(since.get(tool, at), at)
    tools = Holding._meta.get_field("tool").related_model._default_manager.in_bulk(list(people))
    found = [
        Undelivered(tools[tool], tuple(sorted(items.items(), key=lambda each: (-each[1], each[0]))), since[tool])
        for tool, items in people.items()
    ]
    return sorted(found, key=lambda each: (each.since, each.tool.name))


def _changed(before: datetime | None) -> QuerySet[Any]:
    """Changes of what some tool holds, each with that tool and the last day on which it was received."""
    held = {"member__holdings__item": F("item"), "member__holdings__ended_at": None}
    rows: QuerySet[Any] = ItemChange.objects.filter(**held).order_by()
    if before is not None:
        rows = rows.filter(at__lt=before)
    told: QuerySet[Any] = rows.annotate(
        tool=F("member__holdings__tool_id"), last=F("member__holdings__last"), sure_day=TruncDate("sure_from")
    )
    return told


def _not_since_on_the_day(rows: QuerySet[Any]) -> Iterator[tuple[int, str, datetime]]:
    """Where the days are the same, the moments are asked for."""
    some: list[tuple[UUID, int, str, datetime, datetime]] = []
    for row in rows.values_list("member", "tool", "item", "at", "sure_from").iterator(AT_ONCE):
        some.append(row)
        if len(some) == AT_ONCE:
            yield from _not_since(some)
            some = []
    yield from _not_since(some)


def _not_since(some: list[tuple[UUID, int, str, datetime, datetime]]) -> Iterator[tuple[int, str, datetime]]:
    if not some:
        return
    left = _left({member for member, *_ in some}, since=min(sure_from for *_, sure_from in some))
    for member, tool, item, at, sure_from in some:
        last = left.get((member, tool, item))
        if last is None or last <= sure_from:
            yield tool, item, at


def _left(members: Iterable[UUID], *, since: datetime) -> dict[Key, datetime]:
    """When each item left last, of what left since then.  Few distinct sets of items, many rows; one statement."""
    rows = Disclosure.objects.filter(member__in=list(members), last_at__gt=since).order_by()
    last: dict[Key, datetime] = {}
    for member, tool, items, at in rows.values_list("member", "tool", "items").annotate(at_last=Max("last_at")):
        for item in items:
            key = (member, tool, item)
            last[key] = max(last.get(key, at), at)
    return last
