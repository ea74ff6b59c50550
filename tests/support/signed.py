"""Signed tokens as a client, or somebody who would like to be one, makes them: every part can be bent."""

import base64
import hashlib
import hmac
import json
from functools import cache

from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

HMAC_SECRET = "0123456789abcdef0123456789abcdef"


@cache
def _made(kind):
    match kind:
        case "RSA":
            return RSAKey.generate_key(2048)
        case "EC":
            return ECKey.generate_key("P-256")
        case "OKP":
            return OKPKey.generate_key("Ed25519")
    return OctKey.import_key(HMAC_SECRET)


def private_key(alg):
    """One key per kind and test run: making RSA keys is slow."""
    kinds = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "Ed25519": "OKP", "EdDSA": "OKP", "HS256": "oct"}
    return _made(kinds[alg])


def public_key(alg, /, **members):
    return type(private_key(alg)).import_key({**private_key(alg).as_dict(private=False), **members})


def public_jwk(alg):
    return private_key(alg).as_dict(private=False)


def encoded(octets):
    octets = octets.encode("utf-8", "surrogatepass") if isinstance(octets, str) else octets
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def token(header, payload, *, key=None, sign_as=None):
    """A compact JWS.  Header and payload are values, or text that is taken as it is."""
    header_text = header if isinstance(header, str) else json.dumps(header)
    payload_text = payload if isinstance(payload, str) else json.dumps(payload)
    signing_input = f"{encoded(header_text)}.{encoded(payload_text)}"
    alg = sign_as or header["alg"]
    model = JWSRegistry(algorithms=["RS256", "PS256", "ES256", "Ed25519", "HS256"]).get_alg(
        {"EdDSA": "Ed25519"}.get(alg, alg)
    )
    return f"{signing_input}.{encoded(model.sign(signing_input.encode(), key or private_key(alg)))}"


def unsigned(payload, alg="none"):
    return f"{encoded(json.dumps({'alg': alg}))}.{encoded(json.dumps(payload))}."


def signed_with_public_key(payload, octets, **header):
    """The oldest key confusion: HS256 with the published key as secret."""
    signing_input = f"{encoded(json.dumps({**header, 'alg': 'HS256'}))}.{encoded(json.dumps(payload))}"
    return f"{signing_input}.{encoded(hmac.new(octets, signing_input.encode(), hashlib.sha256).digest())}"


ODD_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**310)
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.integers() | st.text(max_size=5), max_size=3)
    | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3)
)
# Texts that are nearly tokens.
NEARLY_TOKENS = (
    st.text(max_size=80)
    | st.text(alphabet="eyJ.-_=+/ aA0\u00e9\x00", max_size=80)
    | st.lists(st.binary(max_size=40).map(encoded), min_size=1, max_size=5).map(".".join)
    | st.tuples(
        st.dictionaries(st.sampled_from(["alg", "typ", "kid", "jwk", "crit", "b64"]), ODD_VALUES),
        st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "htm", "htu"]), ODD_VALUES),
    ).map(lambda parts: f"{encoded(json.dumps(parts[0]))}.{encoded(json.dumps(parts[1]))}.AA")
)

# Payloads that are JSON for a lenient reader only; each takes the object's own members.
AMBIGUOUS = {
    "a repeated member": lambda body: "{" + json.dumps(next(iter(body))) + ":null," + json.dumps(body)[1:],
    "NaN": lambda body: json.dumps({**body, "x": float("nan")}),
    "infinity": lambda body: json.dumps({**body, "x": float("inf")}),
    "a number beyond all": lambda body: json.dumps(body)[:-1] + ',"x":1e999}',
    "an endless number": lambda body: json.dumps(body)[:-1] + ',"x":' + "9" * 5000 + "}",
    "deep nesting": lambda body: json.dumps(body)[:-1] + ',"x":' + "[" * 500 + "]" * 500 + "}",
    "nesting beyond the stack": lambda body: json.dumps(body)[:-1] + ',"x":' + "[" * 5000,
    "a lone surrogate": lambda body: json.dumps(body)[:-1] + ',"x":"\\ud800"}',
    "a list": lambda body: json.dumps([body]),
    "a byte order mark": lambda body: "\ufeff" + json.dumps(body),
    "trailing text": lambda body: json.dumps(body) + "{}",
    "nothing": lambda body: "",
}
