"""Signing in where several directories are followed, and as somebody who was entered a minute ago."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import asking, backends, passwords
from directory.ldap import connection
from directory.ldap.passwords import Outcome
from directory.models import Collective, DirectorySource, Member, SyncIssue
from directory.services import synchronise
from directory.types import DirectoryUnavailable, Mode, PartlyUnavailable, RunStatus, SourceState
from tests.directory.test_sign_in import operations
from tests.support.signin import NEW_PASSWORD, NOEMIE, NOEMIE_PASSWORD, WRONG
from tests.support.slapd import GUESTS, ZOE, ZOE_PASSWORD, Second, add_person, ldap_settings

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
MEMBERS = "ou=membres,ou=personnes,dc=alizarine,dc=example"
NEW = "oriane.nouvelle"


@pytest.fixture
def own(own_directory: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch) -> EmbeddedDirectory:
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def two(own: EmbeddedDirectory, second: Second) -> Second:
    synchronise(now=MONDAY, source=second.source)
    return second


def sign_in(name: str, password: str) -> Member | None:
    found = authenticate(None, username=name, password=password)
    return found if isinstance(found, Member) else None


def done_by(servers: list[EmbeddedDirectory], act: object) -> list[list[str]]:
    """What each server was asked to do meanwhile."""
    marks = [server.log_file.stat().st_size for server in servers]
    assert callable(act)
    act()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        done = [sorted(operations(server, mark)) for server, mark in zip(servers, marks, strict=True)]
        if all(each.count("UNBIND") >= 2 for each in done):
            break
        time.sleep(0.02)
    return done


# Each by their own ---------------------------------------------------------------------------------------------


def test_each_member_is_asked_of_their_own_directory(own, two):
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) == Member.objects.get(login=NOEMIE)
    assert sign_in(ZOE, ZOE_PASSWORD) == Member.objects.get(login=ZOE)
    assert sign_in(ZOE, NOEMIE_PASSWORD) is None
    # The second directory has a Noémie too, outside of what is followed there.
    own.modify(f"dn: uid={NOEMIE},{MEMBERS}\nchangetype: modify\nreplace: userPassword\nuserPassword: {NEW_PASSWORD}\n")
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) is None


def test_nobody_elses_directory_is_shown_what_a_member_types(own, two, monkeypatch):
    shown = []
    bind = asking.passwords._bind

    def seen(config, deadline, entry, password):
        shown.append((config.source_id, password))
        return bind(config, deadline, entry, password)

    monkeypatch.setattr(asking.passwords, "_bind", seen)

    for name in (NOEMIE, ZOE, "nobody.at.all"):
        sign_in(name, WRONG)

    first = DirectorySource.objects.get(from_settings=True)
    assert len(shown) == 6
    assert [source for source, password in shown if password == WRONG] == [first.pk, two.source.pk]


def test_a_password_is_changed_and_reset_in_the_members_own_directory(own, two):
    zoe = Member.objects.get(login=ZOE)

    assert not passwords.can_reset(zoe), "the second directory has no write account"
    assert passwords.can_reset(Member.objects.get(login=NOEMIE))
    assert passwords.change(zoe, old=ZOE_PASSWORD, new=NEW_PASSWORD) in (Outcome.DONE, Outcome.NOT_ALLOWED)
    assert sign_in(ZOE, ZOE_PASSWORD) is None or sign_in(ZOE, NEW_PASSWORD) is None


def test_a_directory_that_is_paused_is_still_asked_and_one_that_is_retired_is_not(own, two):
    DirectorySource.objects.filter(pk=two.source.pk).update(state=SourceState.PAUSED)
    assert sign_in(ZOE, ZOE_PASSWORD) is not None

    DirectorySource.objects.filter(pk=two.source.pk).update(state=SourceState.RETIRED)
    assert sign_in(ZOE, ZOE_PASSWORD) is None


# Nobody can tell who is a member --------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.8")
def test_every_directory_is_given_the_same_to_do_whoever_is_meant(own, two):
    names = (
        NOEMIE,
        ZOE,
        "nobody.at.all",
        "hugo.castel",
        f"{ZOE}@alizarine.example",
        "personne@ailleurs.example",
        "(*)",
    )

    done = [done_by([own, two.server], lambda name=name: sign_in(name, WRONG)) for name in names]

    work = ["ACCEPT", "ACCEPT", "BIND", "BIND", "EXT", "EXT", "SRCH", "UNBIND", "UNBIND"]
    assert done == [[work, work]] * len(names)


@pytest.mark.spec("OWASP ASVS", "6.3.8")
@pytest.mark.parametrize("away", ["first", "second"])
def test_while_one_directory_is_away_every_no_is_the_same(own, two, away):
    (own if away == "first" else two.server).stop()

    for name in (NOEMIE, ZOE, "nobody.at.all"):
        with pytest.raises(PartlyUnavailable):
            sign_in(name, WRONG)


def test_while_one_directory_is_away_the_others_members_come_in_without_waiting(own, two, settings):
    with two.server.paused():
        began = time.monotonic()
        assert sign_in(NOEMIE, NOEMIE_PASSWORD) is not None
        assert time.monotonic() - began < 2
        with pytest.raises(PartlyUnavailable) as one:
            sign_in(NOEMIE, WRONG)
        with pytest.raises(PartlyUnavailable) as other:
            sign_in(ZOE, ZOE_PASSWORD)

    assert one.value.looked
    assert not other.value.looked


def test_a_directory_that_hangs_opens_its_own_breaker_and_takes_no_more_than_the_time_there_is(own, two):
    with two.server.paused():
        for _ in range(connection.FAILURES_TO_OPEN):
            began = time.monotonic()
            with pytest.raises(PartlyUnavailable):
                sign_in("nobody.at.all", WRONG)
            assert time.monotonic() - began < asking.SIGN_IN_SECONDS + 7
        began = time.monotonic()
        with pytest.raises(PartlyUnavailable):
            sign_in(NOEMIE, WRONG)
        assert time.monotonic() - began < 1.5, "nobody waits for it for a while"

    connection.breaker_of(two.server.uri).reset()
    assert sign_in(ZOE, ZOE_PASSWORD) is not None


def test_a_directory_whose_places_are_taken_leaves_the_other_its_own(own, two):
    deadline = connection.Deadline(30.0, 0.2)

    with ExitStack() as taken:
        for _ in range(connection.BINDS_AT_ONCE):
            taken.enter_context(connection.one_of_few(deadline, two.server.uri))

        assert sign_in(NOEMIE, NOEMIE_PASSWORD) is not None
        with pytest.raises(PartlyUnavailable):
            sign_in(ZOE, ZOE_PASSWORD)


def test_with_every_directory_away_there_is_no_verdict_and_the_hubs_own_account_opens(own, two):
    spare = Member(login="secours", login_key="secours", display_name="Secours")
    spare.set_password(NEW_PASSWORD)
    spare.save()
    own.stop()
    two.server.stop()

    with pytest.raises(DirectoryUnavailable) as refused:
        sign_in(ZOE, ZOE_PASSWORD)
    assert not isinstance(refused.value, PartlyUnavailable)
    assert sign_in("secours", NEW_PASSWORD) == spare


def test_one_whose_secret_cannot_be_read_counts_as_away(own, two):
    DirectorySource.objects.filter(pk=two.source.pk).update(bind_secret=b"sealed with another key")

    assert sign_in(NOEMIE, NOEMIE_PASSWORD) is not None
    with pytest.raises(PartlyUnavailable):
        sign_in("nobody.at.all", WRONG)


# Entered a minute ago -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [NEW, NEW.upper(), f"{NEW}@alizarine.example"])
def test_somebody_entered_a_minute_ago_can_enter_and_is_a_member_by_that(own, name):
    add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS)

    member = sign_in(name, NEW_PASSWORD)

    assert member is not None
    assert (member.login, member.is_active) == (NEW, True)
    assert [each.subject_id for each in Event.objects.filter(action=Action.MEMBER_JOINED).order_by("-pk")[:1]] == [
        member.pk
    ]
    # Their groups come with the next pass, which looks at once.
    assert DirectorySource.objects.get(from_settings=True).look_again


def test_their_groups_come_with_the_next_pass(own):
    dn = add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS)
    group = Collective.objects.exclude(dn="").filter(present=True).first()
    own.modify(f"dn: {group.dn}\nchangetype: modify\nadd: member\nmember: {dn}\n")
    member = sign_in(NEW, NEW_PASSWORD)

    synchronise(now=MONDAY)

    assert group in member.collectives.all()


def test_in_the_second_directory_as_well(own, two):
    two.add(NEW, NEW_PASSWORD)

    member = sign_in(NEW, NEW_PASSWORD)

    assert member.source == two.source


@pytest.mark.parametrize("password", [WRONG, NOEMIE_PASSWORD, "\ud800"])
def test_nobody_is_made_by_a_wrong_password(own, password):
    add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS)
    before = Member.objects.count()

    assert sign_in(NEW, password) is None

    assert Member.objects.count() == before


@pytest.mark.parametrize("where", ["left", "locked", "out of scope", "another class"])
def test_an_entry_that_opens_nothing_makes_nobody(own, where):
    branch = {"left": f"ou=anciens,ou=personnes,{own.base}", "out of scope": f"ou=services,{own.base}"}.get(
        where, MEMBERS
    )
    dn = add_person(own, NEW, NEW_PASSWORD, branch=branch)
    if where == "locked":
        own.modify(f"dn: {dn}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")
    if where == "another class":
        DirectorySource.objects.filter(from_settings=True).update(people_filter="(employeeType=membre)")
    before = Member.objects.count()

    assert sign_in(NEW, NEW_PASSWORD) is None

    assert Member.objects.count() == before


def test_two_entries_that_the_server_finds_by_one_name_are_nobody(own):
    add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS)
    add_person(own, NEW, NEW_PASSWORD, branch=f"ou=equipe,ou=personnes,{own.base}", mail="")
    before = Member.objects.count()

    assert sign_in(NEW, NEW_PASSWORD) is None
    assert Member.objects.count() == before


def test_two_entries_of_two_directories_are_nobody_and_the_office_reads_both_names(own, two):
    here = add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS)
    two.add(NEW, NEW_PASSWORD)

    assert sign_in(NEW, NEW_PASSWORD) is None
    assert not Member.objects.filter(login=NEW).exists()

    synchronise(now=MONDAY)
    waiting = synchronise(now=MONDAY, source=two.source)
    assert waiting.status == RunStatus.HELD
    assert sign_in(NEW, NEW_PASSWORD).dn == here, "whoever was there first goes on, until somebody has decided"

    synchronise(now=MONDAY, source=two.source, approved=waiting.report["approval"])
    assert sign_in(NEW, NEW_PASSWORD) is None
    assert sign_in(f"{NEW}@alizarine.example", NEW_PASSWORD) is None
    assert set(Member.objects.filter(login=NEW).values_list("login_ambiguous", flat=True)) == {True}
    there = f"uid={NEW},{GUESTS}"
    named = SyncIssue.objects.filter(code="login_shared", dn__in=[here, there]).values_list("dn", "detail")
    assert set(named) == {(here, there), (there, here)}


def test_a_name_that_the_server_holds_for_the_same_and_the_hub_does_not_opens_nothing(own, monkeypatch):
    """Servers compare by rules of their own: what they answer is looked at once more."""
    add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS)
    monkeypatch.setattr(asking, "login_key", lambda text: text)

    assert sign_in(NEW.upper(), NEW_PASSWORD) is None


def test_the_ligature_of_a_login_that_somebody_has_is_theirs(own):
    """slapd finds one for the other (NFKC), and so does the hub: it is one name and not two."""
    add_person(own, "fiona.sel", NEW_PASSWORD, branch=MEMBERS)

    assert sign_in("\ufb01ona.sel", NEW_PASSWORD).login == "fiona.sel"


def test_the_new_holder_of_a_login_is_somebody_else_at_once(own):
    """Entered under the login of somebody who left: a person of their own, and nothing of the former one's."""
    former = Member.objects.get(login=NOEMIE)
    own.modify(f"dn: uid={NOEMIE},{MEMBERS}\nchangetype: delete\n")
    synchronise(now=MONDAY)
    add_person(own, NOEMIE, NEW_PASSWORD, branch=MEMBERS)

    member = sign_in(NOEMIE, NEW_PASSWORD)

    assert member is not None
    assert member.pk != former.pk
    assert member.entry_uuid != former.entry_uuid


