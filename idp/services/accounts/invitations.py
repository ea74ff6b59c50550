"""Inviting somebody who has never come: a mail with a link, sent again as often as it takes, and taken back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory import passwords as kept
from directory.models import Member
from idp.models import AccountLink, HubSession, OutgoingMail
from idp.services.accounts import links, mails
from idp.types import LinkKind, MailKind, OutgoingState

TEMPLATE = "invitation"
# A second click is a mistake, and a sixth mail in a day is a nuisance.
RESEND_AFTER, A_DAY = timedelta(minutes=2), 5


class CannotInvite(Exception):
    """``reason`` is a code: what is missing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stage(StrEnum):
    """How far an invitation has come."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    OPENED = "opened"
    USED = "used"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Invitation:
    """The latest invitation of a member, as the office sees it."""

    stage: Stage
    at: datetime
    until: datetime
    by: Member | None


@transaction.atomic
def invite(*, member_id: UUID, actor: Actor, now: datetime) -> AccountLink:
    """Send an invitation; an earlier one ends.  Raises ``CannotInvite``."""
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    reason = why_not(member, now=now)
    if reason:
        raise CannotInvite(reason)
    link, secret = links.issue(
        member_id=member_id, kind=LinkKind.INVITATION, actor=actor, lifetime=settings.INVITATION_LIFETIME, now=now
    )
    context = _context(links.address_of(secret), link.expires_at, actor)
    mails.queue(
        kind=MailKind.INVITATION,
        template=TEMPLATE,
        member=member,
        now=now,
        context=context,
        link=link,
        kept=settings.INVITATION_LIFETIME,
    )
    record(Entry(Action.INVITED, actor=actor, subject=member_id, at=now))
    return link


@transaction.atomic
def take_back(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """The link of an invitation opens nothing any more; taking back what is over changes nothing."""
    if links.end_all(member_id, now=now, kinds=[LinkKind.INVITATION]):
        record(Entry(Action.INVITATION_ENDED, actor=actor, subject=member_id, at=now))


@transaction.atomic
def end_for_arrival(*, member_id: UUID, now: datetime) -> None:
    """They have come by themselves: the mail with a way to a new password does not go on for a week."""
    if links.end_all(member_id, now=now, kinds=[LinkKind.INVITATION]):
        actor = Actor(member=member_id)
        record(Entry(Action.INVITATION_ENDED, actor=actor, subject=member_id, reason="already_came", at=now))


def why_not(member: Member, *, now: datetime) -> str:
    """What stands against inviting this person now, as a code; nothing where they can be invited."""
    if not member.is_active:
        return "member_inactive"
    if HubSession.objects.filter(member=member).exists():
        return "already_came"
    if not mails.address_of(member):
        return "no_address"
    if not kept.can_reset(member):
        return "no_write_account"
    sent = AccountLink.objects.filter(member=member, kind=LinkKind.INVITATION, created_at__gt=now - timedelta(days=1))
    times = sorted(sent.values_list("created_at", flat=True))
    return "too_often" if len(times) >= A_DAY or (times and times[-1] > now - RESEND_AFTER) else ""


def preview(member: Member, language: str = "") -> tuple[str, str]:
    """Subject and text as this member would get them; the link in it opens nothing."""
    return mails.rendered(TEMPLATE, member, _context(links.address_of("EXEMPLE"), None, None), language=language)


def latest(member: Member, *, now: datetime) -> Invitation | None:
    """How far this member's latest invitation has come."""
    link = (
        AccountLink.objects.filter(member=member, kind=LinkKind.INVITATION)
        .select_related("created_by")
        .order_by("-created_at")
        .first()
    )
    if link is None:
        return None
    mail = OutgoingMail.objects.filter(link=link).order_by("-pk").first()
    return Invitation(_stage(link, mail, now), link.created_at, link.expires_at, link.created_by)


def _stage(link: AccountLink, mail: OutgoingMail | None, now: datetime) -> Stage:
    if link.used_at is not None:
        return Stage.USED
    if link.ended_at is not None:
        return Stage.ENDED
    if now >= link.expires_at:
        return Stage.EXPIRED
    if link.opened_at is not None:
        return Stage.OPENED
    if mail is not None and mail.state == OutgoingState.WAITING:
        return Stage.WAITING
    return Stage.FAILED if mail is not None and mail.state == OutgoingState.FAILED else Stage.SENT


def _context(address: str, until: datetime | None, actor: Actor | None) -> dict[str, object]:
    inviter = Member.objects.filter(pk=actor.member).first() if actor and actor.member else None
    days = settings.INVITATION_LIFETIME.days
    return {"address": address, "until": until, "days": days, "inviter": inviter.display_name if inviter else ""}
