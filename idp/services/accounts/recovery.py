"""Getting somebody back in who has lost their factors: one person of the office asks, another one decides.

ANSSI R30, OWASP ASVS 6.4.3: at least as strong as signing in.  Whoever rings up and says to be a member has to convince
two people, and the member is told at each step, while their sessions and their mail are still theirs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from directory.models import Member
from directory.services.changing import (
    changing,
    check_not_above,
    check_not_made_for_this,
    check_not_watched_by,
)
from directory.types import CannotChange, Role
from idp.models import Recovery
from idp.services import sessions
from idp.services.accounts import factors, lifecycle_mails, links, mails
from idp.types import LinkKind, MailKind, RecoveryState

# Long enough for the other one to come back from the week-end; a request that nobody decides is none.
OPEN_FOR = timedelta(days=4)
NOBODY = UUID(int=0)
BY_HAND_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it.  ``secret`` is the link to be handed over in person, this once."""

    recovery: Recovery
    secret: str = ""


def ask(*, member_id: UUID, by_hand: bool, actor: Actor, now: datetime) -> Recovery:
    """Ask for a member's factors to be taken away.  ``by_hand``: their mail box is lost too.

    Raises ``CannotChange`` for oneself, for somebody who cannot enter anyway, for whoever watches the office, and
    while another request is open.
    """
    with changing(Action.RECOVERY_ASKED, member_id=member_id, actor=actor, now=now) as member:
        _check(member, actor, now)
        _expire(now, member_id)
        if Recovery.objects.filter(member=member, state=RecoveryState.ASKED).exists():
            raise CannotChange("recovery_open")
        recovery = Recovery.objects.create(
            member=member, by_hand=by_hand, asked_by_id=actor.member, asked_at=now, expires_at=now + OPEN_FOR
        )
        record(_line(Action.RECOVERY_ASKED, recovery, actor, now))
        _tell(recovery, "recovery_asked", actor, now)
        return recovery


def approve(*, recovery_id: UUID, actor: Actor, now: datetime) -> Decided:
    """Take the factors away, with every session, trust and open link.  Raises ``CannotChange``."""
    member_id = Recovery.objects.filter(pk=recovery_id).values_list("member_id", flat=True).first()
    with changing(Action.RECOVERY_APPROVED, member_id=member_id or NOBODY, actor=actor, now=now) as member:
        recovery = _open(recovery_id, now)
        if actor.member in (None, recovery.asked_by_id):
            raise CannotChange("same_person")
        check_not_made_for_this(actor.member, Role.OFFICE, asked_at=recovery.asked_at)
        _check(member, actor, now)
        _settle(recovery, RecoveryState.APPROVED, actor, now)
        record(_line(Action.RECOVERY_APPROVED, recovery, actor, now))
        sessions.end_member([recovery.member_id], reason="recovered", actor=actor, now=now)
        factors.reset(member_id=recovery.member_id, actor=actor, now=now)
        links.end_all(recovery.member_id, now=now)
        secret = ""
        if recovery.by_hand:
            _link, secret = links.issue(
                member_id=recovery.member_id, kind=LinkKind.BY_HAND, actor=actor, lifetime=BY_HAND_LIFETIME, now=now
            )
        _tell(recovery, "recovery_approved", actor, now)
        return Decided(recovery, secret)


@transaction.atomic
def refuse(*, recovery_id: UUID, actor: Actor, now: datetime) -> Recovery:
    """Say no.  One person is enough for that.  Raises ``CannotChange``."""
    recovery = _open(recovery_id, now)
    _settle(recovery, RecoveryState.REFUSED, actor, now)
    record(_line(Action.RECOVERY_REFUSED, recovery, actor, now))
    return recovery


@transaction.atomic
def cancel(*, recovery_id: UUID, actor: Actor, now: datetime) -> Recovery:
    """The member says that they asked for nothing, or whoever asked takes it back.  Raises ``CannotChange``."""
    recovery = _open(recovery_id, now)
    if actor.member not in (recovery.member_id, recovery.asked_by_id):
        raise CannotChange("not_your_request")
    _settle(recovery, RecoveryState.CANCELLED, actor, now)
    record(_line(Action.RECOVERY_CANCELLED, recovery, actor, now))
    return recovery


@transaction.atomic
def expire(*, now: datetime) -> int:
    """End what nobody decided in time."""
    return _expire(now)


def _check(member: Member, actor: Actor, now: datetime) -> None:
    if actor.member == member.pk:
        raise CannotChange("own_account")
    if not member.is_active:
        raise CannotChange("not_active")
    # Two people of the office could otherwise let themselves in as the one who reads what they do, or as somebody who
    # gives roles that they may not give.
    check_not_watched_by(member, actor=actor, now=now)
    check_not_above(member, actor=actor, now=now)


def _expire(now: datetime, member_id: UUID | None = None) -> int:
    due = Recovery.objects.filter(state=RecoveryState.ASKED, expires_at__lte=now)
    rows = list((due.filter(member=member_id) if member_id else due).select_for_update(skip_locked=True))
    for recovery in rows:
        _settle(recovery, RecoveryState.EXPIRED, SYSTEM, now)
        record(_line(Action.RECOVERY_CANCELLED, recovery, SYSTEM, now, reason="expired"))
    return len(rows)


def _open(recovery_id: UUID, now: datetime) -> Recovery:
    found = Recovery.objects.select_for_update(of=("self",), no_key=True).select_related("member")
    recovery = found.filter(pk=recovery_id, state=RecoveryState.ASKED, expires_at__gt=now).first()
    if recovery is None:
        raise CannotChange("recovery_over")
    return recovery


def _settle(recovery: Recovery, state: RecoveryState, actor: Actor, now: datetime) -> None:
    recovery.state, recovery.decided_by_id, recovery.decided_at = state, actor.member, now
    recovery.save(update_fields=["state", "decided_by", "decided_at"])


def _line(action: Action, recovery: Recovery, actor: Actor, now: datetime, *, reason: str = "") -> Entry:
    facts: dict[str, Any] = {"recovery": str(recovery.pk)}
    if recovery.by_hand:
        facts["by_hand"] = True
    return Entry(action, actor=actor, subject=recovery.member_id, reason=reason, facts=facts, at=now)


def _tell(recovery: Recovery, template: str, actor: Actor, now: datetime) -> None:
    """To the member, whose trace this is; and, for a request, to the office, where somebody else must look at it."""
    who = Member.objects.filter(pk=actor.member or NOBODY).first()
    context = {"who": who, "by_hand": recovery.by_hand, "page": settings.ORIGIN + reverse("mfa_index")}
    mails.queue(kind=MailKind.RECOVERY, template=template, member=recovery.member, context=context, now=now)
    if template == "recovery_asked":
        page = settings.ORIGIN + reverse("idp:office_member", args=[recovery.member_id])
        context = {"who": who, "page": page}
        lifecycle_mails.to_office(MailKind.RECOVERY, "recovery_to_decide", recovery.member, context, now)
