"""An older backup, or another server behind the same name: what an approval would do is told, and it does just that."""

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from demo.slapd import EmbeddedDirectory
from directory import following
from directory.ldap.report import LISTED
from directory.models import Collective, Member, SyncRun
from directory.services import synchronise
from directory.types import MemberState, RunStatus
from tests.support.mirror import rows
from tests.support.passes import MONDAY, TUESDAY, WEDNESDAY
from tests.support.slapd import add_person, ldap_settings, settle
from tests.support.slapd_control import OtherDirectory, backup, restore

pytestmark = pytest.mark.django_db
BRANCH = "ou=membres,ou=personnes,dc=alizarine,dc=example"


@dataclass
class Restored:
    """An older content, and what has been since: ``changed`` has another trade, ``gone`` was deleted, ``new`` came,
    ``placed`` was put into ``group``.
    """

    server: EmbeddedDirectory
    older: Path
    latest: Path
    changed: Member
    gone: Member
    new: Member
    placed: Member
    other: Member
    group: Collective

    def modify(self, member: Member, attribute: str, value: str) -> None:
        self.server.modify(f"dn: {member.dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n")


@pytest.fixture
def restored(db: None, small_directory: EmbeddedDirectory) -> Restored:
    server = small_directory
    synchronise(now=MONDAY)
    kept = backup(server)
    people = Member.objects.filter(dn__endswith=BRANCH, state=MemberState.ACTIVE, leads=None).order_by("login")
    changed, placed, other = people.exclude(trade="").exclude(login="noemie.ferrand")[:3]
    gone = people.filter(memberships__direct=True).exclude(pk__in=[changed.pk, placed.pk, other.pk]).last()
    assert gone
    group = Collective.objects.filter(present=True, nested=None, nested_in=None).exclude(members=placed).first()
    assert group
    server.modify(
        f"dn: {changed.dn}\nchangetype: modify\nreplace: title\ntitle: Canarieuse\n\n"
        f"dn: {gone.dn}\nchangetype: delete\n\n"
        f"dn: {group.dn}\nchangetype: modify\nadd: member\nmember: {placed.dn}\n"
    )
    add_person(server, "neuve.venue", "alizarine-neuve", branch=BRANCH, title="Potière")
    settle(server)
    synchronise(now=TUESDAY)
    latest = backup(server)
    new = Member.objects.get(login="neuve.venue")
    restore(server, kept)
    return Restored(server, kept, latest, changed, gone, new, placed, other, group)


def told(run: SyncRun | None) -> dict[str, Any]:
    """By kind of change, whom a report is about."""
    assert run is not None
    return {
        part: sorted((*pair,) if part.startswith(("memberships", "leads")) else pair["entry"] for pair in lines)
        for part, lines in following.parts_of(run).items()
        if part != "issues"
    }


def of(*pairs: tuple[Collective, Member]) -> list[tuple[str, str]]:
    return sorted((str(group.entry_uuid), str(person.entry_uuid)) for group, person in pairs)


def kinds(run: SyncRun) -> list[str]:
    return [held["what"] for held in run.report["held"]]


def test_what_an_older_backup_differs_in_is_told_and_nothing_of_it_is_done(restored):
    before = rows()

    run = synchronise(now=WEDNESDAY)

    would = told(following.would_of(run))
    assert would["people-edit"] == [str(restored.changed.entry_uuid)]
    assert would["people-return"] == [str(restored.gone.entry_uuid)]
    assert would["people-end"] == [str(restored.new.entry_uuid)]
    assert would["memberships-removed"] == of((restored.group, restored.placed))
    assert {person for _group, person in would["memberships-set"]} == {str(restored.gone.entry_uuid)}
    assert set(would) <= {f"people-{verb}" for verb in ("edit", "return", "end")} | {
        "groups-edit",
        "memberships-set",
        "memberships-removed",
    }
    (line,) = [each for each in run.report["would"]["people"] if each["entry"] == str(restored.changed.entry_uuid)]
    assert "trade" in line["items"]
    count = sum(len(lines) for lines in would.values())
    assert following.held_of(run.source) == (run.report["approval"], count, True)
    assert [(held["what"], held["count"]) for held in run.report["held"]] == [("server_went_back", count)]
    assert rows() == before
    assert not run.counts["written"]


def test_whoever_would_go_by_it_is_said_to_wait_for_a_decision(restored):
    synchronise(now=WEDNESDAY)

    assert [following.removal_waits(each) for each in (restored.new, restored.changed)] == [True, False]


