"""DPoP proofs: what proves a key, and everything that only looks like it."""

import json
import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from idp.protocol.dpop import DPoPInvalid, nonce_for, nonce_is_fresh, nonce_of, token_hash, verify
from idp.protocol.jose import MAX_TOKEN_CHARS
from tests.support.signed import (
    AMBIGUOUS,
    NEARLY_TOKENS,
    ODD_VALUES,
    encoded,
    private_key,
    public_jwk,
    public_key,
    signed_with_public_key,
    token,
    unsigned,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
URI = "https://hub.example/oidc/token"
# RFC 9449 §4.2 and §7.1: the proofs of the specification.
EXAMPLE = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRj"
    "QyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19."
    "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ij"
    "oxNTYyMjYyNjE2fQ."
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)


def body(**changes):
    claims = {"jti": "j1", "htm": "POST", "htu": URI, "iat": int(NOW.timestamp()), **changes}
    return {name: value for name, value in claims.items() if value is not None}


def header(alg="ES256", **changes):
    members = {"typ": "dpop+jwt", "alg": alg, "jwk": public_jwk(alg), **changes}
    return {name: value for name, value in members.items() if value is not None}


def proof(*, alg="ES256", head=None, **changes):
    return token(header(alg, **(head or {})), body(**changes), sign_as=alg)


def checked(sent, **changes):
    return verify(sent, **{"method": "POST", "uris": [URI], "now": NOW, **changes})


def why_refused(sent, **changes):
    with pytest.raises(DPoPInvalid) as refused:
        checked(sent, **changes)
    assert refused.value.code == "invalid_dpop_proof"
    return refused.value.detail


@pytest.mark.spec("RFC 9449", "4.2")
def test_the_specification_s_own_proof_is_good_and_names_its_key():
    at = datetime.fromtimestamp(1562262616, UTC)

    known = verify(EXAMPLE, method="POST", uris=["https://server.example.com/token"], now=at)

    assert known.jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert (known.jti, known.issued_at, known.nonce) == ("-BwC3ESc6acc2lTc", at, "")


@pytest.mark.spec("RFC 9449", "7")
def test_the_hash_of_a_token_is_the_specification_s():
    assert token_hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256", "Ed25519", "EdDSA"])
def test_every_offered_algorithm_proves_its_key_without_a_warning(alg):
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        known = checked(proof(alg=alg, nonce="n"))

    assert known.jkt == private_key(alg).thumbprint()
    assert known.nonce == "n"


