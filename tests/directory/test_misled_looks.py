"""What the entries that were just written would make one believe, and a pass that sees everybody does not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from demo.slapd import EmbeddedDirectory
from directory.ldap import sources
from directory.ldap.config import LdapConfig
from directory.ldap.reading import Reading, reading
from directory.models import Collective, DirectorySource, Member, Membership, SyncRun
from directory.services import first_looks, passes, synchronise
from directory.signals import memberships_ended
from directory.types import MailState, MemberState, Mode, RunStatus
from tests.support.early import BASE, LATER, MONDAY, NEWCOMER, NOEMIE, PEOPLE, a_pole, change, one_in
from tests.support.mirror import content, difference, put_back
from tests.support.slapd import settle
from tests.support.slapd_control import hidden, without_refint

pytestmark = pytest.mark.django_db
MUCH_LATER = LATER + timedelta(minutes=1)
BRANCH = f"ou=personnes,{BASE}"
LISE = f"cn=Lise,{PEOPLE}"
UNDER_LISE = NEWCOMER.replace("dn: uid=lise.tout-juste", "dn: cn=Lise")
INNER = f"cn=Sous,ou=poles,ou=groupes,{BASE}"
NEW_GROUP = f"dn: {INNER}\nchangetype: add\nobjectClass: groupOfNames\ncn: Sous\nbusinessCategory: pôle\nmember: "


def add(server: EmbeddedDirectory, dn: str, group: Collective) -> None:
    change(server, f"add: member\nmember: {dn}", group.dn)


def exchange(server: EmbeddedDirectory, out: str, in_: str, group: Collective) -> None:
    change(server, f"delete: member\nmember: {out}\n-\nadd: member\nmember: {in_}", group.dn)


def rename(server: EmbeddedDirectory, dn: str, name: str) -> None:
    server.modify(f"dn: {dn}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: 1\n")


def noemie() -> Member:
    return Member.objects.get(dn=NOEMIE)


def others(count: int, *, out_of: Collective | None = None) -> list[Member]:
    there = Member.objects.filter(dn__startswith="uid=m", dn__endswith=PEOPLE, state=MemberState.ACTIVE).exclude(
        pk=noemie().pk
    )
    return list(there.exclude(memberships__collective=out_of).order_by("dn")[:count])


def is_in(pole: Collective, member: Member) -> bool:
    return Membership.objects.filter(collective=pole, member=member).exists()


def last_written(server: EmbeddedDirectory) -> None:
    """What was written last is found by the next look as well: this, and nothing of what came before."""
    dn = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).order_by("-dn")[0].dn
    change(server, "replace: title\ntitle: Tailleuse", dn)


def without_looks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the pass alone comes to, which is taken back."""
    with put_back(), monkeypatch.context() as patch:
        patch.setattr(first_looks, "MOST", -1)
        run = synchronise(now=LATER)
        return content(), run


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """While a pass lists everybody these happen, and after each there is a look."""

    def happen(*steps: Callable[[], object]) -> None:
        real, left = Reading.pivots, list(steps)

        def listing(read: Reading) -> Any:
            found = real(read)
            if read.between_pages.__name__ == "take_meanwhile":
                while left:
                    left.pop(0)()
                    read.between_pages()
            return found

        monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
        monkeypatch.setattr(Reading, "pivots", listing)

    return happen


