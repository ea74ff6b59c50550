"""What the cooperative itself says of a collective; a pass over the directory never touches it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory import corrections
from directory.models import Collective
from directory.signals import collective_became_sensitive


@transaction.atomic
def mark_sensitive(*, collective_id: UUID, sensitive: bool, actor: Actor, now: datetime) -> bool:
    """Who is in it says something of their health, beliefs or union (GDPR 9): no tool is told; whether this is news."""
    collective = Collective.objects.select_for_update(no_key=True).get(pk=collective_id)
    if collective.sensitive == sensitive:
        return False
    collective.sensitive = sensitive
    collective.save(update_fields=["sensitive"])
    corrections.note(corrections.of_members_of([collective.pk]), now=now, within=corrections.ONE_ENTRY)
    if sensitive:
        collective_became_sensitive.send(sender=Collective, collective_id=collective.pk, now=now)
    facts: dict[str, object] = {"collective": str(collective_id), "change": "sensitive" if sensitive else "ordinary"}
    record(Entry(Action.COLLECTIVE_MARKED, actor=actor, facts=facts, at=now))
    return True
