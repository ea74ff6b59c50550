"""What is declared beside what was seen.  Values in, values out; no database, no clock."""

from collections.abc import Collection, Mapping

from consent.protection.types import Answered, Cell, Line, Seen, Share, Shares, Sight, Stated
from consent.types import ALWAYS, ITEMS, DataCategory, Face

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


def shares(face: Face, items: Collection[str], answers: Collection[Answered], objected: int) -> Shares:
    """What members made of a purpose with these items.  Where nothing can be refused, who knows of it is counted."""
    everybody = sum(each.members for each in answers)
    if face is not Face.CONSENT:
        informed = sum(each.members for each in answers if not each.is_refusal)
        return Shares(Share(informed, everybody), (), objected if face is Face.OBJECTION else 0)

    def agreed(wanted: Collection[str]) -> Share:
        yes = sum(each.members for each in answers if not each.is_refusal and each.items & frozenset(wanted))
        return Share(yes, everybody)

    return Shares(agreed(items), tuple((item, agreed([item])) for item in items))