@pytest.mark.spec("RFC 7638", "3")
def test_the_thumbprint_is_of_the_key_and_not_of_what_is_written_around_it():
    plain = checked(proof()).jkt

    dressed = {**public_jwk("ES256"), "kid": "other", "alg": "ES256", "use": "sig", "x5u": "https://evil.example/"}
    assert checked(proof(head={"jwk": dressed})).jkt == plain


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"jti": None}, "dpop_jti"),
        ({"jti": ""}, "dpop_jti"),
        ({"jti": "x" * 257}, "dpop_jti"),
        ({"jti": 1}, "dpop_jti_malformed"),
        ({"htm": None}, "dpop_htm"),
        ({"htm": "GET"}, "dpop_htm"),
        ({"htm": "post"}, "dpop_htm"),
        ({"htm": ["POST"]}, "dpop_htm_malformed"),
        ({"htu": None}, "dpop_htu"),
        ({"htu": ""}, "dpop_htu"),
        ({"htu": [URI]}, "dpop_htu_malformed"),
        ({"htu": "https://hub.example/oidc/par"}, "dpop_htu"),
        ({"htu": "https://evil.example/oidc/token"}, "dpop_htu"),
        ({"htu": "http://hub.example/oidc/token"}, "dpop_htu"),
        ({"htu": "https://hub.example:444/oidc/token"}, "dpop_htu"),
        ({"htu": "https://hub.example/oidc/token/"}, "dpop_htu"),
        ({"htu": "https://hub.example/oidc/TOKEN"}, "dpop_htu"),
        ({"htu": "https://hub.example@evil.example/oidc/token"}, "dpop_htu"),
        ({"htu": "https://evil@hub.example/oidc/token"}, "dpop_htu"),
        ({"htu": "https://hub.example/oidc%2Ftoken"}, "dpop_htu"),
        ({"htu": "https://hub.example:port/oidc/token"}, "dpop_htu"),
        ({"htu": "https://[::1/oidc/token"}, "dpop_htu"),
        ({"htu": "https://hub.exаmple/oidc/token"}, "dpop_htu"),
        ({"htu": "/oidc/token"}, "dpop_htu"),
        ({"htu": "javascript:alert(1)"}, "dpop_htu"),
        ({"iat": None}, "dpop_iat"),
        ({"iat": "now"}, "dpop_iat_malformed"),
        ({"iat": str(int(NOW.timestamp()))}, "dpop_iat_malformed"),
        ({"iat": True}, "dpop_iat_malformed"),
        ({"iat": -1}, "dpop_iat_malformed"),
        ({"iat": 10**300}, "dpop_iat_malformed"),
        ({"iat": {}}, "dpop_iat_malformed"),
        ({"exp": int(NOW.timestamp())}, "dpop_exp"),
        ({"exp": "never"}, "dpop_exp_malformed"),
        ({"nbf": int(NOW.timestamp()) + 61}, "dpop_nbf"),
        ({"nonce": 5}, "dpop_nonce_malformed"),
    ],
)
def test_each_claim_is_checked(changes, detail):
    assert why_refused(proof(**changes)) == detail


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
@pytest.mark.parametrize(
    ("seconds", "good"), [(-61, False), (-60, True), (-10, True), (10, True), (30, True), (61, False)]
)
def test_a_proof_is_good_around_now_only(seconds, good):
    sent = proof(iat=int(NOW.timestamp()) + seconds)

    if good:
        assert checked(sent).issued_at == NOW + timedelta(seconds=seconds)
    else:
        assert why_refused(sent) == "dpop_iat"


@pytest.mark.spec("RFC 7519", "4.1.6")
def test_a_time_may_have_a_fraction():
    assert checked(proof(iat=NOW.timestamp() - 0.5)).issued_at == NOW - timedelta(seconds=0.5)


def test_end_and_beginning_are_respected_when_they_are_there():
    seconds = int(NOW.timestamp())

    assert checked(proof(exp=seconds + 5, nbf=seconds + 10)).jti == "j1"


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "htu",
    [
        "https://hub.example/oidc/token?x=1",
        "https://hub.example/oidc/token#f",
        "HTTPS://HUB.example/oidc/token",
        "https://hub.example:443/oidc/token",
        "https://hub.example:/oidc/token",
        "https://hub.example/oidc/%74oken",
        "https://hub.example/./oidc/token",
        "https://hub.example/a/../oidc/token",
    ],
)
def test_two_spellings_of_one_address_are_the_same(htu):
    assert checked(proof(htu=htu)).jti == "j1"


@pytest.mark.spec("RFC 3986", "6.2.2")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://localhost:8000", "http://localhost:8000/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("https://hub.example/a%2fb", "https://hub.example/a%2Fb"),
        ("https://hub.example/a/.", "https://hub.example/a/"),
        ("https://hub.example/a/b/..", "https://hub.example/a/"),
        ("https://hub.example/../../a", "https://hub.example/a"),
    ],
)
def test_addresses_are_compared_in_their_normal_form(one, other):
    assert checked(proof(htu=one), uris=[other]).jti == "j1"


@pytest.mark.spec("RFC 9449", "7.1")
def test_a_proof_for_a_token_is_made_for_this_token():
    sent = proof(ath=token_hash("token-1"))

    assert checked(sent, access_token="token-1").jti == "j1"
    assert why_refused(sent, access_token="token-2") == "dpop_ath"
    assert why_refused(proof(), access_token="token-1") == "dpop_ath"
    assert why_refused(proof(ath=5), access_token="token-1") == "dpop_ath_malformed"
    assert why_refused(proof(ath="é"), access_token="token-1") == "dpop_ath"


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("typ", [None, "", "JWT", "dpop", "at+jwt", "client-authentication+jwt"])
def test_a_token_of_another_type_is_no_proof(typ):
    assert why_refused(proof(head={"typ": typ})) == "dpop_typ"


