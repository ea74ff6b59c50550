"""What needs the officer, as those say who know: each offers its cards once, when the apps are ready."""

from collections.abc import Callable, Iterable
from datetime import datetime

from consent.protection.types import Card, Urgency

Source = Callable[[datetime], Iterable[Card]]
_sources: list[Source] = []


def offer(*sources: Source) -> None:
    """Each gives its cards as they are at a moment; one that is offered again counts once."""
    _sources.extend(source for source in sources if source not in _sources)


def by_urgency(now: datetime) -> dict[Urgency, list[Card]]:
    """Every card, the most urgent first, and where it is alike in the order in which they were offered."""
    found: dict[Urgency, list[Card]] = {urgency: [] for urgency in Urgency}
    for source in _sources:
        for card in source(now):
            found[card.urgency].append(card)
    return found
