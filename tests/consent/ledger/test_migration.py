"""The ledger of the release before, which had a row for each answer."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.db import transaction

from consent import selectors
from consent.ledger import holdings
from consent.ledger import services as ledger
from consent.models import Disclosure, Holding
from consent.types import ALWAYS, Channel, Disclosed
from tests.support.cast import WEDNESDAY, make_member
from tests.support.migrations import migrate
from tests.support.oidc import connect

BEFORE = [("consent", "0004_objections")]


@pytest.fixture
def rows_before(transactional_db: None) -> Iterator[object]:
    """The table as it was."""
    executor = migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps.get_model("consent", "Disclosure")
    migrate()


def test_old_rows_stand_for_one_release_each_and_nothing_more_is_counted_on_them(rows_before):
    member, tool = make_member("amelie.roux", "Amélie Roux"), connect("agenda").tool
    told = {"member_id": member.pk, "tool_id": tool.pk, "channel": "userinfo", "items": sorted(ALWAYS)}
    # Shortly before midnight in Paris, and shortly after.
    times = [WEDNESDAY, WEDNESDAY, WEDNESDAY.replace(hour=22, minute=59), WEDNESDAY.replace(hour=23, minute=1)]
    for at in times:
        rows_before.objects.create(at=at, **told)

    migrate()

    kept = Disclosure.objects.order_by("pk").values_list("at", "last_at", "closed_at", "count", "day")
    days = [date(2026, 11, 18)] * 3 + [date(2026, 11, 19)]
    assert list(kept) == [(at, at, at, 1, day) for at, day in zip(times, days, strict=True)]
    assert set(Holding.objects.values_list("item", "since", "last")) == {(item, WEDNESDAY, days[-1]) for item in ALWAYS}
    assert holdings.differences() == {}
    with transaction.atomic():
        release = selectors.release(member.pk, tool.pk, frozenset())
        ledger.disclose([Disclosed(member.pk, tool.pk, Channel.USERINFO, ALWAYS, release)], now=WEDNESDAY)
    assert [row.count for row in Disclosure.objects.all()] == [1] * 5
    assert ledger.close_days(now=WEDNESDAY + timedelta(days=2)) == 1
