"""Looking at who is in a sensitive collective is an event too: who looked, when, why."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.models import Event
from audit.services import ONE_LOOK, record
from audit.types import Action, Actor, Entry, Reading


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
