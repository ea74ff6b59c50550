"""Client assertions: a key says which client is calling."""

import json
import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from idp.protocol.assertions import AssertionInvalid, client_id_of, parse, verify
from idp.protocol.jose import MAX_TOKEN_CHARS
from tests.support.signed import (
    AMBIGUOUS,
    HMAC_SECRET,
    NEARLY_TOKENS,
    ODD_VALUES,
    private_key,
    public_jwk,
    public_key,
    signed_with_public_key,
    token,
    unsigned,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://hub.example"
TOKEN_ENDPOINT = f"{ISSUER}/oidc/token"
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")


def keys_for(*algs):
    return KeySet([public_key(alg) for alg in algs])


def body(**changes):
    claims = {
        "iss": "agenda",
        "sub": "agenda",
        "aud": ISSUER,
        "exp": SECONDS + 60,
        "iat": SECONDS,
        "jti": "j1",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def assertion(*, alg="ES256", head=None, **changes):
    return token({"alg": alg, **(head or {})}, body(**changes), sign_as=alg)


def checked(sent, **changes):
    return verify(
        parse(sent),
        **{
            "keys": keys_for("ES256"),
            "algorithms": ALGORITHMS,
            "client_id": "agenda",
            "audiences": frozenset({ISSUER, TOKEN_ENDPOINT}),
            "now": NOW,
            "single_audience": False,
            **changes,
        },
    )


def why_refused(sent, **changes):
    with pytest.raises(AssertionInvalid) as refused:
        checked(sent, **changes)
    assert refused.value.code == "invalid_client"
    # What was wrong is for the journal: a stranger who tries assertions learns nothing from the answer.
    assert refused.value.description == "the client assertion was refused"
    return refused.value.detail


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"])
def test_every_offered_algorithm_is_verified_without_a_warning(alg):
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        known = checked(assertion(alg=alg), keys=keys_for(alg))

    assert (known.jti, known.expires_at) == ("j1", NOW + timedelta(seconds=60))


@pytest.mark.spec("RFC 9864", "2.2")
@pytest.mark.parametrize("written", ["Ed25519", "EdDSA"])
@pytest.mark.parametrize("sent", ["Ed25519", "EdDSA"])
def test_both_names_of_ed25519_mean_the_same_key(written, sent):
    keys = [public_key("Ed25519", alg=written)]

    assert checked(assertion(alg="Ed25519", head={"alg": sent}), keys=keys).jti == "j1"


@pytest.mark.spec("OIDC Core", "9")
def test_client_secret_jwt_is_verified_with_the_secret_where_it_is_allowed():
    keys = [OctKey.import_key(HMAC_SECRET)]

    assert checked(assertion(alg="HS256"), keys=keys, algorithms=("HS256",)).jti == "j1"
    assert why_refused(assertion(alg="HS256"), keys=keys) == "assertion_alg"
    assert why_refused(assertion(alg="HS256"), keys=[OctKey.import_key("x" * 32)], algorithms=("HS256",)) == (
        "assertion_signature"
    )


@pytest.mark.spec("RFC 7518", "3.2")
def test_a_secret_shorter_than_its_hash_signs_nothing():
    short = OctKey.import_key("x" * 31)

    sent = token({"alg": "HS256"}, body(), key=short)

    assert why_refused(sent, keys=[short], algorithms=("HS256",)) == "assertion_no_key"


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"iss": None}, "assertion_client"),
        ({"iss": "wiki"}, "assertion_client"),
        ({"sub": None}, "assertion_client"),
        ({"sub": "wiki"}, "assertion_client"),
        ({"iss": ["agenda"]}, "assertion_iss_malformed"),
        ({"sub": 1}, "assertion_sub_malformed"),
        ({"aud": None}, "assertion_aud"),
        ({"aud": "https://other.example"}, "assertion_aud"),
        ({"aud": f"{ISSUER}/"}, "assertion_aud"),
        ({"aud": "HTTPS://hub.example"}, "assertion_aud"),
        ({"aud": []}, "assertion_aud"),
        ({"aud": [["https://hub.example"]]}, "assertion_aud_malformed"),
        ({"aud": {"https://hub.example": 1}}, "assertion_aud_malformed"),
        ({"aud": 5}, "assertion_aud_malformed"),
        ({"exp": None}, "assertion_exp"),
        ({"exp": SECONDS}, "assertion_exp"),
        ({"exp": SECONDS - 1}, "assertion_exp"),
        ({"exp": SECONDS + 3631}, "assertion_exp_too_far"),
        ({"exp": str(SECONDS + 60)}, "assertion_exp_malformed"),
        ({"exp": True}, "assertion_exp_malformed"),
        ({"exp": -60}, "assertion_exp_malformed"),
        ({"exp": 10**400}, "assertion_exp_malformed"),
        ({"exp": [SECONDS + 60]}, "assertion_exp_malformed"),
        ({"iat": SECONDS + 61}, "assertion_iat"),
        ({"iat": "now"}, "assertion_iat_malformed"),
        ({"nbf": SECONDS + 61}, "assertion_nbf"),
        ({"nbf": False}, "assertion_nbf_malformed"),
        ({"jti": None}, "assertion_jti"),
        ({"jti": ""}, "assertion_jti"),
        ({"jti": "x" * 257}, "assertion_jti"),
        ({"jti": 1}, "assertion_jti_malformed"),
    ],
)
def test_each_claim_is_checked(changes, detail):
    assert why_refused(assertion(**changes)) == detail


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
def test_a_clock_ten_seconds_ahead_is_no_reason_to_refuse():
    assert checked(assertion(iat=SECONDS + 10, nbf=SECONDS + 10)).jti == "j1"