def test_what_is_accepted_is_done_and_nothing_else(restored):
    waits = synchronise(now=WEDNESDAY)

    run = synchronise(now=WEDNESDAY, approved=waits.report["approval"])

    assert run.report["lifted"]
    assert told(run) == told(following.would_of(waits))
    assert {**run.counts, "written": 0, "issues": 0} == {**waits.report["would"]["counts"], "written": 0, "issues": 0}
    restored.changed.refresh_from_db()
    assert restored.changed.trade != "Canarieuse"
    assert Member.objects.get(pk=restored.gone.pk).state == MemberState.ACTIVE
    assert Member.objects.get(pk=restored.new.pk).state == MemberState.MISSING
    assert not restored.group.members.filter(pk=restored.placed.pk).exists()
    assert synchronise(now=WEDNESDAY).status != RunStatus.HELD


def test_the_list_is_the_same_at_each_pass_and_when_the_directory_has_the_right_content_again_nothing_waits(restored):
    before = rows()
    waits, again = synchronise(now=WEDNESDAY), synchronise(now=WEDNESDAY)
    assert waits.report["approval"] == again.report["approval"]

    restore(restored.server, restored.latest)

    assert synchronise(now=WEDNESDAY).status != RunStatus.HELD
    assert rows() == before


def test_another_difference_asks_again_and_what_was_accepted_before_does_nothing(restored):
    """What is written to an older content makes it the latest: what it lacks is as wrong as before."""
    waits = synchronise(now=WEDNESDAY)
    before = rows()
    restored.modify(restored.other, "title", "Luthière")

    run = synchronise(now=WEDNESDAY, approved=waits.report["approval"])

    assert kinds(run) == ["server_went_back"]
    assert run.report["approval"] not in ("", waits.report["approval"])
    assert told(following.would_of(run))["people-edit"] == sorted(
        str(each.entry_uuid) for each in (restored.changed, restored.other)
    )
    assert rows() == before
    run = synchronise(now=WEDNESDAY, approved=run.report["approval"])
    restored.other.refresh_from_db()
    assert (run.status != RunStatus.HELD, restored.other.trade) == (True, "Luthière")
    # Each list may be of everybody: the last one is kept.
    lists = [run.report.get("would") is not None for run in SyncRun.objects.filter(status="held").order_by("pk")]
    assert lists == [False] * (len(lists) - 1) + [True]
    assert len(lists) > 1


def test_an_older_content_that_was_written_to_before_anybody_looked_is_held_as_well(restored):
    """The server's own mark is the latest again; those of the entries are not."""
    restored.modify(restored.other, "title", "Luthière")

    run = synchronise(now=WEDNESDAY)

    assert kinds(run) == ["server_went_back"]
    assert told(following.would_of(run))["people-return"] == [str(restored.gone.entry_uuid)]
    for person in (restored.gone, restored.new, restored.changed, restored.other):
        person.refresh_from_db()
    assert (restored.gone.state, restored.new.state) == (MemberState.MISSING, MemberState.ACTIVE)
    assert restored.group.memberships.filter(member=restored.placed).exists()
    # What was written since is nobody's doubt.
    assert (restored.changed.trade, restored.other.trade) == ("Canarieuse", "Luthière")

    restore(restored.server, restored.latest)

    assert synchronise(now=WEDNESDAY).status != RunStatus.HELD


def test_another_value_of_what_is_listed_asks_again(restored):
    waits = synchronise(now=WEDNESDAY)
    restored.modify(restored.changed, "title", "Luthière")

    run = synchronise(now=WEDNESDAY)

    assert told(following.would_of(run)) == told(following.would_of(waits))
    assert run.report["approval"] not in ("", waits.report["approval"])


def test_what_concerns_nobody_of_the_list_asks_nobody_again(restored):
    waits = synchronise(now=WEDNESDAY)
    restored.modify(restored.other, "description", "lu par personne")

    run = synchronise(now=WEDNESDAY)

    assert (kinds(run), run.report["approval"]) == (["server_went_back"], waits.report["approval"])


def test_once_the_right_content_was_written_to_it_is_followed_again(restored):
    synchronise(now=WEDNESDAY)
    restore(restored.server, restored.latest)
    restored.modify(restored.other, "title", "Luthière")

    run = synchronise(now=WEDNESDAY)

    restored.other.refresh_from_db()
    assert (run.report["held"], restored.other.trade) == ([], "Luthière")


