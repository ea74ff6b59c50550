"""Writes docs/accessibility.md, the grid of RGAA, from ``hub/rgaa.py``; ``--check`` only compares."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from hub import rgaa
from hub.rgaa import CRITERIA, THEMES, Found

PAGE = Path(__file__).resolve().parent.parent / "docs" / "accessibility.md"
HEAD = """# Accessibility

Written by `tools/accessibility.py` from `hub/rgaa.py`; a check keeps it true. The public statement is the page
`/accessibilite/`, in the foot of every page.

How it was tested: `tests/journeys/test_every_page.py` opens every page of the table of access in Chromium: those
about one thing by the first link to one, in a demonstration that has one of each. What no link leads to is listed in
`tests/support/pages.py`, with the test that looks at it. Axe reads each (WCAG 2.2 A and AA, best practices) at 320,
360, 640 and 1280 px in both themes; 320 and 640 are 400 % and 200 % of a desk. Words are made twice as large, and
spaced; the keyboard goes through it stop by stop; it is opened without scripts. What axe leaves open is an error
unless `tests/support/reading.py` says why not.

**Not done**: no audit by somebody outside, no session with a screen reader, no trial by people with disabilities, no
reading of every page for what only a reader can judge. The grid says "not tested" there.
"""


def page() -> str:
    return "\n".join([HEAD, *_sums(), *_grid()]) + "\n"


def _sums() -> Iterator[str]:
    counts = ", ".join(f"{rgaa.count(found)} {found}" for found in Found)
    yield f"Of {len(CRITERIA)} criteria: {counts}. Of what applies and was tested, {rgaa.share()} % conform."


def _grid() -> Iterator[str]:
    for number, theme in enumerate(THEMES, 1):
        yield f"\n## {number}. {theme}\n\n| criterion | | found | how |\n| --- | --- | --- | --- |"
        for each in CRITERIA:
            if each.theme == number:
                found = f"**{each.found}**" if each.found is Found.NO else each.found
                yield f"| {each.number} | {each.title} | {found} | {each.how} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    if parser.parse_args().check:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