@pytest.mark.spec("RFC 7519", "4.1.4")
def test_times_may_have_a_fraction_and_iat_and_nbf_may_be_missing():
    known = checked(assertion(exp=SECONDS + 59.5, iat=None))

    assert known.expires_at == NOW + timedelta(seconds=59.5)


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize("aud", [ISSUER, TOKEN_ENDPOINT, [TOKEN_ENDPOINT], ["https://other.example", ISSUER]])
def test_the_issuer_or_the_endpoint_may_be_the_audience(aud):
    assert checked(assertion(aud=aud)).jti == "j1"


@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.1")
@pytest.mark.parametrize("aud", [[ISSUER], [ISSUER, TOKEN_ENDPOINT], TOKEN_ENDPOINT])
def test_with_a_single_audience_only_the_issuer_as_a_string_will_do(aud):
    alone = {"audiences": frozenset({ISSUER}), "single_audience": True}

    assert checked(assertion(), **alone).jti == "j1"
    assert why_refused(assertion(aud=aud), **alone) == "assertion_aud"


def test_an_hour_is_long_enough_for_anybody_and_ten_minutes_where_more_is_asked():
    strict = {"audiences": frozenset({ISSUER}), "single_audience": True}

    assert checked(assertion(exp=SECONDS + 3600)).jti == "j1"
    assert checked(assertion(exp=SECONDS + 600), **strict).jti == "j1"
    assert why_refused(assertion(exp=SECONDS + 631), **strict) == "assertion_exp_too_far"


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize("typ", ["dpop+jwt", "oauth-authz-req+jwt", "at+jwt", "logout+jwt", "token-introspection+jwt"])
def test_a_token_made_for_another_purpose_is_no_assertion(typ):
    assert why_refused(assertion(head={"typ": typ})) == "assertion_typ"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "client-authentication+jwt"])
def test_the_types_that_clients_really_send_are_taken(typ):
    assert checked(assertion(head={"typ": typ})).jti == "j1"


@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", "ES256K", "RS1", "dir", ""])
def test_the_header_cannot_choose_another_algorithm(alg):
    assert why_refused(token({"alg": alg}, body(), sign_as="ES256")) == "assertion_alg"


@pytest.mark.parametrize("algorithms", [("HS256", "RS256"), ("none", "HS256"), ("HS256",)])
def test_a_public_key_is_never_taken_for_a_secret(algorithms):
    key = public_key("RS256")
    for secret in (key.as_pem(private=False), key.as_der(private=False), json.dumps(public_jwk("RS256")).encode()):
        assert (
            why_refused(signed_with_public_key(body(), secret), keys=[key], algorithms=algorithms) == "assertion_no_key"
        )


def test_an_unsigned_assertion_is_refused_even_where_somebody_allowed_none():
    assert why_refused(unsigned(body())) == "assertion_alg"
    assert why_refused(unsigned(body()), algorithms=("none", "ES256")) == "assertion_alg"
    assert why_refused(assertion().rpartition(".")[0] + ".") == "assertion_signature"


@pytest.mark.spec("RFC 8725", "3.10")
def test_a_key_that_comes_with_the_token_is_not_used():
    own = ECKey.generate_key("P-256")
    jwk = own.as_dict(private=False)
    for head in (
        {"jwk": jwk},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/c"},
        {"x5c": ["AA"]},
    ):
        sent = token({"alg": "ES256", **head}, body(), key=own)

        assert why_refused(sent) == "assertion_signature"


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "other", "x" * 4000])
def test_a_key_id_finds_a_known_key_or_nothing(kid):
    assert why_refused(assertion(head={"kid": kid})) == "assertion_no_key"
    assert checked(assertion(head={"kid": kid}), keys=[public_key("ES256", kid=kid)]).jti == "j1"


