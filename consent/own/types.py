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
class Section:
    """A kind of data, by its name in the file and its title on the page; ``rows`` reads those of one person.

    ``place``: lower ones come first.
    """

    name: str
    title: Text
    rows: Callable[[UUID], Iterable[Row]]
    place: int = 50
