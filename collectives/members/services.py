"""Putting somebody into a collective, taking them out, and undoing either."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.services import record
from audit.types import Action, Actor, Entry
from collectives.models import MembershipChange
from directory.models import Member
from directory.services import memberships
from directory.services.memberships import MembershipRefused
from idp.services.accounts import mails
from idp.types import MailKind

__all__ = ["MembershipRefused", "change"]
DAY = timedelta(days=1)
# In and out again and again is a game, or a quarrel: the journal has all of it, a mailbox need not.
TOLD_A_DAY = 4


def change(
    *, collective_id: UUID, member_id: UUID, joins: bool, actor: Actor, now: datetime, undoes: int | None = None
) -> bool:
    """The directory first, then the mirror, the row by which it is undone, the line and the mail, in one transaction.

    ``undoes``: the change that this one takes back.  Whether the mirror says it already; else the next pass brings it.
    Raises ``MembershipRefused``, with a line in the journal.
    """
    written = memberships.write(collective_id=collective_id, member_id=member_id, joins=joins, actor=actor, now=now)
    return _kept(written, joins, actor, now, undoes)


@transaction.atomic
def _kept(written: memberships.InDirectory, joins: bool, actor: Actor, now: datetime, undoes: int | None) -> bool:
    # First: it takes its locks in the order of a pass.
    is_shown = memberships.take_over(written, now=now)
    rows = MembershipChange.objects.filter(collective=written.collective)
    if not written.written.changed:
        return is_shown
    opposite = rows.filter(member=written.member, joins=not joins, undone_at=None)
    lately = rows.filter(member=written.member, at__gt=now - DAY).count()
    is_undoing = undoes is not None and bool(opposite.filter(pk=undoes).update(undone_at=now))
    MembershipChange.objects.create(
        collective=written.collective, member=written.member, joins=joins, by_id=actor.member, at=now
    )
    action = Action.MEMBERSHIP_GIVEN if joins else Action.MEMBERSHIP_TAKEN
    facts: dict[str, object] = {"collective": str(written.collective.pk)}
    if is_undoing:
        facts["change"] = "undone"
    record(Entry(action, actor=actor, subject=written.member.pk, facts=facts, at=now))
    if lately < TOLD_A_DAY and written.member.is_active:
        _tell(written, joins, actor, now)
    return is_shown


def _tell(written: memberships.InDirectory, joins: bool, actor: Actor, now: datetime) -> None:
    """Whoever was put in or taken out, by whom, and whom to ask: a collective opens tools."""
    by = Member.objects.filter(pk=actor.member).exclude(pk=written.member.pk).first() if actor.member else None
    if by is None:
        return
    collective = written.collective
    context = {
        "joins": joins,
        "of": " ".join(collective.name.split()),
        "by": " ".join(by.display_name.split()),
        "page": settings.ORIGIN + reverse("collectives:one", args=[collective.slug]),
    }
    mails.queue(kind=MailKind.MEMBERSHIP, template="membership", member=written.member, now=now, context=context)
