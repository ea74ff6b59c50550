"""The one function that decides who may enter which tool.

Every prompt, grant, refresh, API call and tile asks here; it is closed unless something opens it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from directory.models import Collective, Member
from idp.models import Admission, Tool
from idp.types import AdmissionState, ToolState

NOBODY = UUID(int=0)


def _open_to(member: Any, *, as_if_in: Collection[UUID] | None = None) -> Q:
    """The rule: not closed, and open to everyone, to a collective of this member, or to them until a day.

    ``member`` is an identifier, or an ``OuterRef`` where the rule is asked beside something else.  ``as_if_in``: what
    it would say if these were the member's collectives.
    """
    by_collective = _by_collective(member, as_if_in)
    return ~Q(state=ToolState.CLOSED) & (Q(everyone=True) | by_collective | _by_admission(member))


def _by_collective(member: Any, as_if_in: Collection[UUID] | None = None) -> Exists:
    opened = Tool.collectives.through.objects.filter(tool_id=OuterRef("pk"), collective__present=True)
    if as_if_in is not None:
        return Exists(opened.filter(collective_id__in=as_if_in))
    return Exists(opened.filter(collective__memberships__member_id=member))


def _by_admission(member: Any) -> Exists:
    """By the clock of the database: what is over is over, before the worker has written it down."""
    rows = Admission.objects.filter(
        tool_id=OuterRef("pk"), member_id=member, state=AdmissionState.GRANTED, ends_at__gt=Now()
    )
    return Exists(rows)


def enterable(member: Member) -> QuerySet[Tool]:
    """The tools this member may enter now."""
    if not member.is_active:
        return Tool.objects.none()
    return Tool.objects.filter(_open_to(member.pk))


def enterable_if_in(member: Member, collectives: Collection[UUID]) -> QuerySet[Tool]:
    """The tools this member could enter if these were the collectives they are in: the same rule, asked beforehand.

    Without what was given to them alone.
    """
    if not member.is_active:
        return Tool.objects.none()
    return Tool.objects.filter(_open_to(NOBODY, as_if_in=collectives))


def requestable(member: Member) -> QuerySet[Tool]:
    """The tools that this member may not enter, and may ask for."""
    if not member.is_active:
        return Tool.objects.none()
    return Tool.objects.filter(~_open_to(member.pk), requestable=True).exclude(state=ToolState.CLOSED)


@dataclass(frozen=True, slots=True)
class Why:
    """The parts of the answer about one member and one tool, each as the rule has it."""

    may_enter: bool
    is_active: bool
    is_open: bool
    everyone: bool
    collectives: tuple[Collective, ...]
    until: datetime | None


def why(member: Member, tool: Tool) -> Why:
    """Why this member may enter this tool, or may not."""
    parts = Tool.objects.filter(pk=tool.pk).annotate(
        answer=_open_to(member.pk),
        by_collective=_by_collective(member.pk),
        by_admission=_by_admission(member.pk),
    )
    row = parts.values("answer", "by_collective", "by_admission", "state", "everyone").get()
    mine = Collective.objects.filter(tools=tool, present=True, memberships__member=member)
    granted = Admission.objects.filter(tool=tool, member=member, state=AdmissionState.GRANTED)
    return Why(
        may_enter=member.is_active and row["answer"],
        is_active=member.is_active,
        is_open=row["state"] != ToolState.CLOSED,
        everyone=row["everyone"],
        collectives=tuple(mine.distinct().order_by("name")) if row["by_collective"] else (),
        until=granted.values_list("ends_at", flat=True).first() if row["by_admission"] else None,
    )


def open_to_everybody() -> QuerySet[Tool]:
    """The tools that whoever becomes a member may enter at once, in no collective yet."""
    return Tool.objects.filter(_open_to(NOBODY))


def opened_by(collective: Collective) -> QuerySet[Tool]:
    """The tools that being in this collective opens: not those that are open to everybody."""
    tools = Tool.objects.filter(collectives=collective).exclude(state=ToolState.CLOSED)
    return tools.exclude(pk__in=open_to_everybody()).order_by("name")


def may_enter(member: Member, tool: Tool) -> bool:
    """Whether this member may enter this tool now, asked of the database, never of a cache."""
    return enterable(member).filter(pk=tool.pk).exists()


def with_entry(
    rows: QuerySet[Any], *, member: str, tool: int | str | Combinable, name: str = "entry_open"
) -> QuerySet[Any]:
    """The same answer read beside rows that lead to a member, under ``name``; to be taken by ``may_enter_as_read``.

    ``member`` is the path to the member, ``tool`` an identifier, the place of one, or the name of its field.
    """
    wanted = OuterRef(tool) if isinstance(tool, str) else tool
    rule = Tool.objects.filter(_open_to(OuterRef(OuterRef(f"{member}_id"))), pk=wanted)
    asked: QuerySet[Any] = rows.annotate(**{name: Exists(rule)})
    return asked


def may_enter_as_read(row: Any, member: Member, *, name: str = "entry_open") -> bool:
    """``may_enter`` for a row that ``with_entry`` prepared."""
    return member.is_active and bool(getattr(row, name))
