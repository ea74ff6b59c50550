"""What the office does for a member who cannot get in, each act told to the member."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.types import Actor
from directory.models import Member
from idp.services import sessions
from idp.services.accounts import attempts, mails
from idp.types import MailKind


@transaction.atomic
def unlock(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Let a member try again at once."""
    attempts.unlock(member_id=member_id, actor=actor, now=now)
    _tell("account_unlocked", member_id, actor, now)


@transaction.atomic
def end_sessions(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """End everything that is open in a member's name, here and in the tools."""
    sessions.end_member([member_id], reason="office_asked", actor=actor, now=now)
    _tell("sessions_ended", member_id, actor, now)


def _tell(template: str, member_id: UUID, actor: Actor, now: datetime) -> None:
    people = Member.objects.in_bulk([member_id, *([actor.member] if actor.member else [])])
    context = {"who": people.get(actor.member), "page": settings.ORIGIN + reverse("mfa_index")}
    mails.queue(kind=MailKind.SECURITY, template=template, member=people[member_id], context=context, now=now)
