"""What every change of an account has in common: one transaction, and a line for a refusal too."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member, RoleGrant
from directory.policy import GIVEN_BY, Right, roles_with
from directory.types import CannotChange, Role

SETTLED_AFTER = timedelta(days=3)


@contextmanager
def changing(action: Action, *, member_id: UUID, actor: Actor, now: datetime) -> Iterator[Member]:
    """The member, locked, in a transaction of its own; a refusal undoes it and leaves its line.

    Not inside a transaction of the caller’s that the refusal would roll back, line and all.
    """
    try:
        with transaction.atomic():
            # ``no_key``: who writes a mail or a line about this member holds their key, and would deadlock with more.
            member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
            if member is None:
                raise CannotChange("member_unknown")
            yield member
    except CannotChange as refusal:
        with transaction.atomic():
            record(Entry(action, actor=actor, subject=member_id, refused=True, reason=refusal.reason, at=now))
        raise


def check_not_watched_by(member: Member, *, actor: Actor, now: datetime) -> None:
    """Nobody silences who watches them (GDPR 38(3)): the officer's role is taken back first, by whoever gives it.

    The hub itself, at the machine, is not bound: a stolen account must be closed tonight.
    """
    grants = RoleGrant.objects.filter(member=member, role=Role.DPO)
    if actor.member is not None and any(grant.is_in_force(now) for grant in grants):
        raise CannotChange("watches_you")


def check_not_above(member: Member, *, actor: Actor, now: datetime) -> None:
    """Nobody is let into an account whose role they may not give: it would be a way to give it to themselves."""
    person = Member.objects.filter(pk=actor.member).first() if actor.member else None
    if person is not None and any(not GIVEN_BY[role] & person.roles for role in member.roles):
        raise CannotChange("role_first")


def check_not_made_for_this(person: UUID | None, role: Role, *, asked_at: datetime) -> None:
    """Whoever is the second of two people must not have been made so by the first, or by an accomplice, just before.

    A role that was given by the operator or by a technician counts at once, any other one after three days.
    """
    grant = RoleGrant.objects.filter(member=person, role=role).select_related("granted_by").first()
    if grant is None or grant.granted_by is None or Role.TECHNICIAN in grant.granted_by.roles:
        return
    if grant.granted_at > asked_at - SETTLED_AFTER:
        raise CannotChange("role_too_new")


def why_right_is_borrowed(person: Member, other: Member, *, right: Right, asked_at: datetime) -> str:
    """Where a right counts beside that of another: a code if that one gave it, whenever, or anybody just before.

    What the hub gave, by a command at its machine, counts at once.
    """
    for grant in RoleGrant.objects.filter(member=person, role__in=roles_with(right)).exclude(granted_by=None):
        if grant.granted_by_id == other.pk:
            return "role_from_the_other"
        if grant.granted_at > asked_at - SETTLED_AFTER:
            return "role_too_new"
    return ""


def check_not_last_technician(member_id: UUID, *, now: datetime) -> None:
    """Somebody must be able to name the next one.  Locked: two may go at once, each counting on the other."""
    grants = list(RoleGrant.objects.select_for_update().filter(role=Role.TECHNICIAN).order_by("pk"))
    in_force = [grant.member_id for grant in grants if grant.is_in_force(now)]
    if member_id not in in_force:
        return
    if not Member.objects.active().filter(pk__in=in_force).exclude(pk=member_id).exists():
        raise CannotChange("last_technician")
