"""The rules of breaches: the clock of article 33, and what may be written."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from consent.incidents import policy
from consent.incidents.types import (
    Closing,
    Count,
    Decision,
    Facts,
    IncidentInvalid,
    Letter,
    Nature,
    Notice,
    Pace,
    Phase,
    Risk,
    Standing,
    Telling,
)
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY

HOUR = timedelta(hours=1)
FACTS = Facts("Ordinateur volé", (Nature.CONFIDENTIALITY,), aware=MONDAY, hours=72, happened="Volé dans un train.")
THURSDAY = MONDAY + 72 * HOUR
SOME, NONE, HIGH = (Decision(risk, "Pesé.") for risk in (Risk.SOME, Risk.NONE, Risk.HIGH))
INITIAL = Notice(TUESDAY, Phase.INITIAL)


@pytest.mark.parametrize(
    ("day", "delays", "hours"),
    [
        (date(2026, 11, 16), "72", 72),
        (date(2027, 6, 30), "72 2027-07-01=96", 72),
        (date(2027, 7, 1), "72 2027-07-01=96", 96),
        (date(2030, 1, 1), "72 2029-01-01=48 2027-07-01=96", 48),
    ],
)
def test_the_delay_is_that_of_the_law_on_that_day(day, delays, hours):
    assert policy.hours_on(day, delays) == hours


@pytest.mark.parametrize(
    ("said", "now", "pace", "spent"),
    [
        ({}, MONDAY, Pace.UNDECIDED, 0),
        ({}, MONDAY + 36 * HOUR, Pace.UNDECIDED, 50),
        ({"decision": SOME}, THURSDAY, Pace.TO_NOTIFY, 100),
        ({}, THURSDAY + HOUR, Pace.LATE, 100),
        ({"decision": SOME}, THURSDAY + HOUR, Pace.LATE, 100),
        ({"decision": NONE}, THURSDAY + HOUR, Pace.NOT_DUE, 100),
        ({"notices": (Notice(THURSDAY, Phase.INITIAL),)}, THURSDAY + 9 * HOUR, Pace.NOTIFIED, 100),
        ({"notices": (Notice(THURSDAY + HOUR, Phase.INITIAL),)}, THURSDAY + 9 * HOUR, Pace.NOTIFIED_LATE, 100),
        ({"notices": (INITIAL, Notice(THURSDAY + HOUR, Phase.COMPLEMENT))}, THURSDAY + 9 * HOUR, Pace.NOTIFIED, 33),
    ],
)
def test_the_clock_runs_from_awareness_to_the_first_notice(said, now, pace, spent):
    clock = policy.clock(replace(Standing(FACTS), **said), now)

    assert (clock.pace, clock.deadline, clock.spent) == (pace, THURSDAY, spent)


def test_the_clock_tells_hours_and_minutes_on_both_sides():
    before = policy.clock(Standing(FACTS), THURSDAY - timedelta(hours=2, minutes=5))
    after = policy.clock(Standing(FACTS), THURSDAY + timedelta(hours=3, minutes=7))

    assert [(each.hours, each.minutes) for each in (before, after)] == [(2, 5), (3, 7)]
    assert before.days == ["33.33", "66.67"]


@pytest.mark.parametrize(
    ("content", "standing", "wrong"),
    [
        (replace(FACTS, title=" "), None, {"title": "missing"}),
        (replace(FACTS, natures=()), None, {"natures": "missing"}),
        (replace(FACTS, aware=WEDNESDAY + HOUR), None, {"aware": "future"}),
        (replace(FACTS, began=TUESDAY), None, {"aware": "aware_too_early"}),
        (replace(FACTS, began=MONDAY - HOUR, ended=MONDAY - 2 * HOUR), None, {"ended": "before_it_began"}),
        (replace(FACTS, happened="x" * 4001), None, {"happened": "too_long"}),
        (Count(1, "", TUESDAY, MONDAY, 0, 0), {}, {"until": "before_it_began"}),
        (Count(1, "", WEDNESDAY + HOUR, WEDNESDAY + HOUR, 0, 0), {}, {"since": "future"}),
        (Decision(Risk.NONE, " "), {}, {"reason": "missing"}),
        (Letter("Bonjour", ""), {}, {"en": "missing"}),
        (replace(INITIAL, at=WEDNESDAY + HOUR), {}, {"at": "future"}),
        (replace(INITIAL, at=MONDAY - HOUR), {}, {"at": "before_aware"}),
        (INITIAL, {"notices": (INITIAL,)}, {"phase": "notified_already"}),
        (replace(INITIAL, phase=Phase.COMPLEMENT), {}, {"phase": "not_notified"}),
        (INITIAL, {"facts": replace(FACTS, hours=20)}, {"late": "late_why"}),
        (Telling(TUESDAY, "", 3), {}, {"how": "missing"}),
        (Telling(MONDAY - HOUR, "Courriel", 3), {}, {"at": "before_aware"}),
        (Closing(), {}, {"": "undecided"}),
        (Closing(), {"decision": SOME}, {"": "not_notified"}),
        (Closing(), {"decision": HIGH, "notices": (INITIAL,)}, {"reason": "not_told"}),
    ],
)
def test_what_is_missing_or_contradicts_itself_is_not_kept(content, standing, wrong):
    standing = None if standing is None else replace(Standing(FACTS), **standing)

    with pytest.raises(IncidentInvalid) as refused:
        policy.checked(content, standing, now=WEDNESDAY)

    assert refused.value.problems == wrong


@pytest.mark.parametrize(
    ("content", "standing"),
    [
        (FACTS, {}),
        (replace(INITIAL, late="Personne de garde."), {"facts": replace(FACTS, hours=20)}),
        (replace(INITIAL, phase=Phase.COMPLEMENT), {"notices": (INITIAL,)}),
        (Closing(), {"decision": NONE}),
        (Closing("Disque chiffré."), {"decision": HIGH, "notices": (INITIAL,)}),
        (Closing(), {"decision": HIGH, "notices": (INITIAL,), "tellings": (Telling(TUESDAY, "Courriel", 3),)}),
    ],
)
def test_what_is_whole_is_kept_and_comes_back_the_same(content, standing):
    kept = policy.checked(content, replace(Standing(FACTS), **standing), now=WEDNESDAY)

    assert policy.content_of(policy.KINDS[type(kept)].value, policy.to_json(kept)) == content


def test_the_last_word_stands_and_what_comes_after_a_closing_opens_it_again():
    said = [FACTS, NONE, Closing(), replace(FACTS, title="Deux ordinateurs volés"), SOME, INITIAL]
    steps = [(number, policy.KINDS[type(each)].value, policy.to_json(each)) for number, each in enumerate(said, 1)]

    closed, standing = policy.standing_of(steps[:3]), policy.standing_of(steps)

    assert closed.closing == Closing()
    assert (standing.facts.title, standing.decision, standing.closing) == ("Deux ordinateurs volés", SOME, None)
    assert standing.notices == (INITIAL,)


def test_the_numbers_for_the_form_are_the_most_that_anybody_found():
    counts = [
        Count(1, "A", MONDAY, TUESDAY, 4, 9),
        Count(2, "B", MONDAY, TUESDAY, 3, 5),
        Count(1, "A", MONDAY, MONDAY, 1, 2),
    ]
    counted = replace(Standing(FACTS), counts=tuple(enumerate(counts, 2)))

    assert (policy.people_of(counted), policy.entries_of(counted)) == (4, 14)
    assert policy.people_of(replace(counted, facts=replace(FACTS, people=10))) == 10
    assert policy.people_of(Standing(FACTS)) is None
