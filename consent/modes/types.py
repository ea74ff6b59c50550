"""Values of modes that pages and findings may use."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from consent.types import Mode

# How long a mode other than the strict one may last: whoever goes on with it says so again.
LENIENT = timedelta(days=90)


class ModeInvalid(ValueError):
    """The code says why: ``not_imported``, ``no_sheet``, ``reason_missing``, ``until_missing``, ``until_past`` or
    ``until_far``.
    """


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when a tool was in a mode other than the strict one; ``until`` is when it was over."""

    tool: int
    mode: Mode
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody set: strict without a last day, else until the end of it."""

    mode: Mode
    until: date | None
