"""Looking places up by what people type: a postcode, a town, a department.  No Django, no clock, nobody asked."""

import gzip
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from directory.people.words import folded
from directory.places.projection import km_between, place

DATA = Path(__file__).resolve().parent
POSTCODE = re.compile(r"(?<!\d)\d{5}(?!\d)")
# "Lodève (34)", "Saint-Denis (La Réunion)": as they are proposed, and as people tell two of one name apart.
OF_DEPARTMENT = re.compile(r"^(.*?)\s*\(([^)]*)\)\s*$")


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune of today, with the place of its town hall; ``code`` is INSEE's."""

    code: str
    name: str
    postcodes: tuple[str, ...]
    centre: tuple[float, float]

    @property
    def department(self) -> str:
        return self.code[: 3 if self.code.startswith(("97", "98")) else 2]

    @property
    def point(self) -> tuple[float, float]:
        """On the map."""
        return place(*self.centre, self.department)

    @property
    def label(self) -> str:
        return f"{self.name} ({self.department})"

    def said_for(self, typed: str) -> str:
        """As whoever typed this would go on: by its postcode, or by its name."""
        begun = typed.strip()
        postcode = next((each for each in self.postcodes if each.startswith(begun)), "") if begun.isdigit() else ""
        return f"{postcode} {self.name}" if postcode else self.label

    def km_to(self, other: "Commune") -> float:
        return km_between(self.centre, other.centre)


@dataclass(frozen=True, slots=True)
class Department:
    """``outline``: an SVG path on the map; empty where no map shows it."""

    code: str
    name: str
    outline: str


@cache
def communes() -> dict[str, Commune]:
    """By their codes; the largest first."""
    found = {}
    for line in _lines("communes.tsv.gz"):
        code, name, postcodes, latitude, longitude = line.split("\t")
        found[code] = Commune(code, name, tuple(postcodes.split(",")), (float(latitude), float(longitude)))
    return found


@cache
def departments() -> dict[str, Department]:
    """By their codes, in order."""
    return {
        code: Department(code, *rest) for code, *rest in (line.split("\t") for line in _lines("departments.tsv.gz"))
    }


def meant(text: str) -> Commune | None:
    """The commune that this text means: by its postcode and name, its name, or its postcode; the largest of several."""
    postcode = POSTCODE.search(text)
    name, among = POSTCODE.sub(" ", text), ""
    if of_department := OF_DEPARTMENT.match(name):
        name, among = of_department[1], folded(of_department[2])
    named = _by_name().get(_key(name), ())
    if postcode is not None:
        near = _by_postcode().get(postcode[0], ())
        named = tuple(each for each in near if each in named) if _key(name) else near
    if among:
        named = tuple(each for each in named if among in _words_of_department(each.department))
    return named[0] if named else None


def department_meant(text: str) -> Department | None:
    """By its number or its name."""
    wanted = folded(text)
    return next((each for code, each in departments().items() if wanted in _words_of_department(code)), None)


def beginning(text: str, limit: int) -> list[Commune]:
    """Those whose name or postcode begins like this, the largest first."""
    wanted = _key(text)
    if len(wanted) < 2:
        return []
    if wanted.isdigit():
        found = (each for each in communes().values() if any(code.startswith(wanted) for code in each.postcodes))
    else:
        found = (each for name, several in _by_name().items() if name.startswith(wanted) for each in several)
    return sorted(found, key=lambda each: _order()[each.code])[:limit]


def within(centre: Commune, km: float) -> dict[str, float]:
    """The codes of the communes whose town hall is no farther, the commune itself among them; how far, in km."""
    # A degree of latitude is 111 km: most of them need no trigonometry.
    band = km / 111 + 0.01
    latitude = centre.centre[0]
    near = (each for each in communes().values() if abs(each.centre[0] - latitude) <= band)
    far = ((each.code, centre.km_to(each)) for each in near)
    return {code: distance for code, distance in far if distance <= km}


@cache
def of_department(code: str) -> frozenset[str]:
    """The codes of all its communes, and its own."""
    return frozenset([code, *(each.code for each in communes().values() if each.department == code)])


def label_of(code: str) -> str:
    """Of a commune or a department, in words; empty for none, and for one that is no longer."""
    if code in departments():
        return departments()[code].name
    commune = communes().get(code)
    return commune.label if commune else ""


def department_of(code: str) -> str:
    """The department’s code, of either."""
    if code in departments():
        return code
    commune = communes().get(code)
    return commune.department if commune else ""


def words_of(code: str) -> str:
    """What finds somebody who is placed there: names, and postcodes of a commune."""
    commune = communes().get(code)
    department = departments().get(department_of(code))
    words = [commune.name, *commune.postcodes] if commune else []
    return " ".join([*words, department.name] if department else words)


def _words_of_department(code: str) -> tuple[str, str]:
    known = departments().get(code)
    return code.lower(), folded(known.name) if known else ""


def _key(name: str) -> str:
    """ "St" and "Ste" are how people write half of France."""
    words = {"st": "saint", "ste": "sainte"}
    return " ".join(words.get(each, each) for each in folded(name).split())


@cache
def _order() -> dict[str, int]:
    """The largest first."""
    return {code: place for place, code in enumerate(communes())}


@cache
def _by_name() -> dict[str, tuple[Commune, ...]]:
    found = defaultdict(list)
    for each in communes().values():
        found[_key(each.name)].append(each)
    return {name: tuple(several) for name, several in found.items()}


@cache
def _by_postcode() -> dict[str, tuple[Commune, ...]]:
    found = defaultdict(list)
    for each in communes().values():
        for postcode in each.postcodes:
            found[postcode].append(each)
    return {postcode: tuple(several) for postcode, several in found.items()}


def _lines(name: str) -> Iterator[str]:
    return iter(gzip.decompress((DATA / name).read_bytes()).decode().splitlines())
