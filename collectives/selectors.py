"""Reading collectives as a member may see them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from collectives import policy
from collectives.models import CollectivePage, Follow
from directory.access import may
from directory.models import Collective, Member, Membership
from directory.people import cards
from directory.people.cards import Card
from directory.policy import Right
from directory.types import Kind
from idp import access
from idp.models import Tool

# The rest of them is in the list of members, which counts who looks at how many.
FACES = 12


@dataclass(frozen=True, slots=True)
class Shelves:
    """The list of collectives as one member reads it."""

    mine: list[Collective]
    followed: list[Collective]
    others: list[Collective]

    def __bool__(self) -> bool:
        return bool(self.mine or self.followed or self.others)


@dataclass(frozen=True, slots=True)
class Told:
    """What one reader sees around a collective.

    ``count`` and ``members``: of those who stand in the list of members; nothing of a sensitive one.
    """

    tools: list[Tool]
    leads: list[Card]
    count: int | None
    members: list[Card]


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
    return visible(member).select_related("page", "source").filter(slug=slug).first()


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
    return may(member, Right.RUN_COLLECTIVE, collective)


def may_describe(member: Any, collective: Collective) -> bool:
    """Those who lead it, and the office."""
    return may_lead(member, collective) or may(member, Right.DESCRIBE_COLLECTIVES)


def may_follow(member: Member, collective: Collective) -> bool:
    is_in = Membership.objects.filter(member=member, collective=collective).exists()
    return policy.may_follow(sensitive=collective.sensitive, is_in=is_in)


def told(member: Member, collective: Collective) -> Told:
    """Everything on the page of one that this member may see, each thing as far as it is theirs to know."""
    who = cards.reader(member)
    leads = cards.cards(list(collective.leads.order_by("order_key", "pk").values_list("pk", flat=True)), who)
    if collective.sensitive:
        return Told(_tools(member, collective), leads, None, [])
    listed = cards.listed().filter(memberships__collective=collective).order_by("order_key", "pk")
    ids = list(listed.values_list("pk", flat=True))
    return Told(_tools(member, collective), leads, len(ids), cards.cards(ids[:FACES], who))


def _tools(member: Member, collective: Collective) -> list[Tool]:
    """Of those that it opens, the ones that this member may enter or ask for; of others nobody hears here."""
    known = Tool.objects.filter(
        Q(pk__in=access.enterable(member).values("pk")) | Q(pk__in=access.requestable(member).values("pk"))
    )
    return list(access.opened_by(collective).filter(pk__in=known.values("pk")))


def page_of(collective: Collective) -> CollectivePage | None:
    """Read with the row where it was asked for."""
    found: CollectivePage | None = getattr(collective, "page", None)
    return found
