"""The mails of the proof: the newest checkpoints each day, whatever contradicts the logs as soon as it is seen, and
that somebody wants a log destroyed.

Nothing in the first two is about anybody.  Whoever has the daily one can show later that nothing before was rewritten.
One a day and reader at most: after days without a worker, or without a mail server, the newest says all that the
others would have said.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from audit import alarms, mailing, qr
from audit.keeping.destruction import LIVES
from audit.models import Checkpoint, Destruction
from directory.models import Member
from directory.types import Role
from idp.services.accounts import mails
from idp.services.accounts.mails import Attachment
from idp.types import MailKind

FROM_HOUR = 6
# The next day's says more.
KEPT = timedelta(days=1)
# A mail server that is away for weeks hides no alarm.
ALARM_KEPT = timedelta(days=30)


def mail_checkpoints(*, now: datetime) -> int:
    """Returns how many mails there are to send."""
    here = timezone.localtime(now)
    if here.hour < FROM_HOUR or mailing.is_mailed(here.date()):
        return 0
    return _mail(now)


@transaction.atomic
def _mail(now: datetime) -> int:
    found = mailing.to_keep(now)
    begun = mailing.begin_mailing(day=timezone.localdate(now), now=now) if found else None
    if begun is None:
        return 0
    context: dict[str, Any] = {
        "checkpoints": found,
        "now": timezone.localtime(now),
        "page": settings.ORIGIN + reverse("audit:proof"),
    }
    files = _files(found, timezone.localtime(now))
    officers = with_role(Role.DPO, now)
    told = sum(_queue(member, context, files, now) for member in officers) or _queue(None, context, files, now)
    mailing.note_mailing(mailing=begun, logs=[each.log.name for each in found], told=told, now=now)
    return told


def _queue(member: Member | None, context: dict[str, Any], files: tuple[Attachment, ...], now: datetime) -> int:
    """To a person in their language; to nobody in particular, to the officer's address in the hub's own."""
    subject, body = mails.rendered("checkpoints", member, context)
    mail = mails.queue_text(
        kind=MailKind.CHECKPOINTS,
        member=member,
        subject=subject,
        body=body,
        now=now,
        address="" if member else settings.DPO_CONTACT,
        kept=KEPT,
        files=files,
    )
    return int(mail is not None)


def _files(found: list[Checkpoint], day: datetime) -> tuple[Attachment, ...]:
    """All of them for a program (``verify.py --saved``), and each as a picture for whoever keeps them on paper."""
    together = "\n".join(each.note for each in found)
    pictures = (Attachment(f"{each.log.name}-{each.size}.png", "image/png", qr.png(each.note)) for each in found)
    return Attachment(f"releves-{day:%Y-%m-%d}.txt", "text/plain", together.encode()), *pictures


def tell_of_contradictions(*, now: datetime) -> int:
    """To the officers and the technicians, of each contradiction once.  Returns how many mails there are to send."""
    news = alarms.untold(now)
    return _tell(news, now) if news else 0


@transaction.atomic
def _tell(news: list[alarms.Alarm], now: datetime) -> int:
    found = alarms.begin_telling(news, now=now)
    if not found:
        return 0
    context = {
        "alarms": found,
        "now": timezone.localtime(now),
        "proof": settings.ORIGIN + reverse("audit:proof"),
        "gaps": settings.ORIGIN + reverse("audit:reconciliation"),
    }
    told = _queue_to_all("contradiction", context, now, kind=MailKind.CONTRADICTION, kept=ALARM_KEPT)
    alarms.note_telling(found, told=told, now=now)
    return told


def tell_of_proposal(proposal: Destruction, *, now: datetime) -> None:
    """To all who could agree to it, and whoever proposed it: it may not have been them.  With the proposal itself."""
    context = {
        "log": proposal.log.name,
        "proposer": proposal.proposed_by,
        "until": timezone.localtime(proposal.expires_at),
        "page": settings.ORIGIN + reverse("idp:destructions"),
    }
    _queue_to_all("destruction_proposed", context, now, kind=MailKind.SECURITY, kept=LIVES)


def _queue_to_all(template: str, context: dict[str, Any], now: datetime, *, kind: MailKind, kept: timedelta) -> int:
    """To the officers and the technicians; where there are none with an address, to that of either."""

    def queue(member: Member | None, address: str = "") -> int:
        subject, body = mails.rendered(template, member, context)
        mail = mails.queue_text(
            kind=kind, member=member, subject=subject, body=body, now=now, address=address, kept=kept
        )
        return int(mail is not None)

    told = 0
    for role, address in ((Role.DPO, settings.DPO_CONTACT), (Role.TECHNICIAN, settings.OFFICE_CONTACT)):
        told += sum(queue(member) for member in with_role(role, now)) or queue(None, address)
    return told


def with_role(role: Role, now: datetime) -> list[Member]:
    current = Q(role_grants__ends_at=None) | Q(role_grants__ends_at__gt=now)
    return list(Member.objects.active().filter(current, role_grants__role=role).distinct().order_by("pk"))
