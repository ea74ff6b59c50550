"""Whatever somebody does to a member's account is told to the member: one mail per act, from one table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import translation

from audit.types import Action, Actor
from directory.models import Member
from directory.types import Role, SuspensionReason
from idp.services.accounts import lifecycle_mails, mails
from idp.types import MailKind

# The acts of the office and of whoever gives roles, with the mail that tells the member.
TEMPLATES = {
    Action.MEMBER_SUSPENDED: ("account_suspended", MailKind.SECURITY),
    Action.MEMBER_RESUMED: ("account_resumed", MailKind.SECURITY),
    Action.MEMBER_RETURNED: ("account_returned", MailKind.SECURITY),
    Action.ROLE_GRANTED: ("role_granted", MailKind.SECURITY),
    Action.ROLE_REVOKED: ("role_revoked", MailKind.SECURITY),
}


def tell(action: Action, *, member_id: UUID, actor: Actor, facts: Mapping[str, Any], now: datetime) -> None:
    """Inside the transaction of the act.  Departures speak to more people than the member."""
    member = Member.objects.get(pk=member_id)
    if action == Action.DEPARTURE_CANCELLED:
        if facts["announced"]:
            lifecycle_mails.departure("cancelled", member, last_day=facts["last_day"], now=now)
        return
    if action == Action.MEMBER_LEFT:
        lifecycle_mails.departure("done", member, last_day=facts["last_day"], now=now)
        return
    if action == Action.ABSENCE_ENDED:
        lifecycle_mails.absence(member, absent_since=facts["absent_since"], now=now)
        return
    template, kind = TEMPLATES[action]
    mails.queue(kind=kind, template=template, member=member, context=_words(facts), now=now)
    if action in (Action.ROLE_GRANTED, Action.ROLE_REVOKED):
        _tell_the_office(action, member, actor, facts, now)


def _tell_the_office(action: Action, member: Member, actor: Actor, facts: Mapping[str, Any], now: datetime) -> None:
    """Who may act on accounts is everybody's business there: nobody makes themself an accomplice unseen."""
    if "@" not in settings.OFFICE_CONTACT:
        return
    who = Member.objects.filter(pk=actor.member).first() if actor.member else None
    with translation.override(settings.LANGUAGE_CODE):
        role = str(Role(facts["role"]).label)
    context = {"who": who, "role": role, "given": action == Action.ROLE_GRANTED}
    subject, body = mails.rendered("role_office", member, context, language=settings.LANGUAGE_CODE)
    mails.queue_text(
        kind=MailKind.SECURITY,
        member=member,
        subject=subject,
        body=body,
        now=now,
        address=settings.OFFICE_CONTACT,
        language=settings.LANGUAGE_CODE,
    )


def _words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Lazy labels: they are put into words in the member's language."""
    words = dict(facts)
    if "suspension" in words:
        words["suspension"] = SuspensionReason(words["suspension"]).label
    if "role" in words:
        words["role"] = Role(words["role"]).label
    return words
