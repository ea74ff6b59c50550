"""Signing keys: made, kept encrypted, published, and used through joserfc only."""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from idp.models import SigningKey

# A key is read again after this long, so that every process learns of a rotation well before it signs.
REGISTRY_SECONDS = 60
ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True)
class Registry:
    """The keys as this process knows them."""

    active: RSAKey
    kid: str
    published: KeySet
    document: bytes
    read_at: float


_lock = threading.Lock()
_registry: Registry | None = None


class NotOurs(Exception):
    """A token that the hub did not sign, or whose content is not what was asked for."""


@transaction.atomic
def create_key(*, active_at: datetime, actor: Actor = SYSTEM, now: datetime) -> SigningKey:
    """Publish a new key that signs from ``active_at`` on.  Tools cache key sets for an hour: leave two."""
    key = RSAKey.generate_key(2048, private=True)
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "alg": ALGORITHM, "use": "sig"}
    row = SigningKey.objects.create(
        kid=kid,
        algorithm=ALGORITHM,
        private=_box().encrypt(json.dumps(key.as_dict(private=True)).encode()),
        public=public,
        published_at=now,
        active_at=active_at,
    )
    record(Entry(Action.KEY_ROTATED, actor=actor, facts={"kid": kid}, at=now))
    forget_registry()
    return row


@transaction.atomic
def ensure_key(*, now: datetime) -> None:
    """Make the first key of a new hub; does nothing once there is one."""
    if not SigningKey.objects.exists():
        create_key(active_at=now, now=now)


def registry() -> Registry:
    """The keys, read from the database at most once a minute.  Raises ``LookupError`` when none is active."""
    global _registry
    known = _registry
    if known is not None and time.monotonic() - known.read_at < REGISTRY_SECONDS:
        return known
    with _lock:
        _registry = _read()
        return _registry


def forget_registry() -> None:
    global _registry
    _registry = None


def _read() -> Registry:
    now = timezone.now()
    rows = list(SigningKey.objects.filter(published_at__lte=now))
    active = [row for row in rows if row.active_at <= now and row.retired_at is None]
    if not active:
        raise LookupError("no active signing key: run manage.py ensure_keys")
    newest = max(active, key=lambda row: row.active_at)
    private = json.loads(_box().decrypt(bytes(newest.private)))
    documents = [row.public for row in rows]
    return Registry(
        active=RSAKey.import_key(private),
        kid=newest.kid,
        published=KeySet([RSAKey.import_key(document) for document in documents]),
        document=json.dumps({"keys": documents}, separators=(",", ":")).encode(),
        read_at=time.monotonic(),
    )


def sign(payload: dict[str, Any], *, typ: str = "JWT") -> str:
    """A compact JWS by the active key; ``kid`` is always named."""
    keys = registry()
    return jwt.encode({"alg": ALGORITHM, "kid": keys.kid, "typ": typ}, payload, keys.active, algorithms=[ALGORITHM])


def verify(token: str) -> dict[str, Any]:
    """The claims of a token that the hub signed, by an active or a retired key.  Expiry is the caller's question.

    Raises ``NotOurs``.  Keys come from the database only: ``jwk``, ``jku`` and ``x5u`` of the header are ignored.
    """
    if len(token) > 16_384:
        raise NotOurs("too long")
    try:
        decoded = jwt.decode(token, registry().published, algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotOurs(type(error).__name__) from error
    if decoded.claims.get("iss") != settings.ISSUER:
        raise NotOurs("iss")
    return dict(decoded.claims)


def _box() -> Fernet:
    return Fernet(settings.KEY_ENCRYPTION_KEY)
