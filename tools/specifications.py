"""Writes docs/specifications.md: every section of a specification that a test speaks for; ``--check`` only compares."""

import argparse
import re
import sys
from collections import defaultdict

from tools.marks import ROOT, listed, marked

PAGE = ROOT / "docs" / "specifications.md"
HEAD = """# What the tests say of the specifications

Each row is a section of a specification and the tests that speak for it, gathered from their marks
(`@pytest.mark.spec("RFC 9126", "2")`). Written by `tools/specifications.py`; a check keeps it true.
"""
Marks = dict[str, dict[str, list[str]]]


def marks() -> Marks:
    found: Marks = defaultdict(lambda: defaultdict(list))
    for words, test in marked("spec"):
        if len(words) == 2:
            found[words[0]][words[1]].append(test)
    return found


def table(found: Marks) -> str:
    lines = [HEAD]
    for document in sorted(found, key=_natural):
        lines += [f"## {document}", "", "| section | tests |", "| --- | --- |"]
        for section in sorted(found[document], key=_natural):
            lines.append(f"| {section} | {listed(found[document][section])} |")
        lines.append("")
    return "\n".join(lines)


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    wanted = table(marks())
    if not arguments.check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        print("docs/specifications.md does not tell of the tests' marks as they are")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
