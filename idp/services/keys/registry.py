"""The signing keys as one process knows them: parsed once, read from the database at most once a minute."""

import hashlib
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Q
from django.utils import timezone
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from audit.sealing import InvalidToken, unseal
from idp.models import SigningKey
from idp.protocol import key_dates
from idp.protocol.key_dates import Life, Periods
from idp.types import KeyState, SigningAlgorithm

log = logging.getLogger("idp.keys")

# The algorithm of a tool that names none (OpenID Connect Registration §2).
ALGORITHM = str(SigningAlgorithm.RS256)
# A planned key is published hours ahead: a process that learns of it this late has lost nothing.
REGISTRY_SECONDS = 60
# A key that this process does not know may be a minute old; strangers' tokens must not make a query each.
UNKNOWN_SECONDS = 5
# How long tools may keep the key set.  The upper end bounds how long a stolen key is believed after its removal.
LEAST_FRESH, MOST_FRESH = 60, 600
MAX_TOKEN = 16_384

_RULES = {name: jws.JWSRegistry(algorithms=[name]) for name in SigningAlgorithm.values}


class NotOurs(Exception):
    """A token that the hub did not sign, or whose content is not what was asked for."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with its parsed halves; ``private`` only while it signs or is about to."""

    kid: str
    algorithm: str
    life: Life
    public: Key
    private: Key | None


@dataclass(frozen=True, slots=True)
class Registry:
    keys: Mapping[str, KnownKey]
    document: bytes
    etag: str
    read_at: float

    def signer(self, algorithm: str, now: datetime) -> KnownKey | None:
        able = [
            key
            for key in self.keys.values()
            if key.algorithm == algorithm and key.private is not None and key.life.state(now) == KeyState.ACTIVE
        ]
        return max(able, key=lambda key: key.life.active_at, default=None)


_lock = threading.Lock()
_registry: Registry | None = None


def sign(payload: Mapping[str, Any], *, alg: str = ALGORITHM, typ: str = "JWT") -> str:
    """A compact JWS by the active key of this algorithm; ``kid`` is always named.  Raises ``LookupError``."""
    key = _signer(alg)
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact({"alg": alg, "kid": key.kid, "typ": typ}, text, key.private, registry=_RULES[alg])


def verify(token: str, *, types: frozenset[str] = frozenset({"JWT", ""})) -> dict[str, Any]:
    """The claims of a token that the hub signed, by any key that is not gone.  Expiry is the caller's question.

    ``types`` are the accepted ``typ`` headers, by default an ID token's: the hub's other tokens (logout tokens,
    access tokens) are signed by the same keys and must not pass for one (RFC 8725 §3.11).
    Raises ``NotOurs``.  Keys come from the database only: ``jwk``, ``jku`` and ``x5u`` of the header are ignored.
    """
    if len(token) > MAX_TOKEN:
        raise NotOurs("too_long")
    try:
        signed = jws.extract_compact(token.encode())
        header = signed.headers()
        key = _known(str(header.get("kid", "")))
        # RFC 8725 §3.1, §3.5: the key says which algorithm it is for; the header can only agree.
        if header["alg"] != key.algorithm:
            raise NotOurs("alg")
        if str(header.get("typ", "")) not in types:
            raise NotOurs("typ")
        if not jws.validate_compact(signed, key.public, registry=_RULES[key.algorithm]):
            raise NotOurs("signature")
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotOurs(type(error).__name__) from error
    if not isinstance(claims, dict) or claims.get("iss") != settings.ISSUER:
        raise NotOurs("iss")
    return claims


def verify_id_token(token: str) -> dict[str, Any]:
    """The claims of an ID token that the hub signed, expired or not, by an active or a retired key.

    Signed userinfo and answers (JARM) have the same issuer, audience and type; only an ID token has all of these.
    Raises ``NotOurs``.
    """
    claims = verify(token)
    if not {"sub", "aud", "exp", "iat", "auth_time"} <= claims.keys():
        raise NotOurs("no_id_token")
    return claims


