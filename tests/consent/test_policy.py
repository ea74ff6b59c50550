"""The rules of consent, without a database."""

import json
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
    Face,
    Holds,
    LegalBasis,
    Right,
    SheetInvalid,
    SheetItem,
    Standing,
    Terms,
    face_of,
)
from tests.support.cast import AGENDA, ALL_SCOPES, FORMATION, LOUTY, with_items

BY_CONTRACT, BY_INTEREST, BY_CONSENT = LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTEREST, LegalBasis.CONSENT
CONTRACT = Terms(1, 10, (BY_CONTRACT,), {"name": BY_CONTRACT, "email": BY_CONTRACT})
CONSENT = Terms(2, 20, (BY_CONTRACT, BY_CONSENT), {"name": BY_CONTRACT, "phone": BY_CONSENT, "trade": BY_CONSENT})
INTEREST = Terms(3, 30, (BY_CONTRACT, BY_INTEREST), {"name": BY_CONTRACT, "email": BY_INTEREST, "phone": BY_INTEREST})
OPTIONAL_ONLY = Terms(4, 40, (BY_CONSENT,), {"phone": BY_CONSENT})
INFORMED = Standing(100, 10, Decision.INFORMED, frozenset({"name", "email"}))
GIVEN = Standing(200, 20, Decision.GIVEN, frozenset({"name", "phone"}))
OUT = Standing(201, 20, Decision.REFUSED)
KNOWS = Standing(300, 30, Decision.INFORMED, frozenset({"name", "email"}))


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
        (INTEREST, None, ALL_SCOPES, False),
        (INTEREST, KNOWS, ALL_SCOPES, None),
        (INTEREST, replace(KNOWS, decision=Decision.GIVEN), ALL_SCOPES, False),
    ],
)
def test_what_is_shown_before_a_tool_opens(terms, standing, scopes, asks):
    question = policy.question(terms, standing, policy.asked_items(scopes))

    assert (question.asks if question else None) is asks


def test_a_question_covers_the_whole_sheet_whatever_the_request_asks_for():
    question = policy.question(CONSENT, None, policy.asked_items({"openid", "phone"}))

    assert question is not None
    assert (question.needed, question.objectable, question.optional) == (("name",), (), ("phone", "trade"))


def test_a_question_tells_apart_what_can_be_done_about_each_item():
    question = policy.question(INTEREST, None, policy.asked_items({"openid", "phone"}))

    assert question is not None
    assert (question.needed, question.objectable, question.optional) == (("name",), ("email", "phone"), ())


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
        (CONSENT, None, ALL_SCOPES, set(), "contract"),
        (CONSENT, GIVEN, ALL_SCOPES, {"name", "phone"}, "consent contract"),
        (CONSENT, GIVEN, {"openid", "profile"}, {"name"}, "contract"),
        (CONSENT, GIVEN, {"openid", "phone"}, {"phone"}, "consent"),
        (CONSENT, replace(GIVEN, items=frozenset()), ALL_SCOPES, set(), "contract"),
        (CONSENT, replace(GIVEN, items=frozenset({"address"})), ALL_SCOPES, set(), "contract"),
        (CONSENT, replace(GIVEN, notice=19), ALL_SCOPES, set(), "contract"),
        (CONSENT, OUT, ALL_SCOPES, set(), "contract"),
        (INTEREST, KNOWS, ALL_SCOPES, {"name", "email"}, "contract legitimate_interest"),
        (INTEREST, replace(KNOWS, items=frozenset({"name"})), ALL_SCOPES, {"name"}, "contract"),
        (OPTIONAL_ONLY, None, ALL_SCOPES, set(), ""),
        (OPTIONAL_ONLY, replace(GIVEN, notice=40), ALL_SCOPES, {"phone"}, "consent"),
        (OPTIONAL_ONLY, replace(GIVEN, notice=40, items=frozenset()), ALL_SCOPES, set(), "consent"),
    ],
)
def test_what_is_released(terms, standing, scopes, items, basis):
    release = policy.release(terms, standing, policy.asked_items(scopes))

    assert release.items == ALWAYS | items
    assert release.legal_basis == basis


codes = st.frozensets(st.sampled_from(sorted(ITEMS)))
scope_sets = st.frozensets(st.sampled_from(sorted(ALL_SCOPES)))


