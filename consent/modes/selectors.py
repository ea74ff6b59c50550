"""Reading which mode a tool is in, and what it keeps back all the same."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from consent.models import Consent, Objection, ProcessingItem, ToolMode
from consent.modes import policy
from consent.modes.types import Chosen, Period
from consent.types import LegalBasis, Lenience, Mode


def newest(field: str, *, tool: str) -> Subquery:
    """A column of the newest decision about the tool on this path."""
    return Subquery(ToolMode.objects.filter(tool=OuterRef(tool)).order_by("-pk").values(field)[:1])


def on_consent(tool_id: int) -> frozenset[str]:
    """What any sheet of this tool ever gave it for those who agree only; one statement."""
    rows = ProcessingItem.objects.filter(processing__tool=tool_id, purpose__legal_basis=LegalBasis.CONSENT)
    return frozenset(rows.order_by().values_list("item", flat=True))


def noes(tool_id: int) -> dict[UUID, frozenset[str]]:
    """What each member ever refused this tool or objected to; one statement."""
    found: dict[UUID, frozenset[str]] = {}
    decided = Consent.objects.filter(tool=tool_id).order_by().values_list("member_id", "refused_items")
    objected = Objection.objects.filter(tool=tool_id).order_by().values_list("member_id", "items")
    for member, items in decided.union(objected, all=True):
        found[member] = found.get(member, frozenset()) | frozenset(items)
    return found


def lenience(member_id: UUID, tool_id: int, *, withheld: frozenset[str], today: date) -> Lenience | None:
    """What a tool's mode lets out of this member, from the database; nothing in the strict one.  One statement.

    From the database: whoever goes back to the strict mode does so everywhere at once.
    """
    now = {
        "mode_now": newest("mode", tool="tool"),
        "until_now": newest("until", tool="tool"),
        "imported": F("tool__imported_on"),
    }

    def said(rows: QuerySet[Any], items: str) -> QuerySet[Any]:
        rows = rows.filter(member_id=member_id, tool_id=tool_id).order_by()
        told: QuerySet[Any] = rows.annotate(**now).values_list(items, *now)
        return told

    # Whatever the member ever said no to, taken back or not: no text that they read since speaks of it.
    rows = list(said(Consent.objects.all(), "refused_items").union(said(Objection.objects.all(), "items"), all=True))
    if not rows:
        return None
    _, mode, until, imported_on = rows[0]
    chosen = Chosen(Mode(mode), until) if mode else None
    standing = policy.mode_on(chosen, is_imported=imported_on is not None, today=today)
    if standing == Mode.ENFORCE:
        return None
    return Lenience(standing, withheld | {item for items, *_ in rows for item in items})


def standing(tool_id: int, *, now: datetime) -> ToolMode | None:
    """The decision by which a tool is not strict today; one statement."""
    return next(iter(lenient(now=now, tool_id=tool_id)), None)


def lenient(*, now: datetime, tool_id: int | None = None) -> list[ToolMode]:
    """Those that stand today, with their tools, the first to end first; one statement."""
    rows = ToolMode.objects.filter(pk=newest("pk", tool="tool"), tool__imported_on__isnull=False)
    rows = rows.exclude(mode=Mode.ENFORCE).filter(until__gte=timezone.localdate(now))
    rows = rows.filter(tool=tool_id) if tool_id is not None else rows
    return list(rows.select_related("tool", "by").order_by("until", "tool__name"))


def warned(tool_ids: Collection[int], *, now: datetime) -> dict[int, date]:
    """Of these tools, until when those whose members are told; one statement."""
    found = (row for row in lenient(now=now) if row.mode == Mode.WARN and row.tool_id in tool_ids)
    return {row.tool_id: row.until for row in found if row.until is not None}


def history(tool_id: int) -> QuerySet[ToolMode]:
    return ToolMode.objects.filter(tool=tool_id).select_related("by")


def periods() -> Iterator[Period]:
    """When which tool was lenient, as it was decided; one statement."""
    by_tool: dict[int, list[ToolMode]] = defaultdict(list)
    for row in ToolMode.objects.order_by("pk"):
        by_tool[row.tool_id].append(row)
    for rows in by_tool.values():
        for row, after in zip_longest(rows, rows[1:]):
            if row.until is not None:
                over = timezone.make_aware(datetime.combine(row.until + timedelta(days=1), time.min))
                yield Period(row.tool_id, Mode(row.mode), row.since, min(over, after.since) if after else over)
