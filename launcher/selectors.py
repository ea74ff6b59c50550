"""Reading for the page of tools."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from directory.models import Member
from idp import selectors as idp_selectors
from launcher import cards
from launcher.models import Favourite, Section

RECENT = 5


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the page shows, in its order."""

    favourites: tuple[cards.Card, ...]
    recents: tuple[cards.Card, ...]
    shelves: tuple[cards.Shelf, ...]
    found: int
    total: int


def sections_for(member: Member) -> QuerySet[Section]:
    """The sections that this member sees, in their order."""
    mine = Q(collective__present=True, collective__memberships__member=member)
    return Section.objects.filter(Q(collective=None) | mine).distinct()


def rest() -> cards.Rest:
    return cards.Rest(_("Autres outils"))


def board(member: Member, query: str = "") -> Board:
    """Four statements, however many tools: the tools one may enter, the favourites, the last opened, the sections."""
    tools = idp_selectors.tools_for(member)
    starred = set(Favourite.objects.filter(member_id=member.pk).values_list("tool_id", flat=True))
    by_tool = {tool.pk: cards.card(tool, favourite=tool.pk in starred) for tool in tools}
    recent = [tool.pk for tool in idp_selectors.recently_opened(member, tools, RECENT)]
    sections = list(sections_for(member))
    everything = [each for shelf in cards.shelves(by_tool.values(), sections, rest=rest()) for each in shelf.cards]
    found = cards.matching(everything, query)
    return Board(
        # A search answers once: what is found, in its place, without the repeats on top.
        favourites=() if query else tuple(each for each in everything if each.favourite),
        recents=() if query else tuple(by_tool[pk] for pk in recent if not by_tool[pk].favourite),
        shelves=cards.shelves(found, sections, rest=rest()),
        found=len(found),
        total=len(everything),
    )
