"""What is declared beside what was seen.  Values in, values out; no database, no clock."""

from collections.abc import Mapping

from consent.protection.types import Cell, Line, Seen, Sight, Stated
from consent.types import ALWAYS, ITEMS, DataCategory

# In the order in which a cell tells them: what should not be first.
_WORST = (Sight.OBSERVED, Sight.BOTH, Sight.HIDDEN, Sight.DECLARED)


def lines(stated: Mapping[str, Stated], seen: Mapping[str, Seen], *, observable: bool) -> list[Line]:
    """Every item of a tool, those of its sheet first; what every tool gets, to tell accounts apart, is none."""
    of_sheet = sorted(stated, key=lambda item: stated[item].order)
    others = sorted(seen.keys() - stated.keys() - ALWAYS)
    since = min((each.since for each in stated.values()), default=None)

    def sight(item: str) -> Sight | None:
        if item in stated:
            return Sight.BOTH if item in seen else Sight.DECLARED if observable else Sight.HIDDEN
        # What left before this sheet left under another one: the findings judge it by that one.
        return Sight.OBSERVED if since is None or seen[item].last >= since else None

    return [Line(item, sight(item), stated.get(item), seen.get(item)) for item in [*of_sheet, *others]]


def row(found: list[Line]) -> list[Cell]:
    """One cell for each category, empty or not."""
    return [_cell(category, found) for category in DataCategory]


def _cell(category: DataCategory, found: list[Line]) -> Cell:
    # A code that left the catalogue has no category any more; it is told with what it is most likely about.
    own = tuple(line for line in found if _category(line.item) is category)
    sights = {line.sight for line in own}
    return Cell(category, next((sight for sight in _WORST if sight in sights), None), own)


def _category(item: str) -> DataCategory:
    return ITEMS[item].category if item in ITEMS else DataCategory.CONNECTION
