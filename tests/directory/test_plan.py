"""What a pass would change, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.ldap import plan as planning
from directory.ldap.graph import closure, components
from directory.ldap.mapping import group_from, person_from
from directory.ldap.plan import Ceilings, Group, Held, Mirror, Observed, Person, Plan
from directory.ldap.report import report_of
from directory.ldap.rules import rules_from
from directory.ldap.servers import SERVERS
from directory.models import SyncRun
from directory.normalise import Problem, dn_key, login_key, logins_like, mail_key
from directory.types import Kind, MailState, MemberState, ServerKind
from tests.support.cast import MONDAY

PEOPLE = "ou=personnes,dc=x"
PROBLEMS = (Problem("no_mail", ""),)
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
    leading: int = 0
    lately: Mapping[str, int] | None = None

    def gone_lately(self) -> Mapping[str, int]:
        assert self.lately is not None, "nobody has to ask where nothing goes"
        return self.lately

    def others_sharing(self) -> frozenset[UUID]:
        return frozenset()

    def active(self) -> int:
        return sum(person.state == MemberState.ACTIVE for person in self.people)

    def groups(self) -> int:
        return self.open_groups

    def memberships(self) -> int:
        return self.pairs

    def leads(self) -> int:
        return self.leading

    def holders(self, name: str) -> int:
        return sum(bool(person.details[name]) for person in self.people if person.state != MemberState.MISSING)


NOBODY = Mirror(Count((), 0, 0))


def make_plan(
    mirror: Mirror,
    observed: Observed,
    ceilings: Ceilings,
    *,
    lately: Mapping[str, int] | None = MappingProxyType({}),
    **options: Any,
) -> Plan:
    """For a mirror that is whole: everything may be touched.  ``lately``: what has gone since yesterday."""
    everybody = [*mirror.people.values(), *observed.people]
    logins = {each.details["login_key"] for each in everybody}
    mails = {each.details["email_key"] for each in everybody}
    there = {uuid for uuid, person in mirror.people.items() if person.state != MemberState.MISSING}
    return planning.make_plan(
        replace(
            mirror,
            totals=Count(
                tuple(mirror.people.values()),
                sum(group.present for group in mirror.groups.values()),
                len(mirror.memberships),
                len(mirror.leads),
                lately,
            ),
            touched=frozenset(mirror.groups) | {group.entry_uuid for group in observed.groups},
            login_keys=frozenset(logins.union(*map(logins_like, mails))) - {""},
            email_keys=frozenset(mails.union(map(mail_key, logins))) - {""},
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


@pytest.mark.parametrize(
    ("login", "mail"),
    [
        ("p1@x.example", "p1@x.example"),
        ("P1@X.Example", "p1@x.example"),
        ("p1@épi.example", "p1@xn--pi-9ia.example"),
        ("p1@xn--pi-9ia.example", "p1@épi.example"),
    ],
)
def test_a_login_that_is_anothers_address_is_told_of_both_until_it_is_not(login, mail):
    one, two = person(1, email=mail), person(2, login=login)

    both = make_plan(NOBODY, seen([one, two]), Ceilings())
    mirror = replace(mirror_of(both), open_issues=frozenset((each.entry_uuid, each.code) for each in both.issues))
    no_more = [
        make_plan(mirror, seen([replace(two, state=MemberState.LEFT), *others]), Ceilings(people=9))
        for others in ([], [one])
    ]
    no_more.append(make_plan(mirror, seen([person(1, email="other@x.example")]), Ceilings()))

    assert [(each.entry_uuid.int, each.code, each.detail) for each in both.issues] == [
        (1, "login_is_mail", two.dn),
        (2, "login_is_mail", one.dn),
    ]
    assert all(each.changes["email_state"] == MailState.OK for each in both.people), "each by their other name"
    assert not any(each.changes["login_ambiguous"] for each in both.people)
    assert all(plan.settled == mirror.open_issues for plan in no_more)


def test_whose_login_is_their_own_address_is_in_no_conflict():
    assert not make_plan(NOBODY, seen([person(1, login="p1@x.example")]), Ceilings()).issues


@pytest.mark.parametrize(
    "word",
    [
        {"login": "p1@épi.example"},
        {"login": "P1@xn--pi-9ia.example"},
        {"email": "un@épi.example"},
        {"email": "un@xn--pi-9ia.example"},
    ],
)
def test_no_source_takes_a_name_from_anothers_by_another_way_of_being_called_so(word):
    victim = replace(person(1, login="un@épi.example", email="p1@épi.example"), is_foreign=True)
    mirror = replace(first(person(3)), people={**first(person(3)).people, victim.entry_uuid: victim})
    taker = person(2, **word)

    waits = make_plan(mirror, seen([taker, person(4)]), Ceilings())
    known = replace(mirror, people={**mirror.people, taker.entry_uuid: taker})
    changed = make_plan(known, seen([replace(taker, dn="uid=other," + PEOPLE)]), Ceilings())

    assert [held.what for held in waits.held] == ["others"]
    assert waits.held_names == (f"others {victim.entry_uuid}",)
    assert verbs(waits) == {4: "join"}
    assert not changed.held, "it was theirs before"


def test_two_people_who_exchange_addresses_are_in_no_conflict():
    mirror = first(person(1, email="a@x.example"), person(2, email="b@x.example"))

    plan = make_plan(mirror, seen([person(1, email="b@x.example"), person(2, email="a@x.example")]), Ceilings())

    assert not plan.issues
    assert all("email_state" not in change.changes for change in plan.people)


# Held back, erased, anothers' --------------------------------------------------------------------------------------


def known_as(*people: Person, groups=()) -> Mirror:
    """The mirror as it is, with what it alone knows of people."""
    return replace(
        first(person(90)),
        people={each.entry_uuid: each for each in people},
        groups={each.entry_uuid: each for each in groups},
    )


def erased(number: int, state: MemberState = MemberState.LEFT, **more: Any) -> Person:
    blank = dict.fromkeys(person(number).details, "")
    return replace(person(number), state=state, details=blank, email_state=MailState.NONE, is_erased=True, **more)


def test_an_entry_that_returns_opens_nothing_while_the_account_is_held_back():
    mirror = known_as(*(replace(person(number), state=MemberState.MISSING, is_held=number == 1) for number in (1, 2)))

    plan = make_plan(mirror, seen([person(1), person(2)]), Ceilings())

    assert verbs(plan) == {1: "edit", 2: "return"}


def test_whoever_is_erased_stays_so_until_they_are_back_among_the_members():
    mirror = known_as(erased(1), erased(2, is_held=True))

    left = make_plan(mirror, seen([replace(person(1), state=MemberState.LEFT, problems=PROBLEMS)]), Ceilings())
    back = make_plan(mirror, seen([person(2)]), Ceilings())

    assert not left.people
    assert not left.issues
    assert back.people[0].changes["display_name"] == "P 2"


def test_whoever_is_erased_is_nobodys_member_and_no_unknown_name_either():
    mirror = known_as(erased(1), person(2))

    plan = make_plan(mirror, seen([erased(1)], [group(1, person(1).dn, person(2).dn)]), Ceilings())

    assert {pair[1].int for pair in plan.memberships_set} == {2}
    assert not plan.issues


def test_a_name_of_another_source_is_nobody_in_the_groups_of_this_one():
    """Two directories may call two people alike."""
    mirror = known_as(replace(person(1), is_foreign=True))

    plan = make_plan(mirror, seen([], [group(1, person(1).dn)]), Ceilings())

    assert not plan.memberships_set
    assert codes(plan) == {"group_member_unknown"}


def test_a_group_that_is_closed_is_not_closed_again():
    mirror = known_as(person(1), groups=[replace(group(1), present=False)])

    assert not make_plan(mirror, seen([person(1)], located=gone(1001)), Ceilings()).changes


# Ceilings ------------------------------------------------------------------------------------------------------


def test_a_large_cooperative_lets_a_share_of_it_go_and_not_one_more():
    everybody = [person(number) for number in range(1, 301)]
    mirror = first(*everybody)

    nine, ten = (
        make_plan(mirror, seen(everybody[count:], located=gone(*range(1, count + 1))), Ceilings()) for count in (9, 10)
    )

    assert not nine.held
    assert [(held.what, held.count, held.limit) for held in ten.held] == [("people", 10, 9)]


@pytest.mark.parametrize("state", [MemberState.LEFT, MemberState.LOCKED])
def test_whoever_is_moved_out_or_locked_waits_as_whoever_is_gone(state):
    everybody = [person(number) for number in range(1, 101)]
    moved = [replace(each, state=state) for each in everybody[:10]]

    plan = make_plan(first(*everybody), seen([*moved, *everybody[10:]]), Ceilings())

    assert [(held.what, held.count) for held in plan.held] == [("people", 10)]
    assert plan.changes == 0


def test_an_approval_is_for_the_locked_too_that_go_with_the_others():
    """They count for no ceiling; yet nobody goes by an approval that did not name them."""
    everybody = [person(number) for number in range(1, 101)]
    locked = [person(number, state=MemberState.LOCKED) for number in (101, 102)]
    mirror = first(*everybody, *locked)
    ten, eleven = (
        seen(everybody[10:] + locked[left:], located=gone(*range(1, 11), *also))
        for left, also in ((0, ()), (1, (101,)))
    )

    alone, together = (make_plan(mirror, observed, Ceilings()) for observed in (ten, eleven))

    assert [held.count for held in alone.held] == [10]
    assert [held.count for held in together.held] == [11]
    assert f"people {locked[0].entry_uuid}" in together.held_names
    assert make_plan(mirror, eleven, Ceilings(), approved=alone.digest).held, "another list was approved"
    done = make_plan(mirror, eleven, Ceilings(), approved=together.digest)
    assert not done.held
    assert len(done.people) == 11
    few = make_plan(mirror, seen(everybody[3:] + locked[1:], located=gone(1, 2, 3, 101)), Ceilings())
    assert not few.held


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


@pytest.mark.parametrize("what", ["people", "groups", "memberships", "leads", "emptied"])
def test_a_ceiling_of_nobody_lets_nobody_go(what):
    nobody = Ceilings(**{what: 0, f"{what}_share": 0.0})
    everybody = [person(number, phone="+33467000000") for number in range(1, 21)]
    mirror = first(*everybody, groups=[group(1, person(2).dn, person(3).dn, leads=(person(2).dn,)), group(2)])
    less = replace(everybody[4], details={**everybody[4].details, "phone": ""})
    now = [*everybody[1:4], less, *everybody[5:]]

    plan = make_plan(mirror, seen(now, [group(1, person(2).dn)], located=gone(1, 1002)), nobody)

    names = {"emptied": "attribute phone"}
    assert [(held.what, held.count, held.limit) for held in plan.held] == [(names.get(what, what), 1, 0)]


def test_who_is_anothers_is_told_as_that_also_while_others_wait_to_be_taken_over():
    mirror = first(person(1), person(2), person(3))
    one, two = mirror.people[UUID(int=1)], mirror.people[UUID(int=2)]
    people = {**mirror.people, one.entry_uuid: replace(one, is_foreign=True)}
    people[two.entry_uuid] = replace(two, is_left_over=True)
    opened = frozenset({(one.entry_uuid, "entry_elsewhere")})
    mirror = replace(mirror, people=people, open_issues=opened)

    plan = make_plan(mirror, seen([person(1), person(2)]), Ceilings())

    assert [held.what for held in plan.held] == ["taken_over"]
    assert {(issue.entry_uuid.int, issue.code) for issue in plan.issues} >= {
        (1, "entry_elsewhere"),
        (2, "entry_elsewhere"),
    }
    assert not plan.settled
    assert make_plan(mirror, seen([person(3)]), Ceilings()).settled == opened


SOME = [person(number, phone="+33467000000") for number in range(1, 31)]
BARE = [replace(each, details={**each.details, "phone": ""}) for each in SOME[:10]]
FULL = group(1, *(each.dn for each in SOME), leads=tuple(each.dn for each in SOME[20:26]))
# By kind, a pass that stays at the limit: who is seen, which groups, what is gone.
AT_THE_LIMIT: dict[str, tuple[list[Person], list[Group], dict[UUID, str]]] = {
    "people": (SOME[5:], [replace(FULL, member_keys=FULL.member_keys[5:]), group(2)], gone(*range(1, 6))),
    "groups": (SOME, [FULL], gone(1002, 1003, 1004)),
    "memberships": (SOME, [replace(FULL, member_keys=()), *(group(number) for number in range(2, 5))], {}),
    "leads": (SOME, [replace(FULL, lead_keys=FULL.lead_keys[5:])], {}),
    "attribute phone": ([*BARE, *SOME[10:]], [FULL], {}),
}


@pytest.mark.parametrize("what", AT_THE_LIMIT)
def test_what_goes_bit_by_bit_waits_at_the_ceiling_of_the_day(what):
    """A pass a second with a little less than may go at once: the cooperative was empty within minutes."""
    mirror = first(*SOME, groups=[FULL, *(group(number) for number in range(2, 5))])
    people, groups, located = AT_THE_LIMIT[what]
    observed = seen(people, groups, located=located)

    goes = make_plan(mirror, observed, Ceilings())
    waits = make_plan(mirror, observed, Ceilings(), lately={what: 1})
    approved = make_plan(mirror, observed, Ceilings(), lately={what: 1}, approved=waits.digest)

    assert not goes.held
    kind, space, name = what.partition(" ")
    assert [(held.what, held.count) for held in waits.held] == [(f"{kind}_today{space}{name}", goes.gone[what])]
    assert what not in waits.gone
    assert approved.gone == goes.gone
    assert approved.lifted


def test_who_comes_back_in_the_very_pass_makes_up_for_who_went():
    ended = replace(first(*SOME, groups=[group(number) for number in range(1, 9)]), open_issues=frozenset())
    ended = mirror_of(make_plan(ended, seen(SOME[2:], located=gone(1, 2, 1001, 1002)), Ceilings()), ended)
    others = seen([*SOME[:2], *SOME[7:]], [group(1), group(2)], located=gone(*range(3, 8), 1003, 1004, 1005))

    plan = make_plan(ended, others, Ceilings(), lately={"people": 2, "groups": 2})

    assert not plan.held
    assert plan.gone == {"people": 3, "groups": 1}


def test_a_value_that_comes_makes_up_for_none_that_went():
    mirror = first(*SOME[:15], *BARE, groups=[FULL])
    with_phone = [replace(each, details={**each.details, "phone": "+33467000001"}) for each in BARE]

    plan = make_plan(
        mirror, seen([*with_phone, replace(SOME[14], details={**SOME[14].details, "phone": ""})], [FULL]), Ceilings()
    )

    assert plan.gone == {"attribute phone": 1}


def test_where_nothing_goes_nobody_asks_what_went_before():
    mirror = first(*SOME, groups=[group(1, SOME[0].dn)])

    plan = make_plan(mirror, seen([*SOME[:20], person(99)], [FULL, group(2)]), Ceilings(), lately=None)

    assert plan.changes
    assert not plan.gone


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


LED = [person(number) for number in range(1, 41)]


def led(number: int, *leads: Person) -> Group:
    return group(number, *(each.dn for each in LED[:2]), leads=tuple(each.dn for each in leads))


def numbers(pairs: Iterable[tuple[UUID, UUID]]) -> list[tuple[int, int]]:
    return sorted((group.int - 1000, person.int) for group, person in pairs)


def test_leads_who_would_go_in_number_wait_and_whoever_is_named_instead_leads_at_once():
    """A replacement takes somebody's lead away like any other removal."""
    mirror = first(*LED, groups=[led(each, LED[each]) for each in range(1, 21)])
    observed = seen(LED, [led(each, LED[each + 10]) for each in range(1, 8)])

    waits = make_plan(mirror, observed, Ceilings())
    approved = make_plan(mirror, observed, Ceilings(), approved=waits.digest)

    assert [(held.what, held.count, held.limit) for held in waits.held] == [("leads", 7, 5)]
    assert not waits.leads_removed
    assert numbers(waits.leads_added) == [(each, each + 11) for each in range(1, 8)]
    assert waits.gone == {}
    assert numbers(approved.leads_removed) == [(each, each + 1) for each in range(1, 8)]
    assert approved.gone == {"leads": 7}