@pytest.mark.spec("RFC 7515", "4.1.9")
def test_the_type_is_a_media_type_with_or_without_its_prefix():
    assert checked(proof(head={"typ": "application/dpop+jwt"})).jti == "j1"


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519"])
def test_a_private_key_is_refused_although_the_signature_is_right(alg):
    assert why_refused(proof(alg=alg, head={"jwk": private_key(alg).as_dict(private=True)})) == "dpop_jwk_private"


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_no_private_member_is_let_in_beside_a_public_key(member):
    assert why_refused(proof(head={"jwk": {**public_jwk("ES256"), member: "AA"}})) == "dpop_jwk_private"


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "key",
        [],
        {},
        {"kty": "EC"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "é" * 43, "y": "A" * 43},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 10},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": "AA" + "_" * 341, "e": "AQAB"},
        {"kty": "RSA", "n": "_" * 8000, "e": "AQAB"},
        {"kty": "RSA", "n": "_" * 342, "e": "Aw"},
        {"kty": "RSA", "n": "_" * 342, "e": 65537},
        {"kty": "RSA", "n": "=" * 342, "e": "AQAB"},
        {"kty": ["RSA"]},
        {"kty": "none"},
    ],
)
def test_a_key_that_is_none_is_refused(jwk):
    assert why_refused(proof(head={"jwk": jwk})).startswith("dpop_")


def test_other_curves_and_short_rsa_keys_are_refused():
    curve = ECKey.generate_key("P-384")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = RSAKey.generate_key(1024)

    assert why_refused(proof(head={"jwk": curve.as_dict(private=False)})) == "dpop_jwk_unsupported"
    sent = token(header("RS256", jwk=short.as_dict(private=False)), body(), key=short)
    assert why_refused(sent) == "dpop_jwk_unsupported"


@pytest.mark.spec("RFC 8725", "3.1")
def test_the_key_in_the_proof_must_have_made_the_signature():
    other = ECKey.generate_key("P-256")

    assert why_refused(proof(head={"jwk": other.as_dict(private=False)})) == "dpop_signature"
    assert why_refused(proof()[:-6] + "AAAAAA") in ("dpop_signature", "dpop_malformed")


@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "ES384", "RS1", "", "Ed448"])
def test_the_header_cannot_choose_another_algorithm(alg):
    assert why_refused(token(header(alg="ES256") | {"alg": alg}, body(), sign_as="ES256")) == "dpop_alg"


def test_an_unsigned_proof_and_one_signed_with_the_public_key_as_secret_are_refused():
    pem = public_key("RS256").as_pem(private=False)

    assert why_refused(unsigned(body())) == "dpop_typ"
    confused = signed_with_public_key(body(), pem, typ="dpop+jwt", jwk=public_jwk("RS256"))
    assert why_refused(confused) == "dpop_alg"
    assert why_refused(confused, algorithms=("HS256", "RS256")) == "dpop_no_key"


def test_algorithms_that_were_not_allowed_here_are_refused():
    assert why_refused(proof(alg="RS256"), algorithms=("ES256", "PS256", "Ed25519")) == "dpop_alg"
    assert checked(proof(alg="EdDSA"), algorithms=("Ed25519",)).jti == "j1"


