"""Who holds what of whom since when: kept as things leave, and always what the ledger makes of it."""

from datetime import timedelta
from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Event, Gap
from audit.reconciliation.services import reconcile
from audit.types import SYSTEM, Action
from consent.ledger import holdings
from consent.ledger import services as ledger
from consent.models import Holding
from consent.types import ALWAYS, Channel, DataCategory
from tests.consent.ledger.leaving import MINUTE, leave
from tests.consent.test_services import go_on, new_version, withdraw
from tests.support.cast import LOUTY, MONDAY, TUESDAY, WEDNESDAY, with_items
from tests.support.cost import counted
from tests.support.races import together

pytestmark = pytest.mark.django_db
THURSDAY = WEDNESDAY + timedelta(days=1)


def held(tool):
    rows = Holding.objects.filter(tool=tool, ended_at=None).exclude(item__in=ALWAYS).order_by("item")
    return [(row.item, row.since, row.last) for row in rows]


def window(tool, since, until):
    return [(each.member, set(each.items) - ALWAYS) for each in holdings.held_by(tool.pk, since=since, until=until)]


def erased(member, tool, now):
    return ledger.confirm_erasure(member_id=member.pk, tool_id=tool.pk, actor=SYSTEM, now=now)


# Kept as things leave


def test_what_is_held_is_known_since_the_first_time_and_by_the_last_day(member, louty, formation):
    leave(member, louty, "name", now=MONDAY, times=3)
    leave(member, louty, "name", "email", now=TUESDAY)
    leave(member, louty, "email", now=WEDNESDAY, channel=Channel.ID_TOKEN)

    assert held(louty) == [("email", TUESDAY, WEDNESDAY.date()), ("name", MONDAY, TUESDAY.date())]
    assert held(formation) == []


def test_it_is_held_under_the_newest_processing_under_which_it_was_received(member, louty):
    first = louty.processings.get()
    leave(member, louty, "name", "email", now=MONDAY)
    second = new_version(louty, with_items(LOUTY, text="Autre chose."), now=TUESDAY)
    leave(member, louty, "name", now=WEDNESDAY)

    under = dict(Holding.objects.exclude(item__in=ALWAYS).values_list("item", "processing"))
    assert under == {"email": first.pk, "name": second.pk}


def test_what_leaves_again_that_day_takes_no_statement_for_it(member, louty, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        leave(member, louty, "name")

    with counted() as cost:
        leave(member, louty, "name")

    assert not any("consent_holding" in statement for statement in cost.statements)


@pytest.mark.gdpr("G20")
def test_what_a_tool_confirmed_to_have_erased_is_held_no_more_until_it_is_received_again(member, louty):
    leave(member, louty, "name", now=MONDAY)
    leave(member, louty, "name", now=WEDNESDAY)
    count = erased(member, louty, WEDNESDAY + MINUTE)
    between = held(louty)

    leave(member, louty, "name", now=WEDNESDAY + 2 * MINUTE)

    assert (count, between) == (3, [])
    line = Event.objects.get(action=Action.ERASURE_CONFIRMED)
    assert (line.subject_id, line.tool, line.facts) == (member.pk, louty, {"items": ["identifier", "name", "session"]})
    assert held(louty) == [("name", WEDNESDAY + 2 * MINUTE, WEDNESDAY.date())]
    assert Event.objects.filter(action=Action.DISCLOSED).count() == 3, "as for the first time"
    assert holdings.differences() == {}


def test_what_is_held_goes_with_the_member(member, louty):
    leave(member, louty, "name")

    member.delete()

    assert not Holding.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_receives_at_once_in_another_order_leaves_the_same(member, other_member, louty, formation):
    acts = [
        partial(leave, person, tool, *items, now=now, channel=channel)
        for person in (member, other_member)
        for tool in (louty, formation)
        for items, now, channel in (
            (("name", "email"), TUESDAY, Channel.USERINFO),
            (("email", "phone"), MONDAY, Channel.ID_TOKEN),
        )
    ]

    together(*acts, *acts[::-1])

    assert holdings.differences() == {}
    of_one = [("email", MONDAY, TUESDAY.date()), ("name", TUESDAY, TUESDAY.date()), ("phone", MONDAY, MONDAY.date())]
    for tool in (louty, formation):
        assert held(tool) == sorted(of_one * 2)


# Compared, and made anew


def test_a_difference_is_found_in_the_night_once_and_the_command_mends_it(member, louty, formation):
    now = timezone.now()
    leave(member, louty, "name", now=now)
    leave(member, formation, "name", now=now)
    reconcile(now=now + timedelta(hours=1))
    before = Gap.objects.filter(source="consent.holding").count()
    Holding.objects.filter(tool=louty, item="name").delete()
    late = Holding.objects.get(tool=formation, item="name")
    Holding.objects.filter(pk=late.pk).update(since=now + MINUTE)

    reconcile(now=now + timedelta(hours=2))
    reconcile(now=now + timedelta(hours=3))
    told = StringIO()
    call_command("rebuild_holdings", stdout=told)
    after = reconcile(now=now + timedelta(hours=4))

    gaps = set(Gap.objects.filter(source="consent.holding").values_list("row", flat=True))
    assert (before, gaps) == (0, {f"{louty.pk}:name", str(late.pk)})
    assert told.getvalue().startswith("2 ")
    assert after.found == 0
    assert [held(tool) for tool in (louty, formation)] == 2 * [[("name", now, timezone.localdate(now))]]
    line = Event.objects.get(action=Action.HOLDINGS_REBUILT)
    assert (line.by, line.facts) == ("hub", {"held_items": 6, "held_wrong": 2})


def test_what_is_held_without_a_row_of_the_ledger_is_found_and_goes(member, louty):
    extra = Holding.objects.create(member=member, tool=louty, item="phone", since=MONDAY, last=MONDAY.date())

    found = holdings.differences()

    assert found == {(member.pk, louty.pk, "phone"): (extra.pk, MONDAY)}
    assert holdings.rebuild(actor=SYSTEM, now=WEDNESDAY) == 1
    assert held(louty) == []


def test_what_was_received_between_two_readings_is_no_difference(member, louty, monkeypatch):
    real, turns = holdings.from_ledger, []

    def meanwhile(members=None):
        if not turns:
            turns.append(leave(member, louty, "name"))
        return real(members)

    monkeypatch.setattr(holdings, "from_ledger", meanwhile)

    assert holdings.differences() == {}
    assert turns


acts = st.tuples(
    st.sampled_from(["leave", "leave", "leave", "agree", "withdraw", "erase", "close", "rolled back", "rebuild"]),
    st.integers(0, 1),
    st.integers(0, 1),
    st.sets(st.sampled_from(["name", "email", "phone"])),
    st.integers(1, 3),
    st.integers(0, 30),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, max_size=14))
