"""Reading contracts: what stands, what there was, what is missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from consent.contracts import policy
from consent.contracts.models import ContractFile, ContractVersion
from consent.contracts.types import Terms
from consent.register.models import RegisterRecord
from consent.register.types import Listed


@dataclass(frozen=True, slots=True)
class Kept:
    """A version with what it says."""

    row: ContractVersion
    terms: Terms


@dataclass(frozen=True, slots=True)
class Standing:
    """A processor of a record, with the last version if there was one."""

    place: int
    recipient: str
    kept: Kept | None
    holes: list[str]


def versions(record: RegisterRecord, recipient: str) -> list[Kept]:
    """Every one, the newest first."""
    rows = ContractVersion.objects.filter(record=record, recipient=recipient).select_related("author", "file")
    return [Kept(row, policy.terms_of(row.content)) for row in rows.defer("file__content").order_by("-version")]


def standing_on(until: datetime | None = None) -> dict[tuple[str, str], Kept]:
    """The newest of each processor, written before this moment if one is given; by record and processor."""
    rows = ContractVersion.objects.select_related("record", "file").defer("file__content")
    if until is not None:
        rows = rows.filter(at__lt=until)
    newest = Window(RowNumber(), partition_by=[F("record"), F("recipient")], order_by=F("version").desc())
    return {
        (row.record.reference, row.recipient): Kept(row, policy.terms_of(row.content))
        for row in rows.annotate(place=newest).filter(place=1)
    }


def of_record(listed: Listed, standing: dict[tuple[str, str], Kept]) -> list[Standing]:
    """The processors that a record names, in its order."""
    found = []
    for place, recipient in enumerate(policy.processors(listed.content), 1):
        kept = standing.get((listed.reference, recipient))
        missing = policy.holes(kept.terms if kept else None, has_text=kept is not None and kept.row.file is not None)
        found.append(Standing(place, recipient, kept, missing))
    return found


def holes(records: Iterable[Listed], until: datetime | None = None) -> dict[str, list[str]]:
    """What is missing of the contracts of each record, by its reference.  One statement."""
    standing = standing_on(until)
    return {
        each.reference: list(dict.fromkeys(hole for row in of_record(each, standing) for hole in row.holes))
        for each in records
    }


def file(record: RegisterRecord, digest: str) -> ContractFile | None:
    """A text, if it is or was one of this record's."""
    return ContractFile.objects.filter(digest=digest, versions__record=record).distinct().first()
