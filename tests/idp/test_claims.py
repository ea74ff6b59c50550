"""A member's values as claims: what is known, in the form the specification gives it, and nothing blank."""

import pytest

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
