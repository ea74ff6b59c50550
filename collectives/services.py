"""Changing what a collective says of itself, and who follows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from collectives import selectors
from collectives.models import CollectivePage, Follow
from collectives.signals import unfollowed
from directory.models import Collective, Member


@dataclass(frozen=True, slots=True)
class Described:
    """What a collective says of itself, each part as it was typed."""

    presentation: str = ""
    joining: str = ""
    links: Sequence[str] = ()
    # Nothing: as they are.
    folder: str | None = None
    calendar: str | None = None


@transaction.atomic
def describe(*, collective_id: UUID, page: Described, actor: Actor, now: datetime) -> tuple[str, ...]:
    """Keep what its page says; returns what changed."""
    collective = Collective.objects.select_for_update(no_key=True).get(pk=collective_id)
    kept = CollectivePage.objects.filter(pk=collective_id).first() or CollectivePage(collective=collective)
    wanted: dict[str, object] = {"presentation": page.presentation, "joining": page.joining, "links": list(page.links)}
    wanted |= {name: said for name in ("folder", "calendar") if (said := getattr(page, name)) is not None}
    changed = tuple(sorted(name for name, value in wanted.items() if getattr(kept, name) != value))
    if not changed:
        return ()
    for name in changed:
        setattr(kept, name, wanted[name])
    kept.updated_at = now
    kept.save()
    facts: dict[str, object] = {"collective": str(collective_id), "properties": list(changed)}
    record(Entry(Action.COLLECTIVE_DESCRIBED, actor=actor, facts=facts, at=now))
    return changed


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
        unfollowed.send(sender=Follow, member_id=member.pk, collective_id=collective_id)
        facts: dict[str, object] = {"collective": str(collective_id), "followed": False}
        record(Entry(Action.COLLECTIVE_FOLLOWED, actor=actor, subject=member.pk, facts=facts, at=now))
    return bool(gone)
