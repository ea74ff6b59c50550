"""From degrees to the plane of the map: a conic for mainland France, a corner for each overseas department."""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 1130
# The two parallels of Lambert-93, on a sphere: at the size of a page nobody sees the difference.
SOUTH, NORTH, MIDDLE, ORIGIN = math.radians(44), math.radians(49), math.radians(3), math.radians(46.5)
EARTH_KM = 6371.0
KM_PER_UNIT = 1.18
KM_PER_DEGREE = 111.2
LEFT, TOP = 520.0, 465.0

_CONE = math.log(math.cos(SOUTH) / math.cos(NORTH)) / math.log(
    math.tan(math.pi / 4 + NORTH / 2) / math.tan(math.pi / 4 + SOUTH / 2)
)
_SCALE = math.cos(SOUTH) * math.tan(math.pi / 4 + SOUTH / 2) ** _CONE / _CONE


@dataclass(frozen=True, slots=True)
class Corner:
    """Where an overseas department is drawn: its middle, and how many units a degree of latitude has there."""

    latitude: float
    longitude: float
    scale: float
    x: float
    y: float


CORNER_SIDE = 150
CORNERS = {
    "971": Corner(16.20, -61.45, 170, 100, 1040),
    "972": Corner(14.65, -61.02, 220, 300, 1040),
    "973": Corner(3.95, -53.10, 33, 500, 1040),
    "974": Corner(-21.13, 55.53, 240, 700, 1040),
    "976": Corner(-12.82, 45.16, 330, 900, 1040),
}


def place(latitude: float, longitude: float, department: str) -> tuple[float, float]:
    """The point of the map; x to the right, y downwards."""
    corner = CORNERS.get(department)
    if corner is not None:
        aside = (longitude - corner.longitude) * math.cos(math.radians(corner.latitude))
        return corner.x + aside * corner.scale, corner.y - (latitude - corner.latitude) * corner.scale
    turned = _CONE * (math.radians(longitude) - MIDDLE)
    distance, middle = _distance(math.radians(latitude)), _distance(ORIGIN)
    x, y = distance * math.sin(turned), distance * math.cos(turned) - middle
    return LEFT + x * EARTH_KM / KM_PER_UNIT, TOP + y * EARTH_KM / KM_PER_UNIT


def units(km: float, department: str) -> float:
    """How long that many kilometres are on the map, there."""
    corner = CORNERS.get(department)
    return km / KM_PER_DEGREE * corner.scale if corner else km / KM_PER_UNIT


def km_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """As the crow flies, between two pairs of latitude and longitude."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, each)) for each in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def _distance(latitude: float) -> float:
    return float(_SCALE / math.tan(math.pi / 4 + latitude / 2) ** _CONE)