def test_leads_who_leave_or_whose_collective_closes_are_counted_as_that_alone():
    left = [replace(each, state=MemberState.LEFT) for each in LED[:5]]
    groups = [led(each, LED[each - 1], LED[20 + each]) for each in range(1, 9)]
    mirror = first(*LED, groups=groups)
    still = [replace(each, lead_keys=each.lead_keys[1:]) for each in groups[:5]]

    plan = make_plan(mirror, seen([*left, *LED[5:]], still, located=gone(1006, 1007, 1008)), Ceilings(leads=0))

    assert not plan.held
    assert len(plan.leads_removed) == 5 + 6
    assert plan.gone == {"people": 5, "groups": 3}


def test_whoever_waits_to_leave_leads_meanwhile():
    """Nothing but the ceiling of people counts them: what they lead waits for the same word."""
    left = [replace(each, state=MemberState.LEFT) for each in LED[:8]]
    groups = [led(each, LED[each - 1]) for each in range(1, 9)]
    mirror = first(*LED, groups=groups)

    plan = make_plan(mirror, seen([*left, *LED[8:]], [led(each) for each in range(1, 9)]), Ceilings())

    assert [held.what for held in plan.held] == ["people"]
    assert not plan.leads_removed
    assert not plan.leads_added


@pytest.mark.parametrize("number", [2, 5])
def test_a_small_cooperative_does_not_lose_all_its_leads_under_the_ceiling(number):
    groups = [led(each, LED[each]) for each in range(1, number + 1)]
    mirror = first(*LED, groups=groups)
    nobody = [led(each) for each in range(1, number + 1)]

    plan = make_plan(mirror, seen(LED, nobody), Ceilings())
    all_but_one = make_plan(mirror, seen(LED, nobody[1:]), Ceilings())
    renewed = make_plan(mirror, seen(LED, [*nobody[1:], led(1, LED[9])]), Ceilings())

    assert [(held.what, held.count, held.limit) for held in plan.held] == [("leads", number, 0)]
    assert plan.changes == number, "what the groups say is kept, and who leads them waits"
    assert not plan.leads_removed
    assert len(all_but_one.leads_removed) == number - 1
    assert len(renewed.leads_removed) == number


