"""Reading who asked for access to which tool, and who answers: the tool's owners, and the office."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from directory.access import may
from directory.models import Member
from directory.policy import Right
from idp import access
from idp.models import Admission, Tool
from idp.types import AdmissionState

AGAIN = timedelta(days=1)


def may_answer_somewhere(person: Member) -> bool:
    return may(person, Right.ANSWER_ADMISSIONS) or (person.is_active and person.owned_tools.exists())


def answerable(person: Member) -> QuerySet[Admission]:
    """Those that this person may answer, and those that they answered, newest first; not their own."""
    rows = Admission.objects.select_related("tool").prefetch_related("member", "decided_by").exclude(member=person)
    return rows if may(person, Right.ANSWER_ADMISSIONS) else rows.filter(tool__owners=person)


def waiting(person: Member) -> QuerySet[Admission]:
    return answerable(person).filter(state=AdmissionState.ASKED)


def answerers(tool: Tool) -> list[Member]:
    """Who is written to when somebody asks; nobody in particular where it is the office."""
    return list(tool.owners.filter(pk__in=Member.objects.active()).order_by("pk"))


def of(member: Member, tool: Tool) -> list[Admission]:
    """What this member asked for this tool, newest first."""
    return list(Admission.objects.filter(member=member, tool=tool)[:10])


def shown_tool(member: Member, slug: str) -> Tool | None:
    """The tool, where this member may know that it exists: they may enter it, or ask to."""
    tool = Tool.objects.filter(slug=slug).first()
    if tool is None:
        return None
    is_shown = access.may_enter(member, tool) or access.requestable(member).filter(pk=tool.pk).exists()
    return tool if is_shown else None


def may_ask_from(last: Admission | None, now: datetime) -> datetime | None:
    """From when the same may be asked again; nothing where it may be now.  Each asking writes to somebody."""
    if last is None:
        return None
    moment = last.asked_at + AGAIN
    return moment if moment > now else None
