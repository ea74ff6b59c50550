"""What was written since the last pass, carried out before the next one has listed everybody."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import Event
from audit.types import Action
from directory.ldap.reading import Reading
from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue, SyncRun
from directory.services import deciding, first_looks, synchronise
from directory.signals import memberships_ended
from directory.types import DirectoryUnavailable, Hold, MemberState, Mode, RunStatus, SourceState, Status
from tests.support.early import BASE, LATER, MONDAY, NEWCOMER, NOEMIE, PEOPLE, a_pole, change, one_in
from tests.support.mirror import content, difference, put_back, rows
from tests.support.slapd import settle
from tests.support.slapd_control import backup, hidden, limit, restore

pytestmark = pytest.mark.django_db


def noemie() -> Member:
    return Member.objects.get(login_key="noemie.ferrand")


def is_in(pole: Collective, member: Member) -> bool:
    return Membership.objects.filter(collective=pole, member=member, direct=True).exists()


def lines(action: Action) -> list[Event]:
    return list(Event.objects.filter(action=action, at=LATER))


# What is carried out ---------------------------------------------------------------------------------------------


def test_a_correction_is_there_before_anybody_is_listed(synced, cut_off):
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    cut_off()

    assert noemie().mobile == "+33639987766"
    assert [line.facts["items"] for line in lines(Action.MEMBER_CHANGED)] == [["mobile"]]


def test_somebody_new_is_there_with_their_status_and_the_collective_they_were_put_into(synced, cut_off):
    pole = a_pole()
    synced.modify(f"{NEWCOMER}employeeType: associé\n")
    change(synced, f"add: member\nmember: uid=lise.tout-juste,{PEOPLE}", pole.dn)

    cut_off()

    lise = Member.objects.get(login="lise.tout-juste")
    assert lise.status == "associate"
    assert set(Membership.objects.filter(member=lise, collective__status="").values_list("collective", "direct")) == {
        (pole.pk, True)
    }


def test_a_new_group_is_there_with_its_people(synced, cut_off):
    synced.modify(f"{NEW_GROUP}businessCategory: pôle\n")

    cut_off()

    assert is_in(Collective.objects.get(name="Neuf"), noemie())


def test_a_group_in_the_place_of_another_waits_until_the_other_is_known_to_be_gone(synced, cut_off):
    old = a_pole()
    synced.modify(f"dn: {old.dn}\nchangetype: delete\n")
    settle(synced)
    synced.modify(NEW_GROUP.replace(f"cn=Neuf,ou=poles,ou=groupes,{BASE}", old.dn) + "businessCategory: pôle\n")

    cut_off()
    early = Collective.objects.filter(dn=old.dn).count()
    synchronise(now=LATER)

    assert early == 1
    old.refresh_from_db()
    assert not old.present
    assert is_in(Collective.objects.get(dn=old.dn, present=True), noemie())


def test_who_has_another_status_has_it_with_what_comes_of_it(synced, cut_off):
    change(synced, "replace: employeeType\nemployeeType: permanente")
    before = noemie().status

    cut_off()

    assert before != noemie().status == Status.STAFF
    told = [(line.facts["former_status"], line.facts["status"]) for line in lines(Action.STATUS_CHANGED)]
    assert told == [(before, "staff")]


def test_what_is_emptied_is_empty_and_counts_for_the_day(synced, cut_off):
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")
    synchronise(now=MONDAY)
    change(synced, "replace: mobile\n")

    cut_off()

    assert noemie().mobile == ""
    assert SyncRun.objects.get(status=RunStatus.FAILED).report["gone"] == {"attribute mobile": 1}


def test_who_is_taken_out_of_a_group_is_out_of_it_and_who_takes_their_place_is_in(synced, cut_off):
    pole = a_pole()
    out = one_in(pole)
    ended: list[Any] = []

    def note(*, member_ids: Any, **_: Any) -> None:
        ended.extend(member_ids)

    memberships_ended.connect(note)
    change(synced, f"delete: member\nmember: {out.dn}\n-\nadd: member\nmember: {NOEMIE}", pole.dn)

    cut_off()

    assert (is_in(pole, out), is_in(pole, noemie())) == (False, True)
    assert ended == [out.pk]
    assert [line.facts["members_removed"] for line in lines(Action.COLLECTIVE_CHANGED)] == [1]


def test_who_no_longer_leads_a_group_does_not(synced, cut_off):
    pole = Collective.objects.filter(present=True, leads__dn__endswith=PEOPLE).order_by("dn")[0]
    before = list(pole.leads.order_by("pk"))
    change(synced, f"replace: owner\nowner: {NOEMIE}", pole.dn)

    cut_off()

    assert before != [noemie()]
    assert list(pole.leads.all()) == [noemie()]


def test_who_is_taken_out_counts_for_the_day_whatever_becomes_of_the_pass(synced, cut_off):
    pole = a_pole()
    change(synced, f"delete: member\nmember: {one_in(pole).dn}\n-\nadd: member\nmember: {NOEMIE}", pole.dn)

    cut_off()

    failed = SyncRun.objects.get(status=RunStatus.FAILED)
    assert failed.report["gone"] == {"memberships": 1}
    # Nobody is gone: no group has to be looked at for it.
    assert not DirectorySource.objects.get(pk=failed.source_id).look_again


def test_the_report_of_the_pass_tells_of_it_once_and_the_next_pass_finds_nothing_to_do(synced):
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")
    synced.modify(NEWCOMER)

    run = synchronise(now=LATER)
    nothing = synchronise(now=LATER + timedelta(minutes=1))

    told = {name: count for name, count in run.counts.items() if count}
    assert told == {"people_joined": 1, "people_changed": 1, "written": 2, "issues": run.counts["issues"]}
    assert [(line["verb"], line["dn"]) for line in run.report["people"]] == [
        ("edit", NOEMIE),
        ("join", f"uid=lise.tout-juste,{PEOPLE}"),
    ]
    assert len(lines(Action.MEMBER_CHANGED)) == len(lines(Action.MEMBER_JOINED)) == 1
    assert [line.facts["people_changed"] for line in lines(Action.SYNC_APPLIED)] == [1]
    assert nothing.counts["written"] == 0


def test_it_comes_to_what_the_pass_alone_comes_to(synced, monkeypatch):
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")
    pole = a_pole()
    change(synced, f"delete: member\nmember: {one_in(pole).dn}\n-\nadd: member\nmember: {NOEMIE}", pole.dn)
    synced.modify(NEWCOMER)
    with put_back():
        monkeypatch.setattr(first_looks, "MOST", -1)
        run = synchronise(now=LATER)
        alone, counts, gone = content(), run.counts, run.report["gone"]
        monkeypatch.undo()

    run = synchronise(now=LATER)

    assert not difference(content(), alone)
    assert (run.counts, run.report["gone"]) == (counts, gone)


def test_what_is_written_while_everybody_is_listed_is_there_before_the_list_ends(synced, monkeypatch):
    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
    real, seen = Reading.pivots, []

    def listing(read: Reading) -> Any:
        change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")
        found = real(read)
        seen.append(noemie().mobile)
        return found

    monkeypatch.setattr(Reading, "pivots", listing)

    run = synchronise(now=LATER)

    assert seen == ["+33639987766"]
    assert run.counts["people_changed"] == 1
    assert not Member.objects.filter(state=MemberState.MISSING).exists()


def test_so_it_is_while_everything_is_read(synced, monkeypatch):
    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    run = synchronise(now=LATER, mode=Mode.DEEP)

    assert run.counts["people_changed"] == 1
    assert noemie().mobile == "+33639987766"
    assert not Member.objects.filter(state=MemberState.MISSING).exists()


# What waits for the pass -----------------------------------------------------------------------------------------

NEW_GROUP = f"""dn: cn=Neuf,ou=poles,ou=groupes,{BASE}
changetype: add
objectClass: groupOfNames
cn: Neuf
member: {NOEMIE}
"""
WAITS = {
    "without an address": f"dn: {NOEMIE}\nchangetype: modify\nreplace: mail\n",
    "renamed and emptied": f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.autre\ndeleteoldrdn: 1\n\n"
    f"dn: uid=noemie.autre,{PEOPLE}\nchangetype: modify\nreplace: mobile\n",
    "with an address that is none": f"dn: {NOEMIE}\nchangetype: modify\nreplace: mail\nmail: nul\n",
    "of a login in use": NEWCOMER.replace("uid: lise.tout-juste", "uid: noemie.ferrand").replace(
        "dn: uid=lise.tout-juste", "dn: cn=Lise"
    ),
    "with an address in use": NEWCOMER.replace("lise@alizarine.example", "noemie.ferrand@alizarine.example"),
    "of a group that says not of what kind it is": NEW_GROUP,
}


@pytest.mark.parametrize("case", WAITS)
def test_what_takes_or_may_be_a_mistake_waits_for_the_whole_list(synced, cut_off, case):
    before = rows()
    synced.modify(WAITS[case])
    settle(synced)

    cut_off()
    untouched = rows() == before
    run = synchronise(now=LATER)

    assert untouched
    assert run.counts["written"] > 0


def test_who_is_put_into_a_group_waits_with_who_is_taken_out(synced, cut_off, monkeypatch):
    """Where the server does not say who is gone, and has taken them out of their groups."""
    monkeypatch.setattr(Reading, "said_gone", lambda *_, **__: frozenset())
    pole = a_pole()
    synced.modify(f"dn: {one_in(pole).dn}\nchangetype: delete\n")
    settle(synced)
    change(synced, f"add: member\nmember: {NOEMIE}", pole.dn)
    before = rows()

    cut_off()

    assert rows() == before


def test_who_is_called_otherwise_stays_in_a_group_that_is_written_meanwhile(synced, cut_off):
    pole = a_pole()
    renamed = one_in(pole)
    synced.modify(f"dn: {renamed.dn}\nchangetype: modrdn\nnewrdn: uid=neuve\ndeleteoldrdn: 1\n")
    settle(synced)
    change(synced, "replace: description\ndescription: Autrement", pole.dn)

    cut_off()
    early = is_in(pole, renamed)
    synchronise(now=LATER)

    assert early
    assert is_in(pole, renamed)


@pytest.mark.parametrize("count", [2, 3])
def test_more_than_may_be_taken_out_at_once_wait_for_a_person(synced, cut_off, count):
    DirectorySource.objects.update(ceilings={"memberships": 2, "memberships_share": 0.0})
    largest = max(Collective.objects.filter(present=True, status=""), key=lambda each: len(each.member_keys))
    inside = Member.objects.filter(memberships__collective=largest, memberships__direct=True, dn__endswith=PEOPLE)
    out = list(inside.order_by("dn")[:count])
    change(synced, "delete: member\n" + "\n".join(f"member: {member.dn}" for member in out), largest.dn)

    cut_off()
    left = inside.filter(pk__in=[member.pk for member in out]).count()
    run = synchronise(now=LATER)

    assert (left, run.status == RunStatus.HELD) == ((0, False) if count == 2 else (count, True))


def test_an_address_that_somebody_gives_up_for_another_to_take_changes_hands_in_one_look(synced, cut_off):
    other = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).exclude(pk=noemie().pk)[0]
    address = noemie().email
    change(synced, "replace: mail\nmail: noemie.neuve@alizarine.example")
    change(synced, f"replace: mail\nmail: {address}", other.dn)

    cut_off()

    other.refresh_from_db()
    assert (noemie().email, other.email) == ("noemie.neuve@alizarine.example", address)
    assert not SyncIssue.objects.filter(code="mail_shared", resolved_at=None, dn__in=[NOEMIE, other.dn]).exists()


def test_of_more_than_so_many_nobody_is_looked_at_before_the_list(synced, cut_off, monkeypatch):
    monkeypatch.setattr(first_looks, "MOST", 2)
    for member in Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).order_by("dn")[:3]:
        change(synced, "replace: title\ntitle: Tailleuse", member.dn)

    cut_off()
    before = Member.objects.filter(trade="Tailleuse").count()
    synchronise(now=LATER)

    assert (before, Member.objects.filter(trade="Tailleuse").count()) == (0, 3)


def test_while_removals_wait_for_a_person_nothing_goes_before_them(synced):
    with hidden(synced, f'dn.subtree="{PEOPLE}"'):
        assert synchronise(now=LATER, mode=Mode.DEEP).status == RunStatus.HELD
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_looks.FirstLooks, "take", lambda *_: pytest.fail("a look while something waits"))
        synchronise(now=LATER)

    assert noemie().mobile == "+33639987766"


def test_an_older_backup_is_believed_in_nothing(synced):
    kept = backup(synced)
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")
    synchronise(now=LATER)
    restore(synced, kept)
    before = rows()

    run = synchronise(now=LATER + timedelta(minutes=1))

    assert [held["what"] for held in run.report["held"]] == ["server_went_back"]
    assert rows() == before


def test_strangers_of_another_directory_behind_the_same_name_do_not_come_in(synced, cut_off):
    """Their marks are newer than all that was known."""
    Member.objects.filter(source__isnull=False).update(entry_uuid=None)
    for number, member in enumerate(Member.objects.order_by("pk"), 1):
        Member.objects.filter(pk=member.pk).update(entry_uuid=f"00000000-0000-0000-0000-{number:012}")
    Collective.objects.exclude(entry_uuid=None).delete()
    synced.modify(NEWCOMER)

    cut_off()

    assert not Member.objects.filter(login="lise.tout-juste").exists()


def test_somebody_held_back_by_the_cooperative_stays_so(synced, cut_off):
    Member.objects.filter(pk=noemie().pk).update(hold=Hold.SUSPENDED)
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    cut_off()

    assert noemie().mobile == "+33639987766"
    assert noemie() not in Member.objects.active()


# What happens meanwhile ------------------------------------------------------------------------------------------


def test_settings_that_were_changed_meanwhile_count(synced, cut_off, monkeypatch):
    real = first_looks.by_marks

    def reading(*arguments: Any) -> Any:
        DirectorySource.objects.update(state=SourceState.PAUSED)
        return real(*arguments)

    monkeypatch.setattr(first_looks, "by_marks", reading)
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    cut_off()

    assert noemie().mobile != "+33639987766"


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(synced, cut_off, monkeypatch):
    real = first_looks.by_marks

    def reading(*arguments: Any) -> Any:
        Member.objects.filter(pk=noemie().pk).update(mobile="+33611111111", csn="newer")
        return real(*arguments)

    monkeypatch.setattr(first_looks, "by_marks", reading)
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    cut_off()

    assert noemie().mobile == "+33611111111"


@pytest.mark.parametrize("mode", [Mode.PIVOT, Mode.DEEP])
def test_who_is_put_into_a_group_after_the_pass_has_read_it_stays_in_it(synced, monkeypatch, mode):
    """What a look carried out is newer than what the pass, which found the group changed as well, has in hand."""
    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
    pole = a_pole()
    inside = Membership.objects.filter(collective=pole).values("member")
    others = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).exclude(pk__in=inside)
    other = others.exclude(pk=noemie().pk).order_by("dn")[0]
    marked, listed = Reading.watermark, Reading.groups
    to_add = [NOEMIE, other.dn]

    def add_one(read: Reading, left: int) -> bool:
        is_own = read.between_pages.__name__ == "take_meanwhile"
        if is_own and len(to_add) > left:
            change(synced, f"add: member\nmember: {to_add.pop()}", pole.dn)
        return is_own

    def watermark(read: Reading) -> Any:
        add_one(read, 1)
        return marked(read)

    def groups(read: Reading, wanted: Any = None) -> Any:
        found = list(listed(read, wanted))
        if add_one(read, 0):
            read.between_pages()
        return iter(found)

    out: list[Any] = []

    def note(*, member_ids: Any, **_: Any) -> None:
        out.extend(member_ids)

    memberships_ended.connect(note)
    monkeypatch.setattr(Reading, "watermark", watermark)
    monkeypatch.setattr(Reading, "groups", groups)

    run = synchronise(now=LATER, mode=mode)

    assert not to_add
    assert Membership.objects.filter(collective=pole, member__in=[noemie(), other], direct=True).count() == 2
    assert not out
    assert run.counts["memberships_removed"] == 0


def test_a_limit_on_what_is_asked_at_once_does_not_end_the_pass(synced):
    """Of what is asked in pages there is none."""
    limit(synced, "size.soft=5 size.hard=5 size.prtotal=unlimited")
    for member in Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).order_by("dn")[:8]:
        change(synced, "replace: title\ntitle: Tailleuse", member.dn)

    run = synchronise(now=LATER)

    assert run.counts["people_changed"] == 8


def test_a_second_connection_that_is_refused_or_lost_does_not_end_the_pass(synced, monkeypatch):
    monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
    opened = []

    def refused(*_: Any) -> None:
        opened.append(True)
        raise DirectoryUnavailable

    monkeypatch.setattr(first_looks, "reading", refused)
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")

    run = synchronise(now=LATER)

    assert run.counts["people_changed"] == 1
    assert opened == [True]


def test_a_pass_that_breaks_off_leaves_what_is_right_and_the_next_does_the_rest(synced, cut_off):
    change(synced, "replace: mobile\nmobile: +33 6 39 98 77 66")
    cut_off()
    gone = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).exclude(pk=noemie().pk)[0]
    synced.modify(f"dn: {gone.dn}\nchangetype: delete\n")

    run = synchronise(now=LATER + timedelta(minutes=1))

    assert SyncRun.objects.filter(status=RunStatus.FAILED).count() == 1
    assert (run.counts["people_changed"], run.counts["people_ended"]) == (0, 1)
    assert noemie().mobile == "+33639987766"


def test_where_nothing_was_written_no_look_decides_anything(synced, monkeypatch):
    decided: list[Any] = []
    real = deciding.make_plan
    monkeypatch.setattr(deciding, "make_plan", lambda *a, **k: decided.append(a) or real(*a, **k))

    synchronise(now=LATER)

    assert len(decided) == 1
