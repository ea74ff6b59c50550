"""What a pass reports is the difference of the mirror before and after it (I7)."""

from typing import Any
from uuid import UUID

import pytest

from demo.slapd import EmbeddedDirectory
from directory.models import Collective, Member, Membership, SyncRun
from directory.services import synchronise
from directory.types import Hold, Kind, MemberState, RunStatus
from tests.support.passes import MONDAY, TUESDAY, WEDNESDAY
from tests.support.slapd import five_weeks_later, settle

pytestmark = pytest.mark.django_db
# What the hub makes of an entry beside the pass's report, and what it never takes from one.
OWN = {"id", "entry_uuid", "source_id", "order_key", "created_at", "updated_at", "sensitive"}
OWN_OF_PEOPLE = {"password", "status", "state_since", "absent_from", "absent_for_good_at", "erased_at"}
OWN_OF_PEOPLE |= {"hold", "hold_reason", "hold_since", "second_factor_by"}
OWN_OF_GROUPS = {"status", "slug", "second_factor_from"}
# Marks and keys: with these alone, an entry was looked at again and says what it said.
MARKS = {"csn", "digest", "dn_key", "login_key", "email_key", "unknown_keys"}
Rows = dict[Any, dict[str, Any]]


class Mirror:
    """The rows of people, groups and who is where, by the identities that a report names."""

    def __init__(self) -> None:
        self.people: Rows = {row["entry_uuid"]: _without(row, OWN | OWN_OF_PEOPLE) for row in Member.objects.values()}
        self.held = set(Member.objects.exclude(hold=Hold.NONE).values_list("entry_uuid", flat=True))
        entries = Collective.objects.exclude(kind=Kind.STATUS)
        nesting = Collective.nested.through.objects
        nested = nesting.values_list("from_collective__entry_uuid", "to_collective__entry_uuid")
        self.groups: Rows = {
            row["entry_uuid"]: _without(row, OWN | OWN_OF_GROUPS)
            | {"nested": {child for parent, child in nested if parent == row["entry_uuid"]}}
            for row in entries.values()
        }
        of_entries = Membership.objects.filter(collective__in=entries)
        self.memberships = {
            (str(group), str(person)): direct
            for group, person, direct in of_entries.values_list(
                "collective__entry_uuid", "member__entry_uuid", "direct"
            )
        }
        leads = Collective.leads.through.objects.values_list("collective__entry_uuid", "member__entry_uuid")
        self.leads = {(str(group), str(person)) for group, person in leads}


def _without(row: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in hidden}


def report_from(before: Mirror, after: Mirror) -> dict[str, Any]:
    """Worked out from the rows alone, without a look at the plan that wrote them."""
    people = {uuid: line for uuid in after.people if (line := _person_line(uuid, before, after))}
    groups = {uuid: line for uuid in after.groups if (line := _group_line(uuid, before, after))}
    set_ = after.memberships.items() - before.memberships.items()
    return {
        "people": people,
        "groups": groups,
        "memberships set": {pair for pair, _direct in set_},
        "memberships removed": before.memberships.keys() - after.memberships.keys(),
        "leads added": after.leads - before.leads,
        "leads removed": before.leads - after.leads,
    }


