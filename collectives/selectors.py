"""Reading collectives as a member may see them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from collectives import policy
from collectives.models import CollectivePage, Follow
from directory.access import may
from directory.models import Collective, Member, Membership
from directory.people import cards
from directory.policy import Right
from directory.types import Kind


@dataclass(frozen=True, slots=True)
class Shelves:
    """The list of collectives as one member reads it."""

    mine: list[Collective]
    followed: list[Collective]
    others: list[Collective]

    def __bool__(self) -> bool:
        return bool(self.mine or self.followed or self.others)


def visible(member: Member) -> QuerySet[Collective]:
    """Those that this member may know of, with ``is_in``, ``is_led`` and ``is_followed``; a status is none."""
    rows = Collective.objects.filter(present=True).exclude(kind=Kind.STATUS)
    marked = rows.annotate(
        is_in=Exists(Membership.objects.filter(collective=OuterRef("pk"), member=member)),
        is_led=Exists(Collective.leads.through.objects.filter(collective=OuterRef("pk"), member=member)),
        is_followed=Exists(Follow.objects.filter(collective=OuterRef("pk"), member=member)),
    )
    # ``policy.may_see``, in SQL.
    return marked.filter(Q(sensitive=False) | Q(is_in=True) | Q(is_led=True)).order_by("order_key", "pk")


def one_visible(member: Member, slug: str) -> Collective | None:
    """Nothing for one that is not there and one that they may not know of, alike."""
    return visible(member).select_related("page").filter(slug=slug).first()


def shelves(member: Member) -> Shelves:
    """All that this member may know of, with ``people``: how many of its members stand in the list of members."""
    listed = Q(memberships__member__in=cards.listed())
    mine: list[Collective] = []
    followed: list[Collective] = []
    others: list[Collective] = []
    for each in visible(member).annotate(people=Count("memberships", filter=listed, distinct=True)):
        state: Any = each
        place = mine if state.is_in or state.is_led else followed if state.is_followed else others
        place.append(each)
    return Shelves(mine, followed, others)


def following(member: Member) -> QuerySet[Collective]:
    """Those that this member follows and is not in, and may still know of."""
    theirs = Membership.objects.filter(member=member).values("collective_id")
    return visible(member).filter(follows__member=member, sensitive=False).exclude(pk__in=theirs)


def members_of(collective: Collective) -> QuerySet[Member]:
    """Whoever is in it, directly or through another one, and is active."""
    return Member.objects.active().filter(memberships__collective=collective)


def followers(collective: Collective) -> QuerySet[Member]:
    """Whoever follows it without being in it; nobody where it is sensitive or gone."""
    known = Collective.objects.filter(pk=collective.pk, present=True, sensitive=False)
    there = Member.objects.active().filter(follows__collective__in=known)
    return there.exclude(memberships__collective=collective)


def may_lead(member: Any, collective: Collective) -> bool:
    """Whether the directory says that they lead it: the one right of leads, asked of ``directory.access``."""
    return may(member, Right.SEE_COLLECTIVE, collective)


def may_follow(member: Member, collective: Collective) -> bool:
    is_in = Membership.objects.filter(member=member, collective=collective).exists()
    return policy.may_follow(sensitive=collective.sensitive, is_in=is_in)


def page_of(collective: Collective) -> CollectivePage | None:
    """Read with the row where it was asked for."""
    found: CollectivePage | None = getattr(collective, "page", None)
    return found
