"""When news are seen, and whom they may be for; without a database."""

from datetime import timedelta

import pytest

from news import policy
from news.types import Audience, Standing
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moments", "now", "standing"),
    [
        ({"is_draft": True, "since": MONDAY}, TUESDAY, Standing.DRAFT),
        ({"since": TUESDAY}, MONDAY, Standing.SCHEDULED),
        ({"since": TUESDAY}, TUESDAY, Standing.PUBLISHED),
        ({"since": MONDAY, "until": WEDNESDAY}, WEDNESDAY - SECOND, Standing.PUBLISHED),
        ({"since": MONDAY, "until": WEDNESDAY}, WEDNESDAY, Standing.OVER),
        ({"since": MONDAY, "removed_at": TUESDAY}, TUESDAY, Standing.REMOVED),
    ],
)
def test_where_it_stands_comes_from_its_moments(moments, now, standing):
    known = {"is_draft": False, "since": None, "until": None, "removed_at": None}

    assert policy.standing_of(**known | moments, now=now) == standing


@pytest.mark.parametrize("wanted", Audience)
def test_a_sensitive_collective_speaks_to_its_members_only(wanted):
    assert policy.audience_of(wanted, sensitive=True, of_all=False) == Audience.NEAR
    assert policy.audience_of(wanted, sensitive=False, of_all=False) == wanted
    assert policy.audience_of(wanted, sensitive=False, of_all=True) == Audience.EVERYBODY


def test_it_can_be_put_back_for_thirty_days():
    end = MONDAY + policy.UNDO

    assert policy.can_be_restored(MONDAY, end - SECOND)
    assert not policy.can_be_restored(MONDAY, end)
    assert not policy.can_be_restored(None, MONDAY)
