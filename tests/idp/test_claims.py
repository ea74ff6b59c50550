"""A member's values as claims: what is known, in the form the specification gives it, and nothing blank."""

import pytest

from consent.types import ALWAYS, ITEMS
from directory import corrections
from directory.ldap.plan import DETAILS
from directory.types import MailState
from idp import claims
from tests.support.cast import make_member

pytestmark = pytest.mark.django_db


@pytest.mark.spec("OIDC Core", "5.1.1")
@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {"postal_address": "1 rue X", "postal_code": "34000", "town": "Montpellier"},
            {"formatted": "1 rue X", "postal_code": "34000", "locality": "Montpellier"},
        ),
        ({"postal_address": "1 rue X"}, {"formatted": "1 rue X"}),
        ({"town": "Montpellier"}, None),
    ],
)
def test_an_address_has_the_parts_that_are_known(parts, told):
    member = make_member("zoe.blanc", "Zoé Blanc", **parts)

    assert claims.values(member, ["address"]) == {"address": {"address": told}}


@pytest.mark.spec("OIDC Core", "5.1")
def test_a_number_is_said_to_be_unverified_and_nothing_is_said_of_none(member, other_member):
    silent = make_member("zoe.blanc", "Zoé Blanc")

    assert claims.values(member, ["phone"])["phone"] == {
        "phone_number": member.mobile,
        "phone_number_verified": False,
    }
    assert claims.values(silent, ["phone"])["phone"] == {"phone_number": ""}


@pytest.mark.gdpr("G9")
def test_a_change_of_any_column_is_noted_of_just_those_items_that_are_told_otherwise():
    """What is noted of a change, and what a tool is told, are written in two places: here they are compared."""
    member = make_member("zoe.blanc", "Zoé Blanc")
    told = {**dict.fromkeys(DETAILS, "avant"), "email_state": MailState.OK}
    for column, value in told.items():
        setattr(member, column, value)
    before = claims.values(member, ITEMS)

    for column, value in told.items():
        setattr(member, column, MailState.NONE if column == "email_state" else "après")
        after = claims.values(member, ITEMS)
        changed = {item for item in before if before[item] != after[item]}
        setattr(member, column, value)

        assert corrections.items_of({column}, member) == changed, column


@pytest.mark.gdpr("G9")
def test_every_item_that_is_told_of_a_person_can_be_noted():
    noted = {item for items in corrections.ITEMS_OF.values() for item in items} | {corrections.GROUPS}

    assert noted == ITEMS.keys() - ALWAYS
