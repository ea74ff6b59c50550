"""Saying no to a tool: what an earlier yes gave it ends in the same transaction."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.types import Actor
from consent import services as consent_services
from consent.ledger.services import close_pair
from idp.models import Tool, ToolSession
from idp.services import sessions, tokens


@transaction.atomic
def refuse(*, member_id: UUID, tool: Tool, notice_id: int, language: str, session: UUID | None, now: datetime) -> None:
    """The member says no before the tool opens.

    Raises ``NoticeOutdated`` when the notice is not the one in force.
    """
    consent_services.refuse(
        member_id=member_id,
        tool_id=tool.pk,
        notice_id=notice_id,
        actor=Actor(member=member_id),
        language=language,
        now=now,
        session=session,
    )
    end_everything_held(member_id, tool, Actor(member=member_id), now=now)


@transaction.atomic
def withdraw(*, member_id: UUID, tool: Tool, actor: Actor, now: datetime) -> bool:
    """End the member's consent for this tool, and everything it holds of them."""
    ended = consent_services.end_consent(member_id=member_id, tool_id=tool.pk, actor=actor, now=now)
    end_everything_held(member_id, tool, actor, now=now)
    if ended:
        close_pair(member_id=member_id, tool_id=tool.pk, now=now)
    return ended


def end_everything_held(
    member_id: UUID, tool: Tool, actor: Actor, *, now: datetime, reason: str = "agreement_ended"
) -> None:
    held = ToolSession.objects.filter(tool=tool, hub_session__member_id=member_id)
    sessions.end_tool_sessions(held, actor=actor, now=now, reason=reason)
    tokens.end_read_by(tool, member_id)
