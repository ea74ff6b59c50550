"""Accounts that close before a pass has listed everybody: whose entry says so, or whom the server says are gone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import ldap
import pytest
from ldap.syncrepl import SyncInfoMessage

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory.ldap import connection
from directory.ldap.connection import Deadline
from directory.ldap.reading import Reading
from directory.models import Collective, DirectorySource, Member, Membership, RoleGrant, SyncIssue, SyncRun
from directory.services import first_looks, synchronise
from directory.signals import members_ended
from directory.types import DirectoryUnavailable, MailState, MemberState, Mode, Role, RunStatus
from tests.support.early import BASE, LATER, NEWCOMER, NOEMIE, PEOPLE
from tests.support.mirror import content, difference, put_back
from tests.support.slapd import settle
from tests.support.slapd_control import backup, hidden, restore, session_log, without_refint

pytestmark = pytest.mark.django_db
# python-ldap fills its module with names at run time.
INTERMEDIATE, SEARCH_ENTRY, SEARCH_RESULT = (
    getattr(ldap, f"RES_{name}") for name in ("INTERMEDIATE", "SEARCH_ENTRY", "SEARCH_RESULT")
)
MUCH_LATER = LATER + timedelta(minutes=1)
DELETED = f"dn: {NOEMIE}\nchangetype: delete\n"
LOCKED = f"dn: {NOEMIE}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
MOVED = f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 1\nnewsuperior: "
MOVED += f"ou=anciens,ou=personnes,{BASE}\n"
EDITED = f"dn: {NOEMIE}\nchangetype: modify\nreplace: title\ntitle: Tailleuse\n"
EMPTIED = f"dn: {NOEMIE}\nchangetype: modify\nreplace: mobile\n-\nreplace: telephoneNumber\n"
OTHER_STATUS = f"dn: {NOEMIE}\nchangetype: modify\nreplace: employeeType\nemployeeType: permanente\n"
RENAMED = f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.autre\ndeleteoldrdn: 1\n"
CLOSING = {
    "deleted": (DELETED, MemberState.MISSING),
    "locked": (LOCKED, MemberState.LOCKED),
    "moved to those who left": (MOVED, MemberState.LEFT),
}


def noemie() -> Member:
    """By what neither a new place nor a new login changes."""
    return Member.objects.get(given_name="Noémie", family_name="Ferrand")


def others(count: int) -> list[Member]:
    found = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).exclude(pk=noemie().pk)
    return list(found.order_by("dn")[:count])


def delete(server: EmbeddedDirectory, *members: Member) -> None:
    server.modify("\n".join(f"dn: {member.dn}\nchangetype: delete\n" for member in members))


def missing() -> int:
    return Member.objects.filter(state=MemberState.MISSING).count()


def in_collectives(member: Member) -> set[Any]:
    return set(Membership.objects.filter(member=member, collective__status="").values_list("collective", flat=True))


# What is carried out ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CLOSING)
def test_who_may_no_longer_enter_is_closed_before_anybody_is_listed(synced, cut_off, case):
    change, state = CLOSING[case]
    ended: list[Any] = []

    def note(*, member_ids: Any, **_: Any) -> None:
        ended.extend(member_ids)

    members_ended.connect(note)
    synced.modify(change)

    cut_off()

    assert noemie().state == state
    assert ended == [noemie().pk]
    told = Event.objects.filter(action=Action.MEMBER_LEFT, at=LATER)
    assert [line.facts["state"] for line in told] == [state]
    assert bool(in_collectives(noemie())) == (case != "deleted")


def test_the_roles_of_who_left_end_with_it(synced, cut_off):
    RoleGrant.objects.create(member=noemie(), role=Role.OFFICE)
    synced.modify(MOVED)

    cut_off()

    assert not RoleGrant.objects.filter(member=noemie()).exists()


def test_who_is_renamed_has_the_new_login_before_and_the_new_place_with_the_list(synced, cut_off):
    before, inside = noemie().pk, in_collectives(noemie())
    synced.modify(RENAMED)

    cut_off()
    early = noemie()
    synchronise(now=MUCH_LATER)

    assert (early.pk, early.login, early.dn) == (before, "noemie.autre", NOEMIE)
    assert noemie().dn == f"uid=noemie.autre,{PEOPLE}"
    assert in_collectives(noemie()) == inside != set()


@pytest.mark.parametrize("change", [DELETED, LOCKED, MOVED, RENAMED, EMPTIED, OTHER_STATUS])
def test_it_comes_to_what_the_pass_alone_comes_to(synced, monkeypatch, change):
    synced.modify(change)
    settle(synced)
    with put_back():
        monkeypatch.setattr(first_looks, "MOST", -1)
        alone = synchronise(now=LATER)
        came_to = content()
        monkeypatch.undo()

    run = synchronise(now=LATER)
    nothing = synchronise(now=MUCH_LATER)

    assert not difference(content(), came_to)
    assert {**run.counts, "written": 0} == {**alone.counts, "written": 0}
    assert run.report.get("gone") == alone.report.get("gone")
    assert [line["verb"] for line in run.report["people"]] == [line["verb"] for line in alone.report["people"]]
    assert nothing.counts["written"] == 0


def test_groups_that_the_server_rewrites_meanwhile_are_read(synced):
    """refint leaves no mark: whoever comes under the same name later would be found in them."""
    synced.modify(DELETED)

    synchronise(now=LATER)
    settle(synced)
    synchronise(now=MUCH_LATER)

    assert not [each.dn for each in Collective.objects.all() if NOEMIE in [*each.member_keys, *each.lead_keys]]


def edit(server: EmbeddedDirectory) -> None:
    """Which waits for the list, with what somebody else loses."""
    server.modify(f"dn: {others(1)[0].dn}\nchangetype: modify\nreplace: mail\n\n{EDITED}")


def meanwhile(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], None]) -> list[str]:
    """Once a pass has this in hand, something happens and is looked at; what Noémie's state was then."""
    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
    real = getattr(Reading, name)
    seen: list[str] = []

    def listing(read: Reading, *wanted: Any) -> Any:
        is_own = read.between_pages.__name__ == "take_meanwhile" and not seen
        found = real(read, *wanted)
        if is_own:
            found = found if name == "pivots" else iter(list(found))
            seen.append("")
            happens()
            read.between_pages()
            seen[0] = noemie().state
        return found

    monkeypatch.setattr(Reading, name, listing)
    return seen


