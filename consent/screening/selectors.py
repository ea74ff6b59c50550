"""Reading screenings: what stands, what there was, what is due."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from consent.register import policy as register
from consent.register import selectors as records
from consent.register.models import RegisterRecord
from consent.register.types import Content, Kind
from consent.screening import policy
from consent.screening.models import ScreeningVersion
from consent.screening.types import Screening


@dataclass(frozen=True, slots=True)
class Asked:
    """A processing in force, with its last screening if there was one."""

    reference: str
    content: Content
    screening: Screening | None
    due_on: date | None

    def is_due(self, today: date) -> bool:
        return self.due_on is None or self.due_on <= today


def versions(record: RegisterRecord) -> list[tuple[ScreeningVersion, Screening]]:
    """Every one, the newest first."""
    rows = ScreeningVersion.objects.filter(record=record).select_related("author").order_by("-version")
    return [(row, policy.screening_of(row.content)) for row in rows]


def standing_on(until: datetime | None = None) -> dict[int, ScreeningVersion]:
    """The newest of each record, written before this moment if one is given; by the number of the record."""
    rows = ScreeningVersion.objects.all()
    if until is not None:
        rows = rows.filter(at__lt=until)
    newest = Window(RowNumber(), partition_by=F("record"), order_by=F("version").desc())
    return {row.record_id: row for row in rows.annotate(place=newest).filter(place=1)}


def asked() -> list[Asked]:
    """Every processing in force.  Two statements."""
    standing, found = standing_on(), []
    for row in (
        records.in_force().exclude(record__kind=Kind.PARTIES).select_related("record").order_by("record__reference")
    ):
        kept = standing.get(row.record_id)
        screening = policy.screening_of(kept.content) if kept else None
        due_on = policy.due_on(screening) if screening else None
        found.append(Asked(row.record.reference, register.content_of(row.content), screening, due_on))
    return found


def due(now: datetime) -> list[Asked]:
    """The processings that nobody asked about, or not for three years, or whose assessment is still to be made."""
    today = timezone.localdate(now)
    return [each for each in asked() if each.is_due(today)]
