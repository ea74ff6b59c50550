"""What the cooperative itself decides about an account: suspended, resumed, welcomed back.

A pass over the directory never touches any of it.
"""

from datetime import datetime
from uuid import UUID

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from directory.services import statuses
from directory.services.changing import changing, check_not_last_technician, check_not_watched_by
from directory.services.factor_rules import settle_second_factor_dates
from directory.signals import member_acted_on, members_ended
from directory.types import CannotChange, Hold, MemberState, SuspensionReason

GONE = (MemberState.LEFT, MemberState.MISSING)


def suspend(*, member_id: UUID, reason: SuspensionReason, actor: Actor, now: datetime) -> None:
    """Close an account until somebody resumes it; all that is attached to it ends in the same transaction.

    Raises ``CannotChange``: one’s own account, the last technician’s, the data protection officer’s, one that is
    suspended or gone already.
    """
    with changing(Action.MEMBER_SUSPENDED, member_id=member_id, actor=actor, now=now) as member:
        if actor.member == member_id:
            raise CannotChange("own_account")
        if member.hold == Hold.SUSPENDED:
            raise CannotChange("suspended_already")
        if member.is_absent:
            raise CannotChange("absent_already")
        if member.hold == Hold.LEFT or member.state in GONE:
            raise CannotChange("gone_already")
        check_not_watched_by(member, actor=actor, now=now)
        check_not_last_technician(member_id, now=now)
        set_hold(member, Hold.SUSPENDED, str(reason), now)
        facts: dict[str, object] = {"suspension": str(reason)}
        record(Entry(Action.MEMBER_SUSPENDED, actor=actor, subject=member_id, facts=facts, at=now))
        members_ended.send(sender=Member, member_ids=[member_id], now=now)
        _tell(Action.MEMBER_SUSPENDED, member_id, actor, now, facts)


def resume(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Lift a suspension: the same person, with the factors, collectives and subjects they had.

    Raises ``CannotChange`` where there is no suspension to lift, and for one’s own.
    """
    with changing(Action.MEMBER_RESUMED, member_id=member_id, actor=actor, now=now) as member:
        if actor.member == member_id:
            raise CannotChange("own_account")
        if member.hold != Hold.SUSPENDED:
            raise CannotChange("not_suspended")
        set_hold(member, Hold.NONE, "", now)
        record(Entry(Action.MEMBER_RESUMED, actor=actor, subject=member_id, at=now))
        settle_second_factor_dates(now=now)
        _tell(Action.MEMBER_RESUMED, member_id, actor, now, {})


def welcome_back(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Somebody who left returns: the hold of their departure is lifted, and whoever they were, they are again.

    Roles are not given back by themselves.  Where contact details were erased, the next pass over the directory
    fills them again; where the entry is not active yet, it opens the account the day it is.
    Raises ``CannotChange`` where nobody left.
    """
    with changing(Action.MEMBER_RETURNED, member_id=member_id, actor=actor, now=now) as member:
        if member.hold != Hold.LEFT:
            raise CannotChange("not_gone")
        set_hold(member, Hold.NONE, "", now)
        if member.is_active:
            Member.objects.filter(pk=member_id).update(erased_at=None)
        record(Entry(Action.MEMBER_RETURNED, actor=actor, subject=member_id, reason="welcomed_back", at=now))
        statuses.settle(now=now, only=[member_id])
        settle_second_factor_dates(now=now)
        _tell(Action.MEMBER_RETURNED, member_id, actor, now, {})


def set_hold(member: Member, hold: Hold, reason: str, now: datetime) -> None:
    """Call inside the transaction of the change, which records it."""
    member.hold, member.hold_reason = hold, reason
    member.hold_since = now if hold else None
    member.save(update_fields=["hold", "hold_reason", "hold_since", "updated_at"])


def _tell(action: Action, member_id: UUID, actor: Actor, now: datetime, facts: dict[str, object]) -> None:
    member_acted_on.send(sender=Member, action=action, member_id=member_id, actor=actor, facts=facts, now=now)
