"""Forty deadlines: Regulation 1182/71 with the French holidays, reckoned by hand from a calendar."""

from datetime import date

import pytest

from consent.requests import policy
from consent.requests.types import Face


def day(text: str) -> date:
    return date.fromisoformat(text)


# Received, extended by two months or not, due, and why.
TABLE = [
    # The same date a month later, where that is a working day.
    ("2026-03-05", False, "2026-04-07", "Sunday 5 April is Easter, Monday 6 April a holiday: Tuesday"),
    ("2026-03-10", False, "2026-04-10", "a Friday"),
    ("2026-09-16", False, "2026-10-16", "a Friday"),
    ("2026-11-16", False, "2026-12-16", "a Wednesday"),
    ("2026-12-07", False, "2027-01-07", "a Thursday, over the turn of the year"),
    # A month that has no such date ends with its last day.
    ("2025-01-31", False, "2025-02-28", "28 February, a Friday"),
    ("2023-01-30", False, "2023-02-28", "28 February, a Tuesday"),
    ("2024-01-31", False, "2024-02-29", "a leap year, a Thursday"),
    ("2024-01-29", False, "2024-02-29", "29 February exists that year"),
    ("2023-01-29", False, "2023-02-28", "and not that one"),
    ("2028-01-30", False, "2028-02-29", "a leap year, a Tuesday"),
    ("2026-01-31", False, "2026-03-02", "28 February is a Saturday: Monday 2 March"),
    ("2026-08-31", False, "2026-09-30", "a month of thirty days, a Wednesday"),
    ("2026-03-31", False, "2026-04-30", "a Thursday"),
    ("2026-05-31", False, "2026-06-30", "received on a Sunday, due on a Tuesday"),
    ("2024-02-29", False, "2024-03-29", "Good Friday is a working day"),
    ("2025-02-28", False, "2025-03-28", "the same date, not the last of the month"),
    # Saturdays and Sundays.
    ("2026-01-14", False, "2026-02-16", "Saturday 14 February"),
    ("2026-01-15", False, "2026-02-16", "Sunday 15 February"),
    ("2026-09-03", False, "2026-10-05", "Saturday 3 October"),
    # Holidays of a fixed date.
    ("2025-12-01", False, "2026-01-02", "1 January, a Thursday: Friday"),
    ("2026-04-01", False, "2026-05-04", "1 May, a Friday, and the weekend behind it"),
    ("2026-04-08", False, "2026-05-11", "8 May, a Friday, and the weekend behind it"),
    ("2025-04-08", False, "2025-05-09", "8 May, a Thursday: Friday"),
    ("2026-06-14", False, "2026-07-15", "14 July, a Tuesday"),
    ("2025-06-14", False, "2025-07-15", "14 July, a Monday"),
    ("2026-07-15", False, "2026-08-17", "15 August is a Saturday: Monday"),
    ("2025-07-15", False, "2025-08-18", "15 August, a Friday, and the weekend behind it"),
    ("2026-10-01", False, "2026-11-02", "1 November is a Sunday: Monday, which nobody makes up for in France"),
    ("2024-10-01", False, "2024-11-04", "1 November, a Friday, and the weekend behind it"),
    ("2026-10-11", False, "2026-11-12", "11 November, a Wednesday"),
    ("2024-10-11", False, "2024-11-12", "11 November, a Monday"),
    ("2026-11-25", False, "2026-12-28", "25 December, a Friday, and the weekend behind it"),
    ("2025-11-25", False, "2025-12-26", "25 December, a Thursday: the 26th is no holiday outside Alsace-Moselle"),
    # Those that move with Easter: 20 April 2025, 31 March 2024, 5 April 2026.
    ("2024-03-01", False, "2024-04-02", "1 April 2024 is Easter Monday"),
    ("2025-03-21", False, "2025-04-22", "21 April 2025 is Easter Monday"),
    ("2026-04-14", False, "2026-05-15", "14 May 2026 is Ascension Day: Friday"),
    ("2026-04-25", False, "2026-05-26", "25 May 2026 is Whit Monday"),
    # Extended: three months from receipt.
    ("2026-11-30", True, "2027-03-01", "28 February 2027 is a Sunday: Monday"),
    ("2026-05-14", True, "2026-08-14", "a Friday, the eve of a holiday"),
]


