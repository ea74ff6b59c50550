"""What happens to a cooperative in five weeks, and what one pass makes of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import selectors
from directory.models import Collective, DirectorySource, Member, SyncIssue, SyncRun
from directory.normalise import dn_key, name_key
from directory.services import synchronise
from directory.signals import members_ended, memberships_ended
from directory.types import Kind, MailState, MemberState, RunStatus
from tests.support.mirror import content, difference, put_back
from tests.support.passes import MONDAY, TUESDAY
from tests.support.slapd import five_weeks_later, ldap_settings
from tests.support.slapd_control import LaterDirectory

pytestmark = pytest.mark.django_db


@dataclass
class FiveWeeks:
    """What the mirror said before and says after; ``ended`` and ``out``: whom the other apps were told of."""

    server: EmbeddedDirectory
    before: dict[str, Any]
    after: dict[str, Any]
    run: SyncRun
    ended: list[UUID]
    out: list[UUID]

    def cases(self, case: str) -> list[dict[str, Any]]:
        return [row for row in self.server.manifest["changes"] if row["id"] == case]

    def entries(self, case: str) -> list[UUID]:
        """Whom this happened to, in the order of the manifest."""
        return [UUID(row["entryUUID"]) for row in self.cases(case)]

    def entry(self, case: str) -> UUID:
        (found,) = self.entries(case)
        return found

    def states(self, case: str) -> list[str]:
        """Of those who were there before."""
        people = self.after["people"]
        return [people[uuid]["state"] for uuid in self.entries(case) if uuid in people]

    def items(self, part: str, uuid: UUID) -> set[str]:
        """What the mirror says otherwise of somebody, or of a collective, than before."""
        before, after = self.before[part][uuid], self.after[part][uuid]
        return {name for name in after if after[name] != before[name]}

    def inside(self, group: UUID) -> tuple[dict[UUID, bool], dict[UUID, bool]]:
        """Who was in this collective, and who is; whether by themselves."""
        was, now = (
            {person: direct for (of, person), direct in told["memberships"].items() if of == group}
            for told in (self.before, self.after)
        )
        return was, now

    def leads(self, group: UUID) -> tuple[set[UUID], set[UUID]]:
        was, now = ({person for of, person in told["leads"] if of == group} for told in (self.before, self.after))
        return was, now


@pytest.fixture
def weeks(own_directory: EmbeddedDirectory) -> FiveWeeks:
    synchronise(now=MONDAY)
    before, ended, out = content(), [], []

    def hear_ended(*, member_ids, **_):
        ended.extend(member_ids)

    def hear_out(*, member_ids, **_):
        out.extend(member_ids)

    five_weeks_later(own_directory)
    members_ended.connect(hear_ended)
    memberships_ended.connect(hear_out)
    try:
        run = synchronise(now=TUESDAY)
    finally:
        members_ended.disconnect(hear_ended)
        memberships_ended.disconnect(hear_out)
    return FiveWeeks(own_directory, before, content(), run, ended, out)


def named_last(row: dict[str, Any]) -> Member:
    """The manifest's note ends with a name: whom a group took in, let go or is led by."""
    return Member.objects.get(dn_key=name_key(dn_key(row["note"][row["note"].index("uid=") :])))


# All of it -------------------------------------------------------------------------------------------------------


def still_there() -> dict[str, Any]:
    """What the mirror says of whoever and whatever is in the directory, by their names there.

    Whoever joins by ``ldapmodify`` has another identity in each server, and what went is no part of a first import.
    Nor is what only a hub can know that was there before: that a login was another person's, the address that a
    collective was given once, and the status of somebody who is absent and may have left or not.
    """
    told = content()
    people = {uuid: row for uuid, row in told["people"].items() if row["state"] != MemberState.MISSING}
    groups = {uuid: row for uuid, row in told["collectives"].items() if row["present"]}
    names = {uuid: row["dn_key"] for uuid, row in [*people.items(), *groups.items()]}

    def named(rows: dict[UUID, dict[str, Any]], *left_out: str) -> dict[str, dict[str, Any]]:
        hidden = {"entry_uuid", *left_out}
        return {names[uuid]: {name: row[name] for name in row if name not in hidden} for uuid, row in rows.items()}

    return {
        "people": named(people),
        "collectives": named(groups, "slug"),
        "memberships": {
            (names.get(group, group), names.get(person, person)): direct
            for (group, person), direct in told["memberships"].items()
            if group in told["collectives"] or person in people
        },
        "leads": {(names.get(group, group), names.get(person, person)) for group, person in told["leads"]},
        "issues": {(names.get(uuid, uuid), code) for uuid, code in told["issues"] if code != "login_reused"},
    }


def test_the_mirror_is_then_what_a_first_import_of_the_later_directory_gives(
    weeks: FiveWeeks, tmp_path: Path, settings: Any
):
    after = still_there()

    with put_back(), LaterDirectory(tmp_path / "later", quirks=True, durable=False) as later:
        settings.LDAP = ldap_settings(later)
        for model in (SyncIssue, SyncRun, Collective, Member, DirectorySource):
            model.objects.all().delete()
        assert synchronise(now=TUESDAY).counts["people_joined"] == later.manifest["snapshot2"]["people"]
        first = still_there()

    assert len(first["people"]) == weeks.server.manifest["snapshot2"]["people"]
    assert len(first["collectives"]) == weeks.server.manifest["snapshot2"]["groups"]
    assert not difference(after, first)


# People ----------------------------------------------------------------------------------------------------------


