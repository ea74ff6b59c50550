"""Client assertions: ``private_key_jwt`` and ``client_secret_jwt`` (RFC 7523 §2.2, OpenID Connect Core §9)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc.jwk import Key

from idp.protocol import jose
from idp.protocol.errors import ProtocolError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# An assertion's jti is remembered until it expires: a year's assertion would be remembered for a year.
# An hour is what common client libraries write unless told otherwise; the strict profile's clients know better.
MAX_LIFETIME = timedelta(hours=1)
STRICT_MAX_LIFETIME = timedelta(minutes=10)
# FAPI 2.0 SP §5.3.2.1: 10 s ahead must pass, more than 60 s must not.
MAX_AHEAD = timedelta(seconds=30)
MAX_JTI_CHARS = 256
# RFC 8725 §3.11: a token made for another purpose says so in its type.
TYPES = frozenset({"", "jwt", "client-authentication+jwt"})


class AssertionInvalid(ProtocolError):
    """RFC 6749 §5.2: ``invalid_client``; ``detail`` names the check that failed, and stays inside."""

    def __init__(self, *, detail: str) -> None:
        super().__init__("invalid_client", "the client assertion was refused", detail=f"assertion_{detail}")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion.  ``jti`` must not come twice before ``expires_at``: the caller remembers it by client."""

    jti: str
    expires_at: datetime


def parse(assertion: str) -> jose.Signed:
    """The assertion taken apart, nothing proved; ``kid`` names the key to look for.  Raises ``AssertionInvalid``."""
    try:
        return jose.read(assertion)
    except jose.Refused as error:
        raise AssertionInvalid(detail=error.reason) from error


def client_id_of(signed: jose.Signed) -> str:
    """Whose keys to look for: the ``sub`` that the assertion claims, nothing proved.  Raises ``AssertionInvalid``."""
    try:
        subject = signed.text("sub")
    except jose.Refused as error:
        raise AssertionInvalid(detail=error.reason) from error
    if not subject:
        raise AssertionInvalid(detail="sub")
    return subject


def verify(
    signed: jose.Signed,
    *,
    keys: Iterable[Key],
    algorithms: Collection[str],
    client_id: str,
    audiences: frozenset[str],
    now: datetime,
    single_audience: bool,
) -> Assertion:
    """RFC 7523 §3.  Raises ``AssertionInvalid``.

    ``single_audience`` asks for ``aud`` to be one string (FAPI 2.0 SP §5.3.2.1) and for a life of ten minutes at most;
    ``audiences`` then holds the issuer alone, since an assertion that another server was given for itself could be
    played here.
    """
    try:
        if signed.typ not in TYPES:
            raise jose.Refused("typ")
        jose.check_signature(signed, keys, algorithms)
        if not client_id or signed.text("iss") != client_id or signed.text("sub") != client_id:
            raise jose.Refused("client")
        _check_audience(signed, audiences, single=single_audience)
        expires_at = _expiry(signed, now, longest=STRICT_MAX_LIFETIME if single_audience else MAX_LIFETIME)
        jti = signed.text("jti")
        if not 0 < len(jti) <= MAX_JTI_CHARS:
            raise jose.Refused("jti")
    except jose.Refused as error:
        raise AssertionInvalid(detail=error.reason) from error
    return Assertion(jti=jti, expires_at=expires_at)


def _check_audience(signed: jose.Signed, audiences: frozenset[str], *, single: bool) -> None:
    if single and not isinstance(signed.claims.get("aud"), str):
        raise jose.Refused("aud")
    if not audiences & set(signed.audience()):
        raise jose.Refused("aud")


def _expiry(signed: jose.Signed, now: datetime, *, longest: timedelta) -> datetime:
    current, ahead = now.timestamp(), MAX_AHEAD.total_seconds()
    expires = signed.time("exp")
    if expires is None or expires <= current:
        raise jose.Refused("exp")
    if expires > current + longest.total_seconds() + ahead:
        raise jose.Refused("exp_too_far")
    for name in ("iat", "nbf"):
        value = signed.time(name)
        if value is not None and value > current + ahead:
            raise jose.Refused(name)
    return datetime.fromtimestamp(expires, UTC)
