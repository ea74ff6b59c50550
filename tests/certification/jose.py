"""Tokens as the tests make them, wrong ones included: nothing of the hub's own code."""

import base64
import hashlib
import json
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

ALGORITHMS = ["RS256", "PS256", "ES256", "Ed25519"]


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed(header: dict[str, Any], payload: dict[str, Any], key: "ECKey | OctKey | RSAKey") -> str:
    # A header may say more than joserfc knows.
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(payload), key, registry=registry)


def unsigned(payload: dict[str, Any], **header: Any) -> str:
    """``alg: none`` (RFC 7519 §6)."""
    parts = ({"alg": "none", **header}, payload)
    return ".".join(base64url(json.dumps(part).encode()) for part in parts) + "."


def broken(token: str) -> str:
    """The same token with another signature."""
    head, payload, signature = token.split(".")
    octets = bytearray(unbase64url(signature))
    octets[4] ^= 1
    return f"{head}.{payload}.{base64url(bytes(octets))}"


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(unbase64url(token.split(".")[0]))
    return header


def payload_of(token: str) -> dict[str, Any]:
    """What it says, nothing proved."""
    payload: dict[str, Any] = json.loads(unbase64url(token.split(".")[1]))
    return payload


def verified(token: str, keys: KeySet, *, algorithm: str) -> dict[str, Any]:
    """The claims of a token that names one of the published keys and is signed by it with this algorithm."""
    header = header_of(token)
    assert header["alg"] == algorithm, header
    assert header.get("kid") in {key.kid for key in keys.keys}, header
    found = jws.deserialize_compact(token, keys, algorithms=ALGORITHMS)
    claims: dict[str, Any] = json.loads(found.payload)
    return claims


def half_hash(text: str) -> str:
    """OpenID Connect Core §3.1.3.6 for algorithms with SHA-256: ``at_hash``, ``c_hash``."""
    return base64url(hashlib.sha256(text.encode("ascii")).digest()[:16])


def whole_hash(text: str) -> str:
    return base64url(hashlib.sha256(text.encode("ascii")).digest())