def _items(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return sorted(name for name in now if now[name] != was[name])


def _person_line(uuid: UUID, before: Mirror, after: Mirror) -> dict[str, Any] | None:
    now, was = after.people[uuid], before.people.get(uuid)
    told = {"dn": now["dn"], "state": now["state"], "reason": now["state_reason"]}
    if was is None:
        return {"verb": "join", **told}
    items = _items(was, now)
    if not set(items) - MARKS:
        return None
    line: dict[str, Any] = {"verb": "edit", "dn": now["dn"], "items": items}
    line |= {name: now[name] for name in ("email_state", "login_ambiguous") if name in items}
    if "state" in items:
        line |= {"state": now["state"], "reason": now["state_reason"] if "state_reason" in items else ""}
        if was["state"] == MemberState.ACTIVE:
            line["verb"] = "end"
        elif now["state"] == MemberState.ACTIVE and uuid not in after.held:
            line["verb"] = "return"
    return line


def _group_line(uuid: UUID, before: Mirror, after: Mirror) -> dict[str, Any] | None:
    now, was = after.groups[uuid], before.groups.get(uuid)
    if was is None:
        return {"verb": "new", "dn": now["dn"]}
    items = _items(was, now)
    if was["present"] and not now["present"]:
        return {"verb": "end", "dn": now["dn"]}
    if now["present"] and not was["present"]:
        return {"verb": "return", "dn": now["dn"]}
    return {"verb": "edit", "dn": now["dn"], "items": items} if set(items) - MARKS else None


def report_of(run: SyncRun) -> dict[str, Any]:
    told = run.report

    def lines(part: str) -> Rows:
        found = {UUID(line["entry"]): {name: line[name] for name in line if name != "entry"} for line in told[part]}
        assert len(found) == len(told[part])
        return found

    def pairs(part: str, how: str) -> set[tuple[str, ...]]:
        found = {tuple(pair) for pair in told[part][how]}
        assert len(found) == len(told[part][how])
        return found

    return {
        "people": lines("people"),
        "groups": lines("groups"),
        **{f"memberships {how}": pairs("memberships", how) for how in ("set", "removed")},
        **{f"leads {how}": pairs("leads", how) for how in ("added", "removed")},
    }


def counts_from(report: dict[str, Any]) -> dict[str, int]:
    def verbs(part: str, verb: str) -> int:
        return sum(line["verb"] == verb for line in report[part].values())

    names = {"join": "people_joined", "edit": "people_changed", "end": "people_ended", "return": "people_returned"}
    groups = {"new": "groups_new", "edit": "groups_changed", "end": "groups_ended", "return": "groups_returned"}
    barred = [line for line in report["people"].values() if line["verb"] == "join" and line["state"] != "active"]
    return {
        **{name: verbs("people", verb) for verb, name in names.items()},
        **{name: verbs("groups", verb) for verb, name in groups.items()},
        "people_barred": len(barred),
        **{name.replace(" ", "_"): len(pairs) for name, pairs in report.items() if " " in name},
    }


def assert_told(run: SyncRun, before: Mirror, after: Mirror) -> dict[str, int]:
    derived = report_from(before, after)
    counts = counts_from(derived)
    for part, told in report_of(run).items():
        assert told == derived[part], part
    assert {name: run.counts[name] for name in counts} == counts
    return counts


def test_a_first_import_reports_everybody_and_everything(own_directory):
    before = Mirror()

    run = synchronise(now=MONDAY)

    counts = assert_told(run, before, Mirror())
    assert counts["people_joined"] == own_directory.manifest["snapshot1"]["people"]
    assert counts["people_barred"] > 0


def test_a_pass_over_five_weeks_reports_what_it_changed(own_directory):
    synchronise(now=MONDAY)
    five_weeks_later(own_directory)
    before = Mirror()

    run = synchronise(now=TUESDAY)

    counts = assert_told(run, before, Mirror())
    assert {name for name, count in counts.items() if count} == counts.keys() - {"people_barred", "groups_returned"}


def move(dn: str, to: str) -> str:
    rdn = dn.partition(",")[0]
    return f"dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 0\nnewsuperior: {to}\n\n"


def test_passes_over_removals_and_over_returns_report_them(own_directory: EmbeddedDirectory):
    synchronise(now=MONDAY)
    base = own_directory.base
    away, people, groups = f"ou=services,{base}", f"ou=membres,ou=personnes,{base}", f"ou=poles,ou=groupes,{base}"
    noemie, hugo = f"uid=noemie.ferrand,{people}", f"uid=hugo.castel,{people}"
    held = Member.objects.get(login="dn.unicode")
    own_directory.modify(
        move(noemie, away)
        + move(f"cn=Pôle Numérique,{groups}", away)
        + f"dn: uid=efface.tout,{people}\nchangetype: delete\n\n"
        + f"dn: {held.dn}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
    )
    settle(own_directory)
    before = Mirror()

    removing = synchronise(now=TUESDAY)

    gone = Mirror()
    assert removing.status == RunStatus.PROBLEMS
    counts = assert_told(removing, before, gone)
    assert (counts["people_ended"], counts["groups_ended"]) == (3, 1)
    assert counts["memberships_removed"] > 1
    assert counts["leads_removed"] == 1

    # One of them is held back by the office meanwhile: the entry returns, and opens nothing.
    Member.objects.filter(pk=held.pk).update(hold=Hold.SUSPENDED)
    own_directory.modify(
        move(noemie.replace(people, away), people)
        + move(f"cn=Pôle Numérique,{away}", groups)
        + f"dn: {held.dn}\nchangetype: modify\ndelete: pwdAccountLockedTime\n\n"
        + f"dn: {hugo}\nchangetype: modify\ndelete: pwdAccountLockedTime\n"
    )
    settle(own_directory)

    returning = synchronise(now=WEDNESDAY)

    counts = assert_told(returning, gone, Mirror())
    assert (counts["people_returned"], counts["groups_returned"]) == (2, 1)
    assert counts["people_changed"] >= 1
    assert counts["memberships_set"] > 1
    assert counts["leads_added"] == 1
