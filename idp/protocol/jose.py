"""Signed tokens from strangers: read strictly, then checked against keys that the hub already trusts."""

import base64
import binascii
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from idp.protocol import strict_json
from idp.protocol.encoding import base64url

MAX_TOKEN_CHARS = 16_384
MAX_HEADER_CHARS = 8_192
# Later than any year that a data base stores; also keeps arithmetic on times exact.
LATEST: Final = 253_402_300_799
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 4096
# A set with more keys of one kind than this costs a stranger nothing and the hub a verification each.
MAX_CANDIDATES = 8
# RFC 9864 §2.2: "EdDSA" with an Ed25519 key is "Ed25519" by its old name.
SAME_AS = {"EdDSA": "Ed25519"}
SUPPORTED = ("RS256", "PS256", "ES256", "Ed25519", "HS256")
_registry = JWSRegistry(algorithms=SUPPORTED)
_SEGMENT = re.compile(r"[A-Za-z0-9_-]*")


class Refused(Exception):
    """A token that is malformed or not signed as it must be.  ``reason`` is a code for the journal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signed:
    """A compact JWS taken apart.  Nothing in it is proved until ``check_signature`` came back."""

    alg: str
    kid: str
    typ: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes

    def text(self, name: str) -> str:
        """A claim that is a string or absent (then empty).  Raises ``Refused``."""
        value = self.claims.get(name, "")
        if not isinstance(value, str):
            raise Refused(f"{name}_malformed")
        return value

    def time(self, name: str) -> float | None:
        """A NumericDate in seconds (RFC 7519 §2: a JSON number, fractions allowed).  Raises ``Refused``."""
        if name not in self.claims:
            return None
        value = self.claims[name]
        # bool is an int in Python; a NumericDate is never true.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
            raise Refused(f"{name}_malformed")
        return float(value)

    def audience(self) -> tuple[str, ...]:
        """RFC 7519 §4.1.3, one string or a list of them; empty when absent.  Raises ``Refused``."""
        value = self.claims.get("aud", [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise Refused("aud_malformed")
        return tuple(values)


def read(token: str) -> Signed:
    """Take a compact JWS with a JSON object as payload apart.  Raises ``Refused``.

    RFC 8725 §3: keys that the header brings or points to (``jwk``, ``jku``, ``x5c``, ``x5u``) are never used here, and
    unknown header parameters change nothing.  ``crit`` and ``b64`` are refused, since no extension is understood.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise Refused("too_long")
    segments = token.split(".")
    if len(segments) != 3 or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise Refused("malformed")
    header = _object(segments[0], MAX_HEADER_CHARS)
    if "crit" in header or "b64" in header:
        raise Refused("crit")
    alg, kid, typ = header.get("alg"), header.get("kid", ""), header.get("typ", "")
    if not (isinstance(alg, str) and isinstance(kid, str) and isinstance(typ, str)):
        raise Refused("header_malformed")
    return Signed(
        alg=alg,
        kid=kid,
        # RFC 7515 §4.1.9: a media type, the prefix understood.
        typ=typ.lower().removeprefix("application/"),
        header=MappingProxyType(header),
        claims=MappingProxyType(_object(segments[1], MAX_TOKEN_CHARS)),
        signing_input=f"{segments[0]}.{segments[1]}".encode(),
        signature=_decode(segments[2]),
    )


def check_signature(signed: Signed, keys: Iterable[Key], algorithms: Collection[str]) -> None:
    """Raises ``Refused`` unless one of ``keys`` made the signature by one of ``algorithms``.

    The key decides what it may be used for (RFC 8725 §3.1): a header that says HS256 finds no RSA key, and "none" finds
    no key at all.  ``kid`` only narrows the choice.
    """
    alg = SAME_AS.get(signed.alg, signed.alg)
    if alg not in SUPPORTED or alg not in {SAME_AS.get(name, name) for name in algorithms}:
        raise Refused("alg")
    candidates = [key for key in keys if (not signed.kid or key.kid == signed.kid) and _fits(key, alg)]
    if not candidates:
        raise Refused("no_key")
    if not any(_made_by(key, alg, signed) for key in candidates[:MAX_CANDIDATES]):
        raise Refused("signature")


def public_key(jwk: Any) -> Key:
    """A public key that its holder brings along (RFC 9449 §4.2), built of its required members only.

    Raises ``Refused`` for a private or symmetric key, and for a size or curve that no supported algorithm uses.
    The check of sizes comes first: a verification with a key of 100 000 bits is a way to keep the hub busy.
    """
    if not isinstance(jwk, dict):
        raise Refused("jwk_malformed")
    if jwk.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}:
        raise Refused("jwk_private")
    try:
        match jwk:
            case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)} if _octets(x) == _octets(y) == 32:
                return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            case {"kty": "OKP", "crv": "Ed25519", "x": str(x)} if _octets(x) == 32:
                return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
            case {"kty": "RSA", "n": str(n), "e": "AQAB"} if _rsa_size_is_right(n):
                return RSAKey.import_key({"kty": "RSA", "n": n, "e": "AQAB"})
    except (JoseError, ValueError) as error:
        raise Refused("jwk_malformed") from error
    raise Refused("jwk_unsupported")


def _fits(key: Key, alg: str) -> bool:
    model = _registry.get_alg(alg)
    if key.key_type != model.key_type or key.get("use", "sig") != "sig":
        return False
    if key.alg and SAME_AS.get(key.alg, key.alg) != alg:
        return False
    if isinstance(key, RSAKey):
        return MIN_RSA_BITS <= key.public_key.key_size <= MAX_RSA_BITS
    if isinstance(key, OctKey):
        # RFC 7518 §3.2: as long as the hash, at least.
        return len(key.raw_value) >= 32
    return bool(key.curve_name == {"ES256": "P-256", "Ed25519": "Ed25519"}[alg])


def _made_by(key: Key, alg: str, signed: Signed) -> bool:
    try:
        return _registry.get_alg(alg).verify(signed.signing_input, signed.signature, key)
    except (JoseError, ValueError):
        # A set's key whose key_ops forbid it, or a signature of an impossible form.
        return False


def _decode(segment: str) -> bytes:
    try:
        octets = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError) as error:
        raise Refused("malformed") from error
    # RFC 4648 §3.5: one spelling only, or a token seen before comes again under another name.
    if base64url(octets) != segment:
        raise Refused("malformed")
    return octets


def _object(segment: str, max_chars: int) -> dict[str, Any]:
    try:
        value = strict_json.loads(_decode(segment), max_chars=max_chars)
    except strict_json.Ambiguous as error:
        raise Refused("malformed") from error
    if not isinstance(value, dict):
        raise Refused("malformed")
    return value


def _octets(text: str) -> int:
    return len(_decode(text)) if _SEGMENT.fullmatch(text) else -1


def _rsa_size_is_right(n: str) -> bool:
    """Without leading zeros (RFC 7518 §6.3.1.1), so that one key has one thumbprint."""
    if len(n) > math.ceil(MAX_RSA_BITS / 6) or not _SEGMENT.fullmatch(n):
        return False
    octets = _decode(n)
    return len(octets) >= MIN_RSA_BITS // 8 and octets[0] >= 0x80