@pytest.fixture
def read_before_refint(synced: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A pass that reads the groups as they were before the server has rewritten them for this deletion."""

    def a_pass(deletion: str) -> None:
        with reading(sources.of(DirectorySource.objects.get())) as read:
            groups = list(read.groups())

        def as_they_were(read: Reading, wanted: Any = None) -> Iterator[Any]:
            return (each for each in groups if wanted is None or read.identity_of(each) in wanted)

        synced.modify(deletion)
        with monkeypatch.context() as patch:
            patch.setattr(Reading, "groups", as_they_were)
            synchronise(now=LATER)
        settle(synced)

    return a_pass


# Names that mean somebody else ------------------------------------------------------------------------------------


def test_who_comes_under_the_dn_of_somebody_who_was_in_a_group_is_not_in_it(synced, cut_off, read_before_refint):
    pole = a_pole()
    synced.modify(UNDER_LISE)
    add(synced, LISE, pole)
    synchronise(now=LATER)
    read_before_refint(f"dn: {LISE}\nchangetype: delete\n")
    pole.refresh_from_db()
    assert pole.unknown_keys
    synced.modify(UNDER_LISE.replace("uid: lise.tout-juste", "uid: autre").replace("lise@", "autre@"))

    cut_off()

    assert not Membership.objects.filter(collective=pole, member__login="autre").exists()


def test_the_people_of_a_group_under_the_dn_of_one_before_are_not_where_that_was(synced, cut_off, read_before_refint):
    pole = a_pole()
    synced.modify(f"{NEW_GROUP}{others(1, out_of=pole)[0].dn}\n")
    add(synced, INNER, pole)
    synchronise(now=LATER)
    read_before_refint(f"dn: {INNER}\nchangetype: delete\n")
    pole.refresh_from_db()
    assert pole.unknown_keys
    synced.modify(f"{NEW_GROUP}{NOEMIE}\n")

    cut_off()

    assert not is_in(pole, noemie())


def test_a_name_below_a_branch_that_was_renamed_is_not_whose_it_was(synced, cut_off):
    """The people below it have no new mark."""
    pole = a_pole()
    for number, branch in enumerate(("alpha", "beta")):
        synced.modify(
            f"dn: ou={branch},{BRANCH}\nchangetype: add\nobjectClass: organizationalUnit\nou: {branch}\n\n"
            f"dn: uid=x,ou={branch},{BRANCH}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: x{number}\nuid: x\n"
            f"cn: X {number}\nsn: X\nmail: x{number}@alizarine.example\n"
        )
    last_written(synced)
    synchronise(now=LATER)
    was = Member.objects.get(dn=f"uid=x,ou=alpha,{BRANCH}")
    rename(synced, f"ou=alpha,{BRANCH}", "ou=gamma")
    rename(synced, f"ou=beta,{BRANCH}", "ou=alpha")
    settle(synced)
    add(synced, was.dn, pole)

    cut_off()

    assert not is_in(pole, was)


@pytest.mark.parametrize("most", [50, 2])
def test_a_name_that_changed_hands_in_a_look_before_is_not_whose_it_was(synced, monkeypatch, meanwhile, most):
    """In one that left it to the pass, or had too many to look at any."""
    monkeypatch.setattr(first_looks, "MOST", most)
    pole, before = a_pole(), noemie()
    (other,) = others(1, out_of=pole)
    rename(synced, NOEMIE, "uid=noemie.autre")
    rename(synced, other.dn, "uid=noemie.ferrand")
    settle(synced)
    last_written(synced)
    seen: list[bool] = []
    meanwhile(lambda: add(synced, NOEMIE, pole), lambda: seen.append(is_in(pole, before)))

    synchronise(now=LATER)

    assert seen == [False]
    assert (is_in(pole, before), is_in(pole, other)) == (False, True)


# What a look before has left to the pass ---------------------------------------------------------------------------


def test_an_address_that_was_given_to_somebody_in_a_look_before_is_shared(synced, meanwhile):
    first, second = others(2)
    address = "replace: mail\nmail: commune@alizarine.example"
    change(synced, address, first.dn)
    change(synced, "replace: mail\n")
    last_written(synced)
    found = Member.objects.filter(email="commune@alizarine.example")
    seen: list[bool] = []
    meanwhile(lambda: change(synced, address, second.dn), lambda: seen.append(found.exists()))

    synchronise(now=LATER)
    synchronise(now=MUCH_LATER)

    assert seen == [False]
    assert set(found.values_list("pk", "email_state")) == {(each.pk, MailState.SHARED) for each in (first, second)}


def test_who_comes_under_a_name_that_was_taken_out_of_a_group_before_is_not_in_it(synced, meanwhile):
    pole = a_pole()
    add(synced, LISE, pole)
    last_written(synced)
    synchronise(now=MONDAY)
    change(synced, f"delete: member\nmember: {LISE}", pole.dn)
    change(synced, "replace: mail\n")
    last_written(synced)
    there = Membership.objects.filter(collective=pole, member__dn=LISE)
    seen: list[bool] = []
    meanwhile(lambda: synced.modify(UNDER_LISE), lambda: seen.append(there.exists()))

    synchronise(now=LATER)
    synchronise(now=MUCH_LATER)

    assert seen == [False]
    assert Member.objects.filter(dn=LISE).exists()
    assert not there.exists()


# What comes while the pass reads ------------------------------------------------------------------------------------

MOVED = {
    "renamed": "dn: {dn}\nchangetype: modrdn\nnewrdn: uid=nouveau.nom\ndeleteoldrdn: 1\n",
    "renamed and corrected": "dn: {dn}\nchangetype: modify\nreplace: title\ntitle: Vannière\n\n"
    "dn: {dn}\nchangetype: modrdn\nnewrdn: uid=nouveau.nom\ndeleteoldrdn: 1\n",
    "among those who left": "dn: {dn}\nchangetype: modrdn\nnewrdn: uid=nouveau.nom\ndeleteoldrdn: 1\n"
    f"newsuperior: ou=anciens,{BRANCH}\n",
}


@pytest.mark.parametrize("mode", [Mode.PIVOT, Mode.DEEP])
@pytest.mark.parametrize("case", MOVED)
def test_nobody_leaves_a_group_by_being_called_otherwise_just_before_the_list(synced, monkeypatch, case, mode):
    pole = a_pole()
    member = one_in(pole)
    last_written(synced)
    synchronise(now=MONDAY)
    out: list[Any] = []

    def note(*, member_ids: Any, **_: Any) -> None:
        out.extend(member_ids)

    memberships_ended.connect(note)
    real = passes.known_entries

    def known(*wanted: Any, **how: Any) -> Any:
        found = real(*wanted, **how)
        synced.modify(MOVED[case].format(dn=member.dn))
        settle(synced)
        return found

    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
    with monkeypatch.context() as patch:
        patch.setattr(passes, "known_entries", known)
        run = synchronise(now=LATER, mode=mode)

    assert is_in(pole, member)
    assert (out, run.counts["memberships_removed"], run.counts["leads_removed"]) == ([], 0, 0)
    for minute in range(1, 4):
        run = synchronise(now=LATER + minute * timedelta(minutes=1))
    member.refresh_from_db()
    assert member.dn.startswith("uid=nouveau.nom,")
    assert (out, run.counts["written"]) == ([], 0)


def test_what_comes_for_others_of_somebody_gone_after_they_were_read_is_decided(synced, monkeypatch):
    first, second = others(2)
    for member in (first, second):
        change(synced, "replace: mail\nmail: commune@alizarine.example", member.dn)
    last_written(synced)
    synchronise(now=MONDAY)
    rename(synced, first.dn, "uid=nouveau.nom")
    settle(synced)
    real, done = Reading.people, []

    def people(read: Reading, wanted: Any = None) -> Any:
        if done or read.between_pages.__name__ != "take_meanwhile":
            return real(read, wanted)
        done.append(True)
        found = list(real(read, wanted))
        synced.modify(f"dn: uid=nouveau.nom,{PEOPLE}\nchangetype: delete\n")
        settle(synced)
        read.between_pages()
        return iter(found)

    monkeypatch.setattr(Reading, "people", people)
    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)

    synchronise(now=LATER)
    synchronise(now=MUCH_LATER)

    second.refresh_from_db()
    assert second.email_state == MailState.OK


def test_what_was_left_is_read_again_only_when_something_is_written(synced, monkeypatch, meanwhile):
    pole = a_pole()
    last_written(synced)
    synchronise(now=MONDAY)
    add(synced, f"uid=personne,{PEOPLE}", pole)
    real, read_groups = Reading.groups, []

    def groups(read: Reading, wanted: Any = None) -> Any:
        if read.between_pages.__name__ != "take_meanwhile":
            read_groups.append(wanted)
        return real(read, wanted)

    monkeypatch.setattr(Reading, "groups", groups)
    meanwhile(*[lambda: None] * 20)

    synchronise(now=LATER)

    assert len(read_groups) == 1


def test_a_look_that_took_long_is_followed_by_the_next_one_much_later(synced, monkeypatch):
    clock, taken = [100.0], []
    monkeypatch.setattr(first_looks, "monotonic", lambda: clock[0])
    source, before = DirectorySource.objects.get(), SyncRun(watermark="mark")
    looks = first_looks.FirstLooks(SyncRun(), source, sources.load(), before, LATER)

    def take(_: Any) -> None:
        taken.append(clock[0])
        clock[0] += 0.6

    monkeypatch.setattr(looks, "_take", take)
    with looks:
        for _ in range(70):
            clock[0] += 0.1
            looks.take_meanwhile()

    gaps = [later - before for before, later in pairwise(taken)]
    assert len(gaps) == 2
    assert all(3.5 < gap < 4 for gap in gaps)


# What waits for a person -------------------------------------------------------------------------------------------


def test_whoever_waits_stays_where_they_are_whatever_their_groups_say(synced):
    """They are there, and out of the pass's sight: all of them may be gone."""
    pole = a_pole()
    member = one_in(pole)
    exchange(synced, member.dn, NOEMIE, pole)

    with hidden(synced, f'dn.subtree="{BRANCH}" attrs=objectClass'):
        run = synchronise(now=LATER)

    assert run.status == RunStatus.HELD
    assert is_in(pole, member)


def test_nobody_is_taken_out_after_a_look_that_found_too_many(synced, meanwhile):
    DirectorySource.objects.update(ceilings={"memberships": 2, "memberships_share": 0.0})
    pole = a_pole()
    member = one_in(pole)
    there = Collective.objects.filter(present=True, status="").exclude(pk=pole.pk)
    largest = max(there, key=lambda each: len(each.member_keys))
    inside = Member.objects.filter(memberships__collective=largest, memberships__direct=True, dn__endswith=PEOPLE)
    out = "".join(f"\nmember: {each.dn}" for each in inside.order_by("dn")[:3])
    change(synced, f"delete: member{out}", largest.dn)
    last_written(synced)
    meanwhile(lambda: exchange(synced, member.dn, NOEMIE, pole))

    assert synchronise(now=LATER).status == RunStatus.HELD
    assert is_in(pole, member)


def test_who_is_locked_waits_with_those_who_are_gone(synced, monkeypatch):
    synced.modify("\n".join(f"dn: {member.dn}\nchangetype: delete\n" for member in others(20)))
    change(synced, "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z")
    settle(synced)
    alone, held = without_looks(monkeypatch)

    run = synchronise(now=LATER)

    assert not difference(content(), alone)
    assert run.report["approval"] == held.report["approval"] != ""


@pytest.mark.parametrize("ceilings", [{}, {"leads": 0, "leads_share": 0.0}])
def test_a_lead_who_is_locked_and_replaced_counts_once(synced, monkeypatch, ceilings):
    DirectorySource.objects.update(ceilings=ceilings)
    there = Collective.objects.filter(present=True, leads__dn__endswith=PEOPLE, leads__state=MemberState.ACTIVE)
    pole = there.order_by("dn")[0]
    lead = pole.leads.filter(state=MemberState.ACTIVE, dn__endswith=PEOPLE).exclude(dn=NOEMIE)[0]
    last_written(synced)
    synchronise(now=MONDAY)
    change(synced, "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z", lead.dn)
    change(synced, f"delete: owner\nowner: {lead.dn}\n-\nadd: owner\nowner: {NOEMIE}", pole.dn)
    settle(synced)
    alone, told = without_looks(monkeypatch)

    run = synchronise(now=LATER)

    assert not difference(content(), alone)
    assert run.report.get("gone") == told.report.get("gone") == {"people": 1}


# Who answers, and what is told --------------------------------------------------------------------------------------


def test_another_server_that_lags_behind_is_not_believed(
    synced: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[..., None], tmp_path: Path
) -> None:
    pole = a_pole()
    last_written(synced)
    with reading(sources.of(DirectorySource.objects.get())) as read:
        lagging = read.watermark()
    add(synced, NOEMIE, pole)
    synced.stop()
    behind = synced.copy_to(tmp_path / "behind")
    synced.start(synced.port, ldaps=True)
    change(synced, f"delete: member\nmember: {NOEMIE}", pole.dn)
    asked: list[bool] = []

    @contextmanager
    def other(ldap: LdapConfig) -> Iterator[Reading]:
        with reading(replace(ldap, uri=behind.uri, ca_file=behind.ca_file)) as read:
            told = read.watermark

            def mark() -> tuple[str, ...]:
                asked.append(True)
                return lagging if len(asked) == 1 else told()

            monkeypatch.setattr(read, "watermark", mark)
            yield read

    behind.start(ldaps=True)
    try:
        monkeypatch.setattr(first_looks, "reading", other)
        meanwhile(*[lambda: None] * 3)
        synchronise(now=LATER)
    finally:
        behind.stop()

    assert len(asked) > 1
    assert not is_in(pole, noemie())


def test_an_anomaly_and_a_group_that_a_look_and_the_pass_work_out_are_told_once(synced, monkeypatch):
    without_refint(synced)
    pole = a_pole()
    synced.modify(f"{NEW_GROUP}{one_in(pole).dn}\n")
    change(synced, f"add: member\nmember: {INNER}\nmember: uid=personne,{PEOPLE}", pole.dn)
    synchronise(now=MONDAY)
    synced.modify(f"dn: {INNER}\nchangetype: delete\n")
    change(synced, "replace: description\ndescription: Autrement", pole.dn)
    alone, told = without_looks(monkeypatch)

    run = synchronise(now=LATER)

    assert not difference(content(), alone)
    assert {**run.counts, "written": 0} == {**told.counts, "written": 0}
    for part in ("groups", "issues"):
        assert run.report[part] == told.report[part]
