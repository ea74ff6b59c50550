"""Roles: narrow rights, who gives which, and what nobody does to themself; second factors that rules ask for."""

from datetime import timedelta
from itertools import combinations
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from directory import policy, selectors, services
from directory.access import findable_by, may
from directory.models import Collective, Member, Membership, RoleGrant
from directory.policy import GIVEN_BY, LEAD_RIGHTS, NEVER_ON_ONESELF, RIGHTS, Right
from directory.types import CannotChange, Hold, MemberState, Role, SuspensionReason
from tests.support.cast import MONDAY, TUESDAY, make_member

# The rules, without a database ---------------------------------------------------------------------------------

ACCOUNTS = {
    Right.INVITE,
    Right.DATE_DEPARTURE,
    Right.SUSPEND,
    Right.UNLOCK,
    Right.END_SESSIONS,
    Right.ASK_RECOVERY,
    Right.DECIDE_RECOVERY,
    Right.SETTLE_ALARMS,
    Right.FIND_MEMBERS,
    Right.MARK_COLLECTIVES,
    Right.DESCRIBE_COLLECTIVES,
}
TOOLS = {Right.SEE_DELIVERIES, Right.RETRY_DELIVERIES, Right.SET_TOOL_MODES}


def test_each_role_is_narrow():
    assert not RIGHTS[Role.DPO] & (ACCOUNTS | TOOLS | {Right.GRANT_ROLES})
    assert not RIGHTS[Role.TECHNICIAN] & (ACCOUNTS | {Right.READ_JOURNAL})
    assert not RIGHTS[Role.OFFICE] & (TOOLS | {Right.READ_JOURNAL})
    assert policy.rights_of([]) == frozenset()


def test_every_right_is_somebodys_and_every_role_has_rules():
    opened = policy.rights_of(list(Role)) | LEAD_RIGHTS

    assert opened == set(Right)
    assert set(RIGHTS) == set(GIVEN_BY) == set(policy.INCOMPATIBLE) == set(Role)
    assert policy.roles_with(Right.READ_JOURNAL) == {Role.DPO}


def test_incompatibility_goes_both_ways():
    for one, other in combinations(Role, 2):
        assert (other in policy.INCOMPATIBLE[one]) == (one in policy.INCOMPATIBLE[other])


@pytest.mark.parametrize(
    ("role", "by", "to", "reason"),
    [
        (Role.OFFICE, {Role.OFFICE}, set(), ""),
        (Role.OFFICE, {Role.TECHNICIAN}, set(), ""),
        (Role.OFFICE, {Role.DPO}, set(), "not_yours_to_give"),
        (Role.OFFICE, set(), set(), "not_yours_to_give"),
        (Role.OFFICE, {Role.OFFICE}, {Role.DPO}, "incompatible_role"),
        (Role.OFFICE, {Role.OFFICE}, {Role.TECHNICIAN}, ""),
        (Role.DPO, {Role.TECHNICIAN}, set(), ""),
        (Role.DPO, {Role.OFFICE}, set(), "not_yours_to_give"),
        (Role.DPO, {Role.TECHNICIAN}, {Role.OFFICE}, "incompatible_role"),
        (Role.DPO, {Role.DPO}, set(), "not_yours_to_give"),
        (Role.TECHNICIAN, {Role.TECHNICIAN}, set(), ""),
        (Role.TECHNICIAN, {Role.OFFICE}, set(), "not_yours_to_give"),
    ],
)
def test_who_gives_which_role(role, by, to, reason):
    assert policy.why_not_granted(role, by=by, to=to, is_self=False) == reason
    assert policy.why_not_granted(role, by=by, to=to, is_self=True) == "own_role"


@pytest.mark.parametrize(
    ("days", "told", "due"),
    [(31, None, False), (30, None, True), (30, 30, False), (10, 30, False), (7, 30, True), (1, 7, True), (0, 1, False)],
)
def test_a_reminder_has_its_days(days, told, due):
    end = MONDAY.date()
    before = end - timedelta(days=told) if told is not None else None

    assert policy.reminder_is_due(end, today=end - timedelta(days=days), told=before) is due


