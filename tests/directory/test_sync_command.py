"""``manage.py sync_directory``, as whoever has a terminal uses it."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from audit.sealing import seal
from audit.types import Action
from directory.ldap.sources import SECRET_PURPOSE
from directory.management.commands.sync_directory import Command
from directory.models import DirectorySource, Member, SyncRun
from directory.types import MemberState, SourceState
from tests.directory.test_sync import PEOPLE, synced
from tests.support.slapd import settle

__all__ = ["synced"]
pytestmark = pytest.mark.django_db


def sync(*arguments: str) -> tuple[int, str, str]:
    """The exit code, what was said and what was complained of."""
    out, complaints = StringIO(), StringIO()
    command = Command(stdout=out, stderr=complaints)  # type: ignore[arg-type]
    try:
        call_command(command, *arguments)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return command.exit_code, out.getvalue(), complaints.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(sync("--json", *arguments)[1])


def delete(server: Any, count: int) -> None:
    there = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE, leads=None)
    going = [member for member in there if member.dn.isascii()][:count]
    server.modify("\n".join(f"dn: {member.dn}\nchangetype: delete\n" for member in going))
    settle(server)


def test_it_tells_what_it_did(own_directory):
    code, said, complaints = sync()

    assert (code, complaints) == (0, "")
    assert "448 joined" in said
    assert "2 × mail_shared" in said


def test_it_speaks_json_and_writes_nothing_when_dry(own_directory):
    report = told("--dry-run")

    assert (report["dry_run"], report["mode"]) == (True, "deep")
    assert report["counts"]["people_joined"] == 448
    assert not Member.objects.exists()
    assert not SyncRun.objects.exists()


def test_it_compares_change_marks_unless_it_is_told_to_read_everything(synced):
    assert [told()["mode"], told("--deep")["mode"]] == ["pivot", "deep"]


def test_it_says_that_the_directory_does_not_answer(synced):
    synced.stop()

    code, _, complaints = sync()

    assert code == 4
    assert "does not answer" in complaints
    assert "nobody is lost by it" in complaints


def test_it_says_that_the_directory_refuses(synced, settings):
    settings.LDAP = settings.LDAP | {"bind_password": "wrong"}

    code, _, complaints = sync()

    assert code == 1
    assert "INVALID_CREDENTIALS" in complaints


def test_what_waits_is_named_and_exactly_that_can_be_let_go(synced):
    active = Member.objects.active().count()
    delete(synced, 15)

    code, said, _ = sync()
    plan = told()["approval"]
    other = sync("--approve", "0123456789abcdef")[0]
    there = Member.objects.filter(state=MemberState.MISSING).count()
    approved = sync("--approve", plan)[0]

    assert (code, other, approved) == (3, 3, 0)
    assert f"HELD: 15 × people (at most {int(active * 0.03)})" in said
    assert f"sync_directory --source Annuaire --approve {plan}" in said
    assert Member.objects.filter(state=MemberState.MISSING).first().display_name in said
    assert there == 0
    assert Member.objects.filter(state=MemberState.MISSING).count() == 15
    lines = Event.objects.filter(action__in=[Action.SYNC_APPROVED, Action.SYNC_APPROVAL_REFUSED]).order_by("pk")
    assert [(line.action, line.refused, line.reason, line.actor_id) for line in lines] == [
        (Action.SYNC_APPROVAL_REFUSED, True, "others_wait", None),
        (Action.SYNC_APPROVED, False, "", None),
    ]


def test_a_plan_that_does_not_wait_is_told(synced):
    code, _, complaints = sync("--approve", "0123456789abcdef")

    assert code == 2
    assert "No plan 0123456789abcdef waits" in complaints


def test_what_stands_from_before_is_told_again(synced):
    """Whoever did not change is not looked at again, and is still to be put right."""
    _, said, _ = sync()

    assert "2 × mail_shared" in said
    report = told()
    assert len(report["issues"]) == report["counts"]["issues"] > 0


@pytest.mark.parametrize("state", [SourceState.DRAFT, SourceState.PAUSED])
def test_a_directory_that_is_not_followed_is_read_for_show_only(synced, own_directory, state):
    source = DirectorySource.objects.get()
    source.state = state
    source.save()
    delete(own_directory, 1)

    code, _, complaints = sync("--source", "Annuaire")

    assert code == 2
    assert "--dry-run" in complaints
    assert not Member.objects.filter(state=MemberState.MISSING).exists()
    assert told("--source", "Annuaire", "--dry-run")["counts"]["people_ended"] == 1


def test_a_directory_that_is_not_finished_is_refused_in_words(synced):
    DirectorySource.objects.create(name="Brouillon", uri="ldaps://127.0.0.1:1")

    code, _, complaints = sync("--source", "Brouillon", "--dry-run")

    assert code == 1
    assert "Brouillon" in complaints


def test_a_directory_that_is_not_there_is_wrong_usage(synced):
    code, _, complaints = sync("--source", "Ailleurs")

    assert code == 2
    assert "there are: Annuaire" in complaints


def test_each_directory_is_read_whatever_became_of_the_others(synced):
    DirectorySource.objects.create(
        name="Perdu",
        state=SourceState.ACTIVE,
        uri="ldap://127.0.0.1:1",
        start_tls=False,
        base="dc=perdu",
        bind_dn="cn=x",
        bind_secret=seal(b"secret", purpose=SECRET_PURPOSE),
    )

    code, said, complaints = sync()
    reports = told()

    assert code == 4
    assert "Annuaire:" in said
    assert "does not answer" in complaints
    assert [(report["source"], report["status"]) for report in reports] == [
        ("Annuaire", "problems"),
        ("Perdu", "failed"),
    ]
    assert sync("--source", "Annuaire")[0] == 0


def test_one_approval_is_for_one_directory(synced):
    DirectorySource.objects.create(name="Autre", state=SourceState.ACTIVE, uri="ldaps://127.0.0.1:1", base="dc=x")

    assert sync("--approve", "0123456789abcdef")[0] == 2
