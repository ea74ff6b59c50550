"""Reading the register: as it is, and as it was."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from consent.models import Notice
from consent.policy import in_purposes
from consent.register import policy, prefilled
from consent.register.models import RegisterRecord, RegisterVersion
from consent.register.types import Content, Kind, Listed, Parties, Register
from consent.types import LegalBasis


def own_periods() -> dict[str, int]:
    """What the operator chose of how long the hub itself keeps data."""
    return {
        "leaver_days": settings.LEAVER_RETENTION // timedelta(days=1),
        "idle_hours": settings.SESSION_IDLE // timedelta(hours=1),
        "session_days": settings.SESSION_ABSOLUTE // timedelta(days=1),
    }


def english(shown: Notice | None = None) -> dict[str, str]:
    """What there is in English of a register that is kept in French: the hub's own records, and notices.

    ``shown`` is a notice that may no longer be in force.
    """
    found = prefilled.english(**own_periods())
    in_force_now = Notice.objects.filter(processing__ended_at=None).values_list("content", flat=True)
    for content in [*in_force_now, *([shown.content] if shown else [])]:
        told = in_purposes(content)
        said = [each[part] for each in told["purposes"] for part in ("purpose", "retention")]
        found |= {each["fr"]: each["en"] for each in [told["processing"], *said] if each.get("en")}
    return found


def in_force() -> QuerySet[RegisterVersion]:
    return RegisterVersion.objects.filter(ended_at=None)


def end_of(day: date) -> datetime:
    """When a day is over, in the hub's time zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def register_on(day: date) -> Register:
    """The whole register at the end of a day, in the hub's time zone.  One statement."""
    end = end_of(day)
    standing = RegisterVersion.objects.filter(started_at__lt=end).filter(Q(ended_at=None) | Q(ended_at__gte=end))
    parties, records = Parties(), []
    for row in standing.select_related("record").order_by("record__reference"):
        if row.record.kind == Kind.PARTIES:
            parties = policy.parties_of(row.content)
        else:
            records.append(_listed(row))
    return Register(day, parties, tuple(records))


def parties() -> tuple[Parties, int]:
    """Who they are now, and the version that says so; nobody yet is version 0."""
    row = in_force().filter(record__kind=Kind.PARTIES).first()
    return (policy.parties_of(row.content), row.version) if row else (Parties(), 0)


def record(reference: str) -> RegisterRecord | None:
    return RegisterRecord.objects.exclude(kind=Kind.PARTIES).filter(reference=reference).first()


def current(record: RegisterRecord) -> RegisterVersion | None:
    """What is in force of a record; nothing once it is closed."""
    return in_force().filter(record=record).first()


def last(record: RegisterRecord) -> RegisterVersion:
    """What is in force, or was last."""
    return RegisterVersion.objects.filter(record=record).latest("version")


@dataclass(frozen=True, slots=True)
class Told:
    """A version with what it says differently from the one before."""

    row: RegisterVersion
    differences: list[Any]


def versions(record: RegisterRecord) -> list[Told]:
    """Every version, the newest first."""
    read = policy.parties_of if record.kind == Kind.PARTIES else policy.content_of
    told, before = [], None
    for row in RegisterVersion.objects.filter(record=record).select_related("author").order_by("version"):
        after = read(row.content)
        told.append(Told(row, policy.differences(before, after)))
        before = after
    return told[::-1]


def own_bases() -> dict[str, tuple[str, tuple[LegalBasis, ...]]]:
    """What each of the hub's own processings is called and rests on today, by its name here.  One statement."""
    rows = in_force().exclude(record__own=None).order_by("record__reference")
    found: dict[str, tuple[str, tuple[LegalBasis, ...]]] = {}
    for own, content in rows.values_list("record__own", "content"):
        told = {purpose["basis"] for purpose in content["purposes"]}
        found[str(own)] = (content["name"], tuple(each for each in LegalBasis if each.value in told))
    return found


def first_day() -> date | None:
    """Since when there is a register here."""
    begun = RegisterVersion.objects.aggregate(first=Min("started_at"))["first"]
    return timezone.localdate(begun) if begun else None


def missing_to_open(tool_id: int, *, today: date) -> list[str]:
    """What the tool's sheet has yet to say before the tool is switched on; nothing when it may be."""
    row = in_force().filter(record__tool_id=tool_id).first()
    return policy.missing_to_open(policy.content_of(row.content) if row else None, today=today)


def contents(records: QuerySet[RegisterVersion]) -> dict[str, tuple[RegisterVersion, Content]]:
    found = records.exclude(record__kind=Kind.PARTIES).select_related("record")
    return {row.record.reference: (row, policy.content_of(row.content)) for row in found}


def closed() -> list[RegisterVersion]:
    """The last version of each record that is closed."""
    rows: dict[int, list[RegisterVersion]] = defaultdict(list)
    open_ones = in_force().values("record")
    past = RegisterVersion.objects.exclude(record__kind=Kind.PARTIES).exclude(record__in=open_ones)
    for row in past.select_related("record").order_by("version"):
        rows[row.record_id].append(row)
    return [each[-1] for each in rows.values()]


def _listed(row: RegisterVersion) -> Listed:
    return Listed(
        reference=row.record.reference,
        kind=Kind(row.record.kind),
        version=row.version,
        updated=timezone.localdate(row.started_at),
        content=policy.content_of(row.content),
        from_tool=row.record.tool_id is not None,
    )
