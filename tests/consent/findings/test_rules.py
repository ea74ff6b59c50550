"""What is a finding and what is none, without a database."""

from datetime import timedelta
from uuid import UUID

import pytest

from consent.findings import rules
from consent.findings.types import OBSERVED, Agreed, Behind, Declared, Finding, Kind, Level, Objected, Sent, Stopped
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY

AMELIE, BACHIR = UUID(int=1), UUID(int=2)
LOUTY, WIKI = 1, 2
SHEETS = {10: {"name": "contract", "email": "consent", "phone": "legitimate_interest"}}
HOUR = timedelta(hours=1)


def sent(*items, member=AMELIE, tool=LOUTY, processing=10, decision=5, first=TUESDAY, last=None, count=1):
    return Sent(member, tool, frozenset(items), processing, decision, first, last or first, count)


def agreed(*items, number=5, member=AMELIE, tool=LOUTY, since=MONDAY, until=None, withdrawn=False):
    return Agreed(number, member, tool, frozenset(items), since, until, withdrawn)


def objected(*items, since=MONDAY, until=None):
    return Objected(AMELIE, LOUTY, frozenset(items), since, until)


# F1


def test_what_is_on_the_sheet_is_no_finding():
    assert rules.undeclared([sent("name", "email")], SHEETS) == []


@pytest.mark.parametrize("processing", [10, 11, None])
def test_f1_what_is_not_on_the_sheet_under_which_it_left_is_counted(processing):
    found = rules.undeclared([sent("town", processing=processing, count=3), sent("town", first=MONDAY)], SHEETS)

    assert found == [Finding(Kind.UNDECLARED, LOUTY, MONDAY, 4, ("town",))]
    assert found[0].level == Level.ALARM


def test_findings_are_told_by_tool():
    found = rules.undeclared([sent("town"), sent("trade", tool=WIKI, count=2)], SHEETS)

    assert [(each.tool, each.count, each.items) for each in found] == [(LOUTY, 1, ("town",)), (WIKI, 2, ("trade",))]


# F2


@pytest.mark.parametrize(
    ("decisions", "decision"),
    [
        ([agreed("email")], 5),
        ([agreed("email")], 0),
        ([agreed("email", until=TUESDAY)], 5),
        ([agreed("email", until=TUESDAY - HOUR, withdrawn=True)], 5),
    ],
)
def test_what_rests_on_an_agreement_that_stood_is_no_finding_of_this_kind(decisions, decision):
    assert rules.not_agreed([sent("name", "email", decision=decision)], SHEETS, decisions) == []


@pytest.mark.parametrize(
    ("decisions", "decision"),
    [
        ([], 5),
        ([], 0),
        ([agreed("name")], 5),
        ([agreed("email", number=6)], 5),
        ([agreed("email", since=TUESDAY + HOUR)], 5),
        ([agreed("email", until=TUESDAY - HOUR)], 5),
        ([agreed("email", until=TUESDAY - HOUR)], 0),
        ([agreed("email", member=BACHIR)], 5),
        ([agreed("email", tool=WIKI)], 0),
    ],
)
def test_f2_what_rests_on_consent_without_an_agreement_to_it_is_counted(decisions, decision):
    found = rules.not_agreed([sent("name", "email", decision=decision, count=2)], SHEETS, decisions)

    assert found == [Finding(Kind.NOT_AGREED, LOUTY, TUESDAY, 2, ("email",))]


# F3


def test_what_left_before_its_end_or_was_under_way_is_no_finding():
    before = sent("email", "phone", first=MONDAY, last=TUESDAY + timedelta(seconds=30))
    ends = {"agreed": [agreed("email", until=TUESDAY, withdrawn=True)], "objected": [objected("phone", since=TUESDAY)]}

    assert rules.ended([before], **ends, gone={AMELIE: TUESDAY}) == []
    assert rules.ended([sent("name")], [agreed("name", until=MONDAY)], [objected("phone")], {BACHIR: MONDAY}) == []
    assert rules.ended([sent("phone")], [], [objected("phone", until=TUESDAY)], {}) == [], "taken back"


def test_f3_what_left_after_a_withdrawal_is_counted_since_the_first():
    late = sent("name", "email", first=MONDAY, last=WEDNESDAY, count=4)

    found = rules.ended([late], [agreed("email", until=TUESDAY, withdrawn=True)], [], {})

    assert found == [Finding(Kind.ENDED, LOUTY, TUESDAY, 4, ("email", "name"))]


def test_f3_what_left_after_an_objection_is_counted_for_its_items():
    found = rules.ended([sent("name", "phone")], [], [objected("phone")], {})

    assert found == [Finding(Kind.ENDED, LOUTY, TUESDAY, 1, ("phone",))]


def test_f3_what_left_after_somebody_left_is_counted():
    found = rules.ended([sent("name"), sent("name", member=BACHIR)], [], [], {AMELIE: MONDAY})

    assert found == [Finding(Kind.ENDED, LOUTY, TUESDAY, 1, ("name",))]


# F5, F6


def test_f5_members_who_know_another_notice_are_counted():
    found = rules.outdated([Behind(LOUTY, MONDAY, 3), Behind(WIKI, MONDAY, 0)])

    assert found == [Finding(Kind.OUTDATED, LOUTY, MONDAY, 3)]
    assert found[0].level == Level.ASK


def test_f6_what_was_long_declared_and_not_seen_lately_is_told_with_its_items():
    now = WEDNESDAY
    old, longer = now - OBSERVED - HOUR, now - OBSERVED - timedelta(days=30)
    declared = [
        Declared(LOUTY, "phone", longer),
        Declared(LOUTY, "email", longer, seen=old),
        Declared(LOUTY, "name", longer, seen=now - HOUR),
        Declared(WIKI, "name", now - HOUR),
    ]

    found = rules.unobserved(declared, now=now)

    assert found == [Finding(Kind.UNOBSERVED, LOUTY, longer, 2, ("email", "phone"))]
    assert found[0].level == Level.SUGGESTION


# A sheet before it is in force


def test_a_sheet_is_previewed_by_what_it_would_have_stopped():
    left = [sent("name", count=5), sent("name", "phone", count=3), sent("town", "phone", member=BACHIR, count=2)]

    assert rules.stopped(left, {"name", "town"}) == Stopped(releases=5, members=2, items=("phone",))
    assert rules.stopped(left, {"name", "town", "phone"}) == Stopped()
