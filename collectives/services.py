"""Changing what a collective says of itself, and who follows it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from collectives import selectors
from collectives.models import Follow
from directory.models import Collective, Member


@transaction.atomic
def follow(*, member: Member, collective_id: UUID, actor: Actor, now: datetime) -> bool:
    """Hear of it without being in it; whether this is news.  Nothing where they are in it, or it is sensitive."""
    collective = Collective.objects.select_for_update(no_key=True).get(pk=collective_id)
    if not selectors.may_follow(member, collective):
        return False
    _row, is_new = Follow.objects.get_or_create(member=member, collective=collective, defaults={"since": now})
    if is_new:
        facts: dict[str, object] = {"collective": str(collective_id), "followed": True}
        record(Entry(Action.COLLECTIVE_FOLLOWED, actor=actor, subject=member.pk, facts=facts, at=now))
    return is_new


@transaction.atomic
def unfollow(*, member: Member, collective_id: UUID, actor: Actor, now: datetime) -> bool:
    """Always possible, whatever became of the collective; whether this is news."""
    gone, _ = Follow.objects.filter(member=member, collective_id=collective_id).delete()
    if gone:
        facts: dict[str, object] = {"collective": str(collective_id), "followed": False}
        record(Entry(Action.COLLECTIVE_FOLLOWED, actor=actor, subject=member.pk, facts=facts, at=now))
    return bool(gone)