def test_what_is_put_right_by_hand_waits_no_longer_and_the_rest_does(restored):
    synchronise(now=WEDNESDAY)
    restored.modify(restored.changed, "title", "Canarieuse")

    run = synchronise(now=WEDNESDAY)

    would = told(following.would_of(run))
    assert "people-edit" not in would
    assert would["people-end"] == [str(restored.new.entry_uuid)]


def test_an_older_content_without_a_difference_says_so(restored):
    restore(restored.server, restored.latest)
    synchronise(now=WEDNESDAY)
    mark = "20991231000000.000000Z#000000#000#000000"
    SyncRun.objects.update(watermark=mark)

    run = synchronise(now=WEDNESDAY)

    assert (kinds(run), run.counts["held"], run.counts["waits_wholly"]) == (["server_went_back"], 0, 1)
    assert told(following.would_of(run)) == {}


def test_with_what_goes_too_far_by_itself_the_list_is_one(restored):
    restore(restored.server, restored.latest)
    for number in range(8):
        add_person(restored.server, f"neuve-{number}", "alizarine-neuve", branch=BRANCH)
    synchronise(now=WEDNESDAY)
    restore(restored.server, restored.older)

    run = synchronise(now=WEDNESDAY)

    assert kinds(run) == ["server_went_back", "people"]
    assert len(told(following.would_of(run))["people-end"]) == 9
    assert run.counts["held"] == sum(len(lines) for lines in told(following.would_of(run)).values())


def test_another_server_behind_the_same_name_would_close_everybody_and_says_whom(small_directory, settings, tmp_path):
    synchronise(now=MONDAY)
    before = rows()
    known = set(Member.objects.exclude(state=MemberState.MISSING).values_list("entry_uuid", flat=True))
    active = set(Member.objects.filter(state=MemberState.ACTIVE).values_list("entry_uuid", flat=True))
    with OtherDirectory(tmp_path / "other", members=60, durable=False) as other:
        settings.LDAP = ldap_settings(other)

        run = synchronise(now=TUESDAY)
        add_person(other, "neuve.venue", "alizarine-neuve", branch=BRANCH)
        again = synchronise(now=TUESDAY, approved=run.report["approval"])

    would = told(following.would_of(run))
    assert would["people-end"] == sorted(map(str, active))
    assert len(would["people-join"]) == len(known)
    assert run.report["held"][0] == {
        "what": "nothing_in_common",
        "count": len(known),
        "limit": 0,
        "before": 0,
    }
    assert not again.report["lifted"]
    assert len(told(following.would_of(again))["people-join"]) == len(known) + 1
    assert rows() == before


def test_whoever_signs_in_meanwhile_does_so_by_the_directory_and_is_as_they_were(restored):
    synchronise(now=WEDNESDAY)
    # Of what was written since, and what it says now, nothing is taken over at the door either.
    noemie = Member.objects.get(login="noemie.ferrand")
    restored.modify(noemie, "title", "Luthière")
    before = rows()

    member = authenticate(None, username="noemie.ferrand", password="alizarine-garrigue")

    assert member == noemie
    assert authenticate(None, username="noemie.ferrand", password="une autre") is None
    assert rows() == before


def test_the_command_tells_it_too_for_show_and_for_good(restored):
    outputs = {}
    for arguments in (("--dry-run",), ("--dry-run", "--json"), (), ("--json",)):
        out = StringIO()
        call_command("sync_directory", *arguments, stdout=out)
        outputs[arguments] = out.getvalue()

    for arguments in (("--dry-run",), ()):
        said = outputs[arguments]
        assert "× server_went_back" in said
        after = said.partition("To accept it would give:")[2]
        assert "people: 0 joined, 1 changed, 1 ended, 1 returned" in after
        assert f"ended: {restored.new.dn} missing (entry_gone)" in after
        assert f"changed: {restored.changed.dn}: " in after
        assert "trade" in after
        removed = after.partition("memberships removed:")[2]
        assert f"{restored.placed.display_name} ({restored.group.name})" in removed
    dry, wet = (json.loads(outputs[arguments]) for arguments in (("--dry-run", "--json"), ("--json",)))
    assert dry["would"] == wet["would"]
    assert dry["approval"] == wet["approval"]
    assert wet["would"]["counts"]["people_ended"] == 1
    assert LISTED >= len(wet["would"]["people"]) == 3