@pytest.mark.parametrize("case", CLOSING)
@pytest.mark.parametrize(
    ("mode", "read"), [(Mode.PIVOT, "pivots"), (Mode.PIVOT, "people"), (Mode.DEEP, "people"), (Mode.DEEP, "groups")]
)
def test_who_is_closed_while_everybody_is_read_stays_so(synced, monkeypatch, mode, read, case):
    """What the pass has in hand is older."""
    change, state = CLOSING[case]
    edit(synced)
    seen = meanwhile(monkeypatch, read, lambda: synced.modify(change))

    synchronise(now=LATER, mode=mode)
    then = noemie().state
    monkeypatch.undo()
    run = synchronise(now=MUCH_LATER)

    assert (seen, then) == ([state], state)
    assert noemie().state == state
    assert not Event.objects.filter(action=Action.MEMBER_RETURNED).exists()
    assert run.counts["people_returned"] == run.counts["people_ended"] == 0


def test_new_values_are_not_undone_by_what_a_pass_has_in_hand(synced, monkeypatch):
    monkeypatch.setattr(first_looks, "MOST", -1)
    synced.modify(EDITED)
    change = (
        RENAMED + f"\ndn: uid=noemie.autre,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: autre@alizarine.example\n"
    )

    def renamed() -> None:
        monkeypatch.setattr(first_looks, "MOST", 50)
        synced.modify(change)

    meanwhile(monkeypatch, "people", renamed)

    synchronise(now=LATER)
    early = (noemie().login, noemie().email)
    monkeypatch.undo()
    synchronise(now=MUCH_LATER)

    assert early == (noemie().login, noemie().email) == ("noemie.autre", "autre@alizarine.example")
    assert (noemie().dn, noemie().trade) == (f"uid=noemie.autre,{PEOPLE}", "Tailleuse")


@pytest.mark.parametrize("mode", [Mode.PIVOT, Mode.DEEP])
def test_whom_a_look_brings_in_keeps_what_they_have_since(synced, monkeypatch, mode):
    monkeypatch.setattr(first_looks, "MOST", -1)
    marked, real, done = Reading.watermark, Reading.people, []

    def watermark(read: Reading) -> Any:
        told = marked(read)
        if read.between_pages.__name__ == "take_meanwhile" and not done:
            # How far the pass's list is said to be, and just after it.
            synced.modify(f"{NEWCOMER}title: Tailleuse\n")
            done.append("")
        return told

    def people(read: Reading, *wanted: Any) -> Any:
        found = list(real(read, *wanted))
        if read.between_pages.__name__ == "take_meanwhile" and done == [""]:
            monkeypatch.setattr(first_looks, "MOST", 50)
            monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
            synced.modify(f"dn: uid=lise.tout-juste,{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: Vannière\n")
            read.between_pages()
            done[0] = Member.objects.get(login="lise.tout-juste").trade
            assert any(b"Tailleuse" in entry.attributes.get("title", ()) and "lise" in entry.dn for entry in found)
        return iter(found)

    monkeypatch.setattr(Reading, "watermark", watermark)
    monkeypatch.setattr(Reading, "people", people)

    synchronise(now=LATER, mode=mode)

    assert done == ["Vannière"]
    assert Member.objects.get(login="lise.tout-juste").trade == "Vannière"


