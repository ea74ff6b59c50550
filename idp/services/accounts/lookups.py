"""Looking at somebody's account is an event too: who looked, at whom, when."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.models import Event
from audit.services import record
from audit.types import Action, Actor, Entry

# Coming back to the same page while helping somebody is one look.
ONE_LOOK = timedelta(minutes=10)


@transaction.atomic
def note_consulted(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Once per reader, member and while."""
    lately = Event.objects.filter(
        subject_id=member_id, action=Action.MEMBER_CONSULTED, actor_id=actor.member, at__gt=now - ONE_LOOK
    )
    if not lately.exists():
        record(Entry(Action.MEMBER_CONSULTED, actor=actor, subject=member_id, at=now))


@transaction.atomic
def note_search(*, actor: Actor, results: int, now: datetime) -> None:
    """How many were found; never what was typed."""
    record(Entry(Action.MEMBERS_SEARCHED, actor=actor, facts={"results": results}, at=now))


@transaction.atomic
def note_refused_act(*, act: str, member_id: UUID, actor: Actor, reason: str, now: datetime) -> None:
    """An act of the office that a rule refused."""
    line = Entry(Action.ACT_REFUSED, actor=actor, subject=member_id, refused=True, reason=reason, facts={"act": act})
    record(replace(line, at=now))
