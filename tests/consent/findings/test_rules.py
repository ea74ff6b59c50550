"""What is a finding and what is none, without a database."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from consent.findings import rules
from consent.findings.types import (
    ACCEPTED,
    ASSESSED,
    OBSERVED,
    OFTEN,
    Agreed,
    Behind,
    Decided,
    DecisionInvalid,
    Declared,
    Finding,
    Kind,
    Level,
    Objected,
    Record,
    Sent,
    Stopped,
)
from consent.modes.types import Period
from consent.types import Mode
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


@pytest.mark.gdpr("G7")
@pytest.mark.parametrize("processing", [10, 11, None])
def test_f1_what_is_not_on_the_sheet_under_which_it_left_is_counted(processing):
    found = rules.undeclared([sent("town", processing=processing, count=3), sent("town", first=MONDAY)], SHEETS)

    assert found == [Finding(Kind.UNDECLARED, LOUTY, MONDAY, 4, ("town",))]
    assert found[0].level == Level.ALARM


@pytest.mark.gdpr("G7")
@pytest.mark.parametrize(
    ("row", "level"),
    [
        ({"mode": "warn"}, Level.WARNED),
        ({"mode": "warn", "first": WEDNESDAY - HOUR, "last": WEDNESDAY + timedelta(seconds=50)}, Level.WARNED),
        ({"mode": "warn", "last": WEDNESDAY + HOUR}, Level.ALARM),
        ({"mode": "warn", "first": MONDAY}, Level.ALARM),
        ({"mode": "warn", "tool": WIKI}, Level.ALARM),
        ({"mode": "warn", "processing": None}, Level.ALARM),
        ({"mode": "observe"}, Level.ALARM),
        ({"mode": ""}, Level.ALARM),
    ],
)
def test_f1_is_known_only_where_the_tool_really_was_in_that_mode(row, level):
    mode, said = row["mode"], {name: value for name, value in row.items() if name != "mode"}
    each = replace(sent("name", "town", **said), mode=mode)

    (found,) = rules.undeclared([each], SHEETS, [Period(LOUTY, Mode.WARN, TUESDAY, WEDNESDAY)])

    assert found.level == level
    assert "town" in found.items


def test_what_a_mode_lets_out_is_not_settled_by_what_was_said_of_an_alarm():
    said = Decided(Kind.UNDECLARED, LOUTY, "", frozenset({"town"}), WEDNESDAY)
    alarm = Finding(Kind.UNDECLARED, LOUTY, MONDAY, 1, ("town",), last=TUESDAY)
    by_mode = replace(alarm, mode=Mode.WARN.value)

    assert rules.covers(said, alarm, today=date(2026, 1, 1))
    assert not rules.covers(said, by_mode, today=date(2026, 1, 1))
    assert alarm.code != by_mode.code


def test_what_would_leave_besides_leaves_out_what_each_member_said_no_to():
    rows = [sent("name", count=3), sent("name", member=BACHIR, count=2)]

    assert rules.let_out(rows, {"town", "trade"}, {BACHIR: {"town", "trade"}}) == Stopped(3, 1, ("town", "trade"))
    assert rules.let_out(rows, {"town"}, {}) == Stopped(5, 2, ("town",))
    assert rules.let_out(rows, set(), {}) == Stopped()


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


# F4

TODAY = date(2026, 11, 18)
NEWER = {**SHEETS, 11: {"name": "contract", "town": "contract"}}


def test_f4_what_the_text_that_was_read_did_not_have_is_counted():
    under_the_new = sent("name", "town", processing=11, count=2)

    assert rules.grown([under_the_new], NEWER, {5: 10}) == [Finding(Kind.GROWN, LOUTY, TUESDAY, 2, ("town",))]
    assert rules.grown([under_the_new], NEWER, {5: 11}) == [], "that is the text that was read"
    assert rules.grown([under_the_new], NEWER, {}) == [], "nobody decided anything: F2 and F1 look at that"
    assert rules.grown([sent("town", processing=10)], NEWER, {5: 10}) == [], "on no sheet: F1's"


# F8


def test_f8_what_is_asked_for_and_never_has_a_value_is_told():
    in_force = {LOUTY: {"name": "contract", "town": "contract", "email": "contract"}}

    found = rules.empty([sent("name", count=OFTEN)], in_force, MONDAY)

    assert found == [Finding(Kind.EMPTY, LOUTY, MONDAY, 1, ("town",))], "nobody asked for the scope of the address"
    assert found[0].level == Level.SUGGESTION


@pytest.mark.parametrize("basis", ["consent", "legitimate_interest"])
def test_what_members_may_keep_back_is_not_said_to_be_empty(basis):
    assert rules.empty([sent("name", count=OFTEN)], {LOUTY: {"name": "contract", "town": basis}}, MONDAY) == []


def test_a_few_times_without_a_value_say_nothing():
    in_force = {LOUTY: {"name": "contract", "town": "contract"}}

    assert rules.empty([sent("name", count=OFTEN - 1)], in_force, MONDAY) == []
    assert rules.empty([sent("name", tool=WIKI, count=OFTEN)], in_force, MONDAY) == []
    assert rules.empty([sent("name", count=OFTEN), sent("town")], in_force, MONDAY) == []


# F9


def record(*holes, sensitive=False, assessed=None):
    return Record("O-001", LOUTY, MONDAY, frozenset(holes), sensitive, assessed)


@pytest.mark.parametrize(
    ("each", "codes"),
    [
        (record("contract_over", "no_safeguard", "measures"), ("contract_over", "no_safeguard")),
        (record("safeguard"), ("safeguard",)),
        (record("assessment", sensitive=True), ("assessment",)),
        (record(assessed=TODAY - ASSESSED - timedelta(days=1)), ("assessment_old",)),
    ],
)
def test_f9_what_a_date_or_a_country_made_urgent_is_a_task(each, codes):
    (found,) = rules.overdue([each], today=TODAY)

    assert (found.kind, found.level, found.items, found.reference) == (Kind.OVERDUE, Level.TASK, codes, "O-001")


@pytest.mark.parametrize("each", [record("measures", "assessment"), record(assessed=TODAY - ASSESSED), record()])
def test_other_holes_are_the_registers_to_show(each):
    assert rules.overdue([each], today=TODAY) == []


# F10, F11, F12, F13


def test_f10_people_are_counted_whose_collectives_a_tool_knew_before_one_became_sensitive():
    found = rules.sensitive([(LOUTY, TUESDAY), (LOUTY, MONDAY), (WIKI, TUESDAY)])

    assert [(each.tool, each.since, each.count) for each in found] == [(LOUTY, MONDAY, 2), (WIKI, TUESDAY, 1)]


def test_f11_says_how_many_looked_more_than_they_use_to():
    assert rules.looked_up(0, since=MONDAY, now=TUESDAY) == []
    assert rules.looked_up(2, since=MONDAY, now=TUESDAY) == [Finding(Kind.LOOKUPS, None, MONDAY, 2)]


def test_f12_gaps_of_the_journal_are_an_alarm():
    assert rules.unlogged(0, None) == []
    (found,) = rules.unlogged(3, MONDAY)
    assert (found.kind, found.level, found.count) == (Kind.UNLOGGED, Level.ALARM, 3)


def test_f13_what_a_tool_still_holds_of_who_was_erased_is_told_by_tool():
    found = rules.kept([(LOUTY, "name", TUESDAY, 2), (LOUTY, "email", MONDAY, 1), (WIKI, "name", TUESDAY, 1)])

    assert found == [
        Finding(Kind.KEPT, LOUTY, MONDAY, 2, ("email", "name")),
        Finding(Kind.KEPT, WIKI, TUESDAY, 1, ("name",)),
    ]


# What the officer says


def finding(kind, *items, last=None, tool=LOUTY):
    return Finding(kind, tool, MONDAY, 1, items, last=last)


def decided(kind, *items, at=TUESDAY, until=None, tool=LOUTY):
    return Decided(kind, tool, "", frozenset(items), at, until)


def test_what_was_settled_is_back_as_soon_as_it_happens_again():
    said = decided(Kind.UNDECLARED, "town")

    assert rules.covers(said, finding(Kind.UNDECLARED, "town", last=TUESDAY), today=TODAY)
    assert not rules.covers(said, finding(Kind.UNDECLARED, "town", last=WEDNESDAY), today=TODAY)
    assert not rules.covers(said, finding(Kind.UNDECLARED, "town", "trade", last=TUESDAY), today=TODAY)
    assert not rules.covers(said, finding(Kind.UNDECLARED, "town", last=TUESDAY, tool=WIKI), today=TODAY)
    assert not rules.covers(said, finding(Kind.GROWN, "town", last=TUESDAY), today=TODAY)


def test_what_was_accepted_holds_until_its_day_and_for_no_more_than_was_shown():
    said = decided(Kind.UNOBSERVED, "town", "trade", until=TODAY)

    assert rules.covers(said, finding(Kind.UNOBSERVED, "town"), today=TODAY)
    assert not rules.covers(said, finding(Kind.UNOBSERVED, "town"), today=TODAY + timedelta(days=1))
    assert not rules.covers(said, finding(Kind.UNOBSERVED, "town", "email"), today=TODAY)


@pytest.mark.parametrize(
    ("kind", "until", "code"),
    [
        (Kind.UNOBSERVED, None, "until_missing"),
        (Kind.UNOBSERVED, TODAY - timedelta(days=1), "until_past"),
        (Kind.UNOBSERVED, TODAY + ACCEPTED + timedelta(days=1), "until_far"),
        (Kind.UNDECLARED, TODAY, "not_accepted"),
        (Kind.UNLOGGED, None, "elsewhere"),
    ],
)
def test_what_must_never_happen_is_not_accepted_and_nothing_is_for_ever(kind, until, code):
    with pytest.raises(DecisionInvalid, match=code):
        rules.check_decision(kind, until, today=TODAY)


def test_a_finding_is_settled_or_accepted_as_its_kind_has_it():
    rules.check_decision(Kind.UNDECLARED, None, today=TODAY)
    rules.check_decision(Kind.UNOBSERVED, TODAY, today=TODAY)