def test_the_only_lead_of_a_cooperative_may_go_like_any_other():
    mirror = first(*LED, groups=[led(1, LED[1])])

    plan = make_plan(mirror, seen(LED, [led(1)]), Ceilings())

    assert numbers(plan.leads_removed) == [(1, 2)]
    assert not plan.held


@given(data=st.data())
def test_no_more_leads_go_than_may_and_what_waits_is_all_that_would_have_gone(data: st.DataObject):
    """Whoever leaves and whatever closes beside them."""
    pairs = st.frozensets(st.tuples(st.integers(1, 6), st.integers(0, 9)), max_size=30)
    before, after = data.draw(pairs, "leads before"), data.draw(pairs, "leads after")
    leaving, closing = data.draw(st.frozensets(st.integers(0, 9))), data.draw(st.frozensets(st.integers(1, 6)))
    lately, floor = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 8))
    people = LED[:20]

    def groups(which: frozenset[tuple[int, int]]) -> list[Group]:
        return [led(each, *(people[lead] for group, lead in sorted(which) if group == each)) for each in range(1, 7)]

    mirror = first(*people, groups=groups(before))
    now = [replace(each, state=MemberState.LEFT) if number in leaving else each for number, each in enumerate(people)]
    observed = seen(
        now,
        [each for each in groups(after) if each.entry_uuid.int - 1000 not in closing],
        located=gone(*(1000 + each for each in closing)),
    )
    others = {"people": 100, "groups": 100, "memberships": 100}
    ceilings = Ceilings(leads=floor, leads_share=0.0, **others)
    deposed = {(each, lead) for each, lead in before - after if each not in closing and lead not in leaving}

    plan = make_plan(mirror, observed, ceilings, lately={"leads": lately})
    free = make_plan(mirror, observed, ceilings, lately={"leads": lately}, approved=plan.digest)

    removed = {(each, lead - 1) for each, lead in numbers(plan.leads_removed)}
    assert numbers(free.leads_removed) == sorted(
        (each, lead + 1) for each, lead in before if each in closing or (each, lead) not in after
    )
    assert plan.leads_added == free.leads_added
    assert (removed & deposed) in (set(), deposed)
    if plan.held:
        assert {(held.what, held.count) for held in plan.held} <= {
            ("leads", len(deposed)),
            ("leads_today", len(deposed)),
        }
        assert not removed & deposed
        assert plan.gone.get("leads", 0) == 0
    else:
        assert not deposed or len(deposed) + lately <= floor
        assert plan.gone.get("leads", 0) == len(deposed)


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


