"""A forgotten password: who asks gets one answer whatever they typed; what happens is told to the person, by mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation

from audit.services import record
from audit.types import SYSTEM, Action, Entry
from directory import passwords as kept
from directory import selectors
from directory.models import Member
from directory.normalise import login_key, mail_key
from directory.types import Hold, MemberState
from idp import accounts
from idp.models import OutgoingMail
from idp.services import refusals
from idp.services.accounts import links, mails
from idp.standing import obstacles
from idp.standing_words import Said, to_member
from idp.types import LinkKind, MailKind

# Nobody fills somebody else's mail box: so many mails in this time for one person, whoever asks.
MAILS, WITHIN = 3, timedelta(hours=1)
# An answer takes at least this long, and all that can be done for somebody takes less.
ANSWER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a typed name means: ``trouble`` says why no link can be sent, ``reason`` why nothing can."""

    member: Member | None
    reason: str = ""
    trouble: str = ""


def ask(*, identifier: str, network: str, now: datetime) -> None:
    """Send what is true for the person meant: a link, or why there is none and whom to ask; or nothing, to nobody."""
    with transaction.atomic():
        found = _find(identifier)
        if found.member is not None and not found.reason:
            # One at a time: the count below holds for two requests at once.
            list(Member.objects.select_for_update(no_key=True).filter(pk=found.member.pk).values_list("pk"))
            reason = _why_nothing(found.member, now)
            if not reason:
                _send(found.member, found.trouble, now)
                return
            found = Found(found.member, reason)
    subject = found.member.pk if found.member else None
    refusals.note(
        Entry(Action.RESET_REFUSED, subject=subject, refused=True, reason=found.reason, at=now),
        network=network,
        now=now,
    )


def _send(member: Member, trouble: str, now: datetime) -> None:
    said = _in_the_way(member, now)
    if trouble:
        context = {"trouble": trouble, "said": said}
        mails.queue(kind=MailKind.HELP, template="reset_help", member=member, now=now, context=context)
    else:
        link, secret = links.issue(
            member_id=member.pk, kind=LinkKind.RESET, actor=SYSTEM, lifetime=settings.RESET_LIFETIME, now=now
        )
        mails.queue(
            kind=MailKind.RESET,
            template="reset",
            member=member,
            now=now,
            context={"address": links.address_of(secret), "until": link.expires_at, "said": said},
            link=link,
            kept=settings.RESET_LIFETIME,
        )
    kind = MailKind.HELP if trouble else MailKind.RESET
    record(Entry(Action.RESET_ASKED, subject=member.pk, reason=trouble, facts={"mail": str(kind)}, at=now))


def _in_the_way(member: Member, now: datetime) -> list[Said]:
    """What keeps this person out, in their own words and language: the office reads the same, in its own."""
    with translation.override(mails.language_of(member)):
        found = obstacles(accounts.facts_of(member, now), now)
        return [to_member(each) for each in found if each.stops]


def _why_nothing(member: Member, now: datetime) -> str:
    if member.erased_at is not None or not mails.address_of(member):
        return "no_address"
    lately = OutgoingMail.objects.filter(
        member=member, kind__in=[MailKind.RESET, MailKind.HELP], created_at__gt=now - WITHIN
    )
    return "throttled" if lately.count() >= MAILS else ""


def _find(identifier: str) -> Found:
    member = selectors.find_for_sign_in(identifier) if "\x00" not in identifier else None
    if member is not None:
        return Found(member, trouble="" if kept.can_reset(member) else "no_write_account")
    known = list(_answering_to(identifier)[:2])
    if not known:
        return Found(None, "unknown")
    if len(known) > 1:
        return Found(None, "ambiguous")
    return Found(known[0], trouble=_trouble_of(known[0]), reason="" if _trouble_of(known[0]) else "ambiguous")


def _trouble_of(member: Member) -> str:
    if member.hold == Hold.LEFT or member.state == MemberState.LEFT:
        return "left"
    if member.state == MemberState.MISSING:
        return "absent"
    if member.hold == Hold.SUSPENDED:
        return "suspended"
    return "locked" if member.state == MemberState.LOCKED else ""


def _answering_to(identifier: str) -> QuerySet[Member]:
    """Everybody, in whatever state, whose login or mail this is; an empty key is nobody's."""
    wanted = Q()
    for field, key in (("login_key", login_key(identifier)), ("email_key", mail_key(identifier))):
        if key:
            wanted |= Q(**{field: key})
    found = Member.objects.filter(wanted) if wanted else Member.objects.none()
    return found.order_by("pk")
