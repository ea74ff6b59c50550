"""The index of those who are listed, kept by each process and brought up to date before every answer.

What an answer shows is read anew (``cards``): the index says only where to look.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max, QuerySet

from directory.models import Collective, Member, Membership, Profile
from directory.people import cards
from directory.people.cards import Reader
from directory.people.index import ALL, NEAR, Index, Person, Text, Wanted
from directory.places import communes
from directory.types import Audience, Shown

SEEN_BY = {Audience.EVERYBODY.value: ALL, Audience.COLLECTIVES.value: NEAR}
# A change that is committed late has a time before the last that was read.
OVERLAP = timedelta(seconds=30)
# More of them at once are read as a whole.
FEW = 200


class Stamp(NamedTuple):
    """What changes when anything does that the index is made of."""

    members: int
    member_changed: datetime | None
    profiles: int
    profile_changed: datetime | None
    memberships: int
    last_membership: int | None
    collectives: tuple[tuple[UUID, bool, bool, str], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Everybody whom the reader finds, in order, and how many of them are where."""

    ids: list[UUID]
    places: dict[str, int]


_lock = threading.Lock()
_index: Index | None = None
_stamp: Stamp | None = None


def find(wanted: Wanted, who: Reader) -> Found:
    """Four statements, however many people there are, while nothing has changed."""
    with _lock:
        current = _current()
        ids = current.find(wanted, reader=who.member, collectives=who.collectives)
        return Found(ids, current.places(ids, reader=who.member, collectives=who.collectives))


def forget() -> None:
    """Start again, with the next question."""
    global _index, _stamp
    with _lock:
        _index = _stamp = None


def _current() -> Index:
    global _index, _stamp
    stamp = _read_stamp()
    if _index is None or _stamp is None or not _bring_up(_index, _stamp, stamp):
        _index = Index(_people(cards.listed()))
    _stamp = stamp
    return _index


def _read_stamp() -> Stamp:
    members = Member.objects.active().aggregate(count=Count("pk"), last=Max("updated_at"))
    profiles = Profile.objects.aggregate(count=Count("pk"), last=Max("updated_at"))
    memberships = Membership.objects.aggregate(count=Count("pk"), last=Max("pk"))
    collectives = Collective.objects.order_by("pk").values_list("pk", "present", "sensitive", "name")
    return Stamp(
        members["count"],
        members["last"],
        profiles["count"],
        profiles["last"],
        memberships["count"],
        memberships["last"],
        tuple(collectives),
    )


def _bring_up(current: Index, before: Stamp, now: Stamp) -> bool:
    """Whether the index could be mended; false where it is to be made anew."""
    if before == now:
        return True
    if before.collectives != now.collectives or now.profiles < before.profiles:
        return False
    changed = _written_since(before, now)
    if before[0::2] != now[0::2] or before.last_membership != now.last_membership:
        changed |= _come_and_gone(current)
    if len(changed) > FEW:
        return False
    there = {person.id: person for person in _people(cards.listed().filter(pk__in=changed))}
    for pk in changed:
        if pk in there:
            current.put(there[pk])
        else:
            current.drop(pk)
    return True


def _written_since(before: Stamp, now: Stamp) -> set[UUID]:
    """No more than is of use: beyond ``FEW`` all of it is read anew."""
    changed: set[UUID] = set()
    if before.member_changed and before.member_changed != now.member_changed:
        members = Member.objects.filter(updated_at__gte=before.member_changed - OVERLAP)
        changed |= set(members.values_list("pk", flat=True)[: FEW + 1])
    if before.profile_changed and before.profile_changed != now.profile_changed:
        profiles = Profile.objects.filter(updated_at__gte=before.profile_changed - OVERLAP)
        changed |= set(profiles.values_list("pk", flat=True)[: FEW + 1])
    return changed


def _come_and_gone(current: Index) -> set[UUID]:
    """Whoever is listed or no longer, or in other collectives than before: a tenth of what a new index takes."""
    before = current.collectives()
    now: dict[UUID, set[UUID]] = {pk: set() for pk in cards.listed().values_list("pk", flat=True)}
    for member, collective in cards.groups().values_list("member_id", "collective_id"):
        if member in now:
            now[member].add(collective)
    return {pk for pk in before.keys() | now.keys() if before.get(pk) != now.get(pk)}


def _people(members: "QuerySet[Member]") -> Iterator[Person]:
    columns = ("given_name", "family_name", "display_name", "order_key", "trade", "business_name")
    for member in cards.rows(members).only(*columns, "profile").iterator(chunk_size=2_000):
        yield _person(member)


def _person(member: Member) -> Person:
    profile = cards.profile_of(member)
    theirs = [each.collective for each in member.groups]  # type: ignore[attr-defined]
    ordinary = [each for each in theirs if not each.sensitive]
    names = Text(f"{member.display_name} {member.given_name} {member.family_name}", ALL, is_name=True)
    texts = [names, *(Text(each.name, ALL) for each in ordinary)]
    place_seen_by = 0
    if profile is not None:
        said = {
            Shown.TRADE: member.trade,
            Shown.BUSINESS: member.business_name,
            Shown.SKILLS: " ".join(profile.skills),
            # As it was typed: its signs are no words, and rendering ten thousand of them takes seconds.
            Shown.PRESENTATION: profile.presentation,
            Shown.PLACE: communes.words_of(profile.place) if profile.place else "",
        }
        opened = {item: SEEN_BY.get(profile.audiences.get(item.value, ""), 0) for item in said}
        texts += [Text(words, opened[item]) for item, words in said.items() if words and opened[item]]
        place_seen_by = opened[Shown.PLACE]
    return Person(
        id=member.pk,
        order=member.order_key,
        texts=tuple(texts),
        collectives=frozenset(each.pk for each in theirs),
        named_in=frozenset(each.pk for each in ordinary),
        place=profile.place if profile is not None and place_seen_by else "",
        place_seen_by=place_seen_by,
    )