def test_a_technician_who_may_not_enter_makes_nobody_the_last_but_one():
    mirror = replace(first(person(1), person(2), person(3)), administrators={UUID(int=2): True, UUID(int=3): False})

    plan = make_plan(mirror, seen([person(1), person(3)], located=gone(2)), Ceilings())

    assert [held.what for held in plan.held] == ["last_administrator"]


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


def went_back(*people: Person, doubted: Iterable[str] = (), behind: bool = True, **more: Any) -> Plan:
    """Of two people whom everybody knows, an older content (or one that was written to since) shows these."""
    mirror = replace(first(person(1), person(2)), context_csn=(CSN.format(2, "000"),), doubted=frozenset(doubted))
    located = gone(*({1, 2} - {each.entry_uuid.int for each in people}))
    shown = seen(people, located=located, context_csn=(CSN.format(1 if behind else 3, "000"),))
    return make_plan(mirror, shown, Ceilings(), **more)


def test_a_server_that_went_back_changes_nothing_and_its_plan_keeps_what_would_change():
    plan = went_back(person(1, town="Sète"), person(2))

    assert plan.waits_wholly
    assert plan.changes == 0
    assert plan.would is not None
    assert [(each.verb, each.entry_uuid.int) for each in plan.would.people] == [("edit", 1)]
    assert plan.held == (Held("server_went_back", 1, 0),)