def test_an_older_pass_that_ends_later_brings_nobody_back(synced, monkeypatch, cut_off):
    """Another process saw them gone, and broke off."""
    edit(synced)
    real, done = Reading.people, []

    def people(read: Reading, *wanted: Any) -> Any:
        found = list(real(read, *wanted))
        if found and not done:
            done.append(True)
            synced.modify(DELETED)
            with monkeypatch.context() as patch:
                patch.setattr(first_looks, "MOST", 50)
                cut_off()
            done.append(noemie().state)
        return iter(found)

    monkeypatch.setattr(Reading, "people", people)
    monkeypatch.setattr(first_looks, "MOST", -1)

    synchronise(now=LATER)

    assert done == [True, MemberState.MISSING]
    assert noemie().state == MemberState.MISSING
    assert not Event.objects.filter(action=Action.MEMBER_RETURNED).exists()


# What a look began, and a pass ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks_off", [False, True])
@pytest.mark.parametrize("mode", [Mode.PIVOT, Mode.DEEP])
def test_whoever_shared_something_with_somebody_gone_has_it_alone_whatever_came_between(
    synced, cut_off, mode, breaks_off
):
    other = NEWCOMER.replace("uid: lise.tout-juste", "uid: noemie.ferrand").replace("dn: uid=lise", "dn: cn=lise")
    synced.modify(other.replace("lise@alizarine.example", noemie().email))
    synchronise(now=LATER)
    issues = SyncIssue.objects.filter(code__in=["login_shared", "mail_shared"], resolved_at=None)
    issues = issues.filter(
        entry_uuid__in=[each.entry_uuid for each in (noemie(), Member.objects.get(dn__startswith="cn=lise"))]
    )
    shared = issues.count()
    synced.modify(DELETED)
    if breaks_off:
        cut_off()

    synchronise(now=MUCH_LATER, mode=mode)

    lise = Member.objects.get(dn__startswith="cn=lise")
    assert shared == 4
    assert (lise.login_ambiguous, lise.email_state) == (False, MailState.OK)
    assert not issues.exists()


@pytest.mark.parametrize("breaks_off", [False, True])
def test_where_groups_go_on_naming_somebody_gone_it_comes_to_what_the_pass_alone_comes_to(
    synced, cut_off, monkeypatch, breaks_off
):
    """On a server that leaves them as they are; and whoever is back is in them again."""
    without_refint(synced)
    inside = in_collectives(noemie())
    synced.modify(DELETED)
    with put_back():
        monkeypatch.setattr(first_looks, "MOST", -1)
        synchronise(now=LATER)
        came_to = content()
        monkeypatch.undo()
    if breaks_off:
        cut_off()

    synchronise(now=LATER)
    alone = difference(content(), came_to)
    synced.modify(
        f"dn: {NOEMIE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: noemie.ferrand\ncn: Noémie\nsn: Ferrand\n"
    )
    synchronise(now=MUCH_LATER)

    assert not alone
    assert in_collectives(Member.objects.get(dn=NOEMIE, state=MemberState.ACTIVE)) == inside


def test_who_was_hidden_for_a_moment_is_back_where_they_were(synced, monkeypatch):
    """The server named them, and showed them to nobody."""
    inside, said = in_collectives(noemie()), frozenset([noemie().entry_uuid.hex])
    other = others(1)[0]
    with hidden(synced, f'dn.base="{NOEMIE}"'), monkeypatch.context() as patch:
        patch.setattr(Reading, "said_gone", lambda *_, **__: said)
        synced.modify(f"dn: {other.dn}\nchangetype: modify\nreplace: title\ntitle: Tailleuse\n")
        synchronise(now=LATER)
        hidden_state = noemie().state

    synced.modify(f"dn: {other.dn}\nchangetype: modify\nreplace: title\ntitle: Tailleuse de pierre\n")
    synchronise(now=MUCH_LATER)

    assert hidden_state == MemberState.MISSING
    assert noemie().state == MemberState.ACTIVE
    assert in_collectives(noemie()) == inside


