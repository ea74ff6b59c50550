"""The rules of consent, without a database."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import policy
from consent.types import (
    ALWAYS,
    ITEMS,
    Changes,
    Decision,
    LegalBasis,
    SheetInvalid,
    SheetItem,
    Standing,
    Terms,
)
from tests.support.cast import ALL_SCOPES, FORMATION, LOUTY

CONTRACT = Terms(1, 10, LegalBasis.CONTRACT, required=("name", "email"))
CONSENT = Terms(2, 20, LegalBasis.CONSENT, required=("name",), optional=("phone", "trade"))
INFORMED = Standing(100, 10, Decision.INFORMED, frozenset({"name", "email"}))
GIVEN = Standing(200, 20, Decision.GIVEN, frozenset({"name", "phone"}))
OUT = Standing(201, 20, Decision.REFUSED)


@pytest.mark.parametrize(
    ("terms", "standing", "scopes", "asks"),
    [
        (None, None, ALL_SCOPES, None),
        (CONTRACT, None, ALL_SCOPES, False),
        (CONTRACT, INFORMED, ALL_SCOPES, None),
        (CONTRACT, replace(INFORMED, notice=9), ALL_SCOPES, False),
        (CONTRACT, None, {"openid"}, None),
        (CONTRACT, None, {"openid", "phone"}, None),
        (CONTRACT, replace(INFORMED, decision=Decision.REFUSED), ALL_SCOPES, False),
        (CONSENT, None, ALL_SCOPES, True),
        (CONSENT, GIVEN, ALL_SCOPES, None),
        (CONSENT, GIVEN, {"openid", "phone"}, None),
        (CONSENT, replace(GIVEN, items=frozenset()), ALL_SCOPES, None),
        (CONSENT, replace(GIVEN, notice=19), ALL_SCOPES, True),
        (CONSENT, OUT, ALL_SCOPES, True),
        (CONSENT, replace(GIVEN, decision=Decision.INFORMED), ALL_SCOPES, True),
        (replace(CONSENT, basis=LegalBasis.LEGITIMATE_INTEREST), GIVEN, ALL_SCOPES, False),
    ],
)
def test_what_is_shown_before_a_tool_opens(terms, standing, scopes, asks):
    question = policy.question(terms, standing, policy.asked_items(scopes))

    assert (question.asks if question else None) is asks


def test_a_question_covers_the_whole_sheet_whatever_the_request_asks_for():
    question = policy.question(CONSENT, None, policy.asked_items({"openid", "phone"}))

    assert question is not None
    assert (question.required, question.optional) == (("name",), ("phone", "trade"))


def test_a_settled_question_is_shown_again_on_request():
    assert policy.question(CONSENT, GIVEN, policy.asked_items(ALL_SCOPES), again=True) is not None


@pytest.mark.parametrize(
    ("terms", "standing", "scopes", "items", "basis"),
    [
        (None, None, ALL_SCOPES, set(), ""),
        (None, GIVEN, ALL_SCOPES, set(), ""),
        (CONTRACT, None, ALL_SCOPES, set(), "contract"),
        (CONTRACT, INFORMED, ALL_SCOPES, {"name", "email"}, "contract"),
        (CONTRACT, INFORMED, {"openid", "email"}, {"email"}, "contract"),
        (CONTRACT, INFORMED, {"openid"}, set(), "contract"),
        (CONTRACT, replace(INFORMED, notice=9), ALL_SCOPES, set(), "contract"),
        (CONSENT, None, ALL_SCOPES, set(), ""),
        (CONSENT, GIVEN, ALL_SCOPES, {"name", "phone"}, "consent"),
        (CONSENT, GIVEN, {"openid", "profile"}, {"name"}, "consent"),
        (CONSENT, replace(GIVEN, items=frozenset()), ALL_SCOPES, set(), "consent"),
        (CONSENT, replace(GIVEN, items=frozenset({"address"})), ALL_SCOPES, set(), "consent"),
        (CONSENT, replace(GIVEN, notice=19), ALL_SCOPES, set(), ""),
        (CONSENT, OUT, ALL_SCOPES, set(), ""),
    ],
)
def test_what_is_released(terms, standing, scopes, items, basis):
    release = policy.release(terms, standing, policy.asked_items(scopes))

    assert release.items == ALWAYS | items
    assert release.legal_basis == basis


codes = st.frozensets(st.sampled_from(sorted(ITEMS)))
scope_sets = st.frozensets(st.sampled_from(sorted(ALL_SCOPES)))


@given(
    required=codes,
    optional=codes,
    granted=codes,
    decision=st.sampled_from(Decision),
    seen=st.sampled_from([20, 19]),
    basis=st.sampled_from(LegalBasis),
    scopes=scope_sets,
)
def test_nothing_leaves_beyond_the_sheet_the_scopes_and_the_agreement(
    required, optional, granted, decision, seen, basis, scopes
):
    terms = Terms(2, 20, basis, tuple(sorted(required)), tuple(sorted(optional - required)))

    release = policy.release(terms, Standing(1, seen, decision, granted), policy.asked_items(scopes))

    personal = release.items - ALWAYS
    assert personal <= required | optional
    assert all(ITEMS[code].scope in scopes for code in personal)
    if basis == LegalBasis.CONSENT:
        assert personal <= granted
        assert not personal or (decision == Decision.GIVEN and seen == 20)
    else:
        assert not personal or (decision == Decision.INFORMED and seen == 20)


@pytest.mark.parametrize(
    ("accepted", "granted", "refused"),
    [
        (set(), ["name"], ["phone", "trade"]),
        ({"phone"}, ["name", "phone"], ["trade"]),
        ({"phone", "trade", "name"}, ["name", "phone", "trade"], []),
        ({"address", "no such item"}, ["name"], ["phone", "trade"]),
    ],
)
def test_items_are_granted_one_by_one(accepted, granted, refused):
    assert policy.split(CONSENT, accepted) == (granted, refused)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": (SheetItem("shoe_size", "Pour rire."),)}, "unknown data items: shoe_size"),
        ({"items": (SheetItem("name", "Une fois."), SheetItem("name", "Deux fois."))}, "declared twice"),
        ({"items": (SheetItem("name", " "),)}, "no reason given for: name"),
        ({"retention": ""}, "retention is empty"),
        ({"purpose": " "}, "purpose is empty"),
        ({"items": (SheetItem("phone", "Appeler.", optional=True),)}, "need consent"),
    ],
)
def test_a_sheet_that_hides_something_is_refused(change, message):
    with pytest.raises(SheetInvalid, match=message):
        policy.check_sheet(replace(LOUTY, **change))


def test_a_sheet_says_the_same_whatever_the_order_of_its_keys():
    content = policy.notice_content(FORMATION)
    shuffled = dict(reversed(content.items()))

    assert policy.digest(content) == policy.digest(shuffled)
    assert len(policy.digest(content)) == 64


def test_the_digest_covers_both_languages_and_every_item():
    digest = policy.digest(policy.notice_content(FORMATION))
    first, *others = FORMATION.items

    for other in (
        replace(FORMATION, purpose_en="Something else."),
        replace(FORMATION, items=tuple(others)),
        replace(FORMATION, items=(replace(first, why_en="Otherwise."), *others)),
    ):
        assert policy.digest(policy.notice_content(other)) != digest


def test_what_changed_is_told_by_item_and_by_part():
    first, second, phone, trade = FORMATION.items
    newer = replace(
        FORMATION,
        retention="Deux ans.",
        items=(first, replace(second, why="Autre chose."), trade, SheetItem("town", "Choisir le lieu.")),
    )

    changes = policy.changes(policy.notice_content(FORMATION), policy.notice_content(newer))

    assert changes == Changes(added=("town",), removed=("phone",), parts=("retention", "items"))
    assert not policy.changes(None, policy.notice_content(newer))
    assert phone.item not in {item.item for item in newer.items}
