"""What somebody outside the hub is given to keep, and on which days it was mailed."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from audit import witnesses
from audit.models import Checkpoint, Event, Log, Mailing, MailsKept
from audit.services import record
from audit.types import Action, Actor, Entry

# The last word on a log that is over is given again for a while: whoever misses a mail misses nothing.
CLOSED_LATELY = timedelta(days=31)
# People change, and so do habits: after half a year whoever reads the journal is asked again.
BELIEVED = timedelta(days=183)
# As the outbox calls these mails in the journal.
MAIL = "checkpoints"


class MailOutcome(StrEnum):
    LEFT = "left"
    WAITS = "waits"
    FAILED = "failed"
    TO_NOBODY = "to_nobody"


def to_keep(now: datetime) -> list[Checkpoint]:
    """The newest checkpoint of each log that is open or was closed lately, with its log.  One statement."""
    last = Checkpoint.objects.filter(log=OuterRef("pk")).order_by("-size").values("pk")[:1]
    logs = Log.objects.filter(Q(closed_at=None) | Q(closed_at__gt=now - CLOSED_LATELY))
    newest = logs.annotate(last=Subquery(last)).values("last")
    return list(Checkpoint.objects.filter(pk__in=newest).select_related("log").order_by("log__family", "-log__pk"))


def is_kept_outside(now: datetime) -> bool:
    """Whether somebody beyond the reach of those who run the hub could tell that the logs were rewritten.

    A witness that signs, or mails that leave and that whoever reads the journal says they keep.
    """
    return witnesses.looks_from_outside(now) or (mails_kept_at(now) is not None and _mails_leave(now))


def mails_kept_at(now: datetime) -> datetime | None:
    """When somebody last said that they keep the mails, while that is believed."""
    rows = MailsKept.objects.filter(at__gt=now - BELIEVED).order_by("-at")
    return rows.values_list("at", flat=True).first()


@transaction.atomic
def say_mails_are_kept(*, actor: Actor, now: datetime) -> None:
    MailsKept.objects.create(at=now)
    record(Entry(Action.MAILS_KEPT, actor=actor, at=now))


def _mails_leave(now: datetime) -> bool:
    lately = Event.objects.filter(action=Action.MAIL_SENT, at__gt=now - settings.WITNESS_SILENCE)
    return lately.filter(facts__mail=MAIL).exists()


def last_mailing() -> tuple[Mailing, MailOutcome] | None:
    """The mails of the last day that had any, and what became of them.  Two statements."""
    mailing = Mailing.objects.order_by("-day").first()
    if mailing is None:
        return None
    lines = Event.objects.filter(action__in=(Action.MAIL_SENT, Action.MAIL_FAILED), at__gte=mailing.at)
    came_of_it = set(lines.filter(facts__mail=MAIL).values_list("action", flat=True))
    if not mailing.told:
        return mailing, MailOutcome.TO_NOBODY
    if Action.MAIL_FAILED in came_of_it:
        return mailing, MailOutcome.FAILED
    return mailing, MailOutcome.LEFT if Action.MAIL_SENT in came_of_it else MailOutcome.WAITS


def is_mailed(day: date) -> bool:
    return Mailing.objects.filter(day=day).exists()


@transaction.atomic
def begin_mailing(*, day: date, now: datetime) -> Mailing | None:
    """The day's row, for whoever comes first; whoever waits here behind them finds that it is done."""
    mailing, is_new = Mailing.objects.get_or_create(day=day, defaults={"at": now})
    return mailing if is_new else None


@transaction.atomic
def note_mailing(*, mailing: Mailing, logs: list[str], told: int, now: datetime) -> None:
    """Written with the mails themselves; that each of them left is a line of its own."""
    mailing.told = told
    mailing.save(update_fields=["told"])
    facts: dict[str, object] = {"logs": logs, "told": told}
    record(
        Entry(
            Action.CHECKPOINTS_MAILED,
            refused=not told,
            reason="" if told else "nobody_to_write_to",
            facts=facts,
            at=now,
        )
    )
