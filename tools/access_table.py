"""Writes docs/access.md: who gets what at each address, and what each role may do; ``--check`` only compares."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from directory.policy import GIVEN_BY, LEAD_RIGHTS, RIGHTS, Right
from directory.types import Role
from tests.hub.access import TABLE, Answer, Answers, Row, Who

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "access.md"
HEAD = """# Who may do what

Written by `tools/access_table.py`; a check keeps it true, and `tests/hub/test_access_matrix.py` asks the hub for every
cell. A new address needs a row in `tests/hub/access.py`.

- **page**: it is shown. **done**: the request is carried out, or leads on.
- **sign-in**, **code**: sent to the sign-in page, or to the second step of signing in.
- **refused**: told that the page is not theirs, with a line in the journal.
- **half signed in**: a browser that gave the password and not the second factor.
- **suspended**, **left**: whoever still has the cookie of a session from before.

The pages of a role also ask for a second factor once its time is over. Methods that an address does not have are
left out.
"""


def pages() -> Iterator[str]:
    yield "## Addresses"
    yield ""
    yield "| address | | " + " | ".join(Who) + " |"
    yield "| --- " * (len(Who) + 2) + "|"
    for row in TABLE:
        for method, answers in (("GET", row.get), ("POST", row.post)):
            if set(answers.values()) != {Answer.NO_METHOD}:
                yield _line(row, method, answers)
    yield ""


def _line(row: Row, method: str, answers: Answers) -> str:
    name = f"`{row.route}`" + (f", {row.about}" if row.about else "")
    return f"| {name} | {method} | " + " | ".join(_short(answers[who]) for who in Who) + " |"


def _short(answer: Answer) -> str:
    return {Answer.CODE: "code", Answer.NO_METHOD: "–"}.get(answer, str(answer))


def rights() -> Iterator[str]:
    yield "## Rights"
    yield ""
    yield "| right | " + " | ".join(Role) + " | lead, of their collectives |"
    yield "| --- " * (len(Role) + 2) + "|"
    for right in Right:
        cells = ["yes" if right in RIGHTS[role] else "" for role in Role]
        yield f"| {right} | " + " | ".join([*cells, "yes" if right in LEAD_RIGHTS else ""]) + " |"
    yield ""
    yield "| role | given and taken back by |"
    yield "| --- | --- |"
    for role in Role:
        yield f"| {role} | " + ", ".join(sorted(GIVEN_BY[role])) + " |"


def table() -> str:
    return "\n".join([HEAD, *pages(), *rights()]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    wanted = table()
    if not arguments.check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        print("docs/access.md does not tell who may do what as it is")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
