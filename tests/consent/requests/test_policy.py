"""Which right goes with which legal basis: the CNIL's guide for developers, sheet 15."""

import pytest

from consent.requests import policy
from consent.requests.types import Kind
from consent.types import Holds, LegalBasis

YES, NO, DEPENDS, WITHDRAW = Holds.YES, Holds.NO, Holds.CONDITIONAL, Holds.BY_WITHDRAWAL
COLUMNS = (Kind.ACCESS, Kind.RECTIFICATION, Kind.ERASURE, Kind.RESTRICTION, Kind.PORTABILITY, Kind.OBJECTION)
TABLE = {
    LegalBasis.CONSENT: (YES, YES, YES, YES, YES, WITHDRAW),
    LegalBasis.CONTRACT: (YES, YES, YES, YES, YES, NO),
    LegalBasis.LEGITIMATE_INTEREST: (YES, YES, YES, YES, NO, YES),
    LegalBasis.LEGAL_DUTY: (YES, YES, DEPENDS, YES, NO, NO),
    LegalBasis.PUBLIC_TASK: (YES, YES, NO, YES, NO, YES),
    LegalBasis.VITAL_INTEREST: (YES, YES, YES, YES, NO, NO),
}


@pytest.mark.parametrize("basis", LegalBasis)
def test_the_rights_of_a_basis(basis):
    assert tuple(policy.applies(kind, basis) for kind in COLUMNS) == TABLE[basis]
    assert policy.applies(Kind.COMPLAINT, basis) == YES


def test_what_can_be_asked_for_follows_from_what_data_rests_on():
    assert Kind.OBJECTION not in policy.possible([LegalBasis.CONTRACT, LegalBasis.CONSENT])
    assert Kind.OBJECTION in policy.possible([LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTEREST])
    assert Kind.PORTABILITY not in policy.possible([LegalBasis.LEGITIMATE_INTEREST])
    assert Kind.ERASURE in policy.possible([LegalBasis.LEGAL_DUTY]), "a condition is for a person to weigh"
    assert Kind.ERASURE not in policy.possible([LegalBasis.PUBLIC_TASK])


def test_whoever_has_no_data_anywhere_may_still_ask_and_complain():
    assert policy.possible([]) == (Kind.ACCESS, Kind.RECTIFICATION, Kind.COMPLAINT)
