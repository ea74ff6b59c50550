"""Reading the outbox of logout notices, for the technician: tools, states and numbers, never who signed out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from idp.models import LogoutDelivery, Tool
from idp.types import DeliveryState, ToolState

WAITING = Q(state=DeliveryState.WAITING)
FAILED = Q(state=DeliveryState.FAILED)
COUNTED = ("waiting", "stuck", "failed", "done", "next_at", "tried_at")


@dataclass(frozen=True, slots=True)
class ToolNotices:
    """How one tool hears of sign-outs.  ``stuck`` counts the waiting notices that were tried in vain."""

    tool: Tool
    waiting: int = 0
    stuck: int = 0
    failed: int = 0
    done: int = 0
    next_at: datetime | None = None
    tried_at: datetime | None = None
    last_result: str = ""


def by_tool() -> list[ToolNotices]:
    """Every open tool that wants notices, and every tool that has some, those in trouble first; three statements."""
    grouped = LogoutDelivery.objects.order_by().values("tool_session__tool_id")
    rows = grouped.annotate(
        waiting=Count("pk", filter=WAITING),
        stuck=Count("pk", filter=WAITING & Q(attempts__gt=0)),
        failed=Count("pk", filter=FAILED),
        done=Count("pk", filter=Q(state=DeliveryState.DONE)),
        next_at=Min("next_at", filter=WAITING),
        tried_at=Max("tried_at"),
    )
    counts: dict[int, dict[str, Any]] = {
        tool: dict(zip(COUNTED, values, strict=True))
        for tool, *values in rows.values_list("tool_session__tool_id", *COUNTED)
    }
    results = _last_results()
    wants = Q(backchannel_logout_uri__gt="") & ~Q(state=ToolState.CLOSED)
    tools = Tool.objects.filter(Q(pk__in=counts) | wants).order_by("name")
    found = [ToolNotices(tool, **counts.get(tool.pk, {}), last_result=results.get(tool.pk, "")) for tool in tools]
    return sorted(found, key=lambda each: (not each.failed, not each.stuck))


def _last_results() -> dict[int, str]:
    newest = Window(
        RowNumber(), partition_by=F("tool_session__tool_id"), order_by=(F("tried_at").desc(), F("pk").desc())
    )
    rows = LogoutDelivery.objects.filter(tried_at__isnull=False).annotate(newest=newest).filter(newest=1)
    return dict(rows.values_list("tool_session__tool_id", "last_result"))


def notices(*, tool: str = "", state: str = "") -> QuerySet[LogoutDelivery]:
    """The notices, newest first, of a tool by its slug and in a state; empty means all."""
    rows = LogoutDelivery.objects.select_related("tool_session__tool").order_by("-pk")
    if tool:
        rows = rows.filter(tool_session__tool__slug=tool)
    if state:
        rows = rows.filter(state=state)
    return rows