def test_whatever_happens_it_is_what_the_ledger_makes_of_it(member, other_member, louty, formation, acts):
    """Beside a recount by hand that knows neither rows nor days: every answer that left, and every erasure."""
    with transaction.atomic():
        now, left = MONDAY, []
        for act, who, what, items, times, hours in acts:
            now += timedelta(hours=hours, minutes=5)
            person, tool = (member, other_member)[who], (louty, formation)[what]
            if act in ("leave", "rolled back"):
                with transaction.atomic():
                    leave(person, tool, *items, now=now, times=times)
                    transaction.set_rollback(act == "rolled back")
                if act == "leave":
                    moments = [now + number * MINUTE for number in range(times)]
                    left += [(person.pk, tool.pk, item, at) for at in moments for item in items | ALWAYS]
            elif act == "agree":
                go_on(person, tool, *items, now=now)
            elif act == "withdraw":
                withdraw(person, tool, now=now)
            elif act == "erase":
                erased(person, tool, now)
                left = [each for each in left if each[:2] != (person.pk, tool.pk)]
            elif act == "close":
                ledger.close_days(now=now)
            else:
                holdings.rebuild(actor=SYSTEM, now=now)
            now += times * MINUTE

        assert holdings.differences() == {}
        by_hand = {}
        for *key, at in left:
            since, last = by_hand.get(tuple(key), (at, at.date()))
            by_hand[tuple(key)] = min(since, at), max(last, timezone.localdate(at))
        kept = Holding.objects.filter(ended_at=None).values_list("member_id", "tool_id", "item", "since", "last")
        assert {tuple(key): (since, last) for *key, since, last in kept} == by_hand
        transaction.set_rollback(True)


# The question after a breach


def test_everyone_held_at_any_moment_of_a_window_is_concerned_and_nobody_else(member, other_member, louty):
    leave(member, louty, "name", "email", now=MONDAY)
    erased(member, louty, TUESDAY)
    leave(other_member, louty, "phone", now=WEDNESDAY)

    first, second = (member.pk, {"name", "email"}), (other_member.pk, {"phone"})
    assert window(louty, MONDAY - 2 * MINUTE, MONDAY - MINUTE) == []
    assert window(louty, MONDAY - MINUTE, MONDAY) == [first]
    assert window(louty, MONDAY + MINUTE, MONDAY + 2 * MINUTE) == [first], "received before, and still held"
    assert window(louty, TUESDAY, WEDNESDAY - MINUTE) == [first]
    assert window(louty, TUESDAY + MINUTE, WEDNESDAY - MINUTE) == []
    assert sorted(window(louty, MONDAY, THURSDAY)) == sorted([first, second])
    (found,) = holdings.held_by(louty.pk, since=WEDNESDAY, until=THURSDAY)
    assert found.categories == (DataCategory.CONTACT, DataCategory.CONNECTION)
    assert found.since == WEDNESDAY


def test_the_window_is_that_tool_s_and_takes_one_statement(member, louty, formation, django_assert_num_queries):
    leave(member, formation, "name", now=MONDAY)

    with django_assert_num_queries(1):
        assert window(louty, MONDAY, THURSDAY) == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 1), st.sampled_from(["name", "email"]), st.integers(1, 40)), max_size=10
    ),
    st.tuples(st.integers(0, 200), st.integers(0, 100)),
)
def test_it_is_a_recount_of_the_ledger(member, other_member, louty, happened, asked):
    with transaction.atomic():
        now, spans = MONDAY, {}
        for is_erasure, who, item, hours in happened:
            now += timedelta(hours=hours)
            person = (member, other_member)[who]
            if is_erasure:
                erased(person, louty, now)
                for (whose, _item), known in spans.items():
                    if whose == person.pk and known and known[-1][1] is None:
                        known[-1][1] = now
            else:
                leave(person, louty, item, now=now)
                known = spans.setdefault((person.pk, item), [])
                if not known or known[-1][1] is not None:
                    known.append([now, None])
        since = MONDAY + timedelta(hours=asked[0])
        until = since + timedelta(hours=asked[1])

        recount = {}
        for (whose, item), known in spans.items():
            if any(began <= until and (ended is None or ended >= since) for began, ended in known):
                recount.setdefault(whose, set()).add(item)
        found = {whose: items for whose, items in window(louty, since, until) if items}
        transaction.set_rollback(True)
    assert found == recount
