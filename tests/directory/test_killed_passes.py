"""Passes in processes that are killed without a word, at every phase, and several passes at once."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import corrections
from directory.models import Member, SyncRun
from directory.services import synchronise
from directory.types import MemberState, RunStatus
from tests.support.elsewhere import KILLED, ROOT, Kept, Moment, Office
from tests.support.ldap_proxy import DOWN, UP, Accident, Meanwhile, Message, Wire
from tests.support.mirror import content, difference, rows, unforeseen
from tests.support.passes import MONDAY, Pending
from tests.support.races import in_the_middle, meets_inside, together
from tests.support.slapd import five_weeks_later, ldap_settings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def behind(office: Office, kept: list[Kept], small_directory: EmbeddedDirectory) -> "Behind":
    """Committed: a mirror of five weeks ago; and what one pass makes of it, which is taken back."""
    synchronise(now=MONDAY)
    five_weeks_later(small_directory)
    return _foreseen(office, kept, small_directory)


@pytest.fixture
def corrected(office: Office, kept: list[Kept], small_directory: EmbeddedDirectory) -> "Behind":
    """The same, where two people were corrected and nothing else: what a pass carries out before its list."""
    synchronise(now=MONDAY)
    for member in Member.objects.filter(dn__contains="ou=membres", state=MemberState.ACTIVE).order_by("dn")[:2]:
        small_directory.modify(f"dn: {member.dn}\nchangetype: modify\nreplace: title\ntitle: Tailleuse\n")
    return _foreseen(office, kept, small_directory)


def _foreseen(office: Office, kept: list[Kept], server: EmbeddedDirectory) -> "Behind":
    kept.append(Kept())
    before, was = rows(), content()
    synchronise(now=timezone.now())
    found = Behind(server, before, was, content(), office, kept[0])
    found.begin_again()
    assert rows() == before
    return found


class Behind(Pending):
    def __init__(self, server: Any, before: Any, was: Any, clean: Any, office: Office, kept: Kept) -> None:
        super().__init__(server, before, was, clean)
        self.office, self.kept = office, kept

    def begin_again(self) -> None:
        self.kept.bring_back()
        self.office.send()

    def is_unfinished(self) -> bool:
        """Else it is whole.  Nothing but what goes before the list lies between."""
        self.office.fetch()
        assert not unforeseen(self.was, self.clean)
        return bool(difference(content(), self.clean))

    def assert_healed(self) -> None:
        """The next pass makes it whole, and calls those that were killed by their name."""
        synchronise(now=timezone.now() + timedelta(hours=1))
        assert not difference(content(), self.clean)
        assert not SyncRun.objects.filter(status=RunStatus.RUNNING).exists()


# Killed ----------------------------------------------------------------------------------------------------------


def test_a_pass_killed_as_any_statement_begins_has_written_nothing(behind: Behind):
    ldap, killed, number = ldap_settings(behind.server), 0, 1

    while True:
        ended = behind.office.run("sync_directory", ldap=ldap, moment=Moment("statement", number))
        unfinished = behind.is_unfinished()
        if ended.code != KILLED:
            break
        assert unfinished
        killed, number = killed + 1, number + max(1, number // 3)

    assert ended.code == 0, ended.told
    assert killed > 10
    assert SyncRun.objects.filter(status=RunStatus.RUNNING).exists(), "none of them could say that it was killed"
    behind.assert_healed()


def test_what_goes_before_the_list_is_done_whole_or_not_at_all_and_told_once(corrected: Behind):
    ldap, found, number = ldap_settings(corrected.server), set(), 1

    while True:
        corrected.begin_again()
        ended = corrected.office.run("sync_directory", ldap=ldap, moment=Moment("statement", number))
        found.add(corrected.is_unfinished())
        corrected.assert_healed()
        assert Event.objects.filter(action=Action.MEMBER_CHANGED).count() == 2
        if ended.code != KILLED:
            break
        number += 3

    assert ended.code == 0, ended.told
    assert found == {True, False}


@pytest.mark.parametrize("after", [False, True])
def test_a_pass_killed_around_any_commit_has_written_nothing_or_everything(behind: Behind, after: bool):
    ldap, found = ldap_settings(behind.server), set()

    for number in count(1):
        behind.begin_again()
        ended = behind.office.run("sync_directory", ldap=ldap, moment=Moment("commit", number, after))
        found.add(behind.is_unfinished())
        behind.assert_healed()
        if ended.code != KILLED:
            break

    assert ended.code == 0, ended.told
    # The first commit is that of a look which found that all of this has to wait.
    assert found == {True, False}


def test_a_pass_killed_at_any_request_to_the_directory_has_written_nothing(behind: Behind):
    with Wire(behind.server.port) as wire:
        ldap = ldap_settings(behind.server, uri=wire.uri, start_tls=False)
        for number in count():
            begun, go = behind.office.prepare("sync_directory", ldap=ldap)
            wire.arm(Accident(Message(UP, number), Meanwhile(begun.kill)))
            go()
            ended = begun.end()
            unfinished = behind.is_unfinished()
            if ended.code != KILLED:
                break
            assert unfinished

    assert ended.code == 0, ended.told
    assert number > 5
    behind.assert_healed()


def test_the_command_itself_can_be_killed_and_run_again(behind: Behind):
    with Wire(behind.server.port) as wire:
        killed = Command(behind, wire.uri)
        wire.arm(Accident(Message(DOWN, 60), Meanwhile(killed.kill)))

        assert killed.run() == KILLED
        assert behind.is_unfinished()
        assert Command(behind, wire.uri).run() == 0
        assert not behind.is_unfinished()


class Command:
    """``manage.py sync_directory``, as an operator types it."""

    def __init__(self, behind: Behind, uri: str) -> None:
        self.known = threading.Event()
        server, database = behind.server, behind.office.database()
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            # SQLite's file lies there.
            "TROUSSEAU_DATA_DIR": str(behind.office.file.parent),
            "TROUSSEAU_LDAP_URI": uri,
            "TROUSSEAU_LDAP_BASE": server.base,
            "TROUSSEAU_LDAP_BIND_DN": server.reader_dn,
            "TROUSSEAU_LDAP_BIND_PASSWORD": server.reader_password,
            "TROUSSEAU_LDAP_START_TLS": "false",
        }
        if connection.vendor == "postgresql":
            account = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
            host = quote(database["HOST"], safe="")
            port = f":{database['PORT']}" if database["PORT"] else ""
            self.environment["DATABASE_URL"] = f"postgres://{account}@{host}{port}/{database['NAME']}"

    def run(self) -> int:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "sync_directory"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.known.set()
        return self.process.wait(60)

    def kill(self) -> None:
        self.known.wait(60)
        self.process.kill()


# At once -----------------------------------------------------------------------------------------------------------


def test_of_several_passes_at_once_in_processes_nobody_is_doubled_or_lost(behind: Behind):
    ldap = ldap_settings(behind.server)

    for _ in range(2):
        behind.begin_again()
        started = [behind.office.start("sync_directory", ldap=ldap) for _ in range(3)]
        ended = [each.end() for each in started]

        assert [each.code for each in ended] == [0, 0, 0], ended
        assert not behind.is_unfinished()


def test_of_several_passes_at_once_in_threads_nobody_is_doubled_or_lost(behind: Behind):
    for _ in range(2):
        behind.begin_again()

        together(*[partial(synchronise, now=timezone.now())] * 3)

        assert not difference(content(), behind.clean)
        assert not SyncRun.objects.filter(status=RunStatus.RUNNING).exists()


@meets_inside
def test_what_others_write_of_somebody_while_a_pass_writes_them_is_not_undone(corrected: Behind):
    """An erasure that was asked for, above all."""
    changed = Member.objects.filter(dn__contains="ou=membres", state=MemberState.ACTIVE).order_by("dn")[0]
    empty = Member.objects.filter(pk=changed.pk)

    in_the_middle(
        partial(synchronise, now=timezone.now()),
        partial(empty.update, postal_address="", town="ailleurs"),
        at=(corrections, "items_of"),
    )

    changed.refresh_from_db()
    assert (changed.trade, changed.postal_address, changed.town) == ("Tailleuse", "", "ailleurs")


def test_a_pass_that_was_overtaken_brings_nobody_back(behind: Behind):
    """It read before somebody left, and would write after another pass that read later."""
    gone = Member.objects.get(login="valerie.julien")
    direct = ldap_settings(behind.server)
    overtaking: list[int] = []

    def overtake() -> None:
        behind.server.modify(f"dn: {gone.dn}\nchangetype: delete\n")
        overtaking.append(behind.office.run("sync_directory", ldap=direct).code)

    with Wire(behind.server.port) as wire:
        ldap = ldap_settings(behind.server, uri=wire.uri, start_tls=False, timeout_seconds=10.0)
        last = wire.measure(lambda: behind.office.run("sync_directory", "--dry-run", ldap=ldap)).messages(DOWN) - 1
        # Everything has been read but for the word that this was all.
        wire.arm(Accident(Message(DOWN, last), Meanwhile(overtake)))
        slow = behind.office.run("sync_directory", ldap=ldap)
        assert wire.all_happened()

    behind.office.fetch()
    assert (overtaking, slow.code) == ([0], 0), slow.told
    assert "another pass" in slow.told
    assert Member.objects.get(pk=gone.pk).state == MemberState.MISSING
    assert SyncRun.objects.filter(status=RunStatus.INTERRUPTED).count() == 1