# What is not believed, or waits for the list -----------------------------------------------------------------------


def test_who_comes_under_the_dn_of_somebody_gone_waits_for_the_list_and_inherits_nothing(synced, cut_off):
    first = NEWCOMER.replace("dn: uid=lise.tout-juste", "dn: cn=Lise")
    dn = f"cn=Lise,{PEOPLE}"
    pole = Collective.objects.filter(present=True, memberships__direct=True, dn__gt="").order_by("dn")[0]
    synced.modify(f"{first}\ndn: {pole.dn}\nchangetype: modify\nadd: member\nmember: {dn}\n")
    synchronise(now=LATER)
    inside = in_collectives(Member.objects.get(dn=dn))
    again = first.replace("lise.tout-juste", "lise.autre").replace("lise@", "lise.autre@")
    synced.modify(f"dn: {dn}\nchangetype: delete\n\n{again}")

    cut_off()
    early = list(Member.objects.filter(dn=dn).values_list("login", "state"))
    settle(synced)
    synchronise(now=MUCH_LATER)

    assert inside
    assert early == [("lise.tout-juste", MemberState.MISSING)]
    assert not in_collectives(Member.objects.get(login="lise.autre", dn=dn))


def test_a_server_that_says_somebody_gone_who_is_there_is_not_believed(synced, monkeypatch):
    said = frozenset([noemie().entry_uuid.hex])
    monkeypatch.setattr(Reading, "said_gone", lambda *_, **__: said)
    synced.modify(f"dn: {others(1)[0].dn}\nchangetype: modify\nreplace: description\ndescription: autre chose\n")

    run = synchronise(now=LATER)

    assert run.counts["people_ended"] == 0
    assert noemie().state == MemberState.ACTIVE


def test_who_was_gone_and_is_back_before_the_pass_has_their_groups_looked_at(synced, monkeypatch):
    """slapd takes whoever is deleted out of groups, and marks none of those; the same identity was put back since."""
    said = frozenset([noemie().entry_uuid.hex])
    whole, real = [], Reading.groups

    def groups(read: Reading, wanted: Any = None) -> Any:
        whole.append(wanted is None)
        return real(read, wanted)

    monkeypatch.setattr(Reading, "groups", groups)
    monkeypatch.setattr(Reading, "said_gone", lambda *_, **__: said)
    synced.modify(EDITED)

    synchronise(now=LATER)

    assert any(whole)


def test_where_none_of_the_others_is_found_either_nobody_is_gone(synced, cut_off, monkeypatch):
    synced.modify(DELETED)
    monkeypatch.setattr(Reading, "locate", lambda *_: {})

    cut_off()

    assert noemie().state == MemberState.ACTIVE


def test_an_older_backup_closes_nobody_before_it_is_believed(synced, cut_off):
    synced.modify(NEWCOMER)
    kept = backup(synced)
    synced.modify(LOCKED)
    synced.modify(
        LOCKED.replace(
            "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n", "delete: pwdAccountLockedTime\n"
        )
    )
    synchronise(now=LATER)
    restore(synced, kept)

    cut_off()

    assert noemie().state == MemberState.ACTIVE


def test_of_a_server_without_such_a_list_they_are_found_by_the_pass(synced, cut_off):
    session_log(synced, 0)
    synced.modify(DELETED)
    other = others(1)[0]
    synced.modify(f"dn: {other.dn}\nchangetype: modify\nreplace: title\ntitle: Tailleuse\n")

    cut_off()
    other.refresh_from_db()
    early = noemie().state
    run = synchronise(now=MUCH_LATER)

    assert (early, other.trade) == (MemberState.ACTIVE, "Tailleuse")
    assert (run.counts["people_ended"], noemie().state) == (1, MemberState.MISSING)


def test_a_server_that_does_not_say_in_time_who_is_gone_holds_nothing_up(synced, monkeypatch):
    asked: list[bool] = []

    def silent(*_: Any, **__: Any) -> None:
        asked.append(True)
        raise DirectoryUnavailable

    monkeypatch.setattr(first_looks, "_unasked", {})
    monkeypatch.setattr(Reading, "said_gone", silent)
    synced.modify(DELETED)
    first = synchronise(now=LATER)
    synced.modify(f"dn: {others(1)[0].dn}\nchangetype: modify\nreplace: title\ntitle: Tailleuse\n")

    run = synchronise(now=MUCH_LATER)

    assert (first.counts["people_ended"], noemie().state) == (1, MemberState.MISSING)
    assert run.counts["people_changed"] == 1
    assert asked == [True]