# The one function ----------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def with_role(role: Role, login: str = "") -> Member:
    person = make_member(login or f"{role}.x", f"Personne {role}")
    RoleGrant.objects.create(member=person, role=role)
    return person


def again(member: Member) -> Member:
    return Member.objects.get(pk=member.pk)


@pytest.mark.incident("CVE-2026-18201", "CVE-2026-4629", "CVE-2026-14615")
@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("role", [None, *Role])
def test_a_role_opens_its_rights_and_no_others(member, role, right):
    person = with_role(role) if role else make_member("simple", "Simple Membre")
    opens = role is not None and right in RIGHTS[role]

    assert may(person, right, member) is opens
    assert may(AnonymousUser(), right, member) is False
    assert may(person, right, person) is (opens and right not in NEVER_ON_ONESELF)
    if role:
        RoleGrant.objects.update(ends_at=MONDAY)
        assert not may(again(person), right, member)


@pytest.mark.parametrize("values", [{"hold": Hold.SUSPENDED}, {"hold": Hold.LEFT}, {"state": MemberState.LEFT}])
def test_rights_end_with_whoever_had_them(member, values):
    office = with_role(Role.OFFICE)
    crowd = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    crowd.leads.add(office)
    Membership.objects.create(member=member, collective=crowd)
    before = [may(again(office), right, member) for right in (Right.SUSPEND, Right.SEE_COLLECTIVE)]

    Member.objects.filter(pk=office.pk).update(**values)

    assert before == [True, True]
    assert not any(may(again(office), right, member) for right in Right)
    assert not findable_by(again(office)).exists()


# Leads ---------------------------------------------------------------------------------------------------------


def crowd_of(name: str, *members: Member, lead: Member | None = None) -> Collective:
    crowd = Collective.objects.create(entry_uuid=uuid4(), name=name, slug=name.lower())
    for each in members:
        Membership.objects.create(member=each, collective=crowd)
    if lead:
        crowd.leads.add(lead)
    return crowd


@pytest.mark.incident("CVE-2026-37981", "CVE-2026-2366")
def test_a_lead_finds_the_people_of_their_collectives_and_nobody_else(member, other_member):
    lead = make_member("lise.gely", "Lise Gély")
    mine = crowd_of("Reliure", member, lead=lead)
    others = crowd_of("Lutherie", other_member, lead=make_member("luc.gros", "Luc Gros"))

    assert set(findable_by(lead)) == {member}
    assert findable_by(lead).count() == 1
    assert may(lead, Right.SEE_COLLECTIVE, member)
    assert may(lead, Right.SEE_COLLECTIVE, mine)
    assert not may(lead, Right.SEE_COLLECTIVE, other_member)
    assert not may(lead, Right.SEE_COLLECTIVE, others)
    assert not may(lead, Right.SEE_COLLECTIVE)
    assert may(lead, Right.RUN_COLLECTIVE, mine)
    assert not may(lead, Right.RUN_COLLECTIVE, others)
    assert not may(lead, Right.FIND_MEMBERS, member)
    assert not findable_by(member).exists()


@pytest.mark.incident("CVE-2026-9099")
def test_a_collective_that_is_moved_renamed_or_nested_gives_its_lead_no_more(member, other_member):
    lead = make_member("lise.gely", "Lise Gély")
    inner = crowd_of("Reliure", member, lead=lead)
    outer = crowd_of("Métiers", other_member)

    Collective.objects.filter(pk=inner.pk).update(dn="cn=reliure,ou=equipes", dn_key="cn=reliure,ou=equipes", name="X")
    # The inner one is put into the outer one: its people are members of both, the lead leads one.
    Membership.objects.create(member=member, collective=outer, direct=False)

    assert set(findable_by(lead)) == {member}
    assert not may(lead, Right.SEE_COLLECTIVE, outer)
    assert not may(lead, Right.SEE_COLLECTIVE, other_member)


def test_a_collective_that_is_gone_gives_its_lead_nothing(member):
    lead = make_member("lise.gely", "Lise Gély")
    crowd = crowd_of("Reliure", member, lead=lead)

    Collective.objects.filter(pk=crowd.pk).update(present=False)

    assert not may(lead, Right.SEE_COLLECTIVE, crowd)
    assert not findable_by(lead).exists()


