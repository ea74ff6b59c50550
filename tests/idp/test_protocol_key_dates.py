"""The dates of a signing key's life, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.key_dates import Life, Periods, seconds_fresh, successor_active_at
from idp.types import KeyState

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
PERIODS = Periods(rotation=90 * DAY, ahead=2 * DAY, published_after=DAY, hints=365 * DAY)


@pytest.mark.parametrize(
    ("when", "state"),
    [
        (START + DAY, KeyState.PUBLISHED),
        (START + 2 * DAY, KeyState.ACTIVE),
        (START + 92 * DAY - timedelta(seconds=1), KeyState.ACTIVE),
        (START + 92 * DAY, KeyState.RETIRED),
        (START + 457 * DAY, KeyState.GONE),
    ],
)
def test_a_key_goes_through_four_states(when, state):
    life = Life(START, START + 2 * DAY, START + 92 * DAY, START + 457 * DAY)

    assert life.state(when) == state


def test_a_retired_key_leaves_the_set_when_its_last_token_is_over_and_verifies_long_after():
    life = Life(START, START, START + 90 * DAY, START + 455 * DAY)

    assert life.in_set(PERIODS, START + 91 * DAY - timedelta(seconds=1))
    assert not life.in_set(PERIODS, START + 91 * DAY)
    assert life.state(START + 91 * DAY) == KeyState.RETIRED


def test_the_next_key_is_published_early_enough_to_sign_on_the_day():
    life = Life(START, START)

    due = life.successor_due_at(PERIODS)

    assert due == START + 88 * DAY
    assert successor_active_at(life, PERIODS, due) == START + 90 * DAY


def test_a_late_worker_still_gives_tools_their_time():
    late = START + 200 * DAY

    assert successor_active_at(Life(START, START), PERIODS, late) == late + PERIODS.ahead


@pytest.mark.parametrize(
    ("before", "seconds"), [(3 * DAY, 600), (timedelta(seconds=300), 300), (timedelta(seconds=5), 60)]
)
def test_copies_of_the_key_set_end_when_it_is_due_to_change(before, seconds):
    life = Life(START, START)

    assert seconds_fresh([life], PERIODS, START + 88 * DAY - before, least=60, most=600) == seconds


@given(
    rotation=st.integers(1, 400),
    ahead=st.integers(2, 23),
    looks=st.lists(st.integers(0, 3_000), min_size=1, max_size=60),
)
def test_no_copy_that_is_still_fresh_ever_misses_the_key_that_signs(rotation, ahead, looks):
    """A worker that looks at odd hours plans keys; at each look, the copies taken since the last one are compared."""
    periods = Periods(rotation * DAY, timedelta(hours=ahead), DAY, 365 * DAY)
    lives, now = [Life(START, START)], START
    for hours in looks:
        now += timedelta(hours=hours)
        due = lives[-1].successor_due_at(periods)
        if due is not None and due <= now:
            active_at = successor_active_at(lives[-1], periods, now)
            lives[-1] = Life(lives[-1].published_at, lives[-1].active_at, active_at, active_at + periods.hints)
            lives.append(Life(now, active_at))
        copied_at = now - timedelta(seconds=61)
        kept_until = copied_at + timedelta(
            seconds=seconds_fresh(
                [life for life in lives if life.published_at <= copied_at] or lives, periods, now, least=60, most=600
            )
        )
        copy = [life for life in lives if life.published_at <= copied_at and life.in_set(periods, copied_at)]
        signing = [life for life in lives if life.state(kept_until) == KeyState.ACTIVE]

        assert len(signing) == 1
        assert copied_at < START or signing[0] in copy