def test_the_word_for_an_older_content_is_for_exactly_its_differences():
    plan = went_back(person(1, town="Sète"), person(2))
    same = went_back(person(1, town="Sète"), person(2), approved=plan.digest)
    others = (
        [person(1), person(2, town="Sète")],
        [person(1, trade="Potière"), person(2)],
        [person(1, town="Sète"), person(2), person(3)],
        [person(1, town="Sète")],
        # Another value has another mark of the server's.
        [replace(person(1, town="Agde"), csn="csn1b"), person(2)],
    )

    assert same.lifted
    assert same == plan.would
    for people in others:
        other = went_back(*people, approved=plan.digest)
        assert (other.lifted, other.changes, other.waits_wholly) == (False, 0, True)
        assert other.digest != plan.digest


@pytest.mark.parametrize(
    ("people", "waits"),
    [
        ([person(1, town="Sète"), person(2)], True),
        ([person(1, town="Sète"), person(2, trade="Potière")], True),
        ([person(1), person(2, trade="Potière")], False),
        ([person(1, trade="Potière"), person(2)], False),
        ([person(1), person(2)], False),
    ],
)
def test_an_older_content_that_somebody_writes_to_is_doubted_while_it_lacks_what_it_lacked(people, waits):
    before = report_of(SyncRun(), went_back(person(1, town="Sète"), person(2)), MONDAY)

    plan = went_back(*people, doubted=before.report["doubted"], behind=False)

    assert plan.waits_wholly is waits
    assert waits or not plan.held