@pytest.mark.gdpr("G8")
@given(
    bases=st.dictionaries(st.sampled_from(sorted(set(ITEMS) - ALWAYS)), st.sampled_from(LegalBasis)),
    granted=codes,
    decision=st.sampled_from(Decision),
    seen=st.sampled_from([20, 19]),
    scopes=scope_sets,
)
def test_nothing_leaves_beyond_the_sheet_the_scopes_and_the_decision(bases, granted, decision, seen, scopes):
    terms = Terms(2, 20, tuple(set(bases.values())), bases)

    release = policy.release(terms, Standing(1, seen, decision, granted), policy.asked_items(scopes))

    personal = release.items - ALWAYS
    assert personal <= bases.keys() & granted
    assert all(ITEMS[code].scope in scopes for code in personal)
    if any(bases[code] == BY_CONSENT for code in personal):
        assert (decision, seen) == (Decision.GIVEN, 20)
    assert not personal or (decision != Decision.REFUSED and seen == 20)
    assert not personal or set(release.legal_basis.split()) == {bases[code].value for code in personal}


@given(
    bases=st.dictionaries(st.sampled_from(sorted(set(ITEMS) - ALWAYS)), st.sampled_from(LegalBasis)),
    accepted=codes,
    objected=codes,
)
def test_each_item_is_granted_or_refused_as_its_face_allows(bases, accepted, objected):
    granted, refused = policy.split(Terms(2, 20, tuple(set(bases.values())), bases), accepted, objected)

    assert sorted((*granted, *refused)) == sorted(bases)
    for code, basis in bases.items():
        face = face_of(basis)
        expected = {Face.CONSENT: code in accepted, Face.OBJECTION: code not in objected, Face.INFORMATION: True}
        assert (code in granted) is expected[face]


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
        ({"items": (SheetItem("phone", "Déjà facultatif ailleurs."),)}, "declared twice"),
        ({"items": (SheetItem("name", " "),)}, "no reason given for: name"),
        ({"items": (SheetItem("identifier", "Vous reconnaître."),)}, "nobody is asked: identifier"),
        ({"retention": ""}, "retention is empty"),
        ({"text": " "}, "purpose is empty"),
        ({"items": (), "legal_basis": BY_CONSENT}, "names the items"),
        ({"items": (), "legal_basis": BY_INTEREST}, "names the items"),
    ],
)
def test_a_sheet_that_hides_something_is_refused(change, message):
    first, *others = FORMATION.purposes

    with pytest.raises(SheetInvalid, match=message):
        policy.check_sheet(replace(FORMATION, purposes=(replace(first, **change), *others)))


def test_a_sheet_has_a_name_and_a_purpose():
    with pytest.raises(SheetInvalid, match="processing is empty"):
        policy.check_sheet(replace(FORMATION, processing=" "))
    with pytest.raises(SheetInvalid, match="no purpose"):
        policy.check_sheet(replace(FORMATION, purposes=()))


@pytest.mark.parametrize("sheet", [LOUTY, FORMATION, AGENDA], ids=["louty", "formation", "agenda"])
def test_a_sheet_that_was_written_down_reads_back(sheet):
    assert policy.sheet_of(json.loads(json.dumps(policy.notice_content(sheet)))) == sheet


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: [told], "the sheet has processing, purposes"),
        (lambda told: told | {"colour": "red"}, "the sheet has"),
        (lambda told: told | {"purposes": "x"}, "purposes is a list"),
        (lambda told: told | {"purposes": [{"purpose": "x"}]}, "a purpose has purpose, legal_basis, retention"),
        (lambda told: told | {"recipient": 1}, "recipient is a text"),
        (lambda told: told | {"processing": {"de": "Agenda"}}, "processing has fr"),
        (lambda told: _first(told, legal_basis="because"), "legal_basis is one of"),
        (lambda told: _first(told, items=["name"]), "an item has item, why"),
    ],
)
def test_what_is_no_sheet_says_what_it_lacks(change, message):
    with pytest.raises(SheetInvalid, match=message):
        policy.sheet_of(change(policy.notice_content(AGENDA)))


def _first(told, **changes):
    first, *others = told["purposes"]
    return told | {"purposes": [first | changes, *others]}


