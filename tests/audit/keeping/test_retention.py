"""What goes by the rules: when, of what class and role, and what stops it."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from audit.keeping import changes, holds, retention, turns
from audit.keeping.rules import DEFAULTS, NOTICE, Period, Rules, is_loosened, months_before, why_not
from audit.kinds import Retention
from audit.models import Event, Pending, PersonKey, Removal, RetentionRules
from audit.parts import GONE, Role
from audit.types import SYSTEM, Action, Actor, KeepingError, RemovalState
from directory.models import Member
from directory.types import MemberState
from tests.audit.keeping.conftest import happen
from tests.support.keeping import carried_out, is_sound, settle

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=31)


@pytest.fixture
def old(exports, member, other_member, louty):
    """The same history seven months, thirteen, forty and seventy months ago, and today."""
    now = timezone.now()
    Event.objects.all()._raw_delete("default")
    Pending.objects.all().delete()
    for months in (70, 40, 13, 7, 0):
        happen(member, other_member, louty, months_before(now, months) - timedelta(days=1) if months else None)
    return now


@pytest.fixture
def ran(old):
    """Last night."""
    Removal.objects.create(
        kind="retention",
        state=RemovalState.OVER,
        began_at=old - timedelta(days=1),
        ended_at=old - timedelta(days=1),
    )


def run(now=None):
    removal = retention.begin(now=now or timezone.now())
    carried_out()
    removal.refresh_from_db()
    return removal


def parts_of(action):
    """Roles that are still there, the oldest row first."""
    return [
        "".join(role for role in Role if row.part(role)) for row in Event.objects.filter(action=action).order_by("at")
    ]


@pytest.mark.gdpr("G10")
def test_each_part_goes_at_its_own_time(ran, exports):
    run()

    # The network after six months, the rest of a sign-in after a year.
    assert parts_of(Action.SIGN_IN) == ["cs", "cs", "csx", "csx"]
    assert parts_of(Action.DISCLOSED) == ["cs", "cs"]
    assert parts_of(Action.MEMBER_CONSULTED) == ["csa"] * 3
    assert parts_of(Action.ROLE_GRANTED) == ["c", "c", "csa", "csa", "csax"]
    # Whoever gave an agreement is still here.
    assert parts_of(Action.CONSENT_GIVEN) == ["cs"] * 5
    assert parts_of(Action.TOOL_CHANGED) == ["c", "ca", "ca", "ca", "ca"]
    settle()
    assert is_sound(exports)


def test_an_agreement_goes_five_years_after_the_relation_ended(ran, member, exports):
    Member.objects.filter(pk=member.pk).update(
        state=MemberState.LEFT, state_since=timezone.now() - timedelta(days=5 * 365 + 30)
    )

    run()

    assert parts_of(Action.CONSENT_GIVEN) == ["c", "cs", "cs", "cs", "cs"]
    settle()
    assert is_sound(exports)


def test_a_run_leaves_one_entry_with_counts_date_and_version(ran):
    removal = run()

    event = Event.objects.get(action=Action.RETENTION_RUN)
    assert event.facts[GONE] == removal.said
    assert event.facts["cut_date"] == removal.began_at.isoformat(timespec="seconds")
    assert event.facts["rules"] == 0
    assert removal.unsaid == {}
    assert removal.count == sum(sum(roles.values()) for roles in removal.said.values())
    assert (event.subject_id, event.actor_id) == (None, None)


def test_a_dry_run_counts_what_the_run_takes_and_writes_nothing(ran, monkeypatch):
    events, before = Event.objects.count(), retention.present()

    told = retention.counted(timezone.now())
    unchanged = (Event.objects.count(), retention.present())
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    run()

    assert unchanged == (events, before)
    after = retention.present()
    gone = {each: {role: before[each][role] - after[each][role] for role in Role} for each in told}
    # The entry about the run is itself of the administration.
    gone[Retention.ADMINISTRATION][Role.COMMON] += 1
    assert gone == told
    assert sum(told[Retention.SIGN_IN].values()) > 5


def test_the_log_is_sound_after_every_batch(ran, exports, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    retention.begin(now=timezone.now())

    batches = 0
    while turns.turn(now=timezone.now()):
        batches += 1
        assert is_sound(exports)

    assert batches > 2
    assert is_sound(exports)
    settle()
    assert is_sound(exports)


def test_holds_keep_a_person_and_a_class(ran, member, other_member):
    holds.put(actor=SYSTEM, person=member.pk, why="Instance", now=timezone.now())
    holds.put(actor=SYSTEM, retention=Retention.LOOK_UP, why="Contrôle", now=timezone.now())
    told = retention.counted(timezone.now())

    run()

    assert parts_of(Action.DISCLOSED) == ["cs"] * 5
    assert parts_of(Action.MEMBER_CONSULTED) == ["csa"] * 5
    assert Retention.LOOK_UP not in told
    # The other one’s sign-ins went, or their network did; member’s stayed as they were.
    assert sorted(parts_of(Action.SIGN_IN)) == ["cs", *["csx"] * 6]


def test_a_hold_holds_until_its_day_and_not_after(ran, member):
    holds.put(actor=SYSTEM, person=member.pk, why="Instance", until=timezone.localdate(), now=timezone.now())

    today = holds.held_people(timezone.now())
    tomorrow = holds.held_people(timezone.now() + timedelta(days=1))

    assert (today, tomorrow) == ({member.pk}, set())


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"why": "x"}, "hold_of_what"),
        ({"retention": Retention.CONSENT, "why": " "}, "why_missing"),
        ({"retention": Retention.CONSENT, "why": "x", "until": date(2020, 1, 1)}, "until_past"),
    ],
)
def test_a_hold_that_says_too_little_is_refused(values, code):
    with pytest.raises(KeepingError, match=code):
        holds.put(actor=SYSTEM, now=timezone.now(), **values)


def test_a_hold_is_lifted_once_with_a_reason(member, other_member):
    now, actor = timezone.now(), Actor(other_member.pk)
    hold = holds.put(actor=actor, person=member.pk, why="Instance", now=now)

    with pytest.raises(KeepingError, match="why_missing"):
        holds.lift(actor=actor, hold_id=hold.pk, why="", now=now)
    holds.lift(actor=actor, hold_id=hold.pk, why="Jugement", now=now)
    with pytest.raises(KeepingError, match="hold_over"):
        holds.lift(actor=actor, hold_id=hold.pk, why="Jugement", now=now)

    lines = Event.objects.filter(action__in=[Action.HOLD_PUT, Action.HOLD_LIFTED]).order_by("pk")
    assert [(line.actor_id, line.subject_id, line.facts) for line in lines] == [
        (other_member.pk, member.pk, {"hold": hold.pk})
    ] * 2
    assert "Jugement" not in str([line.facts for line in lines])


# The clock ------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_a_year_lets_nothing_go_until_somebody_says_that_it_is_right(ran, dpo):
    jumped = timezone.now() + timedelta(days=366)
    before = Event.objects.count(), retention.present()

    for hour in range(3):
        turns.night(now=jumped + timedelta(hours=hour))
        carried_out(jumped)

    refused = retention.refusal()
    assert refused is not None
    line = Event.objects.get(action=Action.RETENTION_REFUSED)
    assert (line.refused, line.reason) == (True, "clock_jumped")
    assert Event.objects.count() == before[0] + 1
    assert Event.objects.filter(subject_sealed__isnull=False).count() == sum(
        each[Role.SUBJECT] for each in before[1].values()
    )

    retention.confirm(actor=Actor(dpo.pk), now=jumped)
    carried_out(jumped)

    assert retention.refusal() is None
    assert Event.objects.get(action=Action.RETENTION_CONFIRMED).actor_id == dpo.pk
    assert parts_of(Action.DISCLOSED) == []


def test_a_clock_that_comes_right_by_itself_needs_nobody(ran):
    turns.night(now=timezone.now() + timedelta(days=366))
    refused = retention.refusal()

    retention.begin(now=timezone.now())
    carried_out()

    refused.refresh_from_db()
    assert refused.state == RemovalState.DROPPED
    assert len(parts_of(Action.DISCLOSED)) == 2


def test_the_first_run_notes_the_day_and_lets_nothing_go(old):
    run()

    assert len(parts_of(Action.DISCLOSED)) == 5
    assert not Event.objects.filter(action=Action.RETENTION_RUN).exists()


def test_confirming_what_nobody_refused_is_refused():
    with pytest.raises(KeepingError, match="nothing_refused"):
        retention.confirm(actor=SYSTEM, now=timezone.now())


def test_a_run_under_a_clock_that_was_ahead_is_followed_by_one_run_a_night(ran):
    ahead = timezone.now() + timedelta(days=400)
    Removal.objects.create(kind="retention", state=RemovalState.OVER, began_at=ahead, ended_at=ahead)
    noon = timezone.localtime().replace(hour=12)

    for minutes in (0, 10, 20):
        turns.night(now=noon + timedelta(minutes=minutes))
        carried_out()

    assert Removal.objects.filter(kind="retention").count() == 3
    assert not retention.is_due(noon + timedelta(minutes=30))


def test_two_workers_begin_one_run(ran, monkeypatch):
    retention.begin(now=timezone.now())
    # The other one has looked before there was any.
    monkeypatch.setattr(retention, "is_due", lambda now: True)
    monkeypatch.setattr(retention, "last_run", lambda: Removal.objects.order_by("pk").first())

    turns.night(now=timezone.now())

    assert Removal.objects.filter(kind="retention", ended_at=None).count() == 1


def test_a_night_has_one_run(ran):
    tonight = timezone.localtime().replace(hour=4)
    if tonight < timezone.now():
        tonight += timedelta(days=1)

    turns.night(now=tonight)
    carried_out()
    turns.night(now=tonight + timedelta(hours=2))

    assert Removal.objects.filter(kind="retention").count() == 2
    assert not retention.is_due(tonight + timedelta(hours=2))


# The rules ------------------------------------------------------------------------------------------------------


def change(actor=SYSTEM, retention_class=Retention.SIGN_IN, why="Délibération", version=0, **periods):
    chosen = {Role(role): period for role, period in periods.items()}
    return changes.change(
        actor=actor, retention=retention_class, periods=chosen, why=why, version=version, now=timezone.now()
    )


def two_weeks_pass():
    for row in RetentionRules.objects.all():
        RetentionRules.objects.filter(pk=row.pk).update(at=row.at - NOTICE)


def test_the_officer_shortens_a_period_and_two_weeks_later_a_run_goes_by_it(ran, dpo):
    rules = change(Actor(dpo.pk), s=Period(6))
    today = changes.in_force(timezone.now()), retention.counted(timezone.now())[Retention.SIGN_IN][Role.SUBJECT]
    two_weeks_pass()

    run()

    assert today == (Rules(rules.version, DEFAULTS), 6)
    assert parts_of(Action.SIGN_IN) == ["c", "c", "csx", "csx"]
    line = Event.objects.get(action=Action.RETENTION_CHANGED)
    assert line.actor_id == dpo.pk
    assert line.facts == {
        "retention": "sign-in",
        "kept_before": {"s": "12"},
        "kept_after": {"s": "6"},
        "rules": rules.version,
    }
    assert Event.objects.get(action=Action.RETENTION_RUN).facts["rules"] == rules.version
    assert RetentionRules.objects.get().why == "Délibération"


def test_what_was_shortened_twice_is_as_long_as_it_was_two_weeks_ago():
    first = change(s=Period(9))
    RetentionRules.objects.update(at=timezone.now() - NOTICE)
    change(s=Period(6), version=first.version)

    assert changes.in_force(timezone.now()).of(Retention.SIGN_IN, Role.SUBJECT) == Period(9)
    assert changes.current().of(Retention.SIGN_IN, Role.SUBJECT) == Period(6)


def test_what_no_longer_outlives_a_person_does_for_two_weeks(member):
    change(retention_class=Retention.CONSENT, s=Period(60, after_end=True))

    assert changes.in_force(timezone.now()).outlives(Retention.CONSENT, Role.SUBJECT)
    two_weeks_pass()
    assert not changes.in_force(timezone.now()).outlives(Retention.CONSENT, Role.SUBJECT)


@pytest.mark.parametrize(("months", "fits"), [(5, False), (6, True)])
@pytest.mark.parametrize("role", ["s", "a"])
def test_look_ups_are_kept_with_whoever_made_them_for_half_a_year(role, months, fits):
    periods = {role: Period(months), "x": Period(months)}
    if fits:
        change(retention_class=Retention.LOOK_UP, **periods)
    else:
        with pytest.raises(KeepingError, match="look_ups_shown"):
            change(retention_class=Retention.LOOK_UP, **periods)


@pytest.mark.gdpr("G25")
def test_keeping_longer_holds_at_once_and_is_said_in_the_line():
    rules = change(c=Period(24), s=Period(24), a=Period(24))

    assert changes.in_force(timezone.now()) == rules

    assert Event.objects.get(action=Action.RETENTION_CHANGED).facts["loosened"] is True


@pytest.mark.parametrize(
    ("periods", "code"),
    [
        ({"x": Period(13)}, "network_outlives"),
        ({"c": Period(11)}, "facts_first"),
        ({"s": Period(12, after_end=True)}, "facts_first"),
        ({"s": Period(0)}, "facts_first"),
        ({"c": Period(601)}, "months"),
        ({"s": Period(12)}, "nothing_changed"),
        ({"s": Period(6), "why": "  "}, "why_missing"),
        ({"s": Period(6), "version": 5}, "rules_changed"),
    ],
)
def test_rules_that_cannot_be_are_refused(periods, code):
    with pytest.raises(KeepingError, match=code):
        change(**periods)

    assert not RetentionRules.objects.exists()


@pytest.mark.gdpr("G10")
def test_the_rules_of_the_code_are_possible_and_each_role_of_each_class_has_one():
    assert why_not(DEFAULTS) == ""
    assert set(DEFAULTS) == {(retention, role) for retention in Retention for role in Role}


@pytest.mark.parametrize(
    ("before", "after", "longer"),
    [
        (Period(12), Period(13), True),
        (Period(12), Period(0), True),
        (Period(0), Period(12), False),
        (Period(12), Period(12, after_end=True), True),
        (Period(12), Period(11, outlives=True), True),
        (Period(12), Period(6), False),
    ],
)
def test_what_is_looser(before, after, longer):
    assert is_loosened(before, after) is longer


def test_a_month_earlier_is_the_same_day_or_the_last():
    from datetime import UTC, datetime

    assert months_before(datetime(2026, 3, 31, tzinfo=UTC), 1) == datetime(2026, 2, 28, tzinfo=UTC)
    assert months_before(datetime(2026, 1, 15, tzinfo=UTC), 13) == datetime(2024, 12, 15, tzinfo=UTC)


# Keys -----------------------------------------------------------------------------------------------------------


def test_keys_of_half_years_of_which_nothing_is_left_are_dropped(ran, member):
    PersonKey.objects.update(half_year="2025H1")
    used = set(Event.objects.exclude(subject_key=None).values_list("subject_key", flat=True))
    unused = PersonKey.objects.create(person=member, half_year="2025H1", sealed=b"")
    current = PersonKey.objects.create(person=member, half_year="2999H1", sealed=b"")

    assert retention.drop_keys(timezone.now()) == 1

    left = set(PersonKey.objects.values_list("pk", flat=True))
    assert used <= left
    assert current.pk in left
    assert unused.pk not in left
