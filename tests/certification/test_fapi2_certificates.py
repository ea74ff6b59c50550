"""FAPI 2.0 Security Profile with mutual TLS: tokens bound to a certificate, and tools that prove themselves by it.

No proxy stands here: the tools say in its header what they would have shown.  ``tests/parties/test_nginx.py`` has one.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding

from tests.certification.browser import CONSENT
from tests.certification.clients import BY_CERTIFICATE, Client
from tests.certification.fapi import ASSERTION_TYPE, FapiParty, Make
from tests.certification.party import error_of, kept
from tests.certification.plans import FAPI_SP
from tests.certification.providers import CERTIFICATE_HEADER, Provider


@dataclass
class CertificateParty(FapiParty):
    """``shows``: whose certificate its connections show; its own unless a test says otherwise."""

    shows: Client | None = field(init=False)
    token_type = "bearer"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.shows = self.client

    @property
    def headers(self) -> dict[str, str]:
        if self.shows is None:
            return {}
        assert self.shows.keys is not None
        return {CERTIFICATE_HEADER: quote(self.shows.keys.certificate.public_bytes(Encoding.PEM).decode())}

    def _post(
        self, url: str, form: Mapping[str, Any], *, assertion: Make | None = None, proof: Make | None = None
    ) -> requests.Response:
        credentials = {"client_id": self.client.client_id}
        if self.client.auth_method == "private_key_jwt":
            credentials |= {"client_assertion": self.assertion(), "client_assertion_type": ASSERTION_TYPE}
        return self.http.post(url, data=kept({**credentials, **form}), headers=self.headers, timeout=20)

    def userinfo(self, access_token: str, *, scheme: str = "Bearer", **_: Any) -> requests.Response:
        headers = {"Authorization": f"{scheme} {access_token}", **self.headers}
        return self.http.get(self.op.endpoint("userinfo"), headers=headers, timeout=20)


@pytest.fixture(params=BY_CERTIFICATE)
def by(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def party(op: Provider, by: str) -> CertificateParty:
    return CertificateParty(op, by)


@pytest.fixture
def second(op: Provider, by: str) -> CertificateParty:
    return CertificateParty(op, f"{by}-second")


def row(name: str) -> pytest.MarkDecorator:
    return pytest.mark.module(f"fapi2-security-profile-final-{name}", plans=[FAPI_SP])


@row("happy-flow")
@pytest.mark.spec("RFC 8705", "3")
def test_fapi2_security_profile_final_happy_flow_with_certificates(
    op: Provider, party: CertificateParty, second: CertificateParty
):
    for tool in (party, second):
        tokens = tool.login(op.browser())
        by_address = op.http.get(
            op.endpoint("userinfo"), params={"access_token": tokens.access_token}, headers=tool.headers, timeout=20
        )

        tool.claims_about(tokens)
        assert 400 <= by_address.status_code < 500


@row("user-rejects-authentication")
@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_fapi2_security_profile_final_user_rejects_authentication_with_certificates(
    op: Provider, party: CertificateParty, second: CertificateParty
):
    browser = op.newcomer()
    for tool in (party, second):
        journey = tool.authorize(browser, scope="openid email", consents=False)

        assert CONSENT in journey.shown
        assert tool.error(journey) == "access_denied"


@row("access-token-type-header-case-sensitivity")
@pytest.mark.spec("RFC 9110", "11.1")
def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity_with_certificates(
    op: Provider, party: CertificateParty
):
    token = party.login(op.browser()).access_token

    statuses = {scheme: party.userinfo(token, scheme=scheme).status_code for scheme in ("Bearer", "bearer", "bEARER")}

    assert set(statuses.values()) == {200}, statuses


@row("ensure-holder-of-key-required")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_ensure_holder_of_key_required_with_certificates(
    op: Provider, party: CertificateParty, by: str
):
    code = party.code(party.authorize(op.browser()))

    party.shows = None
    error = error_of(party.exchange(code), 400, 401)

    assert error in ("invalid_client", "invalid_request", *(["invalid_grant"] if by == "private_key_jwt" else []))


@row("ensure-client-id-in-token-endpoint")
@pytest.mark.spec("RFC 6749", "5.2")
def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint_with_certificates(
    op: Provider, party: CertificateParty, second: CertificateParty
):
    code = party.code(party.authorize(op.browser()))

    # The second tool's name, the first tool's key and certificate.
    forged = {"client_assertion": second.assertion(keys=party.client.keys)} if party.name == "private_key_jwt" else {}
    answer = party.exchange(code, client_id=second.client.client_id, **forged)

    assert error_of(answer, 400, 401) in ("invalid_client", "invalid_grant")


@row("ensure-authorization-code-is-bound-to-client")
@pytest.mark.spec("RFC 6749", "4.1.3")
def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client_with_certificates(
    op: Provider, party: CertificateParty, second: CertificateParty
):
    code = party.code(party.authorize(op.browser()))

    second.verifier = party.verifier

    assert error_of(second.exchange(code, redirect_uri=party.client.redirect_uri)) == "invalid_grant"


@row("refresh-token")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_fapi2_security_profile_final_refresh_token_with_certificates(
    op: Provider, party: CertificateParty, second: CertificateParty
):
    asked = {"scope": "openid offline_access", "prompt": "consent"}
    first = party.login(op.browser(), **asked)
    foreign = second.login(op.browser(), **asked)
    time.sleep(1)

    renewed = party.refreshed(first, scope=asked["scope"])
    again = second.refreshed(foreign)
    wrong = party.refresh(foreign.refresh_token)
    with_other_certificate = party.userinfo(again.access_token)
    party.shows = None
    unbound = party.refresh(first.refresh_token, scope=asked["scope"])
    shown_by_nobody = party.userinfo(renewed.access_token)
    party.shows = party.client

    assert party.works(renewed)
    assert second.works(again)
    assert error_of(wrong) == "invalid_grant"
    assert error_of(unbound, 400, 401) in ("invalid_client", "invalid_grant", "invalid_request")
    assert {with_other_certificate.status_code, shown_by_nobody.status_code} == {401}
