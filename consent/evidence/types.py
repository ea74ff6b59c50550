"""What is asked for."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Scope:
    """The processings by their references, all where there is none, and the days, both included."""

    references: tuple[str, ...]
    since: date
    until: date
