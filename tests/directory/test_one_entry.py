"""One entry, taken over between two passes, from a real directory."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory.ldap import sources
from directory.ldap.connection import Entry
from directory.ldap.reading import reading
from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue, SyncRun
from directory.runs import last_read
from directory.services import synchronise
from directory.services.one_entry import take_over
from directory.signals import addresses_changed, members_ended
from directory.types import MailState, MemberState, Mode, RunStatus, SourceState
from tests.support.slapd import ldap_settings, settle
from tests.support.slapd_control import hidden

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
LATER = MONDAY + timedelta(minutes=1)
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"
NOEMIE = f"uid=noemie.ferrand,{PEOPLE}"
POLE = "cn=Pôle Numérique,ou=poles,ou=groupes,dc=alizarine,dc=example"
NEWCOMER = """dn: cn=Lise Tout-Juste,{people}
changetype: add
objectClass: inetOrgPerson
uid: {login}
cn: Lise Tout-Juste
sn: Tout-Juste
mail: {mail}
"""


@pytest.fixture
def synced(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def source(synced) -> DirectorySource:
    return sources.settings_source()


def read(login: str) -> Entry:
    with reading(sources.load()) as connection:
        return connection.people_by("login", login)[0]


def change(server: EmbeddedDirectory, dn: str, attribute: str, value: str) -> None:
    server.modify(f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n")


def lines(action: Action) -> list[Event]:
    return list(Event.objects.filter(action=action, at=LATER))


def test_what_was_changed_a_moment_ago_is_in_the_mirror_at_once(synced, source):
    change(synced, NOEMIE, "mobile", "+33 6 39 98 77 66")

    member = take_over(source, read("noemie.ferrand"), now=LATER)

    assert member is not None
    assert member.mobile == "+33639987766"
    assert [line.facts for line in lines(Action.MEMBER_CHANGED)] == [{"items": ["mobile"]}]
    assert lines(Action.MEMBER_CHANGED)[0].subject == member


def test_the_next_pass_finds_nothing_left_to_do(synced, source):
    change(synced, NOEMIE, "mobile", "+33 6 39 98 77 66")
    take_over(source, read("noemie.ferrand"), now=LATER)
    before = list(Member.objects.order_by("pk").values())

    run = synchronise(now=LATER)

    assert run.counts["written"] == 0
    assert list(Member.objects.order_by("pk").values()) == before


def test_taking_it_over_again_writes_nothing(synced, source):
    change(synced, NOEMIE, "mobile", "+33 6 39 98 77 66")
    entry = read("noemie.ferrand")
    take_over(source, entry, now=LATER)
    rows = list(Member.objects.order_by("pk").values()), Event.objects.count(), SyncRun.objects.count()

    take_over(source, entry, now=LATER)

    assert (list(Member.objects.order_by("pk").values()), Event.objects.count(), SyncRun.objects.count()) == rows


def test_somebody_entered_a_minute_ago_joins_with_their_groups(synced, source):
    synced.modify(NEWCOMER.format(people=PEOPLE, login="lise.tout-juste", mail="lise@alizarine.example"))
    age = SyncRun.objects.latest("pk").pk

    member = take_over(source, read("lise.tout-juste"), now=LATER)

    assert member is not None
    assert member.state == MemberState.ACTIVE
    assert member.source == source
    assert not member.has_own_password
    assert [line.subject for line in lines(Action.MEMBER_JOINED)] == [member]
    # The age of the copy is that of a whole reading, which this was not.
    assert SyncRun.objects.latest("pk").pk == age


def test_a_collective_that_named_somebody_before_they_came_has_them_now(synced, source):
    synced.modify(f"dn: {POLE}\nchangetype: modify\nadd: member\nmember: cn=Lise Tout-Juste,{PEOPLE}\n")
    synchronise(now=MONDAY)
    synced.modify(NEWCOMER.format(people=PEOPLE, login="lise.tout-juste", mail="lise@alizarine.example"))

    member = take_over(source, read("lise.tout-juste"), now=LATER)

    assert Collective.objects.get(name="Pôle Numérique").memberships.filter(member=member, direct=True).exists()


def test_a_login_that_somebody_has_already_opens_nobodys_account(synced, source):
    synced.modify(NEWCOMER.format(people=PEOPLE, login="noemie.ferrand", mail="lise@alizarine.example"))
    with reading(sources.load()) as connection:
        entries = connection.people_by("login", "noemie.ferrand")
    newcomer = next(entry for entry in entries if entry.dn.startswith("cn=Lise"))

    member = take_over(source, newcomer, now=LATER)

    assert member is not None
    assert member.login_ambiguous
    assert Member.objects.filter(login_key="noemie.ferrand", login_ambiguous=True).count() == 2
    assert SyncIssue.objects.filter(code="login_shared", resolved_at=None).count() == 2


def test_another_address_is_told_to_those_who_keep_links_on_it(synced, source):
    told = []

    def heard(former, **_kwargs):
        told.append(former)

    addresses_changed.connect(heard)
    change(synced, NOEMIE, "mail", "noemie.nouvelle@alizarine.example")

    member = take_over(source, read("noemie.ferrand"), now=LATER)
    addresses_changed.disconnect(heard)

    assert told == [{member.pk: "noemie.ferrand@alizarine.example"}]
    assert member.email_state == MailState.OK


@pytest.mark.parametrize("case", ["locked", "former"])
def test_nobody_is_ended_by_it_and_the_pass_still_ends_them(synced, source, case):
    ended = []

    def heard(member_ids, **_kwargs):
        ended.extend(member_ids)

    if case == "locked":
        synced.modify(
            f"dn: {NOEMIE}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
        )
    else:
        synced.modify(
            f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 0\n"
            "newsuperior: ou=anciens,ou=personnes,dc=alizarine,dc=example\n"
        )
    members_ended.connect(heard)

    member = take_over(source, read("noemie.ferrand"), now=LATER)
    before = (member.state, list(ended), list(lines(Action.MEMBER_LEFT)))
    synchronise(now=LATER)
    members_ended.disconnect(heard)

    assert before == (MemberState.ACTIVE, [], [])
    assert ended == [member.pk]


def test_somebody_locked_who_was_never_seen_is_not_added(synced, source):
    synced.modify(NEWCOMER.format(people=PEOPLE, login="lise.tout-juste", mail="lise@alizarine.example"))
    synced.modify(
        f"dn: cn=Lise Tout-Juste,{PEOPLE}\nchangetype: modify\n"
        "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
    )

    assert take_over(source, read("lise.tout-juste"), now=LATER) is None
    assert not Member.objects.filter(login_key="lise.tout-juste").exists()


def test_somebody_who_returns_is_let_in_again(synced, source):
    synced.modify(
        f"dn: {NOEMIE}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
    )
    synchronise(now=MONDAY)
    synced.modify(f"dn: {NOEMIE}\nchangetype: modify\ndelete: pwdAccountLockedTime\n")

    member = take_over(source, read("noemie.ferrand"), now=LATER)

    assert member is not None
    assert member.is_active
    assert [line.subject for line in lines(Action.MEMBER_RETURNED)] == [member]


def test_after_a_rename_the_next_pass_reads_the_groups_whole(synced, source):
    synced.modify(f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.autre\ndeleteoldrdn: 0\n")
    groups = set(Member.objects.get(login_key="noemie.ferrand").memberships.values_list("collective", flat=True))

    member = take_over(source, read("noemie.autre"), now=LATER)
    source.refresh_from_db()

    assert source.look_again
    assert set(member.memberships.values_list("collective", flat=True)) == groups


def test_nothing_is_taken_before_the_first_pass(own_directory):
    member = take_over(sources.settings_source(), read("noemie.ferrand"), now=LATER)

    assert member is None
    assert not Member.objects.exists()


def test_nothing_is_taken_while_the_source_is_not_believed(synced, source):
    last = SyncRun.objects.latest("pk")
    last.status = RunStatus.HELD
    last.report = {"held": [{"what": "server_went_back", "count": 1, "limit": 0}]}
    last.save()
    change(synced, NOEMIE, "mobile", "+33 6 39 98 77 66")

    member = take_over(source, read("noemie.ferrand"), now=LATER)

    assert member is not None
    assert member.mobile != "+33639987766"


def test_a_right_that_the_reader_lost_empties_nothing(synced, source):
    entry = read("noemie.ferrand")
    hidden = Entry(entry.dn, {name: values for name, values in entry.attributes.items() if name != "mobile"})
    before = Member.objects.get(login_key="noemie.ferrand").mobile

    member = take_over(source, hidden, now=LATER)

    assert member.mobile == before != ""


@pytest.mark.parametrize("what", ["attribute mobile", "attribute_today mobile"])
def test_what_many_would_lose_is_lost_one_by_one_at_no_sign_in(synced, source, what):
    synced.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: mobile\n")
    before = Member.objects.get(login_key="noemie.ferrand").mobile
    last = last_read(source)
    last.report["held"] = [{"what": what, "count": 11, "limit": 10}]
    last.save()

    take_over(source, read("noemie.ferrand"), now=LATER)

    assert Member.objects.get(login_key="noemie.ferrand").mobile == before != ""


@pytest.mark.parametrize("hides", ["member", "owner"])
def test_who_waits_to_leave_a_group_or_its_lead_leaves_it_at_no_sign_in(synced, source, hides):
    """What the groups said last is kept, and believed by nobody until somebody has decided."""
    groups = Collective.objects.filter(leads__isnull=False, memberships__direct=True).distinct()
    member = Member.objects.active().filter(memberships__collective__in=groups, memberships__direct=True).first()
    with hidden(synced, f"attrs={hides}"):
        synchronise(now=MONDAY, mode=Mode.DEEP)
    before = who_is_where()
    synced.modify(f"dn: {member.dn}\nchangetype: modrdn\nnewrdn: uid=tout.autre\ndeleteoldrdn: 1\n")

    take_over(source, read("tout.autre"), now=LATER)

    assert who_is_where() == before
    source.refresh_from_db()
    assert synchronise(now=LATER).status != RunStatus.HELD
    assert Member.objects.get(pk=member.pk).login == "tout.autre"
    assert who_is_where() == before


def test_who_waits_to_leave_keeps_their_groups_at_the_sign_in_of_others(synced, source):
    """The server has taken them out of the groups that it shows (refint)."""
    pole = Collective.objects.get(name="Pôle Numérique")
    *leaving, stays = (
        Member.objects.active().filter(memberships__collective=pole, dn__endswith=PEOPLE).order_by("dn")[:26]
    )
    synced.modify("\n\n".join(f"dn: {each.dn}\nchangetype: delete" for each in leaving) + "\n")
    settle(synced)
    assert synchronise(now=MONDAY).status == RunStatus.HELD
    before = who_is_where()
    synced.modify(f"dn: {stays.dn}\nchangetype: modrdn\nnewrdn: uid=tout.autre\ndeleteoldrdn: 1\n")

    take_over(source, read("tout.autre"), now=LATER)

    assert who_is_where() == before


def who_is_where() -> tuple[set[Any], set[Any]]:
    return (
        set(Membership.objects.values_list("collective", "member", "direct")),
        set(Collective.leads.through.objects.values_list("collective", "member")),
    )


@pytest.mark.parametrize("state", [SourceState.PAUSED, SourceState.RETIRED])
def test_a_source_that_is_not_followed_changes_nobody(synced, source, state):
    change(synced, NOEMIE, "mobile", "+33 6 39 98 77 66")
    DirectorySource.objects.update(state=state)

    member = take_over(source, read("noemie.ferrand"), now=LATER)

    assert member.mobile != "+33639987766"


def test_what_another_source_shows_is_not_taken_from_it(synced, source):
    change(synced, NOEMIE, "mobile", "+33 6 39 98 77 66")
    other = DirectorySource.objects.create(name="Autre", state=SourceState.ACTIVE)
    Member.objects.filter(login_key="noemie.ferrand").update(source=other)

    member = take_over(source, read("noemie.ferrand"), now=LATER)

    assert member is None
    assert Member.objects.get(login_key="noemie.ferrand").mobile != "+33639987766"
    assert SyncIssue.objects.filter(code="entry_elsewhere", resolved_at=None).exists()


def test_an_entry_outside_the_people_is_nobody_here(synced, source):
    with override_settings(LDAP=ldap_settings(synced, people_base=f"ou=structure,ou=personnes,{synced.base}")):
        entry = Entry(NOEMIE, {"entryuuid": [str(UUID(int=7)).encode()], "uid": [b"x"], "sn": [b"X"]})

        assert take_over(source, entry, now=LATER) is None
    assert not Member.objects.filter(entry_uuid=UUID(int=7)).exists()
