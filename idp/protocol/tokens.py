"""What goes into ID tokens, userinfo answers and logout tokens."""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from idp.protocol.encoding import base64url

BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def digest(secret: str) -> str:
    """How codes, tokens and client secrets are stored: they are random, so one SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def pairwise_subject(*, salt: bytes, sector: str, member: str) -> str:
    """OpenID Connect Core §8.1: a subject that two tools of different sectors cannot match.  43 characters."""
    mac = hmac.new(salt, f"{sector}\x00{member}".encode(), hashlib.sha256).digest()
    return base64url(mac)


def at_hash(access_token: str, alg: str = "RS256") -> str:
    """OpenID Connect Core §3.1.3.6: left half of the digest that the ID token's signature uses.

    Ed25519 signs with SHA-512 inside (RFC 8032 §5.1); certified providers and clients take that one here.
    Raises ``KeyError`` for an algorithm the hub does not sign with.
    """
    digest_of = {"RS256": hashlib.sha256, "PS256": hashlib.sha256, "ES256": hashlib.sha256, "Ed25519": hashlib.sha512}
    full = digest_of[alg](access_token.encode("ascii")).digest()
    return base64url(full[: len(full) // 2])


def released_claims(values: Mapping[str, Mapping[str, Any]], items: Collection[str]) -> dict[str, Any]:
    """Claims of the released items, and of no others.  Empty values do not leave: they tell nothing.

    ``groups`` is the exception: a tool takes a missing list for "no groups" and may wipe memberships,
    so once it is released an empty list is said as such.
    """
    claims: dict[str, Any] = {}
    for item in items:
        for claim, value in values.get(item, {}).items():
            if value not in ("", None) and (value != [] or claim == "groups"):
                claims[claim] = value
    return claims


def items_sent(values: Mapping[str, Mapping[str, Any]], claims: Mapping[str, Any]) -> frozenset[str]:
    """The items that really left in these claims: what the ledger is told."""
    return frozenset(item for item, parts in values.items() if any(claim in claims for claim in parts))


def id_token(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    now: datetime,
    lifetime: timedelta,
    auth_time: datetime,
    nonce: str,
    sid: str,
    acr: str,
    amr: Sequence[str],
    access_token: str,
    claims: Mapping[str, Any],
    alg: str = "RS256",
) -> dict[str, Any]:
    """OpenID Connect Core §2.  What identifies the answer wins over any claim of the same name.

    ``alg`` is what the token will be signed with; an answer without access token has no ``at_hash``.
    """
    payload: dict[str, Any] = dict(claims)
    payload.update(
        iss=issuer,
        sub=subject,
        aud=client_id,
        iat=int(now.timestamp()),
        exp=int((now + lifetime).timestamp()),
        auth_time=int(auth_time.timestamp()),
        sid=sid,
    )
    if access_token:
        payload["at_hash"] = at_hash(access_token, alg)
    else:
        payload.pop("at_hash", None)
    if nonce:
        payload["nonce"] = nonce
    if acr:
        payload["acr"] = acr
    if amr:
        payload["amr"] = list(amr)
    return payload


def logout_token(
    *, issuer: str, subject: str, client_id: str, sid: str, jti: str, now: datetime, lifetime: timedelta
) -> dict[str, Any]:
    """OpenID Connect Back-Channel Logout §2.4: ``sub`` and ``sid``, never a nonce."""
    return {
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": jti,
        "sid": sid,
        "events": {BACKCHANNEL_EVENT: {}},
    }
