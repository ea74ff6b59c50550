"""What a tool looks like on the page of tools: values in, values out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from audit.letters import without_accents
from idp.types import ToolState

HUE_STEP_DEGREES = 15
SMALL_WORDS = frozenset(
    ("a", "à", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "of", "the", "un", "une")
)
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "’": " ", "'": " ", "-": " "})


class ToolLike(Protocol):
    """What a card needs to know of a tool."""

    pk: int
    slug: str
    name: str
    monogram: str
    hue: int
    state: str
    section: str
    keywords: str

    @property
    def shown_tagline(self) -> str: ...


class Numbered(Protocol):
    pk: int


T = TypeVar("T", bound=Numbered)


class SectionLike(Protocol):
    """What a shelf needs to know of a section."""

    @property
    def slug(self) -> str: ...

    @property
    def icon(self) -> str: ...

    @property
    def shown_name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Rest:
    """The section of what no other holds."""

    shown_name: str
    slug: str = "other"
    icon: str = "other"


@dataclass(frozen=True, slots=True)
class Card:
    """One tool as the page shows it."""

    pk: int
    slug: str
    name: str
    tagline: str
    monogram: str
    hue_step: int
    section: str
    state: ToolState
    favourite: bool
    logo: str
    # What people say of it now; else since when it does not answer.
    said: str
    down_since: datetime | None
    # Access was asked for, and nobody has answered yet.
    asked: bool
    search: str

    @property
    def is_open(self) -> bool:
        return self.state == ToolState.OPEN

    @property
    def is_troubled(self) -> bool:
        return bool(self.said or self.down_since)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A section and its cards."""

    section: SectionLike
    cards: tuple[Card, ...]


def card(tool: ToolLike) -> Card:
    """A tool read for the page has more beside it: its logo, whether it is a favourite."""
    return Card(
        pk=tool.pk,
        slug=tool.slug,
        name=tool.name,
        tagline=tool.shown_tagline,
        monogram=monogram(tool.name, tool.monogram),
        hue_step=hue_step(tool.hue),
        section=tool.section,
        state=ToolState(tool.state),
        favourite=bool(getattr(tool, "favourite", False)),
        said=getattr(tool, "said", None) or "",
        down_since=getattr(tool, "down_since", None),
        asked=bool(getattr(tool, "asked", False)),
        logo=getattr(tool, "logo_digest", None) or "",
        search=folded(f"{tool.name} {tool.shown_tagline} {tool.keywords}"),
    )


def last_of(sections: Iterable[SectionLike], *, rest: Rest) -> SectionLike:
    """Where stands what no other section holds: the one called as the rest is, or the rest."""
    return next((section for section in sections if section.slug == rest.slug), rest)


def shelves(cards: Iterable[Card], sections: Sequence[SectionLike], *, rest: Rest) -> tuple[Shelf, ...]:
    """Cards by section, in the order of the sections; an empty one does not show."""
    last = last_of(sections, rest=rest)
    known: dict[str, SectionLike] = {section.slug: section for section in sections} | {last.slug: last}
    by_section: dict[str, list[Card]] = {}
    for each in cards:
        by_section.setdefault(each.section if each.section in known else last.slug, []).append(each)
    return tuple(Shelf(section, tuple(by_section[slug])) for slug, section in known.items() if slug in by_section)


def in_own_order(tools: Iterable[T], order: Sequence[int]) -> list[T]:
    """What has a place in the member's own order first, in that order; the rest after it, as it was."""
    place = {pk: number for number, pk in enumerate(order)}
    return sorted(tools, key=lambda tool: place.get(tool.pk, len(place)))


def by_collective(cards: Iterable[Card], of_tool: Mapping[int, SectionLike], *, rest: SectionLike) -> tuple[Shelf, ...]:
    """Cards by the collective that opens them, in the order of its name; what is open otherwise comes first."""
    found: dict[str, tuple[SectionLike, list[Card]]] = {}
    for each in cards:
        section = of_tool.get(each.pk, rest)
        found.setdefault(section.slug, (section, []))[1].append(each)
    ordered = sorted(found.values(), key=lambda pair: (pair[0].slug != rest.slug, folded(pair[0].shown_name)))
    return tuple(Shelf(section, tuple(held)) for section, held in ordered)


def moved(order: Sequence[str], name: str, *, up: bool) -> list[str]:
    """The same order with this one a place nearer to the beginning, or to the end."""
    place = order.index(name)
    other = min(max(place + (-1 if up else 1), 0), len(order) - 1)
    found = list(order)
    found[place], found[other] = found[other], found[place]
    return found


def matching(cards: Sequence[Card], query: str) -> list[Card]:
    """Cards that hold every word of the query, accents and case aside: the page without scripts searches here."""
    words = [singular(word) for word in folded(query).split()]
    return [each for each in cards if all(word in each.search for word in words)]


def singular(word: str) -> str:
    """« notes » finds « note de frais » : of a plural only the end is another, in French as in English.

    `launcher.js` does the same.
    """
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


def monogram(name: str, chosen: str = "") -> str:
    """The letters chosen for a tool, or those its name suggests: two initials, or the first two letters."""
    if chosen:
        return chosen
    found: list[str] = re.findall(r"\w+", name)
    words = [word for word in found if word.casefold() not in SMALL_WORDS] or [name]
    if len(words) == 1:
        return words[0][:2].capitalize()
    return (words[0][0] + words[1][0]).upper()


def hue_step(degrees: int) -> int:
    """The nearest of the style sheet's twenty-four hues: a strict content policy forbids a style of one's own."""
    return round(degrees / HUE_STEP_DEGREES) % (360 // HUE_STEP_DEGREES)


def folded(text: str) -> str:
    """Lower case, without accents, ligatures or apostrophes.  `launcher.js` folds what is typed the same way."""
    return " ".join(without_accents(text).casefold().translate(LIGATURES).split())


def day_part(hour: int) -> str:
    """``day`` or ``evening``, by the clock of the cooperative: French greets in two ways, not three."""
    return "day" if 5 <= hour < 18 else "evening"
