"""What people and groups are called in reports: names in place of identifiers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from directory.models import Collective, Member
from directory.normalise import InvalidName, parse_dn


@dataclass(frozen=True, slots=True)
class Named:
    """A line of a report with names in place of identifiers."""

    name: str
    dn: str = ""
    items: tuple[str, ...] = ()
    why: str = ""
    member: UUID | None = None
    other: str = ""


def people_by_entry(entries: Iterable[str]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for batch in _batches(_uuids(entries)):
        rows = Member.objects.filter(entry_uuid__in=batch).only("pk", "entry_uuid", "display_name", "login")
        found |= {str(row.entry_uuid): row for row in rows}
    return found


def group_names(entries: Iterable[str], *, beside_people: bool = False) -> dict[str, str]:
    """``beside_people``: where it is said who is in them, sensitive ones have no name; their own page says it."""
    found: dict[str, str] = {}
    for batch in _batches(_uuids(entries)):
        rows = Collective.objects.filter(entry_uuid__in=batch).values_list("entry_uuid", "name", "sensitive")
        found |= {
            str(uuid): gettext("un collectif sensible") if sensitive and beside_people else name
            for uuid, name, sensitive in rows
        }
    return found


def _uuids(entries: Iterable[str]) -> list[UUID]:
    found = set()
    for entry in entries:
        try:
            found.add(UUID(entry))
        except ValueError:
            continue
    return sorted(found)


def _batches(wanted: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (wanted[start : start + 500] for start in range(0, len(wanted), 500))


def short(dn: str) -> str:
    """The first value of a name, for somebody whom the hub does not know yet."""
    try:
        return parse_dn(dn)[0][0][1]
    except (InvalidName, IndexError):
        return dn
