"""What is declared beside what was seen, without a database."""

from datetime import timedelta

import pytest

from consent.protection import policy
from consent.protection.types import Answered, Seen, Share, Sight, Stated
from consent.types import DataCategory, Face
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY


def stated(*items, since=MONDAY):
    return {item: Stated(since, "contract", order=order) for order, item in enumerate(items)}


def seen(*items, last=TUESDAY):
    return {item: Seen(last - timedelta(hours=1), last, 2) for item in items}


def sights(found):
    return {line.item: line.sight for line in found}


def test_each_item_has_its_state_in_the_order_of_the_sheet():
    found = policy.lines(stated("name", "email"), seen("email", "town"), observable=True)

    assert [(line.item, line.sight) for line in found] == [
        ("name", Sight.DECLARED),
        ("email", Sight.BOTH),
        ("town", Sight.OBSERVED),
    ]


def test_what_a_mere_link_declares_is_not_said_to_be_unused():
    assert sights(policy.lines(stated("name"), {}, observable=False)) == {"name": Sight.HIDDEN}


@pytest.mark.parametrize(("last", "sight"), [(MONDAY, None), (TUESDAY, Sight.OBSERVED), (WEDNESDAY, Sight.OBSERVED)])
def test_what_left_under_an_older_sheet_is_not_judged_by_todays(last, sight):
    found = policy.lines(stated("name", since=TUESDAY), seen("town", last=last), observable=True)

    assert sights(found)["town"] is sight


def test_what_left_without_any_sheet_is_seen():
    assert sights(policy.lines({}, seen("town"), observable=True)) == {"town": Sight.OBSERVED}


def test_what_every_tool_gets_is_not_counted():
    assert policy.lines({}, seen("identifier", "session"), observable=True) == []


def test_a_cell_tells_the_worst_of_its_items_and_how_many_left():
    found = policy.lines(stated("name", "given_name", "email"), seen("name", "family_name"), observable=True)

    row = {cell.category: cell for cell in policy.row(found)}

    identity, contact = row[DataCategory.IDENTITY], row[DataCategory.CONTACT]
    assert (identity.sight, identity.seen, identity.of, identity.beyond) == (Sight.OBSERVED, 1, 2, 1)
    assert (contact.sight, contact.seen, contact.of, contact.beyond) == (Sight.DECLARED, 0, 1, 0)
    assert row[DataCategory.CONNECTION].sight is None
    assert len(row) == len(DataCategory)


def test_one_item_that_left_is_enough_for_a_cell_to_say_so():
    found = policy.lines(stated("name", "given_name"), seen("name"), observable=True)

    assert policy.row(found)[0].sight is Sight.BOTH


def test_a_code_that_left_the_catalogue_is_still_told():
    found = policy.lines({}, seen("shoe_size"), observable=True)

    assert [cell.sight for cell in policy.row(found)].count(Sight.OBSERVED) == 1


# What members made of a purpose

ANSWERS = [
    Answered(frozenset({"name", "phone"}), False, 6),
    Answered(frozenset({"name"}), False, 3),
    Answered(frozenset(), True, 1),
]


def test_what_may_be_refused_is_counted_whole_and_item_by_item():
    told = policy.shares(Face.CONSENT, ["phone", "trade"], ANSWERS, 0)

    assert (told.total, told.total.percent) == (Share(6, 10), 60)
    assert told.items == (("phone", Share(6, 10)), ("trade", Share(0, 10)))


def test_what_cannot_be_refused_has_readers_and_objections():
    informed = policy.shares(Face.INFORMATION, ["name"], ANSWERS, 4)
    objectable = policy.shares(Face.OBJECTION, ["name"], ANSWERS, 4)

    assert (informed.total, informed.items, informed.objected) == (Share(9, 10), (), 0)
    assert objectable.objected == 4


def test_of_nobody_there_is_no_rate():
    assert policy.shares(Face.CONSENT, ["phone"], [], 0).total.percent is None
