"""Which mode a tool is in, and what it lets out, without a database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import policy
from consent.modes.policy import check, mode_on
from consent.modes.types import LENIENT, Chosen, ModeInvalid
from consent.types import ALWAYS, ITEMS, Decision, LegalBasis, Lenience, Mode, Standing, Terms
from tests.support.cast import ALL_SCOPES

TODAY = date(2026, 3, 2)
DAY = timedelta(days=1)
BY_CONTRACT, BY_CONSENT = LegalBasis.CONTRACT, LegalBasis.CONSENT
WARN, OBSERVE, ENFORCE = Mode.WARN, Mode.OBSERVE, Mode.ENFORCE
TERMS = Terms(2, 20, (BY_CONTRACT, BY_CONSENT), {"name": BY_CONTRACT, "phone": BY_CONSENT})
GIVEN = Standing(200, 20, Decision.GIVEN, frozenset({"name"}))
ASKED = policy.asked_items({"openid", "email", "phone", "groups"})


@pytest.mark.parametrize(
    ("chosen", "is_imported", "mode"),
    [
        (None, True, ENFORCE),
        (Chosen(WARN, TODAY), True, WARN),
        (Chosen(OBSERVE, TODAY + LENIENT), True, OBSERVE),
        (Chosen(WARN, TODAY - DAY), True, ENFORCE),
        (Chosen(WARN, TODAY), False, ENFORCE),
        (Chosen(WARN, None), True, ENFORCE),
        (Chosen(ENFORCE, None), True, ENFORCE),
    ],
)
def test_a_tool_is_strict_unless_somebody_chose_otherwise_and_it_is_not_over(chosen, is_imported, mode):
    assert mode_on(chosen, is_imported=is_imported, today=TODAY) == mode


@pytest.mark.parametrize(
    ("mode", "until", "more", "problem"),
    [
        (WARN, TODAY, {}, ""),
        (OBSERVE, TODAY + LENIENT, {}, ""),
        (WARN, TODAY + LENIENT + DAY, {}, "until_far"),
        (WARN, TODAY - DAY, {}, "until_past"),
        (WARN, None, {}, "until_missing"),
        (WARN, TODAY, {"reason": "  "}, "reason_missing"),
        (WARN, TODAY, {"has_sheet": False}, "no_sheet"),
        (WARN, TODAY, {"imported_on": None}, "not_imported"),
        (ENFORCE, None, {"reason": "", "has_sheet": False, "imported_on": None}, ""),
    ],
)
def test_what_may_be_chosen(mode, until, more, problem):
    said = {"reason": "L’éditeur corrige.", "imported_on": TODAY - DAY, "has_sheet": True, **more}

    try:
        check(Chosen(mode, until), today=TODAY, **said)
        found = ""
    except ModeInvalid as error:
        found = str(error)

    assert found == problem


@pytest.mark.gdpr("G8")
@pytest.mark.parametrize(
    ("terms", "standing", "lenience", "undeclared"),
    [
        (TERMS, GIVEN, None, set()),
        (TERMS, GIVEN, Lenience(WARN, frozenset()), {"email", "groups"}),
        (TERMS, GIVEN, Lenience(OBSERVE, frozenset({"email"})), {"groups"}),
        (TERMS, GIVEN, Lenience(WARN, frozenset({"email", "groups"})), set()),
        (TERMS, replace(GIVEN, restricted=True), Lenience(WARN, frozenset()), set()),
        (TERMS, replace(GIVEN, notice=19), Lenience(WARN, frozenset()), set()),
        (TERMS, replace(GIVEN, decision=Decision.REFUSED), Lenience(WARN, frozenset()), set()),
        (TERMS, None, Lenience(WARN, frozenset()), set()),
        (None, GIVEN, Lenience(WARN, frozenset()), set()),
    ],
)
def test_what_leaves_beside_the_sheet(terms, standing, lenience, undeclared):
    release = policy.release(terms, standing, ASKED, lenience=lenience)

    assert (release.items - ALWAYS, release.undeclared) == (undeclared, undeclared)
    assert release.mode == (lenience.mode if undeclared else "")


codes = st.frozensets(st.sampled_from(sorted(ITEMS)))


@pytest.mark.gdpr("G8")
@given(
    bases=st.dictionaries(st.sampled_from(sorted(set(ITEMS) - ALWAYS)), st.sampled_from(LegalBasis)),
    granted=codes,
    decision=st.sampled_from(Decision),
    seen=st.sampled_from([20, 19]),
    restricted=st.booleans(),
    scopes=st.frozensets(st.sampled_from(sorted(ALL_SCOPES))),
    lenience=st.none() | st.builds(Lenience, st.sampled_from([WARN, OBSERVE]), codes),
)
def test_whatever_the_mode_nothing_leaves_that_was_withheld_or_not_asked_for(
    bases, granted, decision, seen, restricted, scopes, lenience
):
    terms, standing = Terms(2, 20, tuple(set(bases.values())), bases), Standing(1, seen, decision, granted, restricted)
    asked = policy.asked_items(scopes)

    strict, release = policy.release(terms, standing, asked), policy.release(terms, standing, asked, lenience=lenience)

    assert release.items == strict.items | release.undeclared
    assert strict.undeclared == frozenset()
    assert release.undeclared <= asked - bases.keys() - ALWAYS
    if lenience is None or restricted or not policy.settled(terms, standing):
        assert release == strict
    else:
        assert not release.undeclared & lenience.withheld
