"""Proof of possession (RFC 9449): the proof that comes with a request, and the nonce it must carry."""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from idp.protocol import jose
from idp.protocol.algorithms import FROM_TOOLS
from idp.protocol.encoding import base64url
from idp.protocol.errors import ProtocolError

DPOP_ALGORITHMS = FROM_TOOLS
# FAPI 2.0 SP §5.3.2.1: 10 s ahead must pass, more than 60 s must not; clocks of small machines drift.
MAX_AGE = timedelta(seconds=60)
MAX_AHEAD = timedelta(seconds=30)
NONCE_WINDOW = timedelta(minutes=5)
MAX_JTI_CHARS = 256
# RFC 3986 §6.2.3.
DEFAULT_PORTS = {"https": 443, "http": 80}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")


class DPoPInvalid(ProtocolError):
    """RFC 9449 §5: ``invalid_dpop_proof``; ``detail`` names the check that failed."""

    def __init__(self, description: str, *, detail: str) -> None:
        super().__init__("invalid_dpop_proof", description, detail=f"dpop_{detail}")


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof.  ``jti`` must not come twice before ``issued_at + MAX_AGE``: the caller remembers it.

    ``nonce`` is what the client sent, empty when it sent none; whether one is wanted is the caller's question.
    """

    jkt: str
    jti: str
    issued_at: datetime
    nonce: str


def verify(
    proof: str,
    *,
    method: str,
    uris: Collection[str],
    now: datetime,
    access_token: str = "",
    algorithms: Collection[str] = DPOP_ALGORITHMS,
) -> Proof:
    """The checks of RFC 9449 §4.3 in their order.  Raises ``DPoPInvalid``.

    ``uris`` are the public names of where the request came in.  With ``access_token`` the proof must be made for it.
    That the token is bound to ``jkt`` is for the caller to check (§7.1).
    """
    try:
        signed = jose.read(proof)
        if signed.typ != "dpop+jwt":
            raise jose.Refused("typ")
        key = jose.public_key(signed.header.get("jwk"))
        # The key comes with the proof and has no name; a kid beside it is ignored.
        jose.check_signature(replace(signed, kid=""), [key], algorithms)
        jti, nonce = _identifier(signed), signed.text("nonce")
        issued_at = _issued_at(signed, now)
        if signed.text("htm") != method:
            raise jose.Refused("htm")
        if not signed.text("htu") or _normal(signed.text("htu")) not in map(_normal, uris):
            raise jose.Refused("htu")
        if access_token and not hmac.compare_digest(signed.text("ath").encode(), token_hash(access_token).encode()):
            raise jose.Refused("ath")
    except jose.Refused as error:
        raise DPoPInvalid(f"the DPoP proof was refused: {error.reason}", detail=error.reason) from error
    return Proof(jkt=key.thumbprint(), jti=jti, issued_at=issued_at, nonce=nonce)


def nonce_of(proof: str) -> str:
    """The nonce that a proof carries, unverified; empty for none, or for what is no proof."""
    try:
        return jose.read(proof).text("nonce")
    except jose.Refused:
        return ""


def token_hash(access_token: str) -> str:
    """§4.2, ``ath``.  A token that is not ASCII was never ours and gets a hash that no proof has."""
    return base64url(hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest())


def nonce_for(secret: bytes, now: datetime) -> str:
    """§8: a value that proves a proof to be fresh.  Made of the time alone: nothing is stored, processes agree."""
    return _nonce(secret, _window(now))


def nonce_is_fresh(secret: bytes, nonce: str, now: datetime) -> bool:
    """Whether the hub gave this nonce out in this window of five minutes or the one before."""
    sent = nonce.encode("utf-8", "surrogatepass")
    windows = (_window(now), _window(now) - 1)
    return any(hmac.compare_digest(sent, _nonce(secret, window).encode()) for window in windows)


def _identifier(signed: jose.Signed) -> str:
    jti = signed.text("jti")
    if not 0 < len(jti) <= MAX_JTI_CHARS:
        raise jose.Refused("jti")
    return jti


def _issued_at(signed: jose.Signed, now: datetime) -> datetime:
    current, ahead = now.timestamp(), MAX_AHEAD.total_seconds()
    issued_at, expires, not_before = signed.time("iat"), signed.time("exp"), signed.time("nbf")
    if issued_at is None or not current - MAX_AGE.total_seconds() <= issued_at <= current + ahead:
        raise jose.Refused("iat")
    if expires is not None and expires <= current:
        raise jose.Refused("exp")
    if not_before is not None and not_before > current + ahead:
        raise jose.Refused("nbf")
    return datetime.fromtimestamp(issued_at, UTC)


def _normal(uri: str) -> str:
    """§4.3: without query and fragment, normalised by syntax and scheme (RFC 3986 §6.2.2, §6.2.3)."""
    if any(char <= " " or char > "~" for char in uri):
        raise jose.Refused("htu")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise jose.Refused("htu") from error
    scheme, host = parts.scheme.lower(), _PERCENT.sub(_decoded, parts.hostname or "").lower()
    if scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise jose.Refused("htu")
    host = f"[{host}]" if ":" in host else host
    authority = host if port in (None, DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    return f"{scheme}://{authority}{_without_dots(_PERCENT.sub(_decoded, parts.path)) or '/'}"


def _decoded(escape: re.Match[str]) -> str:
    char = chr(int(escape[1], 16))
    return char if char in _UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4, for a path that starts with a slash or is empty."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    trailing = "/" if kept and segments[-1] in (".", "..") else ""
    return "".join(f"/{segment}" for segment in kept) + trailing


def _window(now: datetime) -> int:
    return int(now.timestamp() // NONCE_WINDOW.total_seconds())


def _nonce(secret: bytes, window: int) -> str:
    return base64url(hmac.new(secret, f"dpop-nonce\x00{window}".encode(), hashlib.sha256).digest()[:18])
