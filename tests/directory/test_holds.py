"""Suspending, resuming, leaving and returning: what the cooperative decides beside what the directory says."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from directory import policy, selectors, services
from directory.ldap.plan import Ceilings
from directory.models import Departure, Member, RoleGrant
from directory.services import departures, synchronise
from directory.signals import members_ended
from directory.types import CannotChange, Hold, MemberState, Role, Status, SuspensionReason
from tests.directory.test_plan import NOBODY, first, make_plan, person, seen
from tests.support.cast import MONDAY, TUESDAY, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(db) -> Actor:
    someone = make_member("odile.bonnet", "Odile Bonnet")
    RoleGrant.objects.create(member=someone, role=Role.OFFICE)
    return Actor(member=someone.pk)


def suspend(member: Member, actor: Actor, **more: object) -> None:
    values = {"reason": SuspensionReason.SECURITY, "now": MONDAY}
    services.suspend(member_id=member.pk, actor=actor, **(values | more))  # type: ignore[arg-type]


def again(member: Member) -> Member:
    return Member.objects.get(pk=member.pk)


def refused(action: Action) -> list[str]:
    return list(Event.objects.filter(action=action, refused=True).values_list("reason", flat=True))


# Suspension ----------------------------------------------------------------------------------------------------


def test_a_suspended_member_is_nobody_until_they_are_resumed(member, office):
    suspend(member, office)
    held = again(member)
    services.resume(member_id=member.pk, actor=office, now=TUESDAY)

    assert (held.is_active, held.hold, held.hold_reason, held.hold_since) == (False, "suspended", "security", MONDAY)
    assert held.state == MemberState.ACTIVE
    assert again(member).is_active
    assert again(member).hold_since is None
    lines = Event.objects.filter(action__in=[Action.MEMBER_SUSPENDED, Action.MEMBER_RESUMED]).order_by("pk")
    assert [(line.action, line.actor_id, line.facts) for line in lines] == [
        (Action.MEMBER_SUSPENDED, office.member, {"suspension": "security"}),
        (Action.MEMBER_RESUMED, office.member, {}),
    ]


def test_a_suspension_is_told_in_its_own_transaction(member, office):
    ended = []

    def hear(*, member_ids, now, **_):
        ended.extend(member_ids)
        raise RuntimeError("no session could be ended")

    members_ended.connect(hear)
    try:
        with pytest.raises(RuntimeError):
            suspend(member, office)
    finally:
        members_ended.disconnect(hear)

    assert ended == [member.pk]
    assert again(member).is_active
    assert not Event.objects.filter(action=Action.MEMBER_SUSPENDED).exists()


def test_nobody_suspends_or_resumes_themself(office):
    me = Member.objects.get(pk=office.member)

    with pytest.raises(CannotChange, match="own_account"):
        suspend(me, office)
    with pytest.raises(CannotChange, match="own_account"):
        services.resume(member_id=me.pk, actor=office, now=MONDAY)

    assert again(me).is_active
    assert refused(Action.MEMBER_SUSPENDED) == refused(Action.MEMBER_RESUMED) == ["own_account"]


def test_the_last_technician_is_neither_suspended_nor_sent_away(member, other_member, office):
    RoleGrant.objects.create(member=member, role=Role.TECHNICIAN)

    with pytest.raises(CannotChange, match="last_technician"):
        suspend(member, office)
    with pytest.raises(CannotChange, match="last_technician"):
        services.plan_departure(member_id=member.pk, last_day=TUESDAY.date(), actor=office, now=MONDAY)
    RoleGrant.objects.create(member=other_member, role=Role.TECHNICIAN)
    suspend(member, office)
    with pytest.raises(CannotChange, match="last_technician"):
        suspend(other_member, office)

    assert refused(Action.MEMBER_SUSPENDED) == ["last_technician", "last_technician"]
    assert again(other_member).is_active


def test_a_technician_whose_role_is_over_does_not_count(member, other_member, office):
    RoleGrant.objects.create(member=member, role=Role.TECHNICIAN)
    RoleGrant.objects.create(member=other_member, role=Role.TECHNICIAN, ends_at=MONDAY)

    with pytest.raises(CannotChange, match="last_technician"):
        suspend(member, office)


def test_the_office_neither_suspends_nor_sends_away_who_watches_it(dpo, office):
    with pytest.raises(CannotChange, match="watches_you"):
        suspend(dpo, office)
    with pytest.raises(CannotChange, match="watches_you"):
        services.plan_departure(member_id=dpo.pk, last_day=TUESDAY.date(), actor=office, now=MONDAY)
    stays = again(dpo).is_active
    suspend(dpo, SYSTEM)

    assert stays
    assert not again(dpo).is_active
    assert refused(Action.MEMBER_SUSPENDED) == refused(Action.DEPARTURE_PLANNED) == ["watches_you"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"hold": Hold.SUSPENDED}, "suspended_already"),
        ({"hold": Hold.LEFT}, "gone_already"),
        ({"state": MemberState.LEFT}, "gone_already"),
        ({"state": MemberState.MISSING}, "absent_already"),
        ({"state": MemberState.MISSING, "absent_for_good_at": MONDAY}, "gone_already"),
    ],
)
def test_whoever_is_held_or_gone_is_not_suspended(member, office, values, reason):
    Member.objects.filter(pk=member.pk).update(**values)

    with pytest.raises(CannotChange, match=reason):
        suspend(member, office)


def test_there_must_be_a_suspension_to_lift_and_a_member_to_suspend(member, office):
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT)

    with pytest.raises(CannotChange, match="not_suspended"):
        services.resume(member_id=member.pk, actor=office, now=MONDAY)
    with pytest.raises(CannotChange, match="member_unknown"):
        services.resume(member_id=uuid4(), actor=office, now=MONDAY)

    assert again(member).hold == Hold.LEFT


def test_somebody_locked_in_the_directory_can_be_suspended_besides(member, office):
    Member.objects.filter(pk=member.pk).update(state=MemberState.LOCKED)
    suspend(member, office)
    Member.objects.filter(pk=member.pk).update(state=MemberState.ACTIVE)

    assert not again(member).is_active


# A pass over the directory and holds ---------------------------------------------------------------------------


def test_no_pass_lifts_a_hold(own_directory):
    synchronise(now=MONDAY)
    noemie = Member.objects.get(login="noemie.ferrand")
    suspend(noemie, SYSTEM)
    own_directory.modify(
        "dn: uid=noemie.ferrand,ou=membres,ou=personnes,dc=alizarine,dc=example\n"
        "changetype: modify\nreplace: title\ntitle: Potière\n"
    )

    synchronise(now=TUESDAY)

    assert again(noemie).trade == "Potière"
    assert (again(noemie).hold, again(noemie).is_active) == (Hold.SUSPENDED, False)


def held(number: int):

    return replace(person(number), is_held=True)


def test_an_entry_that_comes_back_opens_nothing_that_is_held():

    gone = replace(held(1), state=MemberState.LEFT)
    plan = make_plan(replace(NOBODY, people={gone.entry_uuid: gone}), seen([person(1)]), Ceilings())

    assert [change.verb for change in plan.people] == ["edit"]


def test_a_suspended_technician_does_not_count_for_the_ceiling_of_the_last_one():

    mirror = first(person(1), person(2), person(3))
    people = {**mirror.people, UUID(int=2): replace(mirror.people[UUID(int=2)], is_held=True)}
    mirror = replace(mirror, people=people, administrators={UUID(int=1): True, UUID(int=2): False})
    leaving = replace(person(1), state=MemberState.LEFT, state_reason="former_branch")

    plan = make_plan(mirror, seen([leaving, person(2), person(3)]), Ceilings())

    assert [each.what for each in plan.held] == ["last_administrator"]


# Departures ----------------------------------------------------------------------------------------------------


def plan(member: Member, actor: Actor, days: int = 10, now=MONDAY) -> Departure:
    return services.plan_departure(
        member_id=member.pk, last_day=MONDAY.date() + timedelta(days=days), actor=actor, now=now
    )


def test_a_departure_is_dated_dated_anew_and_called_off(member, office):
    one = plan(member, office)
    same = plan(member, office, now=TUESDAY)
    moved = plan(member, office, days=20, now=TUESDAY)
    services.cancel_departure(member_id=member.pk, actor=office, now=TUESDAY)

    assert one.pk == same.pk == moved.pk
    assert selectors.planned_departure(member) is None
    lines = Event.objects.filter(action=Action.DEPARTURE_PLANNED).order_by("pk").values_list("facts", flat=True)
    assert list(lines) == [{"last_day": "2026-11-26"}, {"last_day": "2026-12-06"}]
    assert Event.objects.filter(action=Action.DEPARTURE_CANCELLED, refused=False).count() == 1
    assert again(member).is_active


@pytest.mark.parametrize(("days", "reason"), [(-1, "day_past"), (365 * 3, "day_too_far")])
def test_a_departure_has_a_day_that_makes_sense(member, office, days, reason):
    with pytest.raises(CannotChange, match=reason):
        plan(member, office, days=days)

    assert refused(Action.DEPARTURE_PLANNED) == [reason]


def test_today_may_be_the_last_day(member, office):
    assert plan(member, office, days=0).last_day == MONDAY.date()


def test_nobody_dates_their_own_departure(office):
    me = Member.objects.get(pk=office.member)

    with pytest.raises(CannotChange, match="own_account"):
        plan(me, office)
    with pytest.raises(CannotChange, match="own_account"):
        services.cancel_departure(member_id=me.pk, actor=office, now=MONDAY)


def test_there_must_be_a_departure_to_call_off(member, office):
    with pytest.raises(CannotChange, match="no_departure"):
        services.cancel_departure(member_id=member.pk, actor=office, now=MONDAY)

    assert refused(Action.DEPARTURE_CANCELLED) == ["no_departure"]


def test_a_departure_happens_at_midnight_where_the_cooperative_is(member, office):
    plan(member, office, days=0)
    # Winter time: midnight of Paris is 23:00 UTC.
    midnight = MONDAY.replace(hour=23, minute=0)

    early = services.carry_out_departures(now=midnight - timedelta(seconds=1))
    done = services.carry_out_departures(now=midnight)
    twice = services.carry_out_departures(now=midnight + timedelta(hours=1))

    assert (early, done, twice) == (0, 1, 0)
    assert (again(member).hold, again(member).status, again(member).is_active) == (Hold.LEFT, Status.LEAVER, False)
    line = Event.objects.get(action=Action.MEMBER_LEFT)
    assert (line.reason, line.subject_id) == ("departure", member.pk)
    assert Departure.objects.get().done_at == midnight


def test_a_departure_takes_the_roles_and_ends_a_suspension_into_itself(member, office):
    RoleGrant.objects.create(member=member, role=Role.OFFICE)
    plan(member, office, days=0)
    suspend(member, office)

    services.carry_out_departures(now=TUESDAY)

    assert not RoleGrant.objects.filter(member=member).exists()
    assert (again(member).hold, again(member).hold_since) == (Hold.LEFT, TUESDAY)
    line = Event.objects.get(action=Action.ROLE_REVOKED)
    assert (line.subject_id, line.reason, line.facts) == (member.pk, "departure", {"role": "office"})


def test_whoever_is_away_from_the_directory_already_has_simply_left(member, office):
    plan(member, office, days=0)
    Member.objects.filter(pk=member.pk).update(state=MemberState.LEFT)

    assert services.carry_out_departures(now=TUESDAY) == 1
    assert again(member).hold == Hold.NONE
    assert not Event.objects.filter(action=Action.MEMBER_LEFT).exists()


def test_the_last_technician_stays_until_there_is_another(member, other_member, office):
    plan(member, office, days=0)
    RoleGrant.objects.create(member=member, role=Role.TECHNICIAN)

    stays = services.carry_out_departures(now=TUESDAY)
    RoleGrant.objects.create(member=other_member, role=Role.TECHNICIAN)
    leaves = services.carry_out_departures(now=TUESDAY)

    assert (stays, leaves) == (0, 1)


def test_a_departure_that_is_called_off_since_it_was_looked_for_is_not_carried_out(member, office, monkeypatch):
    """Between the list and each of its transactions."""
    plan(member, office, days=0)
    real = departures._carried_out

    def called_off_first(departure_id, now):
        services.cancel_departure(member_id=member.pk, actor=office, now=MONDAY)
        return real(departure_id, now)

    monkeypatch.setattr(departures, "_carried_out", called_off_first)

    assert services.carry_out_departures(now=TUESDAY) == 0
    assert again(member).is_active


def test_what_was_called_off_or_is_over_is_no_longer_touched(member, office):
    called_off = plan(member, office, days=3)
    services.cancel_departure(member_id=member.pk, actor=office, now=MONDAY)
    over = plan(member, office, days=0)
    services.carry_out_departures(now=TUESDAY)
    services.welcome_back(member_id=member.pk, actor=office, now=TUESDAY)

    new = plan(member, office, days=30)

    assert len({called_off.pk, over.pk, new.pk}) == 3
    called_off.refresh_from_db()
    over.refresh_from_db()
    assert called_off.last_day == MONDAY.date() + timedelta(days=3)
    assert over.last_day == MONDAY.date()


def test_how_many_departures_wait():
    """Ten that are late go; so do as many as a tenth of the cooperative, where that is more than twenty-five."""
    today = MONDAY.date()
    late, due = today - policy.LATE - timedelta(days=1), today - policy.LATE

    def waits(days, active=100):
        return policy.departures_wait(days, today=today, active=active)

    assert not waits([late] * 10 + [due] * 15)
    assert waits([late] * 11)
    assert waits([due] * 26)
    assert not waits([due] * 40, active=400)
    assert waits([due] * 41, active=400)


def many(office: Actor, count: int, *, days: int) -> list[Member]:
    people = [make_member(f"m{number}", f"M {number}") for number in range(count)]
    for each in people:
        plan(each, office, days=days)
    return people


def test_a_clock_that_jumps_a_year_ahead_ends_nobody_in_number(office):
    many(office, 11, days=100)
    jumped = MONDAY + timedelta(days=365)

    assert services.carry_out_departures(now=jumped) == 0
    waiting = departures.waiting(now=jumped)
    assert waiting is not None
    assert waiting.count == 11
    assert Member.objects.filter(hold=Hold.LEFT).count() == 0
    assert services.carry_out_departures(now=jumped, approved="of something else") == 0
    assert services.carry_out_departures(now=jumped, approved=waiting.digest) == 11


def test_the_end_of_a_year_ends_as_many_contracts_as_it_should(office):
    many(office, 25, days=0)

    assert services.carry_out_departures(now=TUESDAY) == 25


def test_a_crowd_on_one_day_waits_for_a_look(office):
    many(office, 26, days=0)

    assert services.carry_out_departures(now=TUESDAY) == 0


# Returning -----------------------------------------------------------------------------------------------------


def test_a_return_is_of_the_same_person_without_their_roles(member, office):
    Member.objects.filter(pk=member.pk).update(employee_type="associé")
    RoleGrant.objects.create(member=member, role=Role.OFFICE)
    plan(member, office, days=0)
    services.carry_out_departures(now=TUESDAY)

    services.welcome_back(member_id=member.pk, actor=office, now=TUESDAY + timedelta(days=90))

    back = again(member)
    assert (back.is_active, back.entry_uuid, back.status) == (True, member.entry_uuid, Status.ASSOCIATE)
    assert back.roles == frozenset()
    line = Event.objects.get(action=Action.MEMBER_RETURNED)
    assert (line.actor_id, line.reason) == (office.member, "welcomed_back")


def test_only_whoever_left_is_welcomed_back(member, office):
    suspend(member, office)

    with pytest.raises(CannotChange, match="not_gone"):
        services.welcome_back(member_id=member.pk, actor=office, now=MONDAY)

    assert again(member).hold == Hold.SUSPENDED


def test_a_system_actor_is_bound_by_the_last_technician_too(member):
    RoleGrant.objects.create(member=member, role=Role.TECHNICIAN)

    with pytest.raises(CannotChange, match="last_technician"):
        suspend(member, SYSTEM)


def test_a_role_does_not_come_back_by_itself_with_an_entry_that_returns(own_directory):
    synchronise(now=MONDAY)
    noemie = Member.objects.get(login="noemie.ferrand")
    other = Member.objects.active().exclude(pk=noemie.pk)[0]
    for each in (noemie, other):
        RoleGrant.objects.create(member=each, role=Role.OFFICE)
    people, former = "ou=membres,ou=personnes", "ou=anciens,ou=personnes"

    for day, (source, target) in enumerate(((people, former), (former, people)), start=1):
        own_directory.modify(
            f"dn: uid=noemie.ferrand,{source},dc=alizarine,dc=example\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\n"
            f"deleteoldrdn: 0\nnewsuperior: {target},dc=alizarine,dc=example\n"
        )
        synchronise(now=MONDAY + timedelta(days=day))

    assert again(noemie).is_active
    assert again(noemie).roles == frozenset()
    assert again(other).roles == {Role.OFFICE}
    line = Event.objects.get(action=Action.ROLE_REVOKED)
    assert (line.subject_id, line.reason) == (noemie.pk, "member_ended")
