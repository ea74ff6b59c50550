"""Values of what members take with them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is held: ``data`` for software, ``said`` for the reader."""

    data: Any
    said: str


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a person gave themself; ``read`` has it as data, or nothing where they gave none of it.

    ``processing`` names the hub's own processing that it is given to, whose bases say whether it is portable; none for
    what rests on agreement and on nothing else.
    """

    name: str
    title: Text
    processing: str
    read: Callable[[UUID], Any]
    place: int = 50


@dataclass(frozen=True, slots=True)
class Section:
    """A kind of data, by its name in the file and its title on the page; ``rows`` reads those of one person.

    ``place``: lower ones come first.
    """

    name: str
    title: Text
    rows: Callable[[UUID], Iterable[Row]]
    place: int = 50
