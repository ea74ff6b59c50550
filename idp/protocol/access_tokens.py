"""What goes into JWT access tokens (RFC 9068) and signed introspection answers (RFC 9701)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105
INTROSPECTION_TYPE = "token-introspection+jwt"
INTROSPECTION_MEDIA_TYPE = "application/token-introspection+jwt"
# RFC 9449 §6.1, RFC 8705 §3.1.
CONFIRMATIONS = ("jkt", "x5t#S256")


def cnf(binding: str) -> dict[str, str]:
    """The ``cnf`` claim's value for a binding ("jkt:…", "x5t#S256:…"); empty for a bearer token.

    Raises ``ValueError`` for a binding of no known kind: a token whose holder cannot be checked must not leave.
    """
    if not binding:
        return {}
    kind, _, thumbprint = binding.partition(":")
    if kind not in CONFIRMATIONS or not thumbprint:
        raise ValueError("unknown token binding")
    return {kind: thumbprint}


def token_type(binding: str) -> str:
    """RFC 9449 §5, RFC 8705 §3: a token bound to a certificate is still called Bearer."""
    return "DPoP" if binding.startswith("jkt:") else "Bearer"


def payload(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    audience: Sequence[str],
    scope: str,
    now: datetime,
    lifetime: timedelta,
    jti: str,
    auth_time: datetime | None = None,
    acr: str = "",
    binding: str = "",
    actor: str = "",
) -> dict[str, Any]:
    """RFC 9068 §2.2, signed with ``typ`` at+jwt.  ``subject`` is the client's id where no person is behind (§2.2).

    ``actor`` is the tool that acts for the subject (RFC 8693 §4.1).  Raises ``ValueError`` without an audience:
    a token for nobody in particular is good everywhere.
    """
    if not audience:
        raise ValueError("an access token needs an audience")
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": jti,
    }
    if scope:
        claims["scope"] = scope
    if auth_time is not None:
        claims["auth_time"] = int(auth_time.timestamp())
    if acr:
        claims["acr"] = acr
    if confirmation := cnf(binding):
        claims["cnf"] = confirmation
    if actor:
        claims["act"] = {"sub": actor}
    return claims


def introspection_payload(*, issuer: str, audience: str, now: datetime, answer: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 9701 §5, signed with ``typ`` token-introspection+jwt.

    ``sub`` and ``exp`` stay inside the member: at the top they would let the answer pass for an access token (§8.1).
    """
    return {
        "iss": issuer,
        "aud": audience,
        "iat": int(now.timestamp()),
        "token_introspection": dict(answer) if answer.get("active") is True else {"active": False},
    }
