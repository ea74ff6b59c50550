"""The one function that decides who may enter which tool.

Every prompt, grant, refresh, API call and tile asks here; it is closed unless something opens it.
"""

from django.db.models import Q, QuerySet

from directory.models import Member
from idp.models import Tool
from idp.types import ToolState


def enterable(member: Member) -> QuerySet[Tool]:
    """The tools this member may enter now: not closed, and open to everyone or to a collective of theirs."""
    if not member.is_active:
        return Tool.objects.none()
    mine = member.memberships.filter(collective__present=True).values("collective_id")
    return Tool.objects.exclude(state=ToolState.CLOSED).filter(
        Q(everyone=True) | Q(pk__in=Tool.collectives.through.objects.filter(collective_id__in=mine).values("tool_id"))
    )


def may_enter(member: Member, tool: Tool) -> bool:
    """Whether this member may enter this tool now, asked of the database, never of a cache."""
    if not member.is_active or tool.state == ToolState.CLOSED:
        return False
    return enterable(member).filter(pk=tool.pk).exists()
