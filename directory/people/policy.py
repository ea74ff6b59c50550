"""What of somebody whom sees: values in, values out.

A name and the ordinary collectives are the cooperative’s own list of members: colleagues know each other by them, and
whoever does not want to stand there says so once.  Everything else is closed until its holder opens it.
"""

from collections.abc import Collection, Mapping
from typing import TypeVar

from directory.types import Audience, Shown

Key = TypeVar("Key")


def is_open(audience: str, *, near: bool) -> bool:
    """``near``: whether they have a collective in common."""
    return audience == Audience.EVERYBODY or (audience == Audience.COLLECTIVES and near)


def open_items(audiences: Mapping[str, str], *, near: bool) -> frozenset[Shown]:
    """What somebody shows; an item without an audience is nobody’s."""
    return frozenset(item for item in Shown if is_open(audiences.get(item.value, ""), near=near))


def are_near(one: Collection[Key], other: Collection[Key]) -> bool:
    """Whether two people have a collective in common, by what each is in."""
    return not set(one).isdisjoint(other)


def cleaned(audiences: Mapping[str, str]) -> dict[str, str]:
    """As they are kept: known items with a known audience, and nothing for nobody."""
    known = {item.value for item in Shown}
    return {
        item: audience
        for item, audience in sorted(audiences.items())
        if item in known and audience in Audience and audience
    }
