"""What contradicts the logs, so that somebody is told of it: by a witness, by their signer, by the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Count, Q

from audit.models import AlarmMailed, Contradiction, Event, Log, Reconciliation
from audit.services import record
from audit.types import Action, Entry, Trouble

# What comes in between goes along with the next mail, and so much at once.
AT_MOST_EVERY, AT_ONCE = timedelta(hours=1), 20
SAID_EVERY = timedelta(days=1)
# The database is not the one that was signed, or somebody was at the files.  A disk that is full is in healthz.
SUSPECT = (
    Trouble.SHORTER,
    Trouble.ANOTHER_STORY,
    Trouble.KEY_CHANGED,
    Trouble.KEY_MISSING,
    Trouble.HEAD_MISSING,
    Trouble.HEAD_UNREADABLE,
)


class Seen(StrEnum):
    """Who sees the contradiction."""

    WITNESS = "witness"
    SIGNER = "signer"
    TABLES = "tables"


@dataclass(frozen=True, slots=True)
class Alarm:
    """``code`` is the same as long as it is the same contradiction; nothing of this is about anybody."""

    code: str
    seen: Seen
    log: str = ""
    witness: str = ""
    trouble: str = ""
    count: int = 0

    @property
    def trouble_words(self) -> str:
        return str(Trouble(self.trouble).label)


def untold(now: datetime) -> list[Alarm]:
    """What nobody was told of yet, and may be told now.  Four statements, and one more where there is something."""
    found = {each.code: each for each in (*_of_witnesses(), *_of_signers(), *_of_tables())}
    told = set(AlarmMailed.objects.filter(code__in=found).values_list("code", flat=True))
    news = [alarm for code, alarm in found.items() if code not in told][:AT_ONCE]
    # Not what a clock that was wrong dated far ahead: it would silence every alarm until then.
    just_now = AlarmMailed.objects.filter(at__gt=now - AT_MOST_EVERY, at__lt=now + AT_MOST_EVERY)
    return [] if news and just_now.exists() else news


@transaction.atomic
def begin_telling(alarms: Sequence[Alarm], *, now: datetime) -> list[Alarm]:
    """Those of them that nobody else tells at this moment; whoever waits here behind somebody finds that it is done."""
    ordered = sorted(alarms, key=lambda each: each.code)
    return [each for each in ordered if AlarmMailed.objects.get_or_create(code=each.code, defaults={"at": now})[1]]


@transaction.atomic
def note_telling(alarms: Sequence[Alarm], *, told: int, now: datetime) -> None:
    """Written with the mails themselves; that each of them left is a line of its own.

    What nobody could be told of stays untold, for whoever is named later; that is said once a day.
    """
    if not told:
        AlarmMailed.objects.filter(code__in=[each.code for each in alarms]).delete()
        said = Event.objects.filter(action=Action.CONTRADICTION_MAILED, refused=True)
        if said.filter(at__gt=now - SAID_EVERY, at__lte=now).exists():
            return
    logs = sorted({each.log for each in alarms if each.log})
    facts: dict[str, object] = {"logs": logs, "alarms": len(alarms), "told": told}
    reason = "" if told else "nobody_to_write_to"
    record(Entry(Action.CONTRADICTION_MAILED, refused=not told, reason=reason, facts=facts, at=now))


def _of_witnesses() -> list[Alarm]:
    """One of each witness and log, however many checkpoints the witness holds against it; another with each new one."""
    rows = Contradiction.objects.select_related("log", "witness").order_by("pk")
    newest = {(row.witness_id, row.log_id): row for row in rows}
    return [
        Alarm(f"witness {witness} {log} {row.size}", Seen.WITNESS, row.log.name, witness=row.witness.name)
        for (witness, log), row in newest.items()
    ]


def _of_signers() -> list[Alarm]:
    rows = Log.objects.filter(trouble__in=SUSPECT).exclude(trouble_since=None).order_by("pk")
    return [
        Alarm(f"signer {log.pk} {log.trouble} {log.trouble_since:%FT%T}", Seen.SIGNER, log.name, trouble=log.trouble)
        for log in rows
    ]


def _of_tables() -> list[Alarm]:
    still_open = Count("gaps", filter=Q(gaps__settled_at=None))
    runs = Reconciliation.objects.annotate(count=still_open).filter(count__gt=0).order_by("pk")
    return [Alarm(f"tables {run}", Seen.TABLES, count=count) for run, count in runs.values_list("pk", "count")]
