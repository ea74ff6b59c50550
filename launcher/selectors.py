"""Reading for the page of tools."""

from dataclasses import dataclass

from directory.models import Member
from idp import selectors as idp_selectors
from launcher import cards
from launcher.models import Favourite

RECENT = 5


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the page shows, in its order."""

    favourites: tuple[cards.Card, ...]
    recents: tuple[cards.Card, ...]
    shelves: tuple[cards.Shelf, ...]
    found: int
    total: int


def board(member: Member, query: str = "") -> Board:
    """Three statements, however many tools: the tools one may enter, the favourites, the last opened."""
    tools = idp_selectors.tools_for(member)
    starred = set(Favourite.objects.filter(member_id=member.pk).values_list("tool_id", flat=True))
    by_tool = {tool.pk: cards.card(tool, favourite=tool.pk in starred) for tool in tools}
    recent = [tool.pk for tool in idp_selectors.recently_opened(member, tools, RECENT)]
    everything = [each for shelf in cards.shelves(by_tool.values()) for each in shelf.cards]
    found = cards.matching(everything, query)
    return Board(
        # A search answers once: what is found, in its place, without the repeats on top.
        favourites=() if query else tuple(each for each in everything if each.favourite),
        recents=() if query else tuple(by_tool[pk] for pk in recent if not by_tool[pk].favourite),
        shelves=cards.shelves(found),
        found=len(found),
        total=len(everything),
    )
