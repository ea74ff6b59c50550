"""A member's second factors: what there is, starting again from nothing, and reminding those who need one."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from directory.types import MailState
from idp.models import OutgoingMail
from idp.services import sessions
from idp.services.accounts import mails, recovery_codes
from idp.types import SECOND_FACTORS, FactorSummary, MailKind, PasskeySummary

# Before its end, beside the first one when it is asked for.
REMINDERS = (timedelta(days=7), timedelta(days=1))
# In one turn of the worker.
AT_ONCE = 100


def summary(member: Member) -> FactorSummary:
    rows = list(Authenticator.objects.filter(user=member.pk).order_by("created_at", "pk"))
    return FactorSummary(
        passkeys=tuple(
            PasskeySummary(
                id=row.pk,
                name=str(row.data.get("name", "")),
                created_at=row.created_at,
                last_used_at=row.last_used_at,
                synced=is_synced(row),
            )
            for row in rows
            if row.type == Authenticator.Type.WEBAUTHN
        ),
        totp=any(row.type == Authenticator.Type.TOTP for row in rows),
        recovery_codes=recovery_codes.left(member.pk),
    )


def is_synced(passkey: Authenticator) -> bool:
    """Web Authentication §6.1.3, backup eligibility: may this passkey leave the device it was made on?"""
    return bool(passkey.data.get("synced"))


@transaction.atomic
def reset(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """Every factor of a member is gone, for somebody who lost them; what rested on them ends, and they are told."""
    sessions.hold(member_id)
    member = Member.objects.get(pk=member_id)
    rows = Authenticator.objects.filter(user=member_id)
    kinds = sorted(set(rows.values_list("type", flat=True)))
    rows.delete()
    sessions.weaken(member_id, now=now)
    mails.queue(kind=MailKind.SECURITY, template="factors_reset", member=member, now=now)
    record(Entry(Action.FACTORS_RESET, actor=actor, subject=member_id, facts={"factor": kinds}, at=now))


@transaction.atomic
def rename(*, factor_id: int, member_id: UUID, name: str, now: datetime) -> None:
    row = Authenticator.objects.select_for_update(no_key=True).get(
        pk=factor_id, user=member_id, type=Authenticator.Type.WEBAUTHN
    )
    row.data["name"] = name
    row.save(update_fields=["data"])
    entry = Entry(
        Action.FACTOR_RENAMED,
        actor=Actor(member=member_id),
        subject=member_id,
        facts={"factor": Authenticator.Type.WEBAUTHN.value},
        at=now,
    )
    record(entry)


# Reminders -----------------------------------------------------------------------------------------------------


@transaction.atomic
def remind_due(*, now: datetime) -> int:
    """Write to those who still need a second factor: when it is first asked for, a week and a day before its end.

    Returns how many mails were queued.  What was sent is told by the outbox: turning twice sends once.
    """
    rows = Member.objects.active().filter(second_factor_by__gt=now, email_state=MailState.OK)
    rows = rows.filter(~Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)))
    queued = 0
    for member in rows.order_by("pk").select_for_update(of=("self",), skip_locked=True, no_key=True):
        by = member.second_factor_by
        if by is None or not _is_due(by, _last_reminder(member, by), now):
            continue
        queued += (
            mails.queue(
                kind=MailKind.FACTOR_REMINDER,
                template="factor_reminder",
                member=member,
                context=_told(by, now),
                now=now,
                # Past its end it would tell a date that is over.
                kept=min(mails.KEPT, by - now),
            )
            is not None
        )
        if queued >= AT_ONCE:
            break
    return queued


def _is_due(by: datetime, last: datetime | None, now: datetime) -> bool:
    if last is None:
        return True
    return any(last < by - before <= now for before in REMINDERS)


def _last_reminder(member: Member, by: datetime) -> datetime | None:
    """The last one for this date: those of an earlier request, years ago, are none."""
    begun = by - max(settings.SECOND_FACTOR_GRACE, *REMINDERS) - timedelta(days=1)
    sent = OutgoingMail.objects.filter(member=member, kind=MailKind.FACTOR_REMINDER, created_at__gte=begun)
    return sent.order_by("-created_at").values_list("created_at", flat=True).first()


def _told(by: datetime, now: datetime) -> dict[str, Any]:
    return {"by": by, "days": max(1, round((by - now) / timedelta(days=1)))}