def test_the_table_has_forty_dates():
    assert len(TABLE) == 40


@pytest.mark.gdpr("G14")
@pytest.mark.parametrize(("received", "extended", "due", "why"), TABLE, ids=[row[0] for row in TABLE])
def test_a_deadline(received, extended, due, why):
    clock = policy.clock(day(received), today=day(received), extended=extended)

    assert clock.due == day(due), why
    assert policy.is_working(clock.due)


# Table of the Bureau des longitudes; the earliest and the latest Easter there are, too.
EASTERS = (
    *("1818-03-22", "1943-04-25", "2000-04-23", "2019-04-21", "2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09"),
    *("2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25"),
)


@pytest.mark.parametrize("sunday", EASTERS)
def test_easter_is_reckoned(sunday):
    assert policy.easter(int(sunday[:4])) == day(sunday)


def test_the_holidays_of_a_year_are_eleven():
    expected = (
        *("2026-01-01", "2026-04-06", "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25"),
        *("2026-07-14", "2026-08-15", "2026-11-01", "2026-11-11", "2026-12-25"),
    )

    assert policy.holidays(2026) == {day(each) for each in expected}


def test_two_holidays_may_fall_together():
    # 1 May 2008 was Ascension Day too.
    assert len(policy.holidays(2008)) == 10


def test_the_days_of_a_doubt_about_identity_are_given_back():
    clock = policy.clock(day("2026-03-10"), today=day("2026-03-20"), paused=5)

    assert clock.due == day("2026-04-15"), "10 April and five days"
    assert clock.face == Face.QUIET


def test_days_that_are_given_back_come_before_the_move_to_a_working_day():
    # 28 February 2026 is a Saturday: with one day more the period ends on Sunday, and moves on to the same Monday.
    clock = policy.clock(day("2026-01-31"), today=day("2026-02-10"), paused=1)

    assert clock.due == day("2026-03-02")


def test_a_stopped_clock_loses_no_day():
    stopped = [
        policy.clock(day("2026-03-10"), today=day(today), waiting_since=day("2026-03-12"))
        for today in ("2026-03-12", "2026-03-17", "2026-03-18")
    ]

    assert [each.days_left for each in stopped] == [29, 29, 29]
    assert {each.face for each in stopped} == {Face.STOPPED}


def test_a_stopped_clock_takes_no_day_away_where_the_machine_is_set_back():
    received, stopped = day("2026-11-16"), day("2027-11-16")

    clock = policy.clock(received, today=day("2026-11-20"), waiting_since=stopped)

    assert clock.due == policy.due(received)


def test_a_stopped_clock_is_never_overdue():
    clock = policy.clock(day("2026-03-10"), today=day("2026-12-31"), waiting_since=day("2026-04-10"))

    assert clock.face == Face.STOPPED


@pytest.mark.gdpr("G14")
def test_an_extension_leaves_the_first_month_visible():
    clock = policy.clock(day("2026-11-16"), today=day("2026-12-01"), extended=True)

    assert (clock.first_due, clock.due) == (day("2026-12-16"), day("2027-02-16"))


@pytest.mark.parametrize(
    ("today", "face", "left"),
    [
        ("2026-11-16", Face.QUIET, 30),
        ("2026-12-08", Face.QUIET, 8),
        ("2026-12-09", Face.SOON, 7),
        ("2026-12-16", Face.SOON, 0),
        ("2026-12-17", Face.OVERDUE, -1),
    ],
)
def test_the_clock_says_when_it_gets_late(today, face, left):
    clock = policy.clock(day("2026-11-16"), today=day(today))

    assert (clock.face, clock.days_left) == (face, left)


def test_what_is_answered_is_over():
    assert policy.clock(day("2026-11-16"), today=day("2027-11-16"), over=True).face == Face.OVER
