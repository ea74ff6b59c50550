"""Who holds what of whom since when: kept with the ledger, and equal to what can be made of it again."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.reconciliation.matching import Fact
from audit.reconciliation.sources import Compared, Window
from audit.services import record
from audit.types import Action, Actor, Entry
from consent.ledger.models import Disclosure, Holding
from consent.types import ITEMS, DataCategory, Disclosed

AT_ONCE = 1000
# A release that falls between two readings differs in one comparison, never in all of them.
LOOKS = 3

# A member, a tool, an item.
Key = tuple[UUID, int, str]
KEY = ("member_id", "tool_id", "item")


@dataclass(frozen=True, slots=True)
class Held:
    """Since when, the last day on which it was received, and the newest processing under which it was."""

    since: datetime
    last: date
    processing: int | None

    def with_(self, other: "Held") -> "Held":
        newest = max(self.processing or 0, other.processing or 0) or None
        return Held(min(self.since, other.since), max(self.last, other.last), newest)


@dataclass(frozen=True, slots=True)
class Concerned:
    """A member of whom a tool held these items at some moment of a window."""

    member: UUID
    items: tuple[str, ...]
    since: datetime

    @property
    def categories(self) -> tuple[DataCategory, ...]:
        found = {ITEMS[item].category for item in self.items if item in ITEMS}
        return tuple(category for category in DataCategory if category in found)


def held_by(tool_id: int, *, since: datetime, until: datetime) -> Iterator[Concerned]:
    """Everyone of whom the tool held something at any moment of the window, both ends included; one statement.

    Not only those about whom it was told something inside it: what was received before is held until its erasure is
    confirmed.
    """
    rows = Holding.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since), tool_id=tool_id, since__lte=until)
    found = rows.order_by("member_id").values_list("member_id", "item", "since")
    for member, held in groupby(found.iterator(AT_ONCE), key=lambda row: row[0]):
        items = [(item, began) for _member, item, began in held]
        yield Concerned(member, tuple(sorted({item for item, _ in items})), min(began for _, began in items))


def receive(disclosed: Sequence[Disclosed], *, now: datetime) -> None:
    """What these tools hold from now on, in the caller's transaction and with its rows."""
    held: dict[Key, Held] = {}
    for each in disclosed:
        received = Held(now, timezone.localdate(now), each.release.processing)
        for item in each.items:
            key = (each.member, each.tool, item)
            held[key] = held[key].with_(received) if key in held else received
    Holding.objects.merge([_row(key, held[key]) for key in sorted(held)])


@transaction.atomic
def rebuild(*, actor: Actor, now: datetime) -> int:
    """Make what is held anew from the ledger; returns in how many places that was something else.

    What has ended stays: the ledger does not know of it.
    """
    if connection.vendor == "postgresql":
        # Whoever is about to add to it waits, and adds to what is made here.
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE consent_holding IN SHARE ROW EXCLUSIVE MODE")
    kept, made = _kept(), from_ledger()
    wrong = [key for key in kept.keys() | made.keys() if kept.get(key, (0, None))[1] != made.get(key)]
    Holding.objects.filter(pk__in=[kept[key][0] for key in wrong if key in kept]).delete()
    Holding.objects.insert([_row(key, made[key]) for key in sorted(wrong) if key in made])
    facts: dict[str, object] = {"held_items": len(made), "held_wrong": len(wrong)}
    record(Entry(Action.HOLDINGS_REBUILT, actor=actor, facts=facts, at=now))
    return len(wrong)


def from_ledger(members: Collection[UUID] | None = None) -> dict[Key, Held]:
    """What is held, as the ledger has it; of these members, or of all."""
    rows = Disclosure.objects.order_by()
    ends = Holding.objects.exclude(ended_at=None).order_by()
    if members is not None:
        rows, ends = rows.filter(member__in=members), ends.filter(member__in=members)
    ended: dict[Key, datetime] = {}
    for member, tool, item, at in ends.values_list(*KEY).annotate(at=Max("ended_at")):
        ended[member, tool, item] = at
    held: dict[Key, Held] = {}
    for member, tool, items, received, closed_at in _received(rows, ends.values("member_id")):
        for item in items:
            key = (member, tool, item)
            if closed_at is not None and key in ended and closed_at <= ended[key]:
                continue
            held[key] = held[key].with_(received) if key in held else received
    return held


def _received(rows: Any, of_ended: Any) -> Iterator[tuple[UUID, int, list[str], Held, datetime | None]]:
    """Few distinct sets of items, many rows: they are read by the set; where something was erased, each by itself."""
    alike = rows.exclude(member__in=of_ended).values_list("member_id", "tool_id", "items")
    alike = alike.annotate(since=Min("at"), until=Max("day"), newest=Max("processing_id"))
    for member, tool, items, since, last, processing in alike.iterator(AT_ONCE):
        yield member, tool, items, Held(since, last, processing), None
    single = rows.filter(member__in=of_ended)
    told = single.values_list("member_id", "tool_id", "items", "at", "day", "processing_id", "closed_at")
    for member, tool, items, at, day, processing, closed_at in told.iterator(AT_ONCE):
        yield member, tool, items, Held(at, day, processing), closed_at


def differences() -> dict[Key, tuple[int | None, datetime]]:
    """Where what is held is not what the ledger has: by which number it is kept, if it is, and since when."""
    found = _differing(None)
    for _again in range(LOOKS - 1):
        if not found:
            break
        members = {member for member, _tool, _item in found}
        again = _differing(members if len(members) <= AT_ONCE else None)
        found = {key: said for key, said in again.items() if key in found}
    return found


class Holdings:
    """What tools are said to hold, beside what the ledger makes of it."""

    code = "consent.holding"
    label = _("Données détenues par un outil, au regard des transmissions")

    def gaps(self, window: Window, compared: Compared) -> Iterator[Fact]:
        compared.examined += Holding.objects.filter(ended_at=None).count()
        for (_member, tool, item), (number, since) in sorted(differences().items(), key=lambda each: each[1][1]):
            yield Fact(since, None, str(number) if number else f"{tool}:{item}")


def _differing(members: Collection[UUID] | None) -> dict[Key, tuple[int | None, datetime]]:
    kept, made = _kept(members), from_ledger(members)
    found: dict[Key, tuple[int | None, datetime]] = {}
    for key in kept.keys() | made.keys():
        number, held = kept.get(key, (None, None))
        if held != made.get(key):
            said = held or made[key]
            found[key] = number, said.since
    return found


def _kept(members: Collection[UUID] | None = None) -> dict[Key, tuple[int, Held]]:
    rows = Holding.objects.filter(ended_at=None).order_by()
    if members is not None:
        rows = rows.filter(member__in=members)
    found = rows.values_list("pk", *KEY, "since", "last", "processing_id").iterator(AT_ONCE)
    return {(member, tool, item): (pk, Held(*held)) for pk, member, tool, item, *held in found}


def _row(key: Key, held: Held) -> dict[str, object]:
    member, tool, item = key
    said = {"since": held.since, "last": held.last, "processing_id": held.processing}
    return {"member_id": member, "tool_id": tool, "item": item, **said}
