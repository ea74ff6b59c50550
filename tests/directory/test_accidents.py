"""What can happen to a server, to its content and to what it shows: no pass loses, duplicates or opens an account."""

import json
import threading
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from demo.slapd import EmbeddedDirectory
from directory import follow_words, following
from directory.models import Collective, Member, SyncRun
from directory.services import passes, synchronise
from directory.types import DirectoryRefused, Mode, RunStatus
from tests.support.ldap_proxy import DOWN, UP, Accident, Byte, Meanwhile, Message, Silence, Wire
from tests.support.mirror import content, difference, put_back, rows, who_may_enter, without_issues
from tests.support.passes import MONDAY, TUESDAY, WEDNESDAY, Pending, a_pass
from tests.support.slapd import five_weeks_later, ldap_settings
from tests.support.slapd_control import (
    OtherDirectory,
    backup,
    change_password,
    failing_at,
    give_certificate,
    hidden,
    limit,
    read_only,
    restart,
    restore,
    unlimit,
    without_syncprov,
)

pytestmark = pytest.mark.django_db
PEOPLE = "ou=personnes,dc=alizarine,dc=example"
GROUPS = "ou=groupes,dc=alizarine,dc=example"
SOMEBODY = f"uid=valerie.julien,ou=membres,{PEOPLE}"


def held_back(run: SyncRun) -> set[str]:
    return {held["what"] for held in run.report["held"]}


# The process ---------------------------------------------------------------------------------------------------


def test_a_server_that_was_restarted_is_read_as_if_it_had_not_been(pending: Pending):
    restart(pending.server)

    pending.assert_whole_after_a_pass()


def test_a_server_that_stops_for_a_moment_in_the_middle_is_waited_for(pending: Pending, settings: Any):
    server = pending.server

    def blink() -> None:
        server.pause()
        threading.Timer(0.2, server.resume).start()

    with Wire(server.port) as wire:
        settings.LDAP = ldap_settings(server, uri=wire.uri, start_tls=False)
        wire.arm(*(Accident(Message(UP, number), Meanwhile(blink)) for number in (2, 4)))

        pending.assert_whole_after_a_pass()

        assert wire.all_happened()


def test_a_server_that_is_silent_from_the_first_byte_of_tls_is_given_up(pending: Pending, settings: Any):
    with Wire(pending.server.tls_port) as wire:
        settings.LDAP = ldap_settings(pending.server, uri=wire.tls_uri, timeout_seconds=0.3)
        wire.arm(Accident(Byte(0, DOWN, 0), Silence()))
        began = time.monotonic()

        assert a_pass() == "DirectoryUnavailable"

        assert time.monotonic() - began < 3
        assert wire.all_happened()
    pending.assert_untouched()


# What it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "end", "told"),
    [
        (1, "DirectoryRefused", "OPERATIONS_ERROR"),
        (3, "DirectoryRefused", "TIMELIMIT_EXCEEDED"),
        (4, "DirectoryRefused", "SIZELIMIT_EXCEEDED"),
        (11, "DirectoryRefused", "ADMINLIMIT_EXCEEDED"),
        (51, "DirectoryUnavailable", "BUSY"),
        (52, "DirectoryUnavailable", "UNAVAILABLE"),
        (53, "DirectoryRefused", "UNWILLING_TO_PERFORM"),
        (80, "DirectoryRefused", "OTHER"),
    ],
)
def test_an_answer_that_ends_in_its_middle_is_no_answer(pending: Pending, code: int, end: str, told: str):
    """RFC 4511 §4.5.2: some entries came before the result, and the result is not success."""
    with failing_at(pending.server, SOMEBODY, code):
        assert a_pass() == end
        pending.assert_nothing_unforeseen()
        assert told in SyncRun.objects.order_by("-id")[0].error

    pending.assert_whole_after_a_pass()


@pytest.mark.parametrize(
    "limits", ["size=30", "size.prtotal=50", "size.prtotal=disabled", "size.unchecked=1", "size.pr=100"]
)
def test_a_limit_of_the_server_is_a_failure_and_not_a_departure(pending: Pending, limits: str):
    limit(pending.server, limits)

    assert a_pass() == "DirectoryRefused"

    pending.assert_nothing_unforeseen()
    unlimit(pending.server)
    pending.assert_whole_after_a_pass()


def test_a_reader_whose_password_was_changed_is_refused_and_loses_nobody(pending: Pending, settings: Any):
    change_password(pending.server, pending.server.reader_dn, "another-one")

    assert a_pass() == "DirectoryRefused"

    pending.assert_untouched()
    settings.LDAP = ldap_settings(pending.server, bind_password="another-one")
    pending.assert_whole_after_a_pass()


def test_a_reader_who_is_gone_is_refused_and_loses_nobody(pending: Pending):
    pending.server.modify(f"dn: {pending.server.reader_dn}\nchangetype: delete\n")

    assert a_pass() == "DirectoryRefused"

    pending.assert_untouched()


