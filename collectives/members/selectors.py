"""Reading who is in a collective, for those who lead it, and what a change would open or close."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from collectives.members import policy
from collectives.models import MembershipChange
from directory.models import Collective, Member, Membership
from directory.people import cards, search
from directory.people.index import Wanted
from idp import access
from idp.models import Tool

MOST_FOUND = 12
# Whether a reader may look at one more page of people today: told by the app that counts them.
Counting = Callable[[UUID, datetime], bool]
_counting: list[Counting] = []


def count_with(counting: Counting) -> None:
    """Called once, when the apps are ready."""
    _counting[:] = [counting]


def may_search(reader: Member, now: datetime) -> bool:
    """A search here is a page of the list of members, and is one of those of the day."""
    return all(counting(reader.pk, now) for counting in _counting)


@dataclass(frozen=True, slots=True)
class Effect:
    """On the tools of one person, by the rule that lets them in."""

    opened: list[Tool]
    closed: list[Tool]


def members(collective: Collective) -> QuerySet[Member]:
    """Everybody in it whose details are kept, by name, with ``direct``: whether it names them itself."""
    rows = Member.objects.filter(memberships__collective=collective, erased_at=None)
    return rows.annotate(direct=F("memberships__direct")).order_by("order_key", "pk")


def found(reader: Member, collective: Collective, text: str) -> list[cards.Card]:
    """Whom this reader finds by these words, and who is not named in it yet."""
    who = cards.reader(reader)
    ids = search.find(Wanted(text), who).ids
    named = set(Membership.objects.filter(collective=collective, direct=True).values_list("member_id", flat=True))
    return cards.cards([each for each in ids if each not in named][:MOST_FOUND], who)


def is_named(collective: Collective, member: Member) -> bool:
    return Membership.objects.filter(collective=collective, member=member, direct=True).exists()


def effect(collective: Collective, member: Member, *, joins: bool) -> Effect:
    """What the one decision about access says of the collectives now, and what it would say then.

    Sensitive ones are left out, and what was given to this person alone: a lead would read off them who is in one
    (GDPR 9), or what somebody asked for.
    """
    rows = Membership.objects.filter(member=member, direct=True, collective__sensitive=False)
    direct, holders = set(rows.values_list("collective_id", flat=True)), _holders()
    then = policy.afterwards(direct, collective.pk, joins=joins, holders=holders)
    now = policy.afterwards(direct, collective.pk, joins=not joins, holders=holders)
    before, after = access.enterable_if_in(member, now), access.enterable_if_in(member, then)
    return Effect(
        opened=list(after.exclude(pk__in=before.values("pk")).order_by("name")),
        closed=list(before.exclude(pk__in=after.values("pk")).order_by("name")),
    )


def _holders() -> dict[UUID, list[UUID]]:
    edges: dict[UUID, list[UUID]] = defaultdict(list)
    through: Any = Collective.nested.through
    ordinary = through.objects.filter(from_collective__sensitive=False)
    for holder, inner in ordinary.values_list("from_collective_id", "to_collective_id"):
        edges[inner].append(holder)
    return edges


def changes(collective: Collective, now: datetime) -> QuerySet[MembershipChange]:
    """Those that can still be undone, or were, the newest first."""
    since = now - policy.UNDONE_FOR
    return collective.membership_changes.filter(at__gt=since).select_related("member", "by")


def undoable(collective: Collective, change_id: int, now: datetime) -> MembershipChange | None:
    change = changes(collective, now).filter(pk=change_id).first()
    if change is None or not policy.may_be_undone(change.at, is_undone=change.undone_at is not None, now=now):
        return None
    return change