# Giving and taking back ----------------------------------------------------------------------------------------


def grant(member: Member, role: Role, by: Member | None, **more) -> None:
    actor = Actor(member=by.pk) if by else SYSTEM
    services.grant_role(member_id=member.pk, role=role, actor=actor, now=MONDAY, **more)


def test_a_role_is_given_with_its_end_and_its_giver(member):
    office = with_role(Role.OFFICE)
    end = MONDAY + timedelta(days=30)

    grant(member, Role.OFFICE, office, ends_at=end)
    grant(member, Role.OFFICE, office, ends_at=end)
    grant(member, Role.OFFICE, office)

    given = RoleGrant.objects.get(member=member)
    assert (given.granted_by_id, given.ends_at) == (office.pk, None)
    lines = Event.objects.about(member.pk).filter(action=Action.ROLE_GRANTED).order_by("pk")
    changes = {"properties": ["ends_at"], "changes": {"ends_at": [str(end), ""]}}
    assert [line.facts for line in lines] == [
        {"role": "office", "ends_at": end.isoformat()},
        {"role": "office", **changes},
    ]


@pytest.mark.incident("CVE-2024-37905")
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("own", [None, *Role])
def test_nobody_gives_themself_a_role(role, own):
    person = with_role(own) if own else make_member("simple", "Simple Membre")
    before = set(RoleGrant.objects.values_list("member", "role"))

    with pytest.raises(CannotChange, match="own_role"):
        grant(person, role, person)

    assert set(RoleGrant.objects.values_list("member", "role")) == before
    assert Event.objects.get(action=Action.ROLE_GRANTED).reason == "own_role"


def test_a_role_of_somebody_suspended_gives_nothing(member):
    office = with_role(Role.OFFICE)
    Member.objects.filter(pk=office.pk).update(hold=Hold.SUSPENDED)

    with pytest.raises(CannotChange, match="not_yours_to_give"):
        grant(member, Role.OFFICE, office)


def test_the_office_neither_names_nor_removes_the_officer_who_watches_it(member, dpo):
    office = with_role(Role.OFFICE)

    with pytest.raises(CannotChange, match="not_yours_to_give"):
        grant(member, Role.DPO, office)
    with pytest.raises(CannotChange, match="not_yours_to_give"):
        services.revoke_role(member_id=dpo.pk, role=Role.DPO, actor=Actor(member=office.pk), now=MONDAY)

    assert RoleGrant.objects.filter(member=dpo).exists()
    assert Event.objects.get(action=Action.ROLE_REVOKED).refused


def test_the_command_is_bound_by_what_cannot_go_together(dpo):
    with pytest.raises(CannotChange, match="incompatible_role"):
        grant(dpo, Role.OFFICE, None)


def test_a_role_that_is_over_is_in_nobodys_way(dpo):
    RoleGrant.objects.filter(member=dpo).update(ends_at=MONDAY)

    grant(dpo, Role.OFFICE, None)

    assert selectors.has_role(again(dpo), Role.OFFICE)


def test_a_role_does_not_end_before_it_begins(member):
    with pytest.raises(CannotChange, match="day_past"):
        grant(member, Role.OFFICE, None, ends_at=MONDAY)


def test_ones_own_role_can_be_given_up_unless_it_is_the_last_technicians(member):
    office, technician = with_role(Role.OFFICE), with_role(Role.TECHNICIAN)

    services.revoke_role(member_id=office.pk, role=Role.OFFICE, actor=Actor(member=office.pk), now=MONDAY)
    with pytest.raises(CannotChange, match="last_technician"):
        services.revoke_role(
            member_id=technician.pk, role=Role.TECHNICIAN, actor=Actor(member=technician.pk), now=MONDAY
        )
    with pytest.raises(CannotChange, match="last_technician"):
        grant(technician, Role.TECHNICIAN, None, ends_at=TUESDAY)

    assert not RoleGrant.objects.filter(member=office).exists()
    assert RoleGrant.objects.get(member=technician).ends_at is None


# Second factors ------------------------------------------------------------------------------------------------