def test_a_sheet_says_the_same_whatever_the_order_of_its_keys():
    content = policy.notice_content(FORMATION)
    shuffled = dict(reversed(content.items()))

    assert policy.digest(content) == policy.digest(shuffled)
    assert len(policy.digest(content)) == 64


def test_the_digest_covers_both_languages_and_every_item():
    digest = policy.digest(policy.notice_content(FORMATION))
    first, *others = FORMATION.items[:2]

    for other in (
        with_items(FORMATION, text_en="Something else."),
        with_items(FORMATION, *others),
        with_items(FORMATION, replace(first, why_en="Otherwise."), *others),
        with_items(FORMATION, legal_basis=LegalBasis.LEGAL_DUTY),
    ):
        assert policy.digest(policy.notice_content(other)) != digest


def test_what_changed_is_told_by_item_and_by_part():
    phone, trade = FORMATION.purposes[1].items
    newer = with_items(
        FORMATION,
        replace(trade, why="Autre chose."),
        SheetItem("town", "Choisir le lieu."),
        purpose=1,
        retention="Deux ans.",
    )

    changes = policy.changes(policy.notice_content(FORMATION), policy.notice_content(newer))

    assert changes == Changes(added=("town",), removed=("phone",), parts=("retention", "items"))
    assert not policy.changes(None, policy.notice_content(newer))
    assert phone.item not in {item.item for item in newer.items}


def test_an_item_that_moves_to_another_basis_is_a_change_and_the_order_of_purposes_is_none():
    (name, email), (phone, trade) = (each.items for each in FORMATION.purposes)
    before = policy.notice_content(FORMATION)
    moved = with_items(with_items(FORMATION, name), email, phone, trade, purpose=1)
    turned = replace(FORMATION, purposes=tuple(reversed(FORMATION.purposes)))

    assert policy.changes(before, policy.notice_content(moved)) == Changes(parts=("legal_basis",))
    assert not policy.changes(before, policy.notice_content(turned))


def test_a_notice_from_before_there_were_several_purposes_says_the_same():
    (purpose,) = LOUTY.purposes
    items = [{"item": each.item, "why": {"fr": each.why, "en": each.why_en}, "optional": False} for each in LOUTY.items]
    before = {
        "processing": {"fr": LOUTY.processing, "en": LOUTY.processing_en},
        "purpose": {"fr": purpose.text, "en": purpose.text_en},
        "legal_basis": "contract",
        "retention": {"fr": purpose.retention, "en": purpose.retention_en},
        "recipient": "",
        "contact": "",
        "items": items,
    }

    assert policy.in_purposes(before) == policy.notice_content(LOUTY)
    assert not policy.changes(before, policy.notice_content(LOUTY))


YES, NO = Holds.YES, Holds.NO


@pytest.mark.gdpr("G12", "G22", "G23")
@pytest.mark.spec("CNIL, developer’s guide", "sheet 15")
@pytest.mark.parametrize(
    ("basis", "access", "rectify", "erase", "restrict", "portability", "objection"),
    [
        (LegalBasis.CONSENT, YES, YES, YES, YES, YES, Holds.BY_WITHDRAWAL),
        (LegalBasis.CONTRACT, YES, YES, YES, YES, YES, NO),
        (LegalBasis.LEGITIMATE_INTEREST, YES, YES, YES, YES, NO, YES),
        (LegalBasis.LEGAL_DUTY, YES, YES, Holds.CONDITIONAL, YES, NO, NO),
        (LegalBasis.PUBLIC_TASK, YES, YES, NO, YES, NO, YES),
        (LegalBasis.VITAL_INTEREST, YES, YES, YES, YES, NO, NO),
    ],
)
def test_the_basis_decides_which_rights_hold(basis, access, rectify, erase, restrict, portability, objection):
    assert policy.rights(basis) == {
        Right.ACCESS: access,
        Right.RECTIFY: rectify,
        Right.ERASE: erase,
        Right.RESTRICT: restrict,
        Right.PORTABILITY: portability,
        Right.OBJECT: objection,
    }


def test_what_can_be_objected_to_on_a_page_is_what_the_table_of_rights_says():
    faces = {Face.OBJECTION: YES, Face.CONSENT: Holds.BY_WITHDRAWAL, Face.INFORMATION: NO}

    assert all(policy.rights(basis)[Right.OBJECT] == faces[face_of(basis)] for basis in LegalBasis)
