"""The one function that decides who may enter which tool.

Every prompt, grant, refresh, API call and tile asks here; it is closed unless something opens it.
"""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from directory.models import Collective, Member
from idp.models import Tool
from idp.types import ToolState

NOBODY = UUID(int=0)


def _open_to(member: Any) -> Combinable:
    """The rule: not closed, and open to everyone or to a collective of this member.

    ``member`` is an identifier, or an ``OuterRef`` where the rule is asked beside something else.
    """
    mine = Tool.collectives.through.objects.filter(
        tool_id=OuterRef("pk"), collective__present=True, collective__memberships__member_id=member
    )
    return ~Q(state=ToolState.CLOSED) & (Q(everyone=True) | Exists(mine))


def enterable(member: Member) -> QuerySet[Tool]:
    """The tools this member may enter now."""
    if not member.is_active:
        return Tool.objects.none()
    return Tool.objects.filter(_open_to(member.pk))


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
