"""How far the log of proof has come: for the page of the data protection officer, and for whoever watches the hub."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from audit import witnesses
from audit.keeping import retention
from audit.models import Checkpoint, Contradiction, Cosignature, Log, Pending, Removal

# An event is signed within a second or two; from a minute on somebody should know.
LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """``waiting_since``: the event that has had no place for longest; ``troubled``: logs that are not signed, and why;
    ``unsigned``: logs that nobody has signed for a while, and nobody knows why; ``refusal``: the run of the rules that
    waits for somebody to look at the clock.
    """

    waiting: int
    waiting_since: datetime | None
    is_late: bool
    troubled: tuple[Log, ...]
    unsigned: tuple[Log, ...]
    refusal: Removal | None

    @property
    def is_well(self) -> bool:
        return not (self.troubled or self.unsigned or self.is_late)


def logs() -> QuerySet[Log]:
    """Every log with its last checkpoint, the last that a witness signed, and the last that contradicts it, the newest
    first.

    ``signed_size``, ``signed_at``, ``witnessed_size``, ``witnessed_at``, ``contradicted_size``.
    """
    last = Checkpoint.objects.filter(log=OuterRef("pk")).order_by("-size")
    seen = Cosignature.objects.filter(checkpoint__log=OuterRef("pk"), witness__ended_at=None)
    seen = seen.order_by("-checkpoint__size", "-at")
    against = Contradiction.objects.filter(log=OuterRef("pk")).order_by("-size")
    return Log.objects.annotate(
        signed_size=Subquery(last.values("size")[:1]),
        signed_at=Subquery(last.values("at")[:1]),
        witnessed_size=Subquery(seen.values("checkpoint__size")[:1]),
        witnessed_at=Subquery(seen.values("at")[:1]),
        contradicted_size=Subquery(against.values("size")[:1]),
    ).order_by("-pk")


def is_unsigned(log: Log, now: datetime) -> bool:
    """Whether its signer is away: ``log`` is one of ``logs()``."""
    signed: int = getattr(log, "signed_size", None) or 0
    return (
        not (log.given_up or log.destroyed_at)
        and log.size > signed
        and now.timestamp() - log.time > LATE.total_seconds()
    )


def standing(rows: list[Log], now: datetime) -> Standing:
    """Three statements beside those of ``logs()``."""
    first = _waiting_since()
    return Standing(
        waiting=Pending.objects.count() if first else 0,
        waiting_since=first,
        is_late=first is not None and now - first > LATE,
        troubled=tuple(log for log in rows if log.trouble),
        unsigned=tuple(log for log in rows if not log.trouble and is_unsigned(log, now)),
        refusal=retention.refusal(),
    )


def late_by(now: datetime) -> timedelta:
    """How long the event that waits for its place has waited; nothing where none waits.  One statement."""
    first = _waiting_since()
    return max(now - first, timedelta()) if first else timedelta()


def unsigned(now: datetime) -> list[str]:
    """The names of the logs that are not signed, for a reason that is known or not; one statement."""
    return [log.name for log in logs() if log.trouble or is_unsigned(log, now)]


def is_behind(now: datetime) -> bool:
    """Whether what happens now would not be proved within a minute.  Two statements."""
    return late_by(now) > LATE or bool(unsigned(now))


def retention_is_stopped() -> bool:
    """Whether the clock is in doubt, so that nothing goes that has been kept long enough; one statement."""
    return retention.refusal() is not None


def _waiting_since() -> datetime | None:
    return Pending.objects.order_by("pk").values_list("since", flat=True).first()


def last_notes() -> list[tuple[str, int, str]]:
    """Of each log that is kept and signed: its name, how far it is signed, and the note with the lines of witnesses."""
    found = []
    for log in Log.objects.filter(destroyed_at=None).order_by("pk"):
        last = log.checkpoints.order_by("-size").first()
        if last is not None:
            found.append((log.name, last.size, witnesses.with_lines([last])[0]))
    return found
