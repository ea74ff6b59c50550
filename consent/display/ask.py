"""The page shown before a tool opens: purposes, items, and today's values."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from consent.display.words import Text, item_label, language_name
from consent.models import Processing, ProcessingPurpose
from consent.types import Face


@dataclass(frozen=True, slots=True)
class Row:
    """One data item on the page shown before a tool opens."""

    item: str
    label: Text
    why: str
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """A purpose on that page, with the items that are wanted for it and what the member can do about them."""

    purpose: ProcessingPurpose
    face: Face
    rows: list[Row]
    objected: bool


def groups(processing: Processing | None, values: Mapping[str, str], objected: Collection[str] = ()) -> list[Group]:
    """The purposes of a sheet in its order, each with its items and today's values."""
    return [
        Group(
            purpose=purpose,
            face=purpose.face,
            rows=[
                Row(each.item, item_label(each.item), each.shown_why, _shown(each.item, values.get(each.item, "")))
                for each in purpose.items.all()
            ],
            objected=all(each.item in objected for each in purpose.items.all()) and bool(objected),
        )
        for purpose in (processing.purposes.all() if processing else ())
    ]


def _shown(code: str, value: str) -> str:
    return language_name(value) if code == "language" else value