def test_what_is_written_to_an_older_content_is_not_doubted_itself():
    older = went_back(person(1, town="Sète"), person(2))
    written_to = went_back(person(1, town="Sète"), person(2, trade="Potière"), doubted=older.doubted, behind=False)
    mended = went_back(person(1), person(2, trade="Potière"), doubted=written_to.doubted, behind=False)

    assert [plan.waits_wholly for plan in (older, written_to, mended)] == [True, True, False]
    assert written_to.doubted == older.doubted == {f"{UUID(int=1)} town"}
    assert [each.entry_uuid.int for each in mended.people] == [2]


@pytest.mark.parametrize(("older", "waits"), [(2, False), (3, True)])
def test_of_so_many_entries_an_older_state_is_an_older_content_whatever_the_server_says_of_itself(older, waits):
    """Of fewer, a clock was set back."""
    known = [replace(person(number), csn=CSN.format(2, "000")) for number in range(1, 7)]
    shown = [replace(person(number, town="Sète"), csn=CSN.format(1, "000")) for number in range(1, older + 1)]
    other = replace(person(6, town="Sète"), csn=CSN.format(1, "001"))
    later = replace(person(5, town="Sète"), csn=CSN.format(3, "000"))
    mark = (CSN.format(3, "000"),)

    plan = make_plan(
        replace(first(*known), context_csn=mark), seen([*shown, later, other], context_csn=mark), Ceilings()
    )

    assert plan.waits_wholly is waits
    assert len((plan.would or plan).people) == older + 2


