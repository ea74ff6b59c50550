"""What the authorization endpoint must know of a browser, read in one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import (
    BigIntegerField,
    DateTimeField,
    Exists,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    UUIDField,
)

from consent import selectors as consent_selectors
from consent.types import Standing
from directory.models import Member
from idp import access
from idp.models import HubSession, Tool, ToolSession
from idp.services.sessions import SESSION_FIELD
from statements.reading import Given, Prepared


@dataclass(frozen=True, slots=True)
class OpenedBefore:
    """This tool's running session in this hub session."""

    pk: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Entrance:
    """A signed-in member before one tool: the session, the access decision, the standing consent."""

    session: HubSession
    member: Member
    may_enter: bool
    standing: Standing | None
    opened: OpenedBefore | None
    # The tool was opened from this session, and closed since: by the member, or with the agreement.
    left: bool


def _composed() -> QuerySet[Any]:
    tool = Given("tool", BigIntegerField())
    live = HubSession.objects.filter(ended_at=None, expires_at__gt=Given("now", DateTimeField()))
    rows = live.filter(pk=Given("session", UUIDField())).select_related("member")
    rows = access.with_entry(rows, member="member", tool=tool)
    rows = consent_selectors.with_standing(rows, member="member", tool=tool)
    running = Q(tool_sessions__tool=tool, tool_sessions__ended_at=None)
    return rows.annotate(
        running=FilteredRelation("tool_sessions", condition=running),
        running_id=F("running__id"),
        running_last_at=F("running__last_at"),
        opened_once=Exists(ToolSession.objects.filter(hub_session=OuterRef("pk"), tool=tool)),
    )


_BEFORE: Prepared[Any] = Prepared(_composed)


def before(tool: Tool, session: SessionBase, *, now: datetime) -> Entrance | None:
    """``None`` when nobody is signed in whose session is live and who is still a member.

    Django's session names the member too: where the two differ, the cookie is not believed.  The member comes with
    the hub session, whose end is what every sign-out and departure writes, so ``request.user`` is not needed here.
    """
    session_id = session.get(SESSION_FIELD)
    if not session_id:
        return None
    row = _BEFORE.first(session=session_id, tool=tool.pk, now=now)
    if row is None or str(row.member_id) != session.get(SESSION_KEY) or not row.member.is_active:
        return None
    return Entrance(
        session=row,
        member=row.member,
        may_enter=access.may_enter_as_read(row, row.member),
        standing=consent_selectors.standing_of(row),
        opened=OpenedBefore(row.running_id, row.running_last_at) if row.running_id else None,
        left=row.opened_once and not row.running_id,
    )
