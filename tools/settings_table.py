"""Writes the table of settings in docs/operations.md from ``hub/env.py``; ``--check`` only compares."""

import argparse
import sys
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from hub.env import ROOT, Env

PAGE = ROOT / "docs" / "operations.md"
BEGIN = "<!-- settings: written by tools/settings_table.py -->"
END = "<!-- end of settings -->"


def variable(name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"TROUSSEAU_{name.upper()}"


def kind(annotation: Any) -> str:
    names = {bool: "yes or no", int: "number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
    if annotation in names:
        return names[annotation]
    members = [member for member in get_args(annotation) if member is not NoneType]
    return kind(members[0]) if len(members) == 1 and members[0] in names else "list (JSON)"


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr) or value in ("", None, []):
        return ""
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}`"
    return f"`{value}`"


def table() -> str:
    lines = ["| variable | question | kind | default |", "| --- | --- | --- | --- |"]
    for name, field in Env.model_fields.items():
        question = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{variable(name, field)}` | {question} | {kind(field.annotation)} | {default(field)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
    if arguments.check:
        if text != wanted:
            print("docs/operations.md does not tell of hub/env.py's settings as they are")
        return 0 if text == wanted else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