def by(member: Member):
    return again(member).second_factor_by


def test_a_collectives_rule_gives_its_members_their_time_once(member, other_member, settings):
    crowd = crowd_of("Reliure", member)
    office = Actor(member=with_role(Role.OFFICE).pk)
    settings.ROLES_NEED_SECOND_FACTOR = False

    services.require_second_factor(collective_id=crowd.pk, since=MONDAY, actor=office, now=MONDAY)
    again_at_once = services.settle_second_factor_dates(now=TUESDAY)

    assert by(member) == MONDAY + settings.SECOND_FACTOR_GRACE
    assert by(other_member) is None
    assert again_at_once == 0
    rule = Event.objects.get(action=Action.FACTOR_POLICY_CHANGED)
    assert (rule.actor_id, rule.facts["collective"], rule.facts["required"]) == (office.member, str(crowd.pk), True)
    line = Event.objects.get(action=Action.FACTOR_REQUIRED)
    assert line.subject_id == member.pk


def test_a_rule_that_is_dated_ahead_waits_for_its_day(member, settings):
    crowd = crowd_of("Reliure", member)

    services.require_second_factor(collective_id=crowd.pk, since=TUESDAY, actor=SYSTEM, now=MONDAY)
    before = by(member)
    services.settle_second_factor_dates(now=TUESDAY)

    assert before is None
    assert by(member) == TUESDAY + settings.SECOND_FACTOR_GRACE


def test_whoever_no_rule_holds_any_more_is_let_go(member):
    crowd = crowd_of("Reliure", member)
    services.require_second_factor(collective_id=crowd.pk, since=MONDAY, actor=SYSTEM, now=MONDAY)

    services.require_second_factor(collective_id=crowd.pk, since=None, actor=SYSTEM, now=TUESDAY)

    assert by(member) is None


def test_a_role_asks_for_a_second_factor_from_the_day_it_is_given(member, settings):
    grant(member, Role.OFFICE, None)
    given = by(member)
    services.revoke_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=TUESDAY)

    assert given == MONDAY + settings.SECOND_FACTOR_GRACE
    assert by(member) is None


def test_a_role_asks_for_none_where_the_operator_says_so(member, settings):
    settings.ROLES_NEED_SECOND_FACTOR = False

    grant(member, Role.OFFICE, None)

    assert by(member) is None


def test_a_suspension_is_no_new_delay(member, settings):
    grant(member, Role.OFFICE, None)
    services.suspend(member_id=member.pk, reason=SuspensionReason.OTHER, actor=SYSTEM, now=TUESDAY)
    services.settle_second_factor_dates(now=TUESDAY)
    services.resume(member_id=member.pk, actor=SYSTEM, now=TUESDAY + timedelta(days=90))

    assert by(member) == MONDAY + settings.SECOND_FACTOR_GRACE


def test_a_rule_is_over_a_collective_that_is_there(member):
    with pytest.raises(CannotChange, match="collective_unknown"):
        services.require_second_factor(collective_id=uuid4(), since=MONDAY, actor=SYSTEM, now=MONDAY)

    assert Event.objects.get(action=Action.FACTOR_POLICY_CHANGED).refused


def test_many_members_take_few_statements(django_assert_max_num_queries, settings):
    settings.ROLES_NEED_SECOND_FACTOR = True
    crowd = crowd_of("Reliure", *(make_member(f"m{number}", f"M {number}") for number in range(40)))
    Collective.objects.filter(pk=crowd.pk).update(second_factor_from=MONDAY)

    # Four of them for the keys of people whom the journal meets for the first time, and for their turns in its queue.
    with django_assert_max_num_queries(10):
        assert services.settle_second_factor_dates(now=MONDAY) == 40


@pytest.mark.parametrize(
    ("held", "given"),
    [
        ((Role.OFFICE,), {Role.OFFICE}),
        ((Role.TECHNICIAN,), set(Role)),
        ((Role.DPO,), set()),
        ((), set()),
    ],
)
def test_a_page_offers_only_the_roles_that_are_theirs_to_give(held: tuple[Role, ...], given: set[Role]) -> None:
    assert policy.given_by(held) == given