def test_whoever_lifts_an_older_content_lifts_it_all():
    plan = went_back(person(1, town="Sète"), person(2), lifted=True)

    assert plan.lifted
    assert [each.entry_uuid.int for each in plan.people] == [1]


@given(st.randoms(use_true_random=False))
def test_in_whatever_order_they_are_seen_the_differences_have_one_digest(random):
    people = [person(number, town="Sète") for number in range(1, 6)]
    before = went_back(*people).digest
    random.shuffle(people)

    assert went_back(*people).digest == before


# Groups ----------------------------------------------------------------------------------------------------------


# Before everybody was looked for ---------------------------------------------------------------------------------


def early(*people: Person, groups=(), before: Mirror | None = None, there=()) -> bool:
    observed = seen(people, groups, is_complete=False)
    known = before or first(*KNOWN, groups=[group(1, "uid=p1,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",))])
    plan = make_plan(known, observed, Ceilings())
    assert plan.changes
    return planning.only_written(plan, observed, frozenset(person(number).entry_uuid for number in there))


KNOWN = (person(1, phone="+33600000001"), person(2), person(3))


@pytest.mark.parametrize(
    ("people", "groups", "answer"),
    [
        ([person(2, trade="Potière")], [], True),
        ([person(2, email="autre@x.example")], [], True),
        ([person(4)], [], True),
        (
            [],
            [group(1, "uid=p1,ou=personnes,dc=x", "uid=p2,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",))],
            True,
        ),
        # Two exchange what they are reached by.
        ([person(2, email="p3@x.example"), person(3, email="p2@x.example")], [], True),
        # One has the other's, who is not seen: a conflict, or one who is gone.
        ([person(2, email="p3@x.example")], [], False),
        ([person(4, login="p3")], [], False),
        ([person(2, state=MemberState.LOCKED)], [], False),
        ([person(4, state=MemberState.LEFT)], [], False),
        ([person(1)], [], True),
        ([person(2, email="", email_state=MailState.NONE)], [], True),
        ([person(2, dn="uid=autre,ou=personnes,dc=x")], [], False),
        ([person(2, employee_type="ancien")], [], True),
        ([replace(person(2, trade="Potière"), problems=PROBLEMS)], [], False),
        ([], [group(1, "uid=p2,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",))], False),
        ([], [group(1, "uid=p1,ou=personnes,dc=x")], False),
        ([], [group(1, "uid=p1,ou=personnes,dc=x", "uid=nobody,dc=x", leads=("uid=p1,ou=personnes,dc=x",))], False),
        ([], [group(2, "uid=p2,ou=personnes,dc=x")], True),
        ([], [group(2, "uid=p3,ou=personnes,dc=x")], False),
        ([], [replace(group(1, "uid=p1,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",)), dn_key="x")], False),
    ],
)
def test_what_adds_and_corrects_alone_may_go_before_everybody_was_looked_for(people, groups, answer):
    assert early(*people, groups=groups, there=(2,)) is answer


