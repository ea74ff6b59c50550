"""What somebody's collectives would be after a change, and until when it is undone.  No Django."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

UNDONE_FOR = timedelta(days=30)
Key = TypeVar("Key")


def afterwards(
    direct: Collection[Key], changed: Key, *, joins: bool, holders: Mapping[Key, Collection[Key]]
) -> frozenset[Key]:
    """In which ones they are then: those that name them, and whatever holds these, however deep.

    ``direct``: those that name them now; ``holders``: by collective, the others that list it among their members.
    """
    named = {*direct, changed} if joins else {*direct} - {changed}
    found: set[Key] = set()
    to_see = list(named)
    while to_see:
        each = to_see.pop()
        if each not in found:
            found.add(each)
            to_see.extend(holders.get(each, ()))
    return frozenset(found)


def may_be_undone(at: datetime, *, is_undone: bool, now: datetime) -> bool:
    return not is_undone and now - at < UNDONE_FOR
