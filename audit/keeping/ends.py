"""When people’s relation with the cooperative ended, and who was erased since, is known above; whoever knows hands it
over here.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from uuid import UUID

# Everybody whose relation ended before this moment.
Ends = Callable[[datetime], Iterable[UUID]]
# Of these people, who is erased.
Erased = Callable[[Collection[UUID]], Iterable[UUID]]
_known: list[Ends] = []
_erased: list[Erased] = []


def know_by(ends: Ends, erased: Erased) -> None:
    """Called once, when the apps are ready."""
    _known.append(ends)
    _erased.append(erased)


def ended_before(moment: datetime) -> set[UUID]:
    """Nobody, as long as nobody says: what waits for an end stays."""
    return {person for ends in _known for person in ends(moment)}


def erased_of(people: Collection[UUID]) -> set[UUID]:
    """As committed, or in the caller's transaction; nobody, as long as nobody says."""
    return {person for erased in _erased for person in erased(people)}