def test_a_login_that_was_changed_a_minute_ago_opens_the_account_there_was(own):
    member = Member.objects.get(login=NOEMIE)
    own.modify(f"dn: uid={NOEMIE},{MEMBERS}\nchangetype: modrdn\nnewrdn: uid=noemie.dupont\ndeleteoldrdn: 1\n")

    assert sign_in("noemie.dupont", NOEMIE_PASSWORD) == member

    member.refresh_from_db()
    assert member.login == "noemie.dupont"


def test_a_mail_that_two_have_since_a_minute_ago_signs_nobody_in(own):
    add_person(own, NEW, NEW_PASSWORD, branch=MEMBERS, mail=f"{NOEMIE}@alizarine.example")

    assert sign_in(NEW, NEW_PASSWORD) is not None
    assert sign_in(f"{NOEMIE}@alizarine.example", NEW_PASSWORD) is None
    assert sign_in(f"{NOEMIE}@alizarine.example", NOEMIE_PASSWORD) is None
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) is not None


def test_before_the_first_pass_nobody_is_made(own_directory, settings, monkeypatch):
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)

    assert sign_in(NOEMIE, NOEMIE_PASSWORD) is None
    assert not Member.objects.exists()


# What was read on the way ----------------------------------------------------------------------------------------


def test_what_changed_a_minute_ago_is_taken_over_at_sign_in(own):
    own.modify(f"dn: uid={NOEMIE},{MEMBERS}\nchangetype: modify\nreplace: title\ntitle: Menuisière\n")

    member = sign_in(NOEMIE, NOEMIE_PASSWORD)

    assert member.trade == "Menuisière"
    assert Member.objects.get(pk=member.pk).trade == "Menuisière"
    line = Event.objects.about(member.pk).filter(action=Action.MEMBER_CHANGED).latest("pk")
    assert line.facts["items"] == ["trade"]


def test_nothing_is_taken_over_after_a_wrong_password(own):
    own.modify(f"dn: uid={NOEMIE},{MEMBERS}\nchangetype: modify\nreplace: title\ntitle: Menuisière\n")

    sign_in(NOEMIE, WRONG)

    assert Member.objects.get(login=NOEMIE).trade != "Menuisière"


def test_an_entry_that_is_as_it_was_costs_no_statement(own):
    sign_in(NOEMIE, NOEMIE_PASSWORD)

    with CaptureQueriesContext(database) as asked:
        assert sign_in(NOEMIE, NOEMIE_PASSWORD) is not None

    # Who is meant, which directories there are, and whether the account is open still.
    assert len(asked) == 3, [query["sql"][:100] for query in asked]


@pytest.mark.spec("NIST SP 800-63B-4", "3")
def test_a_server_that_was_not_asked_who_it_was_proves_nothing(own, settings):
    settings.LDAP = ldap_settings(own, bind_password="wrong")

    with pytest.raises(DirectoryUnavailable):
        sign_in(NOEMIE, NOEMIE_PASSWORD)
    assert DirectorySource.objects.get(from_settings=True).wanted in ("", Mode.PIVOT)