@pytest.mark.parametrize("base", [{"base": "dc=autre,dc=example"}, {"people_base": f"ou=nulle-part,{PEOPLE}"}])
def test_a_base_that_is_not_there_is_refused_and_loses_nobody(pending: Pending, settings: Any, base: dict[str, str]):
    settings.LDAP = ldap_settings(pending.server, **base)

    assert a_pass() == "DirectoryRefused"

    pending.assert_untouched()


def test_a_database_that_only_reads_is_read(pending: Pending):
    read_only(pending.server, on=True)

    pending.assert_whole_after_a_pass()


def test_a_server_that_no_longer_counts_its_changes_is_read_all_the_same(small_directory: EmbeddedDirectory):
    synchronise(now=MONDAY)
    without_syncprov(small_directory)
    small_directory.modify(f"dn: {SOMEBODY}\nchangetype: modify\nreplace: title\ntitle: Vigneronne\n")

    assert a_pass() == RunStatus.OK

    assert Member.objects.get(login="valerie.julien").trade == "Vigneronne"


# What it hides ---------------------------------------------------------------------------------------------------


@pytest.fixture
def full(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


@pytest.mark.parametrize(
    ("branch", "what"),
    [
        (f"ou=equipe,{PEOPLE}", "people"),
        (f"ou=membres,{PEOPLE}", "people"),
        (f"ou=poles,{GROUPS}", "groups"),
        (f"ou=autogeres,{GROUPS}", "groups"),
    ],
)
def test_a_branch_that_is_hidden_with_success_loses_nobody(full: EmbeddedDirectory, branch: str, what: str):
    before = content()

    with hidden(full, f'dn.subtree="{branch}"'):
        run = synchronise(now=TUESDAY)

        assert run.status == RunStatus.HELD
        assert what in held_back(run)
        assert not difference(without_issues(content()), without_issues(before))
    synchronise(now=WEDNESDAY)
    assert not difference(content(), before)


@pytest.mark.parametrize("branch", [PEOPLE, GROUPS, "dc=alizarine,dc=example"])
def test_a_base_that_is_hidden_is_no_empty_base(pending: Pending, branch: str):
    with hidden(pending.server, f'dn.subtree="{branch}"'):
        assert a_pass() == "DirectoryRefused"
        pending.assert_nothing_unforeseen()

    pending.assert_whole_after_a_pass()


# Attribute by attribute, how a pass ends that no longer sees it.
HIDDEN = {
    "entryUUID": "DirectoryRefused",
    # Nothing matches the filters any more: everybody would be out of scope at once.
    "objectClass": RunStatus.HELD,
    "entryCSN": RunStatus.OK,
    "contextCSN": RunStatus.OK,
    # Shown by other names where there is none.
    "displayName": RunStatus.OK,
    **dict.fromkeys(
        (
            *("uid", "sn", "givenName", "mail", "telephoneNumber", "mobile", "title", "employeeNumber"),
            *("employeeType", "o", "postalAddress", "postalCode", "l", "preferredLanguage", "member", "owner"),
        ),
        RunStatus.HELD,
    ),
}


def test_an_attribute_that_is_hidden_with_success_is_lost_by_nobody(small_directory: EmbeddedDirectory):
    synchronise(now=MONDAY)
    before = content()
    ends, wrong = {}, {}

    for name in HIDDEN:
        with put_back():
            with hidden(small_directory, f"attrs={name}"):
                # What a change mark does not tell, a reading of everything does.
                ends[name] = a_pass(mode=Mode.DEEP)
            hurt = difference(without_issues(content()), without_issues(before))
            a_pass(WEDNESDAY, Mode.DEEP)
            if found := hurt or difference(content(), before):
                wrong[name] = found

    assert not wrong
    assert ends == HIDDEN


def test_who_leads_a_collective_is_kept_while_the_server_hides_it_and_told_in_words(full: EmbeddedDirectory):
    before = set(Collective.leads.through.objects.values_list("collective", "member"))

    with hidden(full, "attrs=owner"):
        run = synchronise(now=TUESDAY, mode=Mode.DEEP)
        # What waits is found again by each pass, however it reads.
        again = synchronise(now=TUESDAY)
        told = StringIO()
        call_command("sync_directory", "--dry-run", "--deep", stdout=told)
        as_json = StringIO()
        call_command("sync_directory", "--dry-run", "--deep", "--json", stdout=as_json)

    limit = max(5, int(len(before) * 0.2))
    held = [{"what": "leads", "count": len(before), "limit": limit, "before": 0}]
    assert len(before) > limit
    assert run.report["held"] == again.report["held"] == json.loads(as_json.getvalue())["held"] == held
    assert run.report["approval"] == again.report["approval"]
    assert set(Collective.leads.through.objects.values_list("collective", "member")) == before
    assert f"HELD: {len(before)} × leads (at most {limit}): people who would no longer lead" in told.getvalue()
    (waiting,) = following.what_waits(run)
    assert (len(waiting.lines), waiting.total) == (len(before), len(before))
    assert all(line.name and line.other for line in waiting.lines)
    run = synchronise(now=WEDNESDAY)
    assert run.status != RunStatus.HELD
    assert set(Collective.leads.through.objects.values_list("collective", "member")) == before


def test_that_nobody_leads_anything_any_more_is_done_by_a_persons_word(full: EmbeddedDirectory):
    with hidden(full, "attrs=owner"):
        waits = synchronise(now=TUESDAY, mode=Mode.DEEP)
        run = synchronise(now=TUESDAY, mode=Mode.DEEP, approved=waits.report["approval"])

        assert run.report["gone"] == {"leads": run.counts["leads_removed"]}
        assert not Collective.leads.through.objects.exists()


# Another content ---------------------------------------------------------------------------------------------------


def test_an_older_backup_that_was_restored_waits_wholly_and_the_right_content_goes_on(
    small_directory: EmbeddedDirectory,
):
    synchronise(now=MONDAY)
    kept = backup(small_directory)
    five_weeks_later(small_directory)
    latest = backup(small_directory)
    synchronise(now=TUESDAY)
    before = rows()

    restore(small_directory, kept)
    run = synchronise(now=WEDNESDAY)
    again = synchronise(now=WEDNESDAY)

    assert run.status == again.status == RunStatus.HELD
    assert held_back(run) == held_back(again) == {"server_went_back"}
    assert rows() == before
    restore(small_directory, latest)
    assert a_pass(WEDNESDAY) == RunStatus.PROBLEMS
    assert rows() == before


@pytest.mark.parametrize("turn", [1, 2])
def test_another_server_behind_the_same_name_changes_nobody(pending: Pending, settings: Any, tmp_path: Path, turn: int):
    """Loaded anew: every name is there, and none of the entries that were."""
    with OtherDirectory(tmp_path / "other", members=60, durable=False) as other:
        settings.LDAP = ldap_settings(other)

        for _ in range(turn):
            run = synchronise(now=TUESDAY)

        assert run.status == RunStatus.HELD
        assert "nothing_in_common" in held_back(run)
        pending.assert_untouched()
    settings.LDAP = ldap_settings(pending.server)
    pending.assert_whole_after_a_pass()


def test_a_server_that_has_lost_everybody_is_held_and_ends_nobody(pending: Pending):
    server, kept = pending.server, backup(pending.server)
    found = server.search("-b", PEOPLE, "(objectClass=inetOrgPerson)", "1.1")
    names = [line for line in found.splitlines() if line.startswith("dn:")]
    server.modify("\n\n".join(f"{name}\nchangetype: delete" for name in names) + "\n")
    inside = who_may_enter()

    run = synchronise(now=TUESDAY)

    assert run.status == RunStatus.HELD
    assert "people" in held_back(run)
    assert who_may_enter() == inside
    restore(server, kept)
    synchronise(now=WEDNESDAY)
    assert who_may_enter() == inside


# Its certificate -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["other authority", "expired", "not yet", "other name"])
def test_a_server_that_cannot_prove_its_name_is_told_no_password(pending: Pending, settings: Any, wrong: str):
    server = pending.server
    give_certificate(server, wrong)
    begun = len(server.log_file.read_bytes())

    for uri in (server.uri, server.tls_uri):
        settings.LDAP = ldap_settings(server, uri=uri)
        assert a_pass() == "DirectoryUnavailable"

    told = server.log_file.read_bytes()[begun:]
    assert b"ACCEPT" in told
    assert b"BIND dn=" not in told
    pending.assert_untouched()
    give_certificate(server, "right")
    settings.LDAP = ldap_settings(server)
    pending.assert_whole_after_a_pass()


# Its size ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "told"), [("by_pivots", "DirectoryRefused: ANSWER_TOO_LARGE"), ("decide", "MemoryError")]
)
def test_a_pass_that_needs_more_memory_than_there_is_fails_in_words_and_the_next_goes_on(
    pending: Pending, monkeypatch: pytest.MonkeyPatch, step: str, told: str
):
    """While it reads, or while it decides (``hub.management.commands.follow_directory`` sets the limit)."""

    def fill_it(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as full:
        full.setattr(passes, step, fill_it)
        with pytest.raises((DirectoryRefused, MemoryError)):
            synchronise(now=TUESDAY)

    run = SyncRun.objects.order_by("-id")[0]
    assert (run.status, run.error) == (RunStatus.FAILED, told)
    assert "TROUSSEAU_DIRECTORY_MEMORY_MB" in follow_words.error(run.error) + follow_words.cure(run.error)
    pending.assert_nothing_unforeseen()
    pending.assert_whole_after_a_pass()
