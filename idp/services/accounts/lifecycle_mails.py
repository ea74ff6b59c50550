"""The mails of departures and of roles that end: to the member, the office, and the leads of their collectives."""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone

from directory.models import Collective, Member
from directory.types import Kind
from idp.services.accounts import mails
from idp.types import MailKind

# Who reads each mail of a departure: reminders spare the leads, who cannot do anything about it.
READERS = {
    "planned": ("member", "office", "lead"),
    "reminder": ("member", "office"),
    "cancelled": ("member", "office", "lead"),
    "done": ("member", "office"),
}


def departure(what: str, member: Member, *, last_day: date, now: datetime) -> int:
    """One mail for each reader, in their language; returns how many there are to send."""
    context: dict[str, Any] = {
        "what": what,
        "concerned": member,
        "last_day": last_day,
        "retention_days": settings.LEAVER_RETENTION.days,
    }
    sent = 0
    readers = READERS[what]
    if "member" in readers:
        sent += _queue(MailKind.DEPARTURE, "departure_member", member, context, now)
    if "office" in readers:
        sent += to_office(MailKind.DEPARTURE, "departure_office", member, context, now)
    if "lead" in readers:
        for lead, names in _leads_of(member):
            sent += _queue(MailKind.DEPARTURE, "departure_lead", lead, {**context, "collectives": names}, now)
    return sent


def absence(member: Member, *, absent_since: date, now: datetime) -> int:
    """To the office alone: the entry may have been replaced by another one of the same person, who never left."""
    context: dict[str, Any] = {
        "concerned": member,
        "absent_since": absent_since,
        "out_of_scope": member.state_reason == "out_of_scope",
        "erased_on": timezone.localtime(now + settings.LEAVER_RETENTION),
    }
    return to_office(MailKind.DEPARTURE, "absence_office", member, context, now)


def to_office(kind: MailKind, template: str, concerned: Member, context: dict[str, Any], now: datetime) -> int:
    """To the office's own address, in the hub's language; it is kept with the member it speaks of."""
    subject, body = mails.rendered(template, concerned, context, language=settings.LANGUAGE_CODE)
    mail = mails.queue_text(
        kind=kind,
        member=concerned,
        subject=subject,
        body=body,
        now=now,
        address=settings.OFFICE_CONTACT,
        language=settings.LANGUAGE_CODE,
    )
    return int(mail is not None)


def _queue(kind: MailKind, template: str, member: Member, context: dict[str, Any], now: datetime) -> int:
    return int(mails.queue(kind=kind, template=template, member=member, context=context, now=now) is not None)


def _leads_of(member: Member) -> list[tuple[Member, list[str]]]:
    """Each active lead once, with the collectives of theirs that the member is in; nobody is their own lead here."""
    active = Prefetch("leads", queryset=Member.objects.active().exclude(pk=member.pk))
    mine = Collective.objects.filter(present=True, memberships__member=member).exclude(kind=Kind.STATUS)
    found: dict[Any, tuple[Member, list[str]]] = {}
    for collective in mine.order_by("order_key").prefetch_related(active):
        for lead in collective.leads.all():
            found.setdefault(lead.pk, (lead, []))[1].append(collective.name)
    return list(found.values())
