"""Rows of a table against lines of the journal: each row takes one line of the same people, or is missing one."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple


class Fact(NamedTuple):
    """Something that a row says: when, of whom and of which tool, and by which row."""

    at: datetime
    about: Hashable
    row: str


class Line(NamedTuple):
    at: datetime
    about: Hashable


def unmatched(facts: Iterable[Fact], lines: Iterable[Line], slack: timedelta) -> Iterator[Fact]:
    """The facts without a line of their own no further than ``slack`` away; both in the order of time.

    The earliest line that a fact can have is the one that later facts can do without.  Keeps what lies within the slack
    and no more, however much there is.
    """
    waiting: dict[Hashable, deque[datetime]] = defaultdict(deque)
    in_order: deque[Line] = deque()
    coming = iter(lines)
    ahead = next(coming, None)
    for fact in facts:
        while ahead is not None and ahead.at <= fact.at + slack:
            waiting[ahead.about].append(ahead.at)
            in_order.append(ahead)
            ahead = next(coming, None)
        while in_order and in_order[0].at < fact.at - slack:
            _forget(waiting, in_order.popleft())
        if waiting.get(fact.about):
            waiting[fact.about].popleft()
        else:
            yield fact


def _forget(waiting: dict[Hashable, deque[datetime]], old: Line) -> None:
    times = waiting.get(old.about)
    if times and times[0] <= old.at:
        times.popleft()
    if not times:
        waiting.pop(old.about, None)