def test_each_person_is_what_has_become_of_them(weeks):
    told = weeks.server.manifest["snapshot2"]
    people = weeks.after["people"]
    missing = {uuid for uuid, row in people.items() if row["state"] == MemberState.MISSING}
    was_active = {uuid for uuid, row in weeks.before["people"].items() if row["state"] == MemberState.ACTIVE}
    is_active = {uuid for uuid, row in people.items() if row["state"] == MemberState.ACTIVE}

    assert weeks.run.status == RunStatus.PROBLEMS
    assert len(people) - len(missing) == told["people"]
    assert len(is_active) == told["active"]
    assert {
        case: set(weeks.states(case))
        for case in ("leave", "delete", "lock", "return", "to-staff", "reused-uid", "rename", "quirk-reuuid")
    } == {
        "leave": {"left"},
        "delete": {"missing"},
        "lock": {"locked"},
        "return": {"active"},
        "to-staff": {"active"},
        "reused-uid": {"missing"},
        "rename": {"active"},
        "quirk-reuuid": {"missing"},
    }
    assert set(weeks.ended) == set(
        Member.objects.filter(entry_uuid__in=was_active - is_active).values_list("pk", flat=True)
    )
    assert Event.objects.filter(action=Action.MEMBER_LEFT).count() == len(weeks.ended)
    assert Event.objects.filter(action=Action.MEMBER_RETURNED).count() == 1


def test_an_edit_changes_what_was_edited_and_nothing_else(weeks):
    edits, moves = weeks.entries("edit"), weeks.entries("move-house")

    assert len(edits) == 4
    assert all(weeks.items("people", uuid) == {"mobile"} for uuid in edits)
    assert len(moves) == 2
    assert all(weeks.items("people", uuid) == {"town", "postal_code"} for uuid in moves)


def test_an_address_that_one_gives_up_and_another_takes_is_the_others(weeks):
    giver, taker = weeks.entries("mail-handover")
    address = weeks.before["people"][giver]["email"]

    assert weeks.after["people"][giver]["email"] == "nouvelle.adresse@alizarine.example"
    assert weeks.after["people"][taker]["email"] == address
    assert weeks.items("people", giver) == weeks.items("people", taker) == {"email", "email_key"}
    assert weeks.after["people"][giver]["email_state"] == weeks.after["people"][taker]["email_state"] == MailState.OK
    assert selectors.find_for_sign_in(address) == Member.objects.get(entry_uuid=taker)


def test_whoever_joins_is_somebody_new_who_may_enter(weeks):
    joined = [Member.objects.get(dn_key=name_key(dn_key(row["after"]))) for row in weeks.cases("join")]

    assert len(joined) == 4
    assert not weeks.before["people"].keys() & {member.entry_uuid for member in joined}
    for member in joined:
        assert member.is_active
        assert selectors.find_for_sign_in(member.login) == member
        assert Event.objects.about(member.pk).filter(action=Action.MEMBER_JOINED).count() == 1


# Collectives -----------------------------------------------------------------------------------------------------


def test_whoever_is_added_to_a_group_or_taken_out_of_it_is_in_it_or_not(weeks):
    (joining,), (leaving,) = weeks.cases("group-join"), weeks.cases("group-leave")
    joiner, leaver = named_last(joining).entry_uuid, named_last(leaving).entry_uuid

    was, now = weeks.inside(UUID(joining["entryUUID"]))
    assert joiner not in was
    assert now[joiner] is True
    was, now = weeks.inside(UUID(leaving["entryUUID"]))
    assert leaver in was
    assert leaver not in now
    assert weeks.after["people"][leaver]["state"] == MemberState.ACTIVE


def test_a_group_has_the_lead_that_it_was_given(weeks):
    (given,) = weeks.cases("group-owner")
    was, now = weeks.leads(weeks.entry("group-owner"))

    assert now == {named_last(given).entry_uuid}
    assert was
    assert not was & now


def test_a_group_that_was_deleted_ends_and_its_people_do_not(weeks):
    ended = weeks.entry("group-delete")
    was, now = weeks.inside(ended)
    others = was.keys() - {UUID(row["entryUUID"]) for row in weeks.server.manifest["changes"]}

    assert weeks.after["collectives"][ended]["present"] is False
    assert not now
    assert not weeks.leads(ended)[1]
    assert others
    assert all(weeks.items("people", uuid) == set() for uuid in others)


def test_a_group_that_is_new_is_there_with_its_people_and_without_a_lead(weeks):
    (row,) = weeks.cases("group-new")
    new = Collective.objects.get(dn_key=name_key(dn_key(row["after"])))

    assert (new.name, new.kind, new.present) == ("Repair café", Kind.SELF_RUN, True)
    assert new.members.count() == 2
    assert not new.leads.exists()


def test_a_group_inside_another_keeps_its_place_and_its_address_when_it_is_renamed(weeks):
    inner = Collective.objects.get(entry_uuid=weeks.entry("quirk-nested-rename"))
    middle = inner.nested_in.get()
    outer = middle.nested_in.get()

    assert inner.name == "Emboîté interne rebaptisé"
    assert inner.slug == weeks.before["collectives"][inner.entry_uuid]["slug"] == "emboite-interne"
    for group in (inner, middle, outer):
        was, now = weeks.inside(group.entry_uuid)
        assert was == now
    assert len(now) == 3


def test_whoever_is_out_of_a_collective_or_leads_it_no_more_is_told_of(weeks):
    def pairs(told):
        inside = {(group, person) for group, person in told["memberships"] if isinstance(group, UUID)}
        return inside | {("lead", group, person) for group, person in told["leads"]}

    gone = {pair[-1] for pair in pairs(weeks.before) - pairs(weeks.after)}

    assert gone
    assert set(weeks.out) == set(Member.objects.filter(entry_uuid__in=gone).values_list("pk", flat=True))