def test_the_last_ones_do_not_go_one_by_one(synced, cut_off):
    few = others(3)
    Member.objects.exclude(pk__in=[each.pk for each in few]).filter(state=MemberState.ACTIVE).update(
        state=MemberState.LOCKED
    )
    for each in few:
        delete(synced, each)
        cut_off()

    assert Member.objects.filter(state=MemberState.ACTIVE).count() == 1


def test_more_than_may_go_at_once_wait_for_a_person(synced):
    delete(synced, *others(40))

    run = synchronise(now=LATER)

    assert run.status == RunStatus.HELD
    assert missing() == 0


def test_what_goes_in_passes_that_break_off_counts_for_the_day(synced, cut_off):
    """Bit by bit, each too little to wait: as if it were one."""
    many = others(13)
    for some in (many[:4], many[4:8], many[8:]):
        delete(synced, *some)
        cut_off()
    early = missing()

    run = synchronise(now=MUCH_LATER)

    assert early == 8
    assert run.status == RunStatus.HELD
    assert [held["what"] for held in run.report["held"]] == ["people_today"]
    assert missing() == early


def test_a_pass_that_breaks_off_is_followed_by_one_that_reads_the_groups(synced, cut_off):
    synced.modify(DELETED)

    cut_off()

    failed = SyncRun.objects.get(status=RunStatus.FAILED)
    assert failed.report["gone"] == {"people": 1}
    assert DirectorySource.objects.get(pk=failed.source_id).look_again


# What the server says ----------------------------------------------------------------------------------------------


class Saying:
    """A connection to a server that says these things, one after the other."""

    def __init__(self, *answers: tuple[Any, ...]) -> None:
        self.answers, self.abandoned = list(answers), 0

    def set_option(self, *_: Any) -> None: ...

    def search_ext(self, *_: Any, **__: Any) -> int:
        return 1

    def result4(self, *_: Any, **__: Any) -> tuple[Any, ...]:
        return self.answers.pop(0)

    def abandon_ext(self, _: int) -> None:
        self.abandoned += 1


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff\xff",
        # A list of who is there; a list that ends too soon; an identity of fifteen bytes.
        bytes.fromhex("a3143112") + b"\x04\x10" + b"u" * 16,
        bytes.fromhex("a317010101"),
        # What the decoder itself stumbles over; and more than anybody would send.
        bytes.fromhex("a2800101242400"),
        bytes.fromhex("a3840001 1170 0101ff 31840001 1168".replace(" ", "")) + b"\x04\x10" * 35_000,
        bytes.fromhex("a316 0101ff 3111 040f") + b"u" * 15,
    ],
)
def test_what_cannot_be_understood_says_nobody_gone_and_is_not_listened_to_any_longer(value):
    server = Saying((INTERMEDIATE, [(SyncInfoMessage.responseName, value)], 1, []))

    found = connection.said_gone(server, Deadline(5, 5), BASE, "(objectClass=*)", "rid=000", most=50)

    assert found == frozenset()
    assert server.abandoned == 1


def test_a_list_whose_end_does_not_say_that_it_is_whole_says_nobody_gone():
    value = bytes.fromhex("a317 0101ff 3112 0410") + b"u" * 16
    server = Saying((INTERMEDIATE, [(SyncInfoMessage.responseName, value)], 1, []), (SEARCH_RESULT, [], 1, []))

    assert connection.said_gone(server, Deadline(5, 5), BASE, "(objectClass=*)", "rid=000", most=50) == frozenset()


def test_a_server_that_says_other_things_without_end_is_not_listened_to_any_longer():
    server = Saying(*[(SEARCH_ENTRY, [("cn=x", {})], 1, [])] * 1000)

    assert connection.said_gone(server, Deadline(5, 5), BASE, "(objectClass=*)", "rid=000", most=50) == frozenset()
    assert (len(server.answers), server.abandoned) == (1000 - 102, 1)


def test_no_more_are_taken_in_than_were_asked_for():
    value = bytes.fromhex("a329 0101ff 3124 0410") + b"u" * 16 + bytes.fromhex("0410") + b"v" * 16
    server = Saying((INTERMEDIATE, [(SyncInfoMessage.responseName, value)], 1, []))

    assert connection.said_gone(server, Deadline(5, 5), BASE, "(objectClass=*)", "rid=000", most=1) == frozenset()
    assert server.abandoned == 1
