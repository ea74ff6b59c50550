"""Days of the ledger: what leaves again is counted, a day that is over is closed with a line, nothing is lost."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import Event
from audit.reconciliation import selectors as reconciliation
from audit.reconciliation.services import reconcile
from audit.types import Action, Actor, AppendOnlyError
from consent import selectors
from consent.ledger import services as ledger
from consent.models import Disclosure
from consent.types import ALWAYS, Channel, Disclosed
from idp.services import withdrawal
from tests.consent.ledger.leaving import MINUTE, leave
from tests.consent.test_services import go_on
from tests.support.cast import TUESDAY, WEDNESDAY
from tests.support.races import together

pytestmark = pytest.mark.django_db
THURSDAY = WEDNESDAY + timedelta(days=1)


class Stopped(Exception):
    pass


def withdraw(member, tool, now=WEDNESDAY):
    withdrawal.withdraw(member_id=member.pk, tool=tool, actor=Actor(member.pk), now=now)


def rows():
    return list(Disclosure.objects.order_by("pk").values_list("day", "count"))


def lines(action=Action.DISCLOSED):
    return Event.objects.filter(action=action).order_by("pk")


def test_what_leaves_alike_on_one_day_has_one_row_and_one_line_and_is_counted(member, louty):
    go_on(member, louty)

    leave(member, louty, "email", times=12)

    row = Disclosure.objects.get()
    assert (row.count, row.at, row.last_at, row.closed_at) == (12, WEDNESDAY, WEDNESDAY + 11 * MINUTE, None)
    assert [line.at for line in lines()] == [WEDNESDAY]


@pytest.mark.parametrize(
    "change",
    [
        lambda member, tool: leave(member, tool, "email", "name"),
        lambda member, tool: leave(member, tool, "email", channel=Channel.ID_TOKEN),
        lambda member, tool: leave(member, tool, "email", now=THURSDAY),
    ],
)
def test_other_items_another_way_and_another_day_are_written_at_once(member, louty, change):
    go_on(member, louty)
    leave(member, louty, "email", times=2)

    change(member, louty)

    assert [count for _, count in rows()] == [2, 1]
    assert lines().count() == 2


def test_after_a_withdrawal_and_a_new_agreement_the_first_is_written_at_once(member, formation):
    go_on(member, formation)
    leave(member, formation, "email", times=3, now=WEDNESDAY)
    withdraw(member, formation, now=WEDNESDAY + 5 * MINUTE)
    leave(member, formation, now=WEDNESDAY + 6 * MINUTE)
    withdrawn = lines().count()

    go_on(member, formation, now=WEDNESDAY + 7 * MINUTE)
    leave(member, formation, "email", now=WEDNESDAY + 8 * MINUTE)

    assert [count for _, count in rows()] == [3, 1, 1]
    assert (withdrawn, lines().count()) == (2, 3)
    (closing,) = lines(Action.DISCLOSED_AGAIN)
    assert (closing.facts["times"], closing.at) == (3, WEDNESDAY + 5 * MINUTE)


def test_what_leaves_without_agreement_after_a_withdrawal_is_written_at_once_too(member, formation):
    leave(member, formation, channel=Channel.LOGOUT_TOKEN)
    go_on(member, formation)
    withdraw(member, formation)

    leave(member, formation, channel=Channel.LOGOUT_TOKEN)

    assert [count for _, count in rows()] == [1, 1]
    assert lines().count() == 2


def test_a_decision_on_the_same_text_is_another_ground(member, formation):
    go_on(member, formation, "phone")
    leave(member, formation, "email", times=2)

    go_on(member, formation, now=WEDNESDAY)
    leave(member, formation, "email")

    assert [count for _, count in rows()] == [2, 1]
    assert lines().count() == 2


def test_a_day_that_is_over_is_closed_with_a_line_about_what_was_counted(member, louty, formation):
    leave(member, louty, times=7)
    leave(member, formation)

    during = ledger.close_days(now=WEDNESDAY)
    after = ledger.close_days(now=THURSDAY)
    again = ledger.close_days(now=THURSDAY)

    assert (during, after, again) == (0, 2, 0)
    (line,) = lines(Action.DISCLOSED_AGAIN)
    assert (line.tool, line.actor_tool, line.subject_id, line.at) == (louty, louty, member.pk, THURSDAY)
    first, last = (datetime.fromisoformat(line.facts[name]) for name in ("first_at", "last_at"))
    assert (line.facts["times"], first, last) == (7, WEDNESDAY, WEDNESDAY + 6 * MINUTE)
    assert line.told["items"] == sorted(ALWAYS)
    assert not Disclosure.objects.filter(closed_at=None).exists()


def test_a_day_is_over_by_the_clock_of_the_cooperative_and_some_minutes_later(member, louty):
    midnight = timezone.make_aware(datetime(2026, 11, 19))
    leave(member, louty, now=midnight - MINUTE, times=2)

    assert ledger.close_days(now=midnight + MINUTE) == 0
    assert ledger.close_days(now=midnight + ledger.SETTLED) == 1
    assert [str(day) for day, _ in rows()] == ["2026-11-18", "2026-11-19"]


def test_what_comes_late_to_a_day_that_was_closed_is_written_at_once(member, louty):
    leave(member, louty, times=2)
    ledger.close_days(now=THURSDAY)

    leave(member, louty)

    assert [count for _, count in rows()] == [2, 1]
    assert lines().count() == 2
    assert ledger.close_days(now=THURSDAY) == 1


def test_many_rows_are_closed_some_at_a_time(member, louty, formation, monkeypatch):
    monkeypatch.setattr(ledger, "BATCH", 2)
    for tool in (louty, formation):
        leave(member, tool, times=2)
        leave(member, tool, times=2, channel=Channel.ID_TOKEN)

    assert [ledger.close_days(now=THURSDAY) for _ in range(3)] == [2, 2, 0]
    assert lines(Action.DISCLOSED_AGAIN).count() == 4


def test_what_was_rolled_back_is_not_counted_and_no_line_is_missing_for_it(member, louty):
    with transaction.atomic():
        leave(member, louty)
        transaction.set_rollback(True)
    leave(member, louty, times=2)
    with transaction.atomic():
        leave(member, louty)
        transaction.set_rollback(True)

    assert [count for _, count in rows()] == [2]
    assert lines().count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_written_and_all_are_counted(member, other_member, louty, formation):
    go_on(member, louty)
    several = [
        Disclosed(person.pk, tool.pk, Channel.USERINFO, ALWAYS, selectors.release(person.pk, tool.pk, frozenset()))
        for person in (member, other_member)
        for tool in (louty, formation)
    ]

    def write(order):
        for number in range(5):
            with transaction.atomic():
                ledger.disclose(order, now=WEDNESDAY + number * MINUTE)

    together(*(partial(write, order) for order in (several, several[::-1], several[2:], several[:3]) * 2))

    assert sorted(count for _, count in rows()) == [30, 30, 30, 40]
    assert lines().count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_day_closed_by_two_while_something_comes_late_loses_nothing(member, louty, formation):
    for tool in (louty, formation):
        leave(member, tool, times=3)
    late = [partial(leave, member, tool) for tool in (louty, formation) for _ in range(4)]

    together(partial(ledger.close_days, now=THURSDAY), *late, partial(ledger.close_days, now=THURSDAY))
    ledger.close_days(now=THURSDAY)

    assert sum(count for _, count in rows()) == 14
    assert lines().count() == len(rows())
    told = sum(line.facts["times"] for line in lines(Action.DISCLOSED_AGAIN))
    assert told + sum(1 for _, count in rows() if count == 1) == 14


def test_a_row_of_the_ledger_only_counts_and_is_closed(member, louty):
    leave(member, louty)
    row = Disclosure.objects.get()

    row.count = 0
    recount, reopen = {"count": 0}, {"closed_at": None}
    for attempt in (row.save, *(partial(Disclosure.objects.update, **each) for each in (recount, reopen))):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            attempt()

    assert rows() == [(WEDNESDAY.date(), 1)]


def test_the_comparison_of_a_night_finds_each_row_and_each_closing_that_has_no_line(member, louty, formation):
    now = timezone.now()
    leave(member, louty, now=now, times=3)
    leave(member, formation, now=now)
    ledger.close_days(now=now + timedelta(days=1))
    reconcile(now=now + timedelta(days=2), since=now - MINUTE)
    before = {(gap.source, gap.row) for gap in reconciliation.open_gaps() if gap.source.startswith("consent.")}
    for action in (Action.DISCLOSED, Action.DISCLOSED_AGAIN):
        gone = lines(action).filter(tool=louty)
        gone._raw_delete(gone.db)

    reconcile(now=now + timedelta(days=2), since=now - MINUTE)

    row = str(Disclosure.objects.get(tool=louty).pk)
    found = {(gap.source, gap.row) for gap in reconciliation.open_gaps() if gap.source.startswith("consent.")}
    assert before == set()
    assert found == {("consent.disclosure", row), ("consent.repeated", row)}


def test_how_often_and_when_last_is_counted_for_the_member(member, louty):
    leave(member, louty, "email", now=TUESDAY, times=3)
    leave(member, louty, "email", now=WEDNESDAY, times=2)

    (relation,) = selectors.relations(member.pk)

    assert (relation.transmissions, relation.since, relation.last) == (5, TUESDAY, WEDNESDAY + MINUTE)
    assert [
        (each["times"], each["at"], each["last_at"]) for each in map(selectors.told, selectors.ledger(member.pk))
    ] == [
        (2, WEDNESDAY.isoformat(), (WEDNESDAY + MINUTE).isoformat()),
        (3, TUESDAY.isoformat(), (TUESDAY + 2 * MINUTE).isoformat()),
    ]


def test_the_withdrawal_and_its_closing_stand_or_fall_together(member, formation, monkeypatch):
    go_on(member, formation)
    leave(member, formation, "email", times=3)

    def fail(*_):
        raise Stopped

    monkeypatch.setattr(ledger, "record_all", fail)
    with pytest.raises(Stopped):
        withdraw(member, formation)

    assert Disclosure.objects.get().closed_at is None
    assert selectors.standing(member.pk, formation.pk) is not None
    assert not lines(Action.DISCLOSED_AGAIN).exists()
