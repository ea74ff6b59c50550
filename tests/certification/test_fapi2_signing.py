"""FAPI 2.0 Message Signing: what it adds to the Security Profile about signed request objects."""

import secrets
import time
from typing import Any

import pytest
import requests

from tests.certification import jose
from tests.certification.fapi import FapiParty
from tests.certification.left import fapi_party
from tests.certification.party import error_of
from tests.certification.plans import SIGNED
from tests.certification.providers import Provider
from tests.certification.test_fapi2 import check_login


@pytest.fixture
def party(op: Provider, plan: str) -> FapiParty:
    return fapi_party(op, plan)


@pytest.fixture
def second(op: Provider, plan: str) -> FapiParty:
    return fapi_party(op, plan, second=True)


def row(name: str) -> pytest.MarkDecorator:
    return pytest.mark.module(f"fapi2-security-profile-final-{name}", plans=SIGNED)


def pushed(party: FapiParty, **changes: Any) -> requests.Response:
    """A request object with these claims, or this algorithm, pushed."""
    party.asked = party.request()
    return party.push(form={"request": party.request_object(party.asked, **changes)})


def push_and_keep(party: FapiParty, **changes: Any) -> str:
    parameters = party.request()
    answer = party.push(form={"request": party.request_object(parameters, **changes)})
    party.asked = parameters
    return party.reference(answer)


def in_seconds(offset: int) -> int:
    return int(time.time()) + offset


@row("ensure-request-object-with-multiple-aud-succeeds")
@pytest.mark.spec("RFC 9101", "4")
def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(op: Provider, party: FapiParty):
    request_uri = push_and_keep(party, aud=[op.issuer, "https://elsewhere.example"])

    check_login(party, party.visit(op.browser(), request_uri))


@row("ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    op: Provider, party: FapiParty
):
    request_uri = push_and_keep(party, nbf=in_seconds(8))

    check_login(party, party.visit(op.browser(), request_uri))


@row("ensure-request-object-without-exp-fails")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, exp=None)) == "invalid_request_object"


@row("ensure-request-object-without-nbf-fails")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, nbf=None)) == "invalid_request_object"


@row("ensure-request-object-with-bad-aud-fails")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, aud="https://elsewhere.example")) == "invalid_request_object"


@row("ensure-request-object-with-exp-over-60-fails")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, nbf=in_seconds(0), exp=in_seconds(70 * 60))) == "invalid_request_object"


@row("ensure-request-object-with-nbf-over-60-fails")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, nbf=in_seconds(-70 * 60), exp=in_seconds(60))) == "invalid_request_object"


@row("ensure-expired-request-object-fails")
@pytest.mark.spec("RFC 7519", "4.1.4")
def test_fapi2_security_profile_final_ensure_expired_request_object_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, nbf=in_seconds(-600), exp=in_seconds(-300))) == "invalid_request_object"


@row("ensure-signed-request-object-with-RS256-fails")
@pytest.mark.spec("FAPI 2.0 SP", "5.4.1")
def test_fapi2_security_profile_final_ensure_signed_request_object_with_rs256_fails(op: Provider, party: FapiParty):
    assert error_of(pushed(party, alg="RS256")) == "invalid_request_object"


@row("ensure-request-object-signature-algorithm-is-not-none")
@pytest.mark.spec("RFC 9101", "10.5")
def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
    op: Provider, party: FapiParty
):
    assert error_of(pushed(party, alg="none")) == "invalid_request_object"


@row("ensure-request-object-with-invalid-signature-fails")
@pytest.mark.spec("RFC 9101", "6.2")
def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
    op: Provider, party: FapiParty
):
    sealed = jose.broken(party.request_object(party.request()))

    assert error_of(party.push(form={"request": sealed})) == "invalid_request_object"


@row("ensure-matching-key-in-authorization-request")
@pytest.mark.spec("RFC 9101", "6.2")
def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(
    op: Provider, party: FapiParty, second: FapiParty
):
    # The first tool's request, signed by the second.
    sealed = second.request_object(party.request(), iss=party.client.client_id)

    assert error_of(party.push(form={"request": sealed})) == "invalid_request_object"


@row("ensure-unsigned-request-at-par-endpoint-fails")
@pytest.mark.spec("FAPI 2.0 MS", "5.3.1")
def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(op: Provider, party: FapiParty):
    assert error_of(party.push(form=party.request())) == "invalid_request"


@row("par-authorization-request-containing-request_uri")
@pytest.mark.spec("RFC 9101", "4")
def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(op: Provider, party: FapiParty):
    answer = pushed(party, request_uri=f"urn:ietf:params:oauth:request_uri:{secrets.token_hex(8)}")

    assert error_of(answer) == "invalid_request_object"
