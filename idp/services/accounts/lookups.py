"""Looking at somebody's account, or at who is in a sensitive collective, is an event too: who looked, when, why."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.models import Event
from audit.services import record
from audit.types import Action, Actor, Entry, Reading

# Coming back to the same page while helping somebody is one look.
ONE_LOOK = timedelta(minutes=10)


@transaction.atomic
def note_consulted(*, member_id: UUID, reading: Reading, now: datetime) -> None:
    """Once per member, stated purpose and while."""
    looks = Event.objects.about(member_id).filter(action=Action.MEMBER_CONSULTED, at__gt=now - ONE_LOOK)
    if not looks.filter(facts=reading.why).exists():
        record(Entry(Action.MEMBER_CONSULTED, Actor(reading.reader), member_id, facts=reading.why, at=now))


@transaction.atomic
def note_consulted_collective(*, collective_id: UUID, reading: Reading, now: datetime) -> None:
    """Who is in a sensitive collective was read; once per collective, stated purpose and while."""
    looks = Event.objects.filter(action=Action.COLLECTIVE_CONSULTED, at__gt=now - ONE_LOOK)
    facts: dict[str, object] = {"collective": str(collective_id), **reading.why}
    if not looks.filter(facts=facts).exists():
        record(Entry(Action.COLLECTIVE_CONSULTED, Actor(reading.reader), facts=facts, at=now))


@transaction.atomic
def note_refused_act(*, act: str, member_id: UUID, actor: Actor, reason: str, now: datetime) -> None:
    """An act of the office that a rule refused."""
    line = Entry(Action.ACT_REFUSED, actor=actor, subject=member_id, refused=True, reason=reason, facts={"act": act})
    record(replace(line, at=now))