def algorithms() -> tuple[str, ...]:
    """The algorithms that the hub can sign with now, in the order of ``SigningAlgorithm``."""
    now, known = timezone.now(), registry()
    return tuple(name for name in SigningAlgorithm.values if known.signer(name, now) is not None)


def document() -> bytes:
    """The key set (RFC 7517 §5), as served."""
    return registry().document


def published() -> tuple[bytes, str]:
    """The key set and its entity tag, of the same moment."""
    known = registry()
    return known.document, known.etag


def seconds_fresh(now: datetime) -> int:
    """For how long a copy of the key set may be kept: shorter as the next planned change comes near."""
    lives = [key.life for key in registry().keys.values()]
    return key_dates.seconds_fresh(lives, periods(), now, least=LEAST_FRESH, most=MOST_FRESH)


def periods() -> Periods:
    longest = max(settings.ID_TOKEN_LIFETIME, settings.ACCESS_TOKEN_LIFETIME, settings.LOGOUT_TOKEN_LIFETIME)
    return Periods(
        rotation=settings.KEY_ROTATION,
        ahead=settings.KEY_PUBLISH_AHEAD,
        published_after=longest + settings.KEY_SET_MARGIN,
        hints=settings.KEY_HINT_PERIOD,
    )


def registry(*, max_age: float = REGISTRY_SECONDS) -> Registry:
    """The keys, read again when they are older than ``max_age`` seconds.

    While one thread reads, the others go on with what is known; so do all of them when the database is away.
    """
    known = _registry
    if known is not None and monotonic() - known.read_at < max_age:
        return known
    if not _lock.acquire(blocking=known is None) and known is not None:
        return known
    try:
        return _renewed(max_age)
    finally:
        _lock.release()


def forget_registry() -> None:
    global _registry
    _registry = None


def _renewed(max_age: float) -> Registry:
    """Called with the lock held."""
    global _registry
    known = _registry
    if known is not None and monotonic() - known.read_at < max_age:
        return known
    try:
        _registry = fresh = _read(known)
    except DatabaseError:
        if known is None:
            raise
        log.warning("signing keys could not be read again; going on with those known")
        return known
    return fresh


def _signer(algorithm: str) -> KnownKey:
    now = timezone.now()
    key = registry().signer(algorithm, now) or registry(max_age=UNKNOWN_SECONDS).signer(algorithm, now)
    if key is None:
        raise LookupError(f"no active signing key for {algorithm}: run manage.py ensure_keys")
    return key


def _known(kid: str) -> KnownKey:
    key = registry().keys.get(kid) or registry(max_age=UNKNOWN_SECONDS).keys.get(kid)
    if key is None or key.life.state(timezone.now()) == KeyState.GONE:
        raise NotOurs("kid")
    return key


def _read(known: Registry | None) -> Registry:
    now, times = timezone.now(), periods()
    rows = list(SigningKey.objects.filter(Q(gone_at=None) | Q(gone_at__gt=now)))
    keys = [_parsed(row, known.keys.get(row.kid) if known else None) for row in rows]
    published = [row.public for row, key in zip(rows, keys, strict=True) if key.life.in_set(times, now)]
    text = json.dumps({"keys": published}, separators=(",", ":")).encode()
    return Registry(
        keys={key.kid: key for key in keys},
        document=text,
        etag=f'"{hashlib.sha256(text).hexdigest()[:32]}"',
        read_at=monotonic(),
    )


def _parsed(row: SigningKey, known: KnownKey | None) -> KnownKey:
    """Parsing an RSA key costs more than signing with it: what was parsed before is kept."""
    private: Key | None = None
    if row.private:
        private = known.private if known and known.private else _opened(row)
    return KnownKey(
        kid=row.kid,
        algorithm=row.algorithm,
        life=Life(row.published_at, row.active_at, row.retired_at, row.gone_at),
        public=known.public if known else JWKRegistry.import_key(row.public),
        private=private,
    )


def _opened(row: SigningKey) -> Key | None:
    try:
        return JWKRegistry.import_key(json.loads(unseal(bytes(row.private))))
    except InvalidToken:
        log.error("signing key %s was encrypted with a key that is not given any more", row.kid)
        return None