def test_without_a_key_id_the_right_key_among_several_is_found():
    others = [ECKey.import_key(ECKey.generate_key("P-256").as_dict(private=False)) for _ in range(3)]

    assert checked(assertion(), keys=[*others, public_key("ES256")]).jti == "j1"
    assert why_refused(assertion(), keys=others) == "assertion_signature"
    assert why_refused(assertion(), keys=[]) == "assertion_no_key"


def test_a_key_is_used_for_what_it_was_published_for_only():
    assert why_refused(assertion(), keys=[public_key("ES256", use="enc")]) == "assertion_no_key"
    assert why_refused(assertion(), keys=[public_key("ES256", alg="ES384")]) == "assertion_no_key"
    assert why_refused(assertion(), keys=[public_key("ES256", key_ops=["encrypt"])]) == "assertion_signature"
    assert why_refused(assertion(alg="PS256"), keys=[public_key("RS256", alg="RS256")]) == "assertion_no_key"
    assert checked(assertion(), keys=[public_key("ES256", use="sig", alg="ES256", key_ops=["verify"])]).jti == "j1"


def test_a_curve_that_is_not_the_algorithm_s_and_a_short_rsa_key_are_no_keys():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = RSAKey.generate_key(1024)

    assert why_refused(assertion(), keys=[ECKey.generate_key("P-384")]) == "assertion_no_key"
    assert why_refused(token({"alg": "RS256"}, body(), key=short), keys=[short]) == "assertion_no_key"


@pytest.mark.spec("RFC 7515", "4.1.11")
@pytest.mark.parametrize(
    "head", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": "x"}, {"b64": True}, {"b64": False}]
)
def test_extensions_that_must_be_understood_are_refused(head):
    assert why_refused(assertion(head=head)) == "assertion_crit"


@pytest.mark.parametrize("head", [{"typ": 1}, {"typ": None}, {"kid": 5}, {"kid": ["a"]}, {"kid": {}}])
def test_header_parameters_of_the_wrong_type_are_refused(head):
    assert why_refused(assertion(head=head)) == "assertion_header_malformed"


@pytest.mark.parametrize("name", sorted(AMBIGUOUS))
def test_json_with_two_meanings_is_refused(name):
    assert why_refused(token({"alg": "ES256"}, AMBIGUOUS[name](body()))) == "assertion_malformed"
    assert why_refused(token(AMBIGUOUS[name]({"alg": "ES256"}), body(), sign_as="ES256")) == "assertion_malformed"


@pytest.mark.incident("CVE-2025-61920")
def test_an_assertion_longer_than_16_kib_is_not_even_read():
    sent = assertion(padding="x" * MAX_TOKEN_CHARS)

    assert why_refused(sent) == "assertion_too_long"
    with pytest.raises(AssertionInvalid):
        parse(sent)


def test_an_encrypted_token_is_no_assertion():
    assert why_refused(assertion() + ".AAAA.AAAA") == "assertion_malformed"


@pytest.mark.spec("RFC 7521", "4.2")
def test_the_client_is_looked_for_by_what_the_assertion_says_and_nothing_more():
    sent = assertion(head={"kid": "k1"})

    assert (client_id_of(parse(sent)), parse(sent).kid, parse(assertion()).kid) == ("agenda", "k1", "")
    # Looking is not believing: no key was needed.
    assert client_id_of(parse(unsigned(body(sub="bank")))) == "bank"
    for sub in (None, "", 5, ["agenda"]):
        with pytest.raises(AssertionInvalid):
            client_id_of(parse(unsigned(body(sub=sub))))


def test_a_client_without_a_name_is_nobody():
    assert why_refused(assertion(iss="", sub=""), client_id="") == "assertion_client"


@given(NEARLY_TOKENS)
def test_no_text_raises_anything_but_the_documented_error(sent):
    with pytest.raises(AssertionInvalid):
        checked(sent)
    with suppress(AssertionInvalid):
        assert isinstance(client_id_of(parse(sent)), str)


@given(
    st.dictionaries(st.sampled_from(["typ", "kid", "jwk", "cty", "x5c"]), ODD_VALUES, max_size=2),
    st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), ODD_VALUES, max_size=3),
)
def test_no_signed_content_raises_anything_but_the_documented_error(head, changes):
    sent = token(json.dumps({"alg": "ES256", **head}), json.dumps({**body(), **changes}), sign_as="ES256")

    with suppress(AssertionInvalid):
        assert NOW < checked(sent).expires_at <= NOW + timedelta(seconds=3630)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_anywhere_breaks_the_assertion(position, octet):
    good = assertion()
    changed = good[:position] + chr(octet) + good[position + 1 :]

    if changed != good:
        why_refused(changed)


def test_the_private_half_verifies_too_but_only_its_own_signatures():
    assert checked(assertion(), keys=[private_key("ES256")]).jti == "j1"
