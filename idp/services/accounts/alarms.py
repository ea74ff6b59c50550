"""« Ce n’était pas moi »: everything that is open ends, the office is told, and somebody looks at it.

It only ends things, so it harms nobody in the wrong hands: the member comes back in with their own factors.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.models import Event
from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from directory.types import CannotChange
from idp.models import Alarm, HubSession, ToolSession
from idp.services import sessions
from idp.services.accounts import browsers, links, mails
from idp.signals import alarm_raised
from idp.types import MailKind


@transaction.atomic
def raise_alarm(*, member: Member, actor: Actor, now: datetime, here: UUID | None = None) -> Alarm:
    """End the member's sessions, tools and tokens, known and trusted browsers and open links; tell the office.

    The apps above end what they opened in the member's name.

    ``here`` is the hub session that has just proved who is behind it: it goes on, without the tools it opened, so that
    its member can change the password at once.  An alarm that nobody has dealt with yet is not mailed again.
    """
    reason = "alarm"
    mine = HubSession.objects.filter(member=member)
    if here is not None:
        sessions.end_tool_sessions(
            ToolSession.objects.filter(hub_session_id=here, hub_session__member=member),
            reason=reason,
            actor=actor,
            now=now,
        )
        mine = mine.exclude(pk=here)
    sessions.end_hub_sessions(mine, reason=reason, actor=actor, now=now)
    browsers.end_all([member.pk], reason=reason, actor=actor, now=now)
    # Links that somebody may have asked for in the member's name.
    links.end_all(member.pk, now=now)
    sessions.hold(member.pk)
    alarm_raised.send(sender=Alarm, member_id=member.pk, now=now)
    waiting = open_alarm(member.pk)
    alarm = waiting or Alarm(member=member)
    alarm.raised_at = now
    alarm.save()
    facts: dict[str, object] = {"alarm": alarm.pk}
    record(Entry(Action.ALARM_RAISED, actor=actor, subject=member.pk, session=here, facts=facts, at=now))
    if waiting is None:
        mails.queue(kind=MailKind.SECURITY, template="alarm_raised", member=member, now=now)
        _tell_the_office(member, now)
    return alarm


@transaction.atomic
def settle(*, alarm_id: int, actor: Actor, now: datetime) -> None:
    """Somebody of the office has dealt with it.  Raises ``CannotChange`` for one's own alarm."""
    alarm = Alarm.objects.select_for_update().get(pk=alarm_id)
    if alarm.settled_at is not None:
        return
    if alarm.member_id == actor.member:
        # Whoever holds the account may not be who raised it.
        raise CannotChange("own_account")
    alarm.settled_at, alarm.settled_by_id = now, actor.member
    alarm.save(update_fields=["settled_at", "settled_by"])
    facts: dict[str, object] = {"alarm": alarm.pk}
    record(Entry(Action.ALARM_SETTLED, actor=actor, subject=alarm.member_id, facts=facts, at=now))


def open_alarm(member_id: UUID) -> Alarm | None:
    """What nobody has dealt with yet."""
    return Alarm.objects.filter(member_id=member_id, settled_at=None).first()


def password_is_doubtful(member_id: UUID) -> bool:
    """An alarm was raised, and the password has not been changed since (NIST SP 800-63B-4 §3.1.1.2)."""
    last = Alarm.objects.filter(member_id=member_id).first()
    if last is None:
        return False
    changes = Event.objects.about(member_id).filter(action=Action.PASSWORD_CHANGED, refused=False)
    return not changes.filter(at__gte=last.raised_at).exists()


def ended_since(member_id: UUID, moment: datetime) -> bool:
    """Has everything that was open ended after this moment: a new password, or an alarm?

    A sign-in that is half done has no row to end.  What it proved before then is worth nothing after.
    """
    ends = Event.objects.filter(action__in=[Action.PASSWORD_CHANGED, Action.ALARM_RAISED], refused=False)
    return ends.about(member_id).filter(at__gt=moment).exists()


def _tell_the_office(member: Member, now: datetime) -> None:
    if "@" not in settings.OFFICE_CONTACT:
        return
    subject, body = mails.rendered("alarm_office", member, {"raised_at": now}, language=settings.LANGUAGE_CODE)
    mails.queue_text(
        kind=MailKind.ALARM,
        member=member,
        subject=subject,
        body=body,
        now=now,
        address=settings.OFFICE_CONTACT,
        language=settings.LANGUAGE_CODE,
    )
