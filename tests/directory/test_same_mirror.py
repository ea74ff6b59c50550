"""One directory, one mirror: what a pass writes is the same on every database, line by line.

SQLite and PostgreSQL are written by statements of their own, and no test sees both: each is compared with the files
beside this one.  After a change of what the mirror says, or of the demonstration directory, write them anew and read
the difference::

    WRITE_MIRROR=1 .venv/bin/pytest tests/directory/test_same_mirror.py
"""

import os
from collections import defaultdict
from datetime import date, timedelta
from difflib import unified_diff
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from demo.slapd import EmbeddedDirectory
from directory.models import Collective, Member, Membership, SyncIssue
from directory.services import synchronise
from directory.types import MemberState
from statements import writing
from tests.support.mirror import HISTORY
from tests.support.passes import MONDAY, TUESDAY
from tests.support.slapd import five_weeks_later, ldap_settings

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).parent / "mirrors"
SUFFIX = ",dc=alizarine,dc=example"
# Drawn by slapd for an entry that is new; a key of a row; what the line above says.
DRAWN = {"entry_uuid", "source_id", "dn"}


Entries = dict[str, list[str]]


def mirror() -> Entries:
    """Everything that it says, by entry, a line for each value; what is empty is left out."""
    people = {each.pk: _name(each) for each in Member.objects.all()}
    groups = {each.pk: _name(each) for each in Collective.objects.all()}
    found: Entries = defaultdict(list)
    for each in (*Member.objects.all(), *Collective.objects.all()):
        found[_name(each)] += _said(each)
    for group, person, direct in Membership.objects.values_list("collective", "member", "direct"):
        found[groups[group]].append(f"{'member' if direct else 'member through another'}: {people[person]}")
    for group, person in Collective.leads.through.objects.values_list("collective", "member"):
        found[groups[group]].append(f"lead: {people[person]}")
    for issue in SyncIssue.objects.all():
        state = "settled" if issue.resolved_at else "open"
        found[_short(issue.dn)].append(f"issue, {state}: {issue.code} {_short(issue.detail)}".rstrip())
    return {name: sorted(lines) for name, lines in sorted(found.items())}


def _name(row: Member | Collective) -> str:
    """Where it is; of two who have been there one is gone."""
    if isinstance(row, Collective):
        return _short(row.dn) or f"status {row.status}"
    return f"{_short(row.dn)} (missing)" if row.state == MemberState.MISSING else _short(row.dn)


def _short(text: str) -> str:
    return text.replace(SUFFIX, "")


def _said(row: Member | Collective) -> list[str]:
    lines = []
    for name in {field.attname for field in row._meta.concrete_fields} - HISTORY - DRAWN:
        value = getattr(row, name)
        # Neither a moment nor a key that was drawn: it would be another one the next time.
        assert not isinstance(value, date | timedelta | UUID), name
        values = value if isinstance(value, list) else [value]
        lines += [f"{name}: {_short(str(each))!r}" for each in values if each not in ("", None, False)]
    return lines


def written(entries: Entries) -> str:
    return "\n".join("\n  ".join([name, *lines]) for name, lines in entries.items() if lines) + "\n"


def changes(one: Entries, other: Entries) -> Entries:
    """Of every entry that is otherwise, the lines that went and those that came."""
    found = {}
    for name in sorted(one.keys() | other.keys()):
        before, after = one.get(name, []), other.get(name, [])
        went = [f"- {line}" for line in before if line not in after]
        found[name] = went + [f"+ {line}" for line in after if line not in before]
    return found


def compared(name: str, found: str) -> None:
    file = FOLDER / name
    if os.environ.get("WRITE_MIRROR"):
        file.write_text(found, "utf-8")
    kept = file.read_text("utf-8")
    assert found == kept, "\n".join(unified_diff(kept.splitlines(), found.splitlines(), "kept", "found", n=1))


@pytest.mark.parametrize("copied", [20, writing.COPIED])
def test_a_first_import_and_five_weeks_come_to_the_same_mirror_on_every_database(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, copied: int
):
    """With every nasty case, and with all that is let go; people and groups too as PostgreSQL is sent thousands."""
    monkeypatch.setattr(writing, "COPIED", copied)
    with EmbeddedDirectory(tmp_path / "d", quirks=True, members=60, durable=False) as server:
        settings.LDAP = ldap_settings(server)

        synchronise(now=MONDAY)
        first = mirror()
        five_weeks_later(server)
        synchronise(now=TUESDAY, allow_large=True)
        later = mirror()

    compared("first.txt", written(first))
    compared("later.txt", written(changes(first, later)))