@pytest.mark.parametrize(
    ("after", "there", "answer"),
    [
        # In the place of the only member, who leads it still.
        (group(1, "uid=p2,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",)), (1, 2), True),
        (group(1, "uid=p2,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",)), (1,), False),
        (group(1, "uid=p1,ou=personnes,dc=x"), (1,), True),
        (group(1, "uid=p2,ou=personnes,dc=x", leads=("uid=p1,ou=personnes,dc=x",)), (2, 3), False),
        # By another name perhaps, which nobody has any more.
        (group(1, "uid=nobody,dc=x", leads=("uid=p1,ou=personnes,dc=x",)), (1,), False),
    ],
)
def test_whom_a_group_no_longer_names_is_out_of_it_where_they_are_still_there(after, there, answer):
    assert early(groups=[after], there=there) is answer


def test_who_was_in_a_group_by_another_one_waits_until_the_other_was_looked_for():
    inner, outer = group(1, person(1).dn), group(2, person(2).dn, f"cn=g1,{GROUPS}")
    both = first(*KNOWN, groups=[inner, replace(outer, nested=frozenset({inner.entry_uuid}))])
    both = replace(both, memberships={**both.memberships, (outer.entry_uuid, person(1).entry_uuid): False})

    assert not early(groups=[group(2, person(2).dn)], before=both, there=(1, 2, 3))


def test_who_comes_back_waits_until_everybody_was_looked_for():
    left = first(person(1), replace(person(2), state=MemberState.LEFT))

    assert not early(person(2), before=left)


def test_what_is_told_of_two_plans_is_what_both_have_done():
    one = make_plan(first(*KNOWN), seen([person(2, trade="Potière")], is_complete=False), Ceilings())
    other = make_plan(first(*KNOWN), seen([person(3, trade="Tailleuse")], located=gone(1)), Ceilings())

    told = planning.together(one, other)

    assert {name: count for name, count in told.counts().items() if count} == {"people_changed": 2, "people_ended": 1}
    assert (told.gone, told.digest) == (other.gone, other.digest)


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
    listing = replace(group(1, person(1).dn), csn="csn", digest="digest")
    mirror = first(person(1), groups=[listing])

    plan = make_plan(mirror, seen([person(1, dn=f"uid=nouveau,{PEOPLE}")], [listing]), Ceilings())

    assert verbs(plan) == {1: "edit"}
    assert not plan.memberships_removed
    # Until the server has written the new name there, the group is read at every pass, changed or not.
    assert plan.unsettled
    assert [dict(each.changes) for each in plan.groups] == [{"csn": "", "digest": ""}]


def test_a_former_name_that_somebody_else_bears_now_is_theirs():
    mirror = first(person(1), groups=[group(1, person(1).dn)])
    moved, heir = person(1, dn=f"uid=nouveau,{PEOPLE}"), person(2, dn=person(1).dn)

    plan = make_plan(mirror, seen([moved, heir], [group(1, person(1).dn)]), Ceilings())

    assert {(g.int, p.int) for g, p in plan.memberships_set} == {(1001, 2)}
    assert {(g.int, p.int) for g, p in plan.memberships_removed} == {(1001, 1)}


def test_what_is_too_much_with_what_went_before_says_how_much_that_was():
    everybody = [person(number) for number in range(1, 21)]
    observed = seen(everybody[4:], located=gone(1, 2, 3, 4))

    (at_once,) = make_plan(first(*everybody), observed, Ceilings(people=3)).held
    (in_a_day,) = make_plan(first(*everybody), observed, Ceilings(people=5), lately={"people": 3}).held

    assert (at_once.what, at_once.count, at_once.limit, at_once.before) == ("people", 4, 3, 0)
    assert (in_a_day.what, in_a_day.count, in_a_day.limit, in_a_day.before) == ("people_today", 4, 5, 3)


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
    reports = [report_of(SyncRun(), each, MONDAY).report for each in (plan, expected)]
    assert reports[0] == reports[1]
    assert len(reports[0]["people"]) == 11


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
