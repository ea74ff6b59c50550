"""The rules of the lines about security.  Values in, values out; no database, no clock."""

from collections.abc import Iterable
from datetime import date

from consent.register.policy import tidy
from consent.safety.types import Kind, Line, Result, SafetyInvalid
from consent.screening.policy import years_after

MOST_CHARACTERS, MOST_LINE = 4000, 200
# Article 32(1)(d) asks for a regular test and gives no period; the CNIL's guide has backups tried every year.
YEARS = 1
# What is to be done again after that time, in the order of the page.
REGULAR = (Kind.RESTORE, Kind.REVIEW)


def checked(line: Line, *, today: date) -> Line:
    """As it is kept.  Raises ``SafetyInvalid`` with every field that is wrong."""
    line = tidy(line)
    problems = {name: "missing" for name in ("who", "what") if not getattr(line, name)}
    limits = {"who": MOST_LINE, "what": MOST_CHARACTERS, "note": MOST_CHARACTERS}
    problems |= {name: "too_long" for name, most in limits.items() if len(getattr(line, name)) > most}
    if line.on > today:
        problems["on"] = "future"
    if line.result is not Result.DONE and not line.note:
        problems["note"] = "unexplained"
    if problems:
        raise SafetyInvalid(problems)
    return line


def due(lines: Iterable[tuple[Kind, Result, date]], *, today: date) -> dict[Kind, date | None]:
    """What is to be done again, and when it last was a success: never, or more than a year ago."""
    last: dict[Kind, date] = {}
    for kind, result, on in lines:
        if result is Result.DONE:
            last[kind] = max(on, last.get(kind, on))
    return {kind: last.get(kind) for kind in REGULAR if kind not in last or years_after(last[kind], YEARS) < today}
