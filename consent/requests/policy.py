"""The clock of article 12(3), and which right goes with which legal basis.  No database, no clock of its own.

Periods are reckoned as Regulation (EEC, Euratom) 1182/71 says, whatever civil procedure does.  Which days are holidays
is for each member state to say (its article 2): these are the eleven of article L3133-1 of the labour code.  Those of
Alsace-Moselle and overseas are left out: they could only put a deadline off.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from consent.policy import rights
from consent.requests.types import Clock, Face, Kind
from consent.types import Holds, LegalBasis, Right

MONTHS = 1
# "Extended by two further months" (article 12(3)): three from receipt, in all.
EXTENDED_MONTHS = 3
REMINDED_BEFORE = timedelta(days=7)
DAY = timedelta(days=1)


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar, by the method that Meeus gives after Butcher."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


@lru_cache(64)
def holidays(year: int) -> frozenset[date]:
    """The public holidays of France."""
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    sunday = easter(year)
    # Easter Monday, Ascension, Whit Monday.
    moving = (sunday + timedelta(days) for days in (1, 39, 50))
    return frozenset([*(date(year, month, day) for month, day in fixed), *moving])


def is_working(day: date) -> bool:
    """Article 2(2): all days but public holidays, Sundays and Saturdays."""
    return day.weekday() < 5 and day not in holidays(day.year)


def working_from(day: date) -> date:
    """Article 3(4): a period that would end on another day ends with the next working day."""
    while not is_working(day):
        day += DAY
    return day


def months_after(day: date, months: int) -> date:
    """Article 3(2)(c): the same date, or the last day of a month that has no such date."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def due(received: date, *, paused: int = 0, months: int = MONTHS) -> date:
    """The last day for an answer.  Days in which the person's proof was awaited are given back, then it moves on."""
    return working_from(months_after(received, months) + timedelta(paused))


def clock(
    received: date,
    *,
    today: date,
    paused: int = 0,
    waiting_since: date | None = None,
    extended: bool = False,
    over: bool = False,
) -> Clock:
    """``paused`` counts the days of doubts about identity that are over, ``waiting_since`` begins one that is not."""
    # A clock that was set back gives nothing back, and takes nothing away.
    waited = paused + (max((today - waiting_since).days, 0) if waiting_since else 0)
    first = due(received, paused=waited)
    last = due(received, paused=waited, months=EXTENDED_MONTHS) if extended else first
    return Clock(received, first, last, (last - today).days, _face(last, today, stopped=bool(waiting_since), over=over))


def _face(last: date, today: date, *, stopped: bool, over: bool) -> Face:
    if over:
        return Face.OVER
    if stopped:
        return Face.STOPPED
    if today > last:
        return Face.OVERDUE
    return Face.SOON if today >= last - REMINDED_BEFORE else Face.QUIET


_RIGHTS = {
    Kind.ACCESS: Right.ACCESS,
    Kind.RECTIFICATION: Right.RECTIFY,
    Kind.ERASURE: Right.ERASE,
    Kind.RESTRICTION: Right.RESTRICT,
    Kind.PORTABILITY: Right.PORTABILITY,
    Kind.OBJECTION: Right.OBJECT,
}


def applies(kind: Kind, basis: LegalBasis) -> Holds:
    """Whoever has a complaint may say so, whatever data rests on."""
    return rights(basis)[_RIGHTS[kind]] if kind in _RIGHTS else Holds.YES


def possible(bases: Iterable[LegalBasis]) -> tuple[Kind, ...]:
    """What somebody can ask for whose data rests on these; that a right may apply is for a person to weigh.

    Access, rectification and complaint are always among them: that nothing is held is an answer too.
    """
    always = {Kind.ACCESS, Kind.RECTIFICATION, Kind.COMPLAINT}
    found = {kind for basis in bases for kind in Kind if applies(kind, basis) in (Holds.YES, Holds.CONDITIONAL)}
    return tuple(kind for kind in Kind if kind in always | found)
