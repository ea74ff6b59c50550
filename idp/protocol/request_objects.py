"""Signed authorization requests (JAR, RFC 9101): what they say, as the pairs of an ordinary request."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import Key

from idp.protocol import jose
from idp.protocol.errors import ProtocolError

MAX_LIFETIME = timedelta(minutes=60)
# FAPI 2.0 MS §5.3.1: 8 s ahead must pass, more than 60 s must not.
MAX_AHEAD = timedelta(seconds=30)
TYPES = frozenset({"", "jwt", "oauth-authz-req+jwt"})
# RFC 7519 §4.1: these speak of the token; the rest are parameters.
ABOUT_THE_TOKEN = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
JSON_PARAMETERS = frozenset({"claims", "authorization_details"})
# RFC 8707 §2: the one parameter that may come several times.
LIST_PARAMETERS = frozenset({"resource"})
MAX_PARAMETERS = 100


class RequestObjectInvalid(ProtocolError):
    """RFC 9101 §6.2, §6.3: ``invalid_request_object``; ``detail`` names the check that failed."""

    def __init__(self, *, detail: str) -> None:
        description = f"the request object was refused: {detail}"
        super().__init__("invalid_request_object", description, detail=f"request_object_{detail}")


def parse(token: str) -> jose.Signed:
    """The object taken apart, nothing proved; ``kid`` names the key to look for.  Raises ``RequestObjectInvalid``."""
    try:
        return jose.read(token)
    except jose.Refused as error:
        raise RequestObjectInvalid(detail=error.reason) from error


def read(
    signed: jose.Signed,
    *,
    keys: Iterable[Key],
    algorithms: Collection[str],
    client_id: str,
    issuer: str,
    now: datetime,
    strict: bool,
) -> tuple[tuple[str, str], ...]:
    """The parameters in the object, ``client_id`` always among them.  Raises ``RequestObjectInvalid``.

    The object is the whole request: what came beside it is not looked at (RFC 9101 §6.3), so that nobody adds to what
    the client signed.  ``strict`` asks for what FAPI 2.0 MS §5.3.1 asks for: ``exp``, ``nbf``, ``aud`` and at most an
    hour between.
    """
    try:
        if signed.typ not in TYPES:
            raise jose.Refused("typ")
        jose.check_signature(signed, keys, algorithms)
        _check_parties(signed, client_id=client_id, issuer=issuer, strict=strict)
        _check_times(signed, now, strict=strict)
        return _parameters(signed, client_id)
    except jose.Refused as error:
        raise RequestObjectInvalid(detail=error.reason) from error


def _check_parties(signed: jose.Signed, *, client_id: str, issuer: str, strict: bool) -> None:
    if not client_id or signed.text("iss") not in ("", client_id):
        raise jose.Refused("iss")
    # RFC 9101 §10.8: with the client as subject, it would pass for a client assertion, and the other way round.
    if signed.claims.get("sub") == client_id:
        raise jose.Refused("sub")
    if (strict or "aud" in signed.claims) and issuer not in signed.audience():
        raise jose.Refused("aud")
    if signed.text("client_id") not in (client_id, *([] if strict else [""])):
        raise jose.Refused("client_id")


def _check_times(signed: jose.Signed, now: datetime, *, strict: bool) -> None:
    current, ahead, longest = now.timestamp(), MAX_AHEAD.total_seconds(), MAX_LIFETIME.total_seconds()
    expires, not_before, issued_at = signed.time("exp"), signed.time("nbf"), signed.time("iat")
    if strict and (expires is None or not_before is None):
        raise jose.Refused("times_missing")
    if expires is not None and expires <= current:
        raise jose.Refused("exp")
    for name, value in (("nbf", not_before), ("iat", issued_at)):
        if value is not None and value > current + ahead:
            raise jose.Refused(name)
    if not strict or expires is None or not_before is None:
        return
    if expires - not_before > longest or current - not_before > longest:
        raise jose.Refused("too_long_lived")


def _parameters(signed: jose.Signed, client_id: str) -> tuple[tuple[str, str], ...]:
    # RFC 9101 §4: the way to an endless or unsigned request.
    if signed.claims.keys() & {"request", "request_uri"}:
        raise jose.Refused("nested")
    if len(signed.claims) > MAX_PARAMETERS:
        raise jose.Refused("too_many")
    pairs = [
        (name, text)
        for name, value in signed.claims.items()
        if name not in ABOUT_THE_TOKEN | {"client_id"}
        for text in _texts(name, value)
    ]
    return (("client_id", client_id), *pairs)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    """RFC 9101 §4: strings stay strings, numbers are written out; other JSON only where the parameter is JSON."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= jose.LATEST:
        return (str(value),)
    if name in JSON_PARAMETERS and isinstance(value, dict | list):
        return (json.dumps(value, separators=(",", ":"), ensure_ascii=False),)
    if name in LIST_PARAMETERS and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise jose.Refused("parameter_malformed")
