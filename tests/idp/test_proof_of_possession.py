"""Tools that prove themselves by a key, and tokens that only their holder can use."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from audit.models import Event
from audit.types import Action
from consent.models import Disclosure
from idp.types import AuthMethod
from tests.support.keys import Holder
from tests.support.oidc import REDIRECT, connect, sign_in

TOKEN = "/oidc/token"


@pytest.fixture
def browser(member):
    return sign_in(member)


@pytest.fixture
def holder():
    return Holder()


@pytest.fixture
def keyed(signing_key, holder):
    return connect("louty", token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT, client_jwks=holder.jwks)


def redeem(party, code, *, headers=None, **form):
    full = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": party.verifier,
        **form,
    }
    return party.post(TOKEN, full, headers or {})


# private_key_jwt and client_secret_jwt -----------------------------------------------------------------------


@pytest.mark.spec("RFC 7523", "2.2")
def test_a_tool_proves_itself_by_its_key(keyed, holder, browser):
    response = redeem(keyed, keyed.code(browser), **holder.assertion(keyed.tool.client_id))

    assert response.status_code == 200


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://other.example"}, "assertion_aud"),
        ({"sub": "somebody"}, "client_unknown"),
        ({"exp": 1}, "assertion_exp"),
        ({"jti": None}, "assertion_jti"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(keyed, holder, browser, changes, reason):
    response = redeem(keyed, keyed.code(browser), **holder.assertion(keyed.tool.client_id, **changes))

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    said = Event.objects.filter(action=Action.TOKEN_REFUSED).values_list("reason", flat=True).last()
    assert said.startswith(reason)


def test_an_assertion_is_good_once(keyed, holder, browser):
    proof = holder.assertion(keyed.tool.client_id)
    assert redeem(keyed, keyed.code(browser), **proof).status_code == 200

    again = redeem(keyed, keyed.code(browser), **proof)

    assert again.json()["error"] == "invalid_client"
    assert Event.objects.filter(reason="assertion_replayed").exists()


def test_another_key_a_secret_or_two_methods_at_once_do_not_serve(keyed, holder, browser):
    client_id = keyed.tool.client_id

    assert redeem(keyed, keyed.code(browser), **Holder().assertion(client_id)).status_code == 401
    assert redeem(keyed, keyed.code(browser), client_id=client_id, client_secret="x").status_code == 401
    both = {**holder.assertion(client_id), "client_secret": "x", "client_id": client_id}
    assert redeem(keyed, keyed.code(browser), **both).status_code == 401


@pytest.mark.spec("OIDC Core", "9")
def test_client_secret_jwt_needs_the_sealed_secret_and_no_other_algorithm(signing_key, browser, holder):
    party = connect("vieux", token_endpoint_auth_method=AuthMethod.SECRET_JWT)
    now, client_id = int(time.time()), party.tool.client_id
    claims = {"iss": client_id, "sub": client_id, "aud": "http://localhost:8000", "jti": secrets.token_hex(8)}
    key = OctKey.import_key(party.secret.encode())
    proof = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "HS256"}, {**claims, "exp": now + 60}, key, algorithms=["HS256"]),
    }

    assert redeem(party, party.code(browser), **proof).status_code == 200
    assert party.secret.encode() not in bytes(party.tool.sealed_client_secret)
    assert redeem(party, party.code(browser), **holder.assertion(client_id)).status_code == 401


# DPoP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bound(signing_key):
    return connect("mobile", token_endpoint_auth_method=AuthMethod.NONE, dpop_bound_access_tokens=True)


def nonce_of(response):
    return response["DPoP-Nonce"]


def dpop_redeem(party, code, holder):
    """As a client does: a first try without nonce, then with the one it was given."""
    first = redeem(party, code, headers={"DPoP": holder.proof("POST", TOKEN)}, client_id=party.tool.client_id)
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    proof = holder.proof("POST", TOKEN, nonce=nonce_of(first))
    return redeem(party, code, headers={"DPoP": proof}, client_id=party.tool.client_id), nonce_of(first)


@pytest.mark.spec("RFC 9449", "5")
def test_a_token_bound_to_a_key_is_good_with_it_only(bound, holder, browser):
    answer, nonce = dpop_redeem(bound, bound.code(browser), holder)
    token = answer.json()["access_token"]

    def ask(scheme, proof):
        return bound.http.get("/oidc/userinfo", headers={"Authorization": f"{scheme} {token}", "DPoP": proof})

    good = holder.proof("GET", "/oidc/userinfo", nonce=nonce, access_token=token)

    assert answer.json()["token_type"] == "DPoP"
    assert ask("DPoP", good).status_code == 200
    assert ask("DPoP", good).status_code == 401, "a proof is good once"
    assert ask("Bearer", "").status_code == 401
    thief = Holder().proof("GET", "/oidc/userinfo", nonce=nonce, access_token=token)
    assert ask("DPoP", thief).status_code == 401
    assert ask("DPoP", holder.proof("GET", "/oidc/userinfo", nonce=nonce)).status_code == 401, "no ath"


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize("path", [TOKEN, "/oidc/par"])
def test_an_assertion_is_not_used_up_by_a_proof_without_nonce(signing_key, holder, browser, path):
    party = connect(
        "louty",
        token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
        client_jwks=holder.jwks,
        dpop_bound_access_tokens=True,
    )
    form = holder.assertion(party.tool.client_id)
    if path == TOKEN:
        form |= {"grant_type": "authorization_code", "code": party.code(browser), "redirect_uri": REDIRECT}
        form["code_verifier"] = party.verifier
    else:
        form |= party.request()

    first = party.post(path, form, {"DPoP": holder.proof("POST", path)})
    second = party.post(path, form, {"DPoP": holder.proof("POST", path, nonce=nonce_of(first))})
    third = party.post(path, form, {"DPoP": holder.proof("POST", path, nonce=nonce_of(first))})

    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    assert second.status_code in (200, 201)
    assert (third.status_code, third.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 9449", "5")
def test_a_tool_whose_tokens_are_bound_cannot_do_without(bound, browser):
    response = redeem(bound, bound.code(browser), client_id=bound.tool.client_id)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449", "10")
def test_a_code_asked_for_with_a_key_is_redeemed_with_it_only(bound, holder, browser):
    answer, _ = dpop_redeem(bound, bound.code(browser, dpop_jkt=Holder().jkt), holder)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert Event.objects.filter(reason="dpop_code_binding").exists()


# Mutual TLS --------------------------------------------------------------------------------------------------


@pytest.fixture
def behind_proxy(settings):
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    settings.CLIENT_CERTIFICATE_VERIFY_HEADER = "X-Client-Verify"
    settings.CLIENT_CERTIFICATE_PROXIES = [ip_network("127.0.0.0/8")]


def certificate_named(name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    return quote(made.public_bytes(serialization.Encoding.PEM).decode())


@pytest.mark.spec("RFC 8705", "2.1")
def test_a_certificate_of_a_verified_chain_proves_the_tool_and_binds_its_tokens(signing_key, behind_proxy, browser):
    party = connect(
        "louty",
        token_endpoint_auth_method=AuthMethod.TLS,
        tls_client_auth_subject_dn="CN=louty",
        tls_client_certificate_bound_access_tokens=True,
    )
    shown = {"X-Client-Certificate": certificate_named("louty"), "X-Client-Verify": "SUCCESS"}

    answer = redeem(party, party.code(browser), headers=shown, client_id=party.tool.client_id)

    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert party.http.get("/oidc/userinfo", headers={**bearer, **shown}).status_code == 200
    assert party.http.get("/oidc/userinfo", headers=bearer).status_code == 401


@pytest.mark.spec("RFC 8705", "5")
@pytest.mark.parametrize(("origin", "status"), [("https://cert.hub.example", 200), ("https://evil.example", 400)])
def test_a_proof_may_name_the_address_where_certificates_are_shown(
    signing_key, behind_proxy, settings, browser, holder, origin, status
):
    settings.CLIENT_CERTIFICATE_ORIGIN, settings.DPOP_NONCES = "https://cert.hub.example", False
    party = connect(
        "louty",
        token_endpoint_auth_method=AuthMethod.TLS,
        tls_client_auth_subject_dn="CN=louty",
        dpop_bound_access_tokens=True,
    )
    shown = {"X-Client-Certificate": certificate_named("louty"), "X-Client-Verify": "SUCCESS"}
    proof = holder.proof("POST", TOKEN, htu=origin + TOKEN)

    answer = redeem(party, party.code(browser), headers={**shown, "DPoP": proof}, client_id=party.tool.client_id)

    assert answer.status_code == status


@pytest.mark.spec("RFC 8705", "2.1")
@pytest.mark.parametrize(("name", "verified"), [("louty", "NONE"), ("louty", ""), ("other", "SUCCESS")])
def test_a_certificate_with_the_right_name_needs_a_verified_chain(signing_key, behind_proxy, browser, name, verified):
    party = connect("louty", token_endpoint_auth_method=AuthMethod.TLS, tls_client_auth_subject_dn="CN=louty")

    shown = {"X-Client-Certificate": certificate_named(name), "X-Client-Verify": verified}
    response = redeem(party, party.code(browser), headers=shown, client_id=party.tool.client_id)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert Event.objects.filter(reason="certificate_foreign").exists()


def test_a_certificate_header_from_anybody_proves_nothing(signing_key, settings, browser):
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    settings.CLIENT_CERTIFICATE_PROXIES = [ip_network("192.0.2.0/24")]
    party = connect(
        "louty", token_endpoint_auth_method=AuthMethod.TLS, tls_client_auth_subject_dn="CN=louty,O=Alizarine"
    )

    headers = {"X-Client-Certificate": "-----BEGIN CERTIFICATE-----"}
    response = redeem(party, party.code(browser), headers=headers, client_id=party.tool.client_id)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert Event.objects.filter(reason="certificate_missing").exists()


@pytest.mark.spec("FAPI 2.0 SP", "5.4.1")
@pytest.mark.parametrize(("alg", "accepted"), [("RS256", False), ("PS256", True)])
def test_a_fapi_tool_signs_its_proofs_as_strictly_as_everything_else(signing_key, settings, alg, accepted):
    settings.DPOP_NONCES = False
    strict, rsa = Holder(), Holder(RSAKey.generate_key(2048), alg=alg)
    party = connect(
        "banque",
        token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
        client_jwks=strict.jwks,
        security_profile="fapi2",
        dpop_bound_access_tokens=True,
        algorithm="ES256",
    )
    sent = party.request() | strict.assertion(party.tool.client_id)

    response = party.post("/oidc/par", sent, {"DPoP": rsa.proof("POST", "/oidc/par")})

    if accepted:
        assert response.status_code == 201
    else:
        assert response.json()["error"] == "invalid_dpop_proof"
        assert Event.objects.filter(refused=True, reason="dpop_alg").count() == 1


# Tools whose key cannot be had ----------------------------------------------------------------------------------


@pytest.mark.spec("OIDC Core", "10.2")
@pytest.mark.parametrize("answer", ["id_token", "userinfo"])
def test_an_answer_that_cannot_be_encrypted_is_put_off_and_nothing_is_used_up(signing_key, browser, holder, answer):
    wanted = {f"{answer}_encrypted_response_alg": "RSA-OAEP-256", f"{answer}_encrypted_response_enc": "A256GCM"}
    party = connect("louty", client_jwks=holder.jwks, **wanted)
    code = party.code(browser)
    if answer == "id_token":
        responses = [party.exchange(code) for _ in range(2)]
    else:
        token = party.exchange(code).json()["access_token"]
        responses = [party.userinfo(token)]

    for response in responses:
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
        assert int(response["Retry-After"]) > 0
    assert Event.objects.filter(reason="keys_unavailable", refused=True).count() == len(responses)
    assert not Event.objects.filter(reason="code_replayed").exists()
    assert not Disclosure.objects.filter(channel=answer).exists()