@pytest.mark.spec("RFC 7515", "4.1.11")
@pytest.mark.parametrize("head", [{"crit": ["exp"]}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": False}])
def test_extensions_that_must_be_understood_are_refused(head):
    assert why_refused(proof(head=head)) == "dpop_crit"


@pytest.mark.spec("RFC 7515", "4")
def test_header_parameters_that_are_not_understood_are_ignored():
    strange = {"jku": "https://evil.example/k", "x5u": "ftp://x", "x5c": "no list", "kid": "../../dev/null", "foo": [1]}

    assert checked(proof(head=strange)).jti == "j1"


@pytest.mark.parametrize("name", sorted(AMBIGUOUS))
def test_json_with_two_meanings_is_refused(name):
    assert why_refused(token(header(), AMBIGUOUS[name](body()))) == "dpop_malformed"
    assert why_refused(token(AMBIGUOUS[name](header()), body(), sign_as="ES256")).startswith("dpop_")


@pytest.mark.spec("RFC 7515", "2")
def test_one_proof_has_one_spelling():
    # The last letter of a signature has bits that no octet uses: another letter, the same octets, another "new" proof.
    first, second, signature = proof().split(".")
    twin = signature[:-1] + chr(ord(signature[-1]) + 1)

    assert why_refused(f"{first}.{second}.{twin}") in ("dpop_malformed", "dpop_signature")
    for sent in (f"{first}.{second}.{signature}==", f"{first}.{second}.{signature}\n", f" {proof()}", proof() + ".x"):
        assert why_refused(sent) == "dpop_malformed"


def test_a_proof_longer_than_16_kib_is_not_even_read():
    assert why_refused(proof(padding="x" * MAX_TOKEN_CHARS)) == "dpop_too_long"


@given(NEARLY_TOKENS)
def test_no_text_raises_anything_but_the_documented_error(sent):
    with pytest.raises(DPoPInvalid):
        checked(sent)


@given(
    st.dictionaries(st.sampled_from(["typ", "jwk", "kid", "crit", "cty"]), ODD_VALUES, max_size=3),
    st.dictionaries(
        st.sampled_from(["jti", "htm", "htu", "iat", "exp", "nbf", "nonce", "ath"]), ODD_VALUES, max_size=3
    ),
)
def test_no_signed_content_raises_anything_but_the_documented_error(head, changes):
    sent = token(json.dumps({**header(), **head}), json.dumps({**body(), **changes}), sign_as="ES256")

    with suppress(DPoPInvalid):
        assert checked(sent, access_token="t").jkt == private_key("ES256").thumbprint()


@given(
    st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e"]), ODD_VALUES | st.sampled_from(["RSA", "EC"]))
)
def test_no_key_raises_anything_but_the_documented_error(changes):
    sent = token(json.dumps(header(jwk={**public_jwk("ES256"), **changes})), body(), sign_as="ES256")

    with suppress(DPoPInvalid):
        assert checked(sent).jkt == private_key("ES256").thumbprint()


@given(st.text(max_size=60))
def test_no_address_raises_anything_but_the_documented_error(htu):
    with suppress(DPoPInvalid):
        checked(proof(htu=htu))


@pytest.mark.spec("RFC 9449", "8")
def test_a_nonce_is_fresh_for_two_windows_of_five_minutes():
    nonce = nonce_for(b"secret", NOW)

    assert nonce == nonce_for(b"secret", NOW + timedelta(minutes=4, seconds=59))
    assert nonce != nonce_for(b"secret", NOW + timedelta(minutes=5))
    assert nonce_is_fresh(b"secret", nonce, NOW)
    assert nonce_is_fresh(b"secret", nonce, NOW + timedelta(minutes=9, seconds=59))
    assert not nonce_is_fresh(b"secret", nonce, NOW + timedelta(minutes=10))
    assert not nonce_is_fresh(b"secret", nonce, NOW - timedelta(seconds=1))


@pytest.mark.spec("RFC 9449", "8.1")
def test_a_nonce_has_only_letters_that_a_header_may_hold():
    assert all(char.isalnum() or char in "-_" for char in nonce_for(b"secret", NOW))


@given(st.text(max_size=40))
def test_a_nonce_cannot_be_guessed_without_the_secret(nonce):
    assert not nonce_is_fresh(b"secret", nonce, NOW)
    assert not nonce_is_fresh(b"secret", nonce_for(b"other", NOW), NOW)


def test_an_empty_segment_and_padding_are_no_base64url():
    assert why_refused("..") == "dpop_malformed"
    assert why_refused(f"{encoded('{}')}=.{encoded('{}')}.AA") == "dpop_malformed"


def test_a_proof_may_name_any_of_the_addresses_of_its_request_and_no_other():
    addresses = [URI, "https://cert.hub.example/oidc/token"]

    assert [checked(proof(htu=each), uris=addresses).jti for each in addresses] == ["j1", "j1"]
    assert why_refused(proof(htu="https://evil.example/oidc/token"), uris=addresses) == "dpop_htu"
    assert why_refused(proof(htu=addresses[1])) == "dpop_htu"


def test_a_nonce_is_read_before_anything_is_believed():
    assert nonce_of(proof(nonce="n1")) == "n1"
    assert [nonce_of(each) for each in (proof(), proof(nonce=["n1"]), "", "a.b.c", "x" * 100_000, "é")] == [""] * 6
