"""The rules of screening: what the criteria suggest, what may be kept, when it is asked again.

Values in, values out; no database, no clock.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from consent.register.policy import tidy
from consent.register.types import SENSITIVE, Content
from consent.screening.types import Criterion, Outcome, Screening, ScreeningInvalid

# WP 248 rev. 01, III.B: as a rule, two criteria ask for an assessment.
ENOUGH = 2
# WP 248, III.C: an assessment is looked at again; the CNIL says after three years at the latest.
YEARS = 3
MOST_CHARACTERS = 4000
_SCREENING: TypeAdapter[Screening] = TypeAdapter(Screening)


def to_json(screening: Screening) -> dict[str, Any]:
    found: dict[str, Any] = _SCREENING.dump_python(screening, mode="json")
    return found


def screening_of(stored: Any) -> Screening:
    return _SCREENING.validate_python(stored)


def suggests(criteria: Collection[Criterion]) -> bool:
    """Whether these ask for an impact assessment."""
    return len(set(criteria)) >= ENOUGH


def seen_in(content: Content) -> tuple[Criterion, ...]:
    """What the register says already; members work in the cooperative, which is for the officer to weigh."""
    return (Criterion.SENSITIVE,) if any(row.rubric in SENSITIVE for row in content.data) else ()


def due_on(screening: Screening) -> date:
    """By when it is asked again: what is to be done, at once."""
    if screening.outcome is Outcome.DUE:
        return screening.on
    return years_after(screening.on, YEARS)


def years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def checked(screening: Screening, *, today: date) -> Screening:
    """As it is kept.  Raises ``ScreeningInvalid`` with every field that is wrong."""
    screening = tidy(screening)
    problems = {
        name: "too_long" for name in ("advice", "reason", "document") if len(getattr(screening, name)) > MOST_CHARACTERS
    }
    if screening.on > today:
        problems["on"] = "future"
    if not screening.advice:
        problems["advice"] = "missing"
    if screening.outcome is Outcome.NOT_DUE and suggests(screening.criteria) and not screening.reason:
        problems["reason"] = "against_criteria"
    if screening.outcome is Outcome.DONE and not screening.document:
        problems["document"] = "missing"
    if problems:
        raise ScreeningInvalid(problems)
    return screening
