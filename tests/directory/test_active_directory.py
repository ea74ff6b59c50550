"""Passes over a domain controller, and signing in with it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from directory.ldap import passwords, sources
from directory.ldap.passwords import Outcome, Verdict
from directory.ldap.reading import Reading
from directory.models import Collective, Member
from directory.services import synchronise
from directory.types import DirectoryUnavailable, Kind, MemberState, Mode, RunStatus, ServerKind
from tests.support.controller import BASE, Controller

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
SECRET, ANOTHER = "Motdepasse-de-1", "Motdepasse-de-2"


@pytest.fixture
def controller(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Controller:
    found = Controller()
    hub = found.person("hub", "services", "of-the-hub")
    members = [found.person(login, password=SECRET) for login in ("noemie", "karim", "lea")]
    found.add("group", "Tous", "groupes", sAMAccountName="Tous", member=members, managedBy=members[2])
    monkeypatch.setattr("directory.ldap.connection.ldap.initialize", found.connection)
    settings.LDAP = {
        "uri": "ldaps://127.0.0.1",
        "base": BASE,
        "people_base": f"OU=membres,{BASE}",
        "bind_dn": hub,
        "bind_password": "of-the-hub",
        "write_dn": hub,
        "write_password": "of-the-hub",
    }
    source = sources.settings_source()
    source.server = ServerKind.ACTIVE_DIRECTORY
    source.save()
    synchronise(now=MONDAY)
    return found


NOEMIE, TOUS = f"CN=noemie,OU=membres,{BASE}", f"CN=Tous,OU=groupes,{BASE}"


def noemie() -> Member:
    return Member.objects.get(login="noemie")


def everybody() -> set[str]:
    return set(Collective.objects.get(name="Tous").memberships.values_list("member__login", flat=True))


def next_pass() -> dict[str, int]:
    run = synchronise(now=TUESDAY)
    assert run.mode == Mode.PIVOT
    return {name: count for name, count in run.counts.items() if count and name != "issues"}


def test_people_and_groups_arrive_under_their_names(controller):
    collective = Collective.objects.exclude(kind=Kind.STATUS).get()

    assert {member.login for member in Member.objects.all()} == {"noemie", "karim", "lea"}
    assert noemie().display_name == "Noémie Noemie"
    assert everybody() == {"noemie", "karim", "lea"}
    assert [lead.login for lead in collective.leads.all()] == ["lea"]
    assert "userPassword" not in controller.asked
    assert "unicodePwd" not in controller.asked


def test_nothing_is_written_while_nothing_changes(controller):
    assert next_pass() == {}


def test_a_group_too_large_for_one_answer_is_read_to_its_end(controller):
    controller.most_values = 2
    controller.touch(TOUS)
    controller.person("zoe")
    controller.entries[TOUS]["member"].append(f"CN=zoe,OU=membres,{BASE}".encode())

    next_pass()

    assert everybody() == {"noemie", "karim", "lea", "zoe"}
    assert "member;range=2-*" in controller.asked


def test_a_changed_and_a_disabled_account_are_seen(controller):
    controller.touch(NOEMIE, l="Agde")
    controller.touch(f"CN=karim,OU=membres,{BASE}", userAccountControl="514")

    next_pass()

    assert noemie().town == "Agde"
    assert Member.objects.get(login="karim").state == MemberState.LOCKED


def test_a_changed_account_is_found_by_its_number_before_everybody_is_listed(controller, monkeypatch):
    def cut(_: Reading) -> None:
        raise DirectoryUnavailable

    controller.touch(NOEMIE, l="Agde")
    monkeypatch.setattr(Reading, "pivots", cut)

    with pytest.raises(DirectoryUnavailable):
        next_pass()

    assert noemie().town == "Agde"


def test_renamed_members_stay_in_their_groups(controller):
    """Groups follow without a mark of their own, and so do the people of a renamed unit."""
    controller.rename(NOEMIE, f"CN=Noémie F.,OU=membres,{BASE}")
    controller.rename(f"CN=lea,OU=membres,{BASE}", f"CN=lea,OU=site,OU=membres,{BASE}")
    controller.rename(f"OU=site,OU=membres,{BASE}", f"OU=siège,OU=membres,{BASE}")

    next_pass()

    assert everybody() == {"noemie", "karim", "lea"}
    assert noemie().dn == f"CN=Noémie F.,OU=membres,{BASE}"
    assert Member.objects.get(login="lea").dn == f"CN=lea,OU=siège,OU=membres,{BASE}"


def test_another_controller_of_the_domain_counts_for_itself(controller):
    """The same number there says nothing: everybody is read again, and nobody is thought to have gone back."""
    controller.invocation_id, controller.usn = uuid4(), 17
    for entry in controller.entries.values():
        entry["uSNChanged"] = [b"17"]
    controller.entries[NOEMIE]["l"] = [b"Agde"]

    run = synchronise(now=TUESDAY)

    assert run.status in (RunStatus.OK, RunStatus.PROBLEMS)
    assert noemie().town == "Agde"
    assert Member.objects.filter(state=MemberState.ACTIVE).count() == 3


def test_a_controller_whose_own_count_went_back_waits(controller):
    controller.usn -= 3
    controller.entries[NOEMIE]["l"] = [b"Agde"]

    run = synchronise(now=TUESDAY)

    assert run.status == RunStatus.HELD
    assert [held["what"] for held in run.report["held"]] == ["server_went_back"]


def test_a_member_signs_in_and_is_known_by_their_account(controller):
    ldap, member = sources.load(), noemie()

    assert passwords.check_password(ldap, member.entry_uuid, SECRET).verdict is Verdict.ACCEPTED
    assert passwords.check_password(ldap, member.entry_uuid, "wrong").verdict is Verdict.REFUSED
    controller.touch(NOEMIE, userAccountControl="514")
    assert passwords.check_password(ldap, member.entry_uuid, SECRET).verdict is Verdict.REFUSED


def test_a_bind_that_ended_as_somebody_else_is_refused(controller, monkeypatch):
    monkeypatch.setattr("tests.support.controller.Connection.whoami_s", lambda _: "u:ALIZARINE\\karim")

    check = passwords.check_password(sources.load(), noemie().entry_uuid, SECRET)

    assert check.verdict is Verdict.REFUSED


def test_a_password_to_be_replaced_first_is_told_from_a_wrong_one(controller):
    controller.touch(NOEMIE, pwdLastSet="0")
    ldap, member = sources.load(), noemie()

    assert passwords.check_password(ldap, member.entry_uuid, SECRET).verdict is Verdict.EXPIRED
    assert passwords.check_password(ldap, member.entry_uuid, "wrong").verdict is Verdict.REFUSED


def test_a_member_changes_their_password(controller):
    ldap, member = sources.load(), noemie()

    def outcome(old: str, new: str) -> Outcome:
        return passwords.change_password(ldap, member.entry_uuid, old, new)

    assert outcome("wrong", ANOTHER) is Outcome.WRONG_OLD
    assert outcome(SECRET, "court") is Outcome.QUALITY
    assert outcome(SECRET, ANOTHER) is Outcome.DONE
    assert controller.passwords[NOEMIE] == ANOTHER


def test_an_old_password_that_changed_between_two_steps_is_said_to_be_wrong(controller, monkeypatch):
    monkeypatch.setattr("tests.support.controller.Connection.simple_bind_s", lambda self, *_, **__: (97, [], 1, []))
    monkeypatch.setattr("tests.support.controller.Connection.whoami_s", lambda _: "u:ALIZARINE\\noemie")

    outcome = passwords.change_password(sources.load(), noemie().entry_uuid, "not-the-old-one", ANOTHER)

    assert outcome is Outcome.WRONG_OLD
    assert controller.passwords[NOEMIE] == SECRET


def test_a_forgotten_password_is_replaced_by_the_write_account(controller):
    ldap, member = sources.load(), noemie()

    assert passwords.reset_password(ldap, member.entry_uuid, "court") is Outcome.QUALITY
    assert passwords.reset_password(ldap, member.entry_uuid, ANOTHER) is Outcome.DONE
    assert controller.passwords[NOEMIE] == ANOTHER
