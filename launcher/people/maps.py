"""The map as it is drawn: departments with their members counted, the communes of one, or those around a place.

Values in, values out.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from directory.places import communes
from directory.places.projection import HEIGHT, WIDTH, units

# From how many on a department is darker; the number is written on it too.
STEPS = (1, 3, 10, 30)
MARGIN = 6.0
# How far past its edge one sees, around a place.
AROUND = 1.15
MOVE = re.compile(r"(-?[\d.]+),(-?[\d.]+)")


@dataclass(frozen=True, slots=True)
class Area:
    """A department: ``shade`` is 0 where nobody shows to be there."""

    code: str
    name: str
    outline: str
    count: int
    shade: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A commune; ``radius`` grows with the root of the number, so that its face tells it."""

    label: str
    count: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """``unplaced``: who shows no place, or one that no map shows; ``whole``: in the department, without a commune.

    ``reach``: how far was looked, around a place.
    """

    box: str
    areas: tuple[Area, ...]
    dots: tuple[Dot, ...]
    stroke: float
    unplaced: int = 0
    whole: int = 0
    reach: Dot | None = None


def france(places: Mapping[str, int], total: int) -> Drawing:
    counts: Counter[str] = Counter()
    for code, count in places.items():
        counts[communes.department_of(code)] += count
    areas = [_area(each, counts[each.code]) for each in communes.departments().values() if each.outline]
    # Those that somebody is in come last: their edge lies above their neighbours'.
    areas.sort(key=lambda each: (each.count > 0, each.code))
    placed = sum(each.count for each in areas)
    return Drawing(f"0 0 {WIDTH} {HEIGHT}", tuple(areas), (), 1.0, unplaced=total - placed)


def department(code: str, places: Mapping[str, int], total: int) -> Drawing:
    """One of them, near enough to tell its communes; without an outline there is only the list."""
    found = communes.departments()[code]
    inside = {place: count for place, count in places.items() if communes.department_of(place) == code}
    whole = inside.pop(code, 0)
    left, top, width, height = _box(found.outline) if found.outline else (0.0, 0.0, 1.0, 1.0)
    margin = MARGIN * max(width, height) / 100
    unit = max(width, height) / 100
    dots = _dots(inside, unit)
    box = f"{left - margin:.1f} {top - margin:.1f} {width + 2 * margin:.1f} {height + 2 * margin:.1f}"
    shown = whole + sum(each.count for each in dots)
    areas = (_area(found, 0),) if found.outline else ()
    return Drawing(box, areas, dots, round(unit / 3, 2), unplaced=total - shown, whole=whole)


def around(centre: communes.Commune, km: int, places: Mapping[str, int], total: int) -> Drawing:
    """What lies no farther, with as much of each department as is seen there."""
    reach = units(km, centre.department)
    x, y = centre.point
    left, top, side = x - reach * AROUND, y - reach * AROUND, 2 * reach * AROUND
    unit = side / 100
    dots = _dots(places, unit)
    areas = tuple(
        _area(each, 0)
        for each in communes.departments().values()
        if each.outline and _meet(_box(each.outline), (left, top, side, side))
    )
    ring = Dot(centre.label, 0, round(x, 2), round(y, 2), round(reach, 2))
    box = f"{left:.1f} {top:.1f} {side:.1f} {side:.1f}"
    return Drawing(box, areas, dots, round(unit / 3, 2), unplaced=total - sum(each.count for each in dots), reach=ring)


def _dots(places: Mapping[str, int], unit: float) -> tuple[Dot, ...]:
    """The most peopled first; ``unit`` is a hundredth of what is seen."""
    dots = []
    for place, count in sorted(places.items(), key=lambda each: (-each[1], each[0])):
        commune = communes.communes().get(place)
        if commune is not None:
            x, y = commune.point
            dots.append(Dot(commune.label, count, round(x, 2), round(y, 2), round(unit * (1.5 + 1.1 * count**0.5), 2)))
    return tuple(dots)


def _area(each: communes.Department, count: int) -> Area:
    left, top, width, height = _box(each.outline)
    shade = sum(count >= step for step in STEPS)
    return Area(
        each.code, each.name, each.outline, count, shade, round(left + width / 2, 1), round(top + height / 2, 1)
    )


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two boxes have anything in common."""
    return all(one[side] < other[side] + other[side + 2] and other[side] < one[side] + one[side + 2] for side in (0, 1))


@cache
def _box(outline: str) -> tuple[float, float, float, float]:
    """Of its largest piece, which is the first: left, top, width and height."""
    x = y = 0.0
    xs, ys = [], []
    for dx, dy in MOVE.findall(outline.partition("z")[0]):
        x, y = x + float(dx), y + float(dy)
        xs.append(x)
        ys.append(y)
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
