"""What a pass would change, as data."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.ldap import plan as planning
from directory.ldap.graph import closure, components
from directory.ldap.mapping import group_from, person_from
from directory.ldap.plan import Ceilings, Group, Mirror, Observed, Person, Plan
from directory.ldap.rules import rules_from
from directory.ldap.servers import SERVERS
from directory.normalise import dn_key, login_key, mail_key
from directory.types import Kind, MailState, MemberState, ServerKind

PEOPLE = "ou=personnes,dc=x"
GROUPS = "ou=groupes,dc=x"


def person(number: int, *, state: MemberState = MemberState.ACTIVE, **details: str) -> Person:
    login = details.get("login", f"p{number}")
    mail = details.get("email", f"p{number}@x.example")
    dn = details.pop("dn", f"uid=p{number},{PEOPLE}")
    values = dict.fromkeys(
        [
            "given_name",
            "family_name",
            "phone",
            "mobile",
            "trade",
            "employee_number",
            "employee_type",
            "business_name",
            "postal_address",
            "postal_code",
            "town",
            "language",
        ],
        "",
    )
    values |= {"login": login, "email": mail, "display_name": f"P {number}", **details}
    values |= {"login_key": login_key(values["login"]), "email_key": mail_key(values["email"])}
    mail_state = MailState.OK if values["email"] else MailState.NONE
    return Person(UUID(int=number), dn, dn_key(dn), f"csn{number}", state, "", mail_state, values)


def group(number: int, *members: str, leads: tuple[str, ...] = ()) -> Group:
    dn = f"cn=g{number},{GROUPS}"
    keys = (tuple(name if "=" not in name else dn_key(name) for name in names) for names in (members, leads))
    return Group(UUID(int=1000 + number), dn, dn_key(dn), "", f"g{number}", Kind.POLE, "", *keys)


def seen(people=(), groups=(), **more) -> Observed:
    return Observed(tuple(people), tuple(groups), **more)


@dataclass(frozen=True)
class Count:
    """How many there are in a mirror that is whole."""

    people: tuple[Person, ...]
    open_groups: int
    pairs: int
    lately: int = 0

    def ended_lately(self) -> int:
        return self.lately

    def others_sharing(self) -> frozenset[UUID]:
        return frozenset()

    def active(self) -> int:
        return sum(person.state == MemberState.ACTIVE for person in self.people)

    def groups(self) -> int:
        return self.open_groups

    def memberships(self) -> int:
        return self.pairs

    def holders(self, name: str) -> int:
        return sum(bool(person.details[name]) for person in self.people if person.state != MemberState.MISSING)


NOBODY = Mirror(Count((), 0, 0))


def make_plan(mirror: Mirror, observed: Observed, ceilings: Ceilings, **options: Any) -> Plan:
    """For a mirror that is whole: everything may be touched."""
    everybody = [*mirror.people.values(), *observed.people]
    there = {uuid for uuid, person in mirror.people.items() if person.state != MemberState.MISSING}
    return planning.make_plan(
        replace(
            mirror,
            totals=Count(
                tuple(mirror.people.values()),
                sum(group.present for group in mirror.groups.values()),
                len(mirror.memberships),
            ),
            touched=frozenset(mirror.groups) | {group.entry_uuid for group in observed.groups},
            login_keys=frozenset(each.details["login_key"] for each in everybody) - {""},
            email_keys=frozenset(each.details["email_key"] for each in everybody) - {""},
            is_empty=not mirror.people,
        ),
        replace(
            observed,
            nothing_in_common=bool(there and observed.people) and there <= observed.located.keys(),
        ),
        ceilings,
        **options,
    )


def mirror_of(plan: Plan, before: Mirror = NOBODY) -> Any:
    """The mirror after the plan, as the database would hold it."""
    people, groups = dict(before.people), dict(before.groups)
    own = ("dn", "dn_key", "csn", "digest", "state", "state_reason", "login_ambiguous", "email_state")
    for change in plan.people:
        known = people.get(change.entry_uuid)
        details = {**(known.details if known else {}), **{k: v for k, v in change.changes.items() if k not in own}}
        columns: dict[str, Any] = {name: value for name, value in change.changes.items() if name in own}
        blank: Any = known or Person(change.entry_uuid, "", "", "", MemberState.ACTIVE, "", MailState.NONE, {})
        people[change.entry_uuid] = replace(blank, details=details, **columns)
    for change in plan.groups:
        blank = groups.get(change.entry_uuid) or Group(change.entry_uuid, "", "", "", "", Kind.OTHER, "")
        keys = ("member_keys", "lead_keys", "unknown_keys")
        group_columns: dict[str, Any] = {
            name: tuple(value) if name in keys else value  # type: ignore[call-overload]
            for name, value in change.changes.items()
        }
        groups[change.entry_uuid] = replace(blank, **group_columns)
    memberships = {**before.memberships, **plan.memberships_set}
    return replace(
        before,
        people=people,
        groups=groups,
        memberships={pair: own for pair, own in memberships.items() if pair not in plan.memberships_removed},
        leads=(before.leads | plan.leads_added) - plan.leads_removed,
    )


def first(*people: Person, groups=()) -> Mirror:
    return mirror_of(make_plan(NOBODY, seen(people, groups), Ceilings()))


def gone(*numbers: int) -> dict[UUID, str]:
    return {UUID(int=number): "entry_gone" for number in numbers}


def verbs(plan: Plan) -> dict[int, str]:
    return {change.entry_uuid.int: change.verb for change in plan.people}


def codes(plan: Plan) -> set[str]:
    return {issue.code for issue in plan.issues}


def test_the_first_import_has_no_ceiling():
    plan = make_plan(NOBODY, seen(person(number) for number in range(1, 400)), Ceilings())

    assert plan.counts()["people_joined"] == 399
    assert not plan.held


def test_a_second_identical_pass_changes_nothing():
    people, groups = [person(1), person(2)], [group(1, person(1).dn, leads=(person(2).dn,))]
    mirror = first(*people, groups=groups)

    plan = make_plan(mirror, seen(people, groups), Ceilings())

    assert plan.changes == 0


def test_an_absence_that_is_not_proved_changes_nothing():
    mirror = first(person(1), person(2))

    plan = make_plan(mirror, seen([person(1)]), Ceilings())

    assert plan.changes == 0


@pytest.mark.parametrize("reason", ["entry_gone", "out_of_scope"])
def test_a_proved_absence_ends_and_erases_nothing(reason):
    mirror = first(person(1), person(2))

    plan = make_plan(mirror, seen([person(1)], located={UUID(int=2): reason}), Ceilings())

    assert verbs(plan) == {2: "end"}
    assert plan.people[0].changes == {"state": MemberState.MISSING, "state_reason": reason}


def test_the_same_entry_coming_back_is_the_same_person():
    mirror = first(person(1), person(2))
    mirror = mirror_of(make_plan(mirror, seen([person(1)], located=gone(2)), Ceilings()), mirror)

    plan = make_plan(mirror, seen([person(1), person(2)]), Ceilings())

    assert verbs(plan) == {2: "return"}


def test_another_entry_with_the_same_login_is_another_person():
    mirror = first(person(1), person(2))

    plan = make_plan(
        mirror,
        seen([person(1), person(3, login="p2", email="p2@x.example", dn=person(2).dn)], located=gone(2)),
        Ceilings(),
    )

    assert verbs(plan) == {2: "end", 3: "join"}
    joined = next(change for change in plan.people if change.verb == "join")
    assert joined.changes["login_ambiguous"] is False
    assert joined.changes["email_state"] == MailState.OK
    assert "login_reused" in codes(plan)


@pytest.mark.parametrize("state", [MemberState.LEFT, MemberState.LOCKED])
def test_leaving_and_locking_end(state):
    mirror = first(person(1), person(2))

    plan = make_plan(mirror, seen([person(1), person(2, state=state)]), Ceilings())

    assert verbs(plan) == {2: "end"}


def test_a_shared_address_belongs_to_nobody():
    plan = make_plan(NOBODY, seen([person(1, email="a@x.example"), person(2, email="A@X.example")]), Ceilings())

    assert [change.changes["email_state"] for change in plan.people] == [MailState.SHARED] * 2
    assert {issue.detail for issue in plan.issues} == {person(1).dn, person(2).dn}


def test_an_address_is_free_again_when_its_former_holder_has_left():
    both = [person(1, email="a@x.example"), person(2, email="a@x.example")]
    mirror = first(*both)

    plan = make_plan(mirror, seen([replace(both[0], state=MemberState.LEFT), both[1]]), Ceilings())

    changes = {change.entry_uuid.int: change.changes for change in plan.people}
    assert changes[2] == {"email_state": MailState.OK}


def test_a_shared_login_opens_neither_account():
    plan = make_plan(NOBODY, seen([person(1, login="Jo"), person(2, login="jo")]), Ceilings())

    assert all(change.changes["login_ambiguous"] for change in plan.people)
    assert "login_shared" in codes(plan)


def test_two_people_who_exchange_addresses_are_in_no_conflict():
    mirror = first(person(1, email="a@x.example"), person(2, email="b@x.example"))

    plan = make_plan(mirror, seen([person(1, email="b@x.example"), person(2, email="a@x.example")]), Ceilings())

    assert not plan.issues
    assert all("email_state" not in change.changes for change in plan.people)


# Ceilings ------------------------------------------------------------------------------------------------------


def test_too_many_departures_wait_and_everything_else_goes_on():
    everybody = [person(number) for number in range(1, 101)]
    mirror = first(*everybody)
    left = [*everybody[10:99], replace(everybody[99], details={**everybody[99].details, "town": "Lodève"}), person(200)]

    plan = make_plan(mirror, seen(left, located=gone(*range(1, 11))), Ceilings())

    assert [(held.what, held.count, held.limit) for held in plan.held] == [("people", 10, 5)]
    assert verbs(plan) == {100: "edit", 200: "join"}


def test_whoever_waits_keeps_their_groups():
    everybody = [person(number) for number in range(1, 101)]
    mirror = first(*everybody, groups=[group(1, person(1).dn, leads=(person(1).dn,))])

    plan = make_plan(mirror, seen(everybody[10:], [group(1)], located=gone(*range(1, 11))), Ceilings())

    assert plan.held
    assert not plan.people
    assert not plan.memberships_removed
    assert not plan.leads_removed


def test_a_group_that_closes_closes_for_those_who_wait_too():
    """Found by a chain of accidents: it kept them for ever, since nothing looks at a closed group again."""
    everybody = [person(number) for number in range(1, 101)]
    mirror = first(*everybody, groups=[group(1, person(1).dn, person(50).dn, leads=(person(1).dn,))])

    plan = make_plan(mirror, seen(everybody[10:], located=gone(*range(1, 11), 1001)), Ceilings())

    assert [held.what for held in plan.held] == ["people"]
    assert {each.verb for each in plan.groups} == {"end"}
    assert len(plan.memberships_removed) == 2
    assert len(plan.leads_removed) == 1


@pytest.mark.parametrize("what", ["people", "groups", "memberships", "emptied"])
def test_a_ceiling_of_nobody_lets_nobody_go(what):
    nobody = Ceilings(**{what: 0, f"{what}_share": 0.0})
    everybody = [person(number, phone="+33467000000") for number in range(1, 21)]
    mirror = first(*everybody, groups=[group(1, person(2).dn, person(3).dn), group(2)])
    less = replace(everybody[4], details={**everybody[4].details, "phone": ""})
    now = [*everybody[1:4], less, *everybody[5:]]

    plan = make_plan(mirror, seen(now, [group(1, person(2).dn)], located=gone(1, 1002)), nobody)

    names = {"emptied": "attribute phone"}
    assert [(held.what, held.count, held.limit) for held in plan.held] == [(names.get(what, what), 1, 0)]


def test_while_memberships_wait_those_of_a_closed_group_and_of_the_gone_go_all_the_same():
    """Nothing looks at a closed group again: they would have stayed for ever."""
    everybody = [person(number) for number in range(1, 101)]
    large = group(1, *(each.dn for each in everybody), leads=(person(2).dn,))
    closing = group(2, person(1).dn, person(3).dn, leads=(person(1).dn,))
    mirror = first(*everybody, groups=[large, closing])

    plan = make_plan(mirror, seen(everybody[:99], [group(1)], located=gone(100, 1002)), Ceilings())

    assert [(held.what, held.count) for held in plan.held] == [("memberships", 99)]
    assert {pair[0].int for pair in plan.leads_removed} == {1002}
    assert sorted((pair[0].int, pair[1].int) for pair in plan.memberships_removed) == [
        (1001, 100),
        (1002, 1),
        (1002, 3),
    ]


@pytest.mark.parametrize("number", [2, 4])
def test_a_small_cooperative_is_not_emptied_under_the_ceiling(number):
    mirror = first(*(person(each) for each in range(1, number + 1)))

    plan = make_plan(mirror, seen(located=gone(*range(1, number + 1))), Ceilings())

    assert [(held.what, held.count) for held in plan.held] == [("people", number)]
    assert plan.changes == 0


def test_a_group_that_closes_while_memberships_wait_keeps_nobody_behind():
    everybody = [person(number) for number in range(1, 81)]
    large, small = (
        group(1, *(each.dn for each in everybody)),
        group(2, person(1).dn, person(2).dn, leads=(person(1).dn,)),
    )
    mirror = first(*everybody, groups=[large, small])

    plan = make_plan(mirror, seen(everybody, [group(1, person(1).dn)], located=gone(1002)), Ceilings())

    assert [held.what for held in plan.held] == ["memberships"]
    assert plan.memberships_removed == {(UUID(int=1002), UUID(int=1)), (UUID(int=1002), UUID(int=2))}
    assert plan.leads_removed == {(UUID(int=1002), UUID(int=1))}


def test_an_empty_answer_loses_nobody():
    mirror = first(*(person(number) for number in range(1, 101)), groups=[group(1, person(1).dn)])

    plan = make_plan(mirror, seen([], [group(1, person(1).dn)], located=gone(*range(1, 101))), Ceilings())

    assert plan.held
    assert plan.changes == 0


def test_an_approval_is_bound_to_the_removals_it_was_given_for():
    everybody = [person(number) for number in range(1, 101)]
    mirror = first(*everybody)
    shown = make_plan(mirror, seen(everybody[10:], located=gone(*range(1, 11))), Ceilings())

    same = make_plan(mirror, seen(everybody[10:], located=gone(*range(1, 11))), Ceilings(), approved=shown.digest)
    more = make_plan(mirror, seen(everybody[11:], located=gone(*range(1, 12))), Ceilings(), approved=shown.digest)

    assert same.counts()["people_ended"] == 10
    assert more.counts()["people_ended"] == 0
    assert more.held


def test_the_last_technician_is_not_removed_by_a_pass():
    mirror = replace(first(person(1), person(2)), administrators={UUID(int=2): True})

    plan = make_plan(mirror, seen([person(1)], located=gone(2)), Ceilings())

    assert [held.what for held in plan.held] == ["last_administrator"]
    assert plan.changes == 0


def test_an_attribute_that_empties_everywhere_is_kept():
    everybody = [person(number, town="Sète") for number in range(1, 101)]
    mirror = first(*everybody)

    plan = make_plan(mirror, seen(person(number) for number in range(1, 101)), Ceilings())

    assert [held.what for held in plan.held] == ["attribute town"]
    assert plan.changes == 0


def test_an_address_that_empties_everywhere_keeps_its_key_and_its_state():
    mirror = first(*(person(number) for number in range(1, 101)))

    plan = make_plan(mirror, seen(person(number, email="") for number in range(1, 101)), Ceilings())

    assert [held.what for held in plan.held] == ["attribute email"]
    assert plan.changes == 0


def test_memberships_that_end_in_number_wait():
    everybody = [person(number) for number in range(1, 101)]
    mirror = first(*everybody, groups=[group(1, *(each.dn for each in everybody))])

    plan = make_plan(mirror, seen(everybody, [group(1)]), Ceilings())

    assert [held.what for held in plan.held] == ["memberships"]
    assert not plan.memberships_removed


def test_groups_that_end_in_number_wait_with_their_members():
    groups = [group(number, person(1).dn) for number in range(1, 9)]
    mirror = first(person(1), groups=groups)

    plan = make_plan(mirror, seen([person(1)], groups[4:], located=gone(*range(1001, 1005))), Ceilings())

    assert [held.what for held in plan.held] == ["groups"]
    assert plan.changes == 0


def test_another_server_changes_nothing_at_all():
    mirror = first(*(person(number) for number in range(1, 5)))

    plan = make_plan(mirror, seen([person(9)], located=gone(1, 2, 3, 4)), Ceilings())

    assert "nothing_in_common" in {held.what for held in plan.held}
    assert plan.changes == 0


CSN = "2026100{}080000.000000Z#000000#{}#000000"


def test_a_server_that_went_back_changes_nothing():
    mirror = replace(first(person(1)), context_csn=(CSN.format(2, "000"),))

    plan = make_plan(mirror, seen([person(1, town="Sète")], context_csn=(CSN.format(1, "000"),)), Ceilings())

    assert plan.waits_wholly
    assert plan.changes == 0


# Groups ----------------------------------------------------------------------------------------------------------


def test_members_come_through_nesting_and_are_told_apart():
    inner, outer = group(1, person(1).dn), group(2, person(2).dn, f"CN=G1,{GROUPS}")

    plan = make_plan(NOBODY, seen([person(1), person(2)], [inner, outer]), Ceilings())

    assert {(g.int, p.int): direct for (g, p), direct in plan.memberships_set.items()} == {
        (1001, 1): True,
        (1002, 2): True,
        (1002, 1): False,
    }


def test_groups_that_hold_each_other_share_everybody_and_are_told():
    groups = [group(n, person(n).dn, f"cn=g{n % 3 + 1},{GROUPS}") for n in (1, 2, 3)]

    plan = make_plan(NOBODY, seen([person(n) for n in (1, 2, 3)], groups), Ceilings())

    assert len(plan.memberships_set) == 9
    assert [issue.code for issue in plan.issues] == ["group_cycle"] * 3


def test_ghosts_and_placeholders_are_no_members():
    odd = group(1, f"uid=fantome,{PEOPLE}", "cn=personne,dc=x", "pas un nom", f"cn=g1,{GROUPS}")

    plan = make_plan(NOBODY, seen([], [odd], placeholders=frozenset({"cn=personne,dc=x"})), Ceilings())

    assert not plan.memberships_set
    assert {(issue.code, issue.detail) for issue in plan.issues} == {
        ("group_member_unknown", "2 of 4"),
        ("group_in_itself", ""),
    }


def test_a_reference_to_a_former_name_still_counts_in_the_pass_that_sees_the_rename():
    mirror = first(person(1), groups=[group(1, person(1).dn)])

    plan = make_plan(mirror, seen([person(1, dn=f"uid=nouveau,{PEOPLE}")], [group(1, person(1).dn)]), Ceilings())

    assert verbs(plan) == {1: "edit"}
    assert not plan.memberships_removed


def test_a_former_name_that_somebody_else_bears_now_is_theirs():
    mirror = first(person(1), groups=[group(1, person(1).dn)])
    moved, heir = person(1, dn=f"uid=nouveau,{PEOPLE}"), person(2, dn=person(1).dn)

    plan = make_plan(mirror, seen([moved, heir], [group(1, person(1).dn)]), Ceilings())

    assert {(g.int, p.int) for g, p in plan.memberships_set} == {(1001, 2)}
    assert {(g.int, p.int) for g, p in plan.memberships_removed} == {(1001, 1)}


@given(st.randoms(use_true_random=False))
def test_the_order_of_entries_and_values_does_not_matter(random: Random):
    people = [person(n, email="a@x.example" if n % 3 == 0 else f"{n}@x.example") for n in range(1, 12)]
    groups = [group(n, *(p.dn for p in people[n : n + 3]), f"cn=g{n % 5 + 1},{GROUPS}") for n in range(1, 6)]
    expected = make_plan(NOBODY, seen(people, groups), Ceilings())
    random.shuffle(people)
    random.shuffle(groups)
    groups = [
        replace(each, member_keys=tuple(random.sample(each.member_keys or (), len(each.member_keys or ()))))
        for each in groups
    ]

    plan = make_plan(NOBODY, seen(people, groups), Ceilings())

    assert {change.entry_uuid: change for change in plan.people} == {
        change.entry_uuid: change for change in expected.people
    }
    assert plan.memberships_set == expected.memberships_set
    assert plan.issues == expected.issues


@given(st.dictionaries(st.integers(0, 9), st.frozensets(st.integers(0, 9))))
def test_everybody_of_a_group_is_everybody_one_can_reach(children):
    nodes = set(children) | {child for own in children.values() for child in own}
    children = {node: children.get(node, frozenset()) for node in nodes}

    everybody, cycles = closure({node: {node} for node in nodes}, children)

    for node in nodes:
        reached, todo = set(), [node]
        while todo:
            each = todo.pop()
            if each not in reached:
                reached.add(each)
                todo += children[each]
        assert everybody[node] == reached
    assert all(everybody[one] == everybody[other] for cycle in cycles for one in cycle for other in cycle)


def test_a_very_long_chain_of_groups_ends():
    chain = {number: {number + 1} if number < 5000 else set() for number in range(5001)}

    assert len(components(chain)) == 5001


# From entries ----------------------------------------------------------------------------------------------------


RULES = rules_from(SERVERS[ServerKind.OPENLDAP], base="dc=x,dc=example", former_key=dn_key(f"ou=anciens,{PEOPLE}"))


def entry(**attributes: list[bytes]) -> Person:
    return person_from(
        UUID(int=1),
        f"uid=a,{PEOPLE}",
        "",
        {name.lower(): values for name, values in attributes.items()},
        RULES,
    )


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ({"displayName": [b"D"], "givenName": [b"G"], "sn": [b"S"], "cn": [b"C"]}, "D"),
        ({"givenName": [b"G"], "sn": [b"S"], "cn": [b"C"]}, "G S"),
        ({"sn": [b"S"], "cn": [b"- S"]}, "- S"),
        ({"sn": [b"S"]}, "S"),
        ({"uid": [b"a"]}, "a"),
        ({"displayName": [b"  Fanny   Finale\xc2\xa0 "]}, "Fanny Finale"),
    ],
)
def test_the_name_shown_is_the_best_there_is(attributes, shown):
    assert entry(**attributes).details["display_name"] == shown


@pytest.mark.parametrize(
    ("mails", "chosen", "state"),
    [
        ([b"z@other.example", b"b@x.example", b"a@other.example"], "b@x.example", MailState.OK),
        ([b"z@other.example", b"a@other.example"], "a@other.example", MailState.OK),
        ([b"nobody"], "", MailState.INVALID),
        ([b"\xe9@x.example"], "", MailState.INVALID),
        ([b"a@x.example\nBcc: b@x.example"], "", MailState.INVALID),
        ([b"a@x.example\n"], "", MailState.INVALID),
        ([b"a@x.example\x00"], "", MailState.INVALID),
        ([b"nobody", b"a@x.example"], "a@x.example", MailState.OK),
        ([], "", MailState.NONE),
    ],
)
def test_the_main_address_is_chosen_by_a_rule(mails, chosen, state):
    found = entry(uid=[b"a"], mail=mails)

    assert (found.details["email"], found.email_state) == (chosen, state)


def test_a_lock_that_ends_by_itself_is_left_to_the_server():
    assert entry(uid=[b"a"], pwdAccountLockedTime=[b"20261001080000Z"]).state == MemberState.ACTIVE
    assert entry(uid=[b"a"], pwdAccountLockedTime=[b"000001010000Z"]).state == MemberState.LOCKED


def test_the_login_is_the_one_in_the_name_of_the_entry():
    assert entry(uid=[b"z", b"A", b"0"]).details["login"] == "A"


def test_a_login_too_long_is_none_rather_than_cut():
    found = entry(uid=[b"x" * 300])

    assert found.details["login"] == ""
    assert "no_login" in {problem.code for problem in found.problems}


def test_a_kind_that_nobody_mapped_is_kept_as_other():
    found = group_from(UUID(int=1), "cn=a,dc=x", "", {"cn": [b"b", b"a"], "businesscategory": [b"club-secret"]}, RULES)

    assert (found.name, found.kind) == ("a", Kind.OTHER)
    assert [problem.code for problem in found.problems] == ["group_kind_unknown"]
