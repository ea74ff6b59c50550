"""What leaves the database is checked by a program that knows nothing of it."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.utils import timezone

from audit import keyring, signer
from audit.models import Event, Leaf, Log, PersonKey
from audit.sequencer import sequence
from audit.services import record
from audit.types import Action, Actor, Entry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def happened(settings, tmp_path, member, other_member, louty) -> None:
    """Two people, a tool and the hub itself have done this and that, and all of it is signed."""
    settings.AUDIT_DIR = tmp_path / "audit"
    with_place = {"methods": ["pwd"]}
    record(
        Entry(Action.SIGN_IN, Actor(member.pk), member.pk, facts=with_place),
        Entry(Action.CONSENT_GIVEN, Actor(member.pk), member.pk, louty.pk, facts={"items": ["phone"]}),
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, facts={"items": ["email", "name"]}),
        Entry(Action.MEMBER_SUSPENDED, Actor(other_member.pk), member.pk, reason="misuse"),
        Entry(Action.SIGN_IN_REFUSED, subject=other_member.pk, refused=True, reason="bad_password"),
    )
    for _ in range(3):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())


def exported(target: Path, *arguments: str) -> Path:
    call_command("export_log", str(target), *arguments, stdout=StringIO())
    return target


def verified(export: Path, *arguments: str) -> tuple[int, dict]:
    """By the program that came with it, in a Python that sees nothing but itself."""
    program = export / "verify.py" if export.is_dir() else Path("audit/verify.py")
    keys = [part for log in Log.objects.exclude(key="") for part in ("--key", log.key)]
    command = [sys.executable, "-I", str(program), str(export), *keys, *arguments, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return ended.returncode, json.loads(ended.stdout)


@pytest.mark.parametrize("name", ["export", "export.zip"])
@pytest.mark.parametrize("people", [(), ("--with-people",)])
def test_an_export_is_sound(tmp_path, name, people):
    code, told = verified(exported(tmp_path / name, *people))

    assert (code, told["verdict"]) == (0, "sound"), told


def test_without_people_nobody_can_be_found_in_it(tmp_path, member, other_member):
    export = exported(tmp_path / "export")

    content = b"".join(path.read_bytes() for path in export.rglob("*") if path.is_file() and path.name != "verify.py")
    for person in (member, other_member):
        for personal in (str(person.pk), person.pk.hex, person.login, person.display_name):
            assert personal.encode() not in content
    assert str(member.pk).encode() in b"".join(
        path.read_bytes() for path in exported(tmp_path / "whole", "--with-people").rglob("parts.jsonl")
    )


def test_a_line_that_was_changed_in_the_database_is_found(tmp_path):
    QuerySet.update(Event.objects.filter(action=Action.DISCLOSED), facts={"items": ["email"]})

    assert verified(exported(tmp_path / "export"))[0] == 1


def test_an_entry_that_was_changed_in_the_database_is_found(tmp_path):
    leaf = Leaf.objects.filter(log__family="ledger").first()
    Leaf.objects.filter(pk=leaf.pk).update(entry=bytes(leaf.entry).replace(b'"rc":"', b'"rc":"x'))

    assert verified(exported(tmp_path / "export"))[0] == 1


def test_what_was_about_somebody_cannot_vanish_without_a_word(tmp_path, member):
    PersonKey.objects.filter(person=member.pk).delete()
    keyring.forget()

    code, told = verified(exported(tmp_path / "export", "--with-people"))

    assert code == 1, told
    whole = b"".join(path.read_bytes() for path in (tmp_path / "export").rglob("*") if path.is_file())
    assert str(member.pk).encode() not in whole


@pytest.mark.parametrize("name", ["export", "export.zip"])
def test_an_export_is_its_owners_alone(tmp_path, name):
    before = os.umask(0)
    try:
        target = exported(tmp_path / name, "--with-people")
    finally:
        after = os.umask(before)

    assert target.stat().st_mode & 0o077 == 0
    assert after == 0, "what else the process writes is not the export's business"


def test_exporting_is_an_event_itself(tmp_path):
    exported(tmp_path / "export", "--with-people")

    line = Event.objects.get(action=Action.LOG_EXPORTED)
    assert line.facts["with_people"] is True
    assert set(line.facts["logs"]) == set(Log.objects.values_list("name", flat=True))


def test_one_log_may_be_exported_alone(tmp_path):
    export = exported(tmp_path / "export", "--log", Log.objects.get(family="access").name)

    assert [path.name for path in (export / "log").iterdir()] == [Log.objects.get(family="access").name]


@pytest.mark.parametrize("arguments", [("--log", "nobody"), ()])
def test_what_cannot_be_done_is_said_before_anything_is_written(tmp_path, arguments):
    target = tmp_path / "there"
    if not arguments:
        target.mkdir()

    with pytest.raises(CommandError):
        call_command("export_log", str(target), *arguments)

    assert not list(target.glob("*"))
    assert not Event.objects.filter(action=Action.LOG_EXPORTED).exists()
