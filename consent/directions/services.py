"""Leaving directions, changing and withdrawing them, and opening them once somebody is gone; each with its line."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.sealing import seal
from audit.services import record
from audit.types import Action, Actor, Entry
from consent.directions.models import Directions
from consent.directions.selectors import PURPOSE, opened
from consent.directions.types import DirectionsRefused, Said
from directory.models import Member
from directory.statuses import has_left


@transaction.atomic
def leave(*, member_id: UUID, text: str, contact: str, actor: Actor, now: datetime) -> bool:
    """Keep these, instead of those of before if there are any; whether that is news.  Raises ``DirectionsRefused``.

    The line says that they were left or changed, and nothing of what they say.
    """
    # Taken first: two forms of one person, sent at once, are two changes.
    member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
    if member is None or actor.member != member_id:
        raise DirectionsRefused("directions_not_own")
    text, contact = text.strip(), contact.strip()
    if not text and not contact:
        raise DirectionsRefused("directions_empty")
    row = Directions.objects.filter(pk=member_id).first()
    before = opened(row) if row else None
    if before and before.is_readable and (before.text, before.contact) == (text, contact):
        return False
    sealed = seal(json.dumps({"text": text, "contact": contact}).encode(), purpose=PURPOSE)
    left_at = row.left_at if row else now
    Directions.objects.update_or_create(
        member_id=member_id, defaults={"sealed": sealed, "left_at": left_at, "changed_at": now}
    )
    action = Action.DIRECTIONS_CHANGED if row else Action.DIRECTIONS_LEFT
    record(Entry(action, actor=actor, subject=member_id, at=now))
    return True


@transaction.atomic
def withdraw(*, member_id: UUID, actor: Actor, now: datetime) -> bool:
    """At any time and without a reason; whether there were any.  Raises ``DirectionsRefused``."""
    if actor.member != member_id:
        raise DirectionsRefused("directions_not_own")
    gone, _ = Directions.objects.filter(pk=member_id).delete()
    if gone:
        record(Entry(Action.DIRECTIONS_WITHDRAWN, actor=actor, subject=member_id, at=now))
    return bool(gone)


def read(*, member_id: UUID, actor: Actor, now: datetime) -> Said:
    """Open what somebody left who is gone; every time has its line, and so has a refusal.

    No directory says who is dead: whoever has not left is alive, as far as the hub knows, and can be asked.
    Raises ``DirectionsRefused``.
    """
    with transaction.atomic():
        # The row is kept from whoever withdraws it at this moment until the line is there.
        rows = Directions.objects.select_for_update(of=("self",)).select_related("member")
        row = rows.filter(pk=member_id).first()
        why = "directions_none" if row is None else "" if _is_gone(row.member) else "directions_still_there"
        subject = member_id if row else None
        record(Entry(Action.DIRECTIONS_READ, actor=actor, subject=subject, refused=bool(why), reason=why, at=now))
    if row is None or why:
        raise DirectionsRefused(why)
    return opened(row)


def _is_gone(member: Member) -> bool:
    return has_left(member.state, member.hold, is_absent_for_good=member.absent_for_good_at is not None)


def forget(members: Sequence[UUID]) -> int:
    """With all the rest of somebody."""
    return Directions.objects.filter(pk__in=list(members)).delete()[0]
