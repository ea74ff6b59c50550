"""A member’s wish that a tool erase what it received, handed to whoever takes such wishes on.

As long as nobody does, pages say whom to write to instead.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

# (member, tool, now) → where the member follows what becomes of it; in a transaction of its own, with its line.
Taker = Callable[[UUID, int, datetime], str]
_takers: list[Taker] = []


class NobodyTakes(Exception):
    """The officer is written to instead."""


def take_on_with(taker: Taker) -> None:
    """Called once, when the apps are ready."""
    _takers[:] = [taker]


def is_taken_on() -> bool:
    return bool(_takers)


def ask_erasure(*, member_id: UUID, tool_id: int, now: datetime) -> str:
    """Returns the address of the request.  Raises ``NobodyTakes``."""
    if not _takers:
        raise NobodyTakes
    return _takers[0](member_id, tool_id, now)
