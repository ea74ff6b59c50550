"""The mails of a directory that needs a person: removals that wait for a decision, and one that cannot be read.

Each is said once, again every day while it lasts, and once when it is over; of other removals than those that were
said, at most once an hour.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from directory import following
from directory.models import DirectorySource, Member
from directory.types import Role, SourceState
from idp.services.accounts import mails
from idp.types import MailKind

# A server that restarts is no alarm; one that refuses to be read is, at once.
SILENT_FOR = timedelta(minutes=15)
SAID_AGAIN = timedelta(days=1)
# What waits may be another list at each pass, where a directory empties bit by bit.
SAID_ANEW = timedelta(hours=1)
# What is said of a source, in ``DirectorySource.told``: which, and when.
HELD, UNREADABLE = "held", "unreadable"


def tell_of_directories(*, now: datetime) -> int:
    """Returns how many mails there are to send."""
    return sum(_one(source_id, now) for source_id in DirectorySource.objects.values_list("pk", flat=True))


@transaction.atomic
def _one(source_id: int, now: datetime) -> int:
    found = DirectorySource.objects.filter(pk=source_id).select_for_update(no_key=True, skip_locked=True)
    source = found.first()
    if source is None:
        return 0
    is_followed = source.state == SourceState.ACTIVE
    waits, count, wholly = following.held_of(source) if is_followed else ("", 0, False)
    # Once it was told, it lasts until the directory was read, whatever its server says meanwhile.
    is_silent = source.failing_since is not None and (
        UNREADABLE in source.told or now - source.failing_since >= SILENT_FOR or following.is_refused(source)
    )
    since = source.failing_since if is_followed and is_silent else None
    state = {
        HELD: waits,
        UNREADABLE: since.isoformat() if since is not None else "",
    }
    sent, told = 0, dict(source.told)
    for what, which in state.items():
        before = told.get(what)
        if which and _is_news(before, which, now):
            said = {"count": count, "wholly": wholly, "since": since and timezone.localtime(since)}
            sent += _tell(source, what, said, now)
            told[what] = {"which": which, "at": now.isoformat()}
        elif before and not which:
            # Removals that were decided need no mail: whoever decided has seen what came of it.
            sent += _tell(source, "readable", {}, now) if what == UNREADABLE and is_followed else 0
            del told[what]
    if told != source.told:
        source.told = told
        source.save(update_fields=["told"])
    return sent


def tell_of_trust(*, source: DirectorySource, what: str, member_id: UUID | None, now: datetime) -> int:
    """One technician makes a directory's passwords open accounts: the others know at once, and so does the office."""
    who = Member.objects.filter(pk=member_id).first() if member_id else None
    return _tell(source, what, {"who": who.display_name if who else ""}, now, to_office=True)


def _is_news(before: dict[str, str] | None, which: str, now: datetime) -> bool:
    if before is None:
        return True
    since = now - datetime.fromisoformat(before["at"])
    return since >= (SAID_AGAIN if before["which"] == which else SAID_ANEW)


def _tell(
    source: DirectorySource, what: str, context: dict[str, Any], now: datetime, *, to_office: bool = False
) -> int:
    """The technicians; of removals the office too, which may accept them.  The office alone where no technician is."""
    page = "idp:directory_waiting" if what == HELD else "idp:directory_source"
    context = {
        **context,
        "what": what,
        "source": source.name,
        "page": settings.ORIGIN + reverse(page, kwargs={"source_id": source.pk}),
    }
    technicians = _technicians(now)
    sent = 0
    for member in technicians:
        mail = mails.queue(
            kind=MailKind.DIRECTORY,
            template="directory_alarm",
            member=member,
            context=context,
            now=now,
            kept=SAID_AGAIN,
        )
        sent += mail is not None
    if to_office or what == HELD or not sent:
        subject, body = mails.rendered("directory_alarm", None, context, language=settings.LANGUAGE_CODE)
        mail = mails.queue_text(
            kind=MailKind.DIRECTORY,
            member=None,
            subject=subject,
            body=body,
            now=now,
            address=settings.OFFICE_CONTACT,
            kept=SAID_AGAIN,
        )
        sent += mail is not None
    return sent


def _technicians(now: datetime) -> list[Member]:
    current = Q(role_grants__ends_at=None) | Q(role_grants__ends_at__gt=now)
    return list(Member.objects.active().filter(current, role_grants__role=Role.TECHNICIAN).distinct().order_by("pk"))
