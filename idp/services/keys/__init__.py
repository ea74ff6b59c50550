"""Signing keys: made, kept encrypted, published, and used through joserfc only."""

from idp.services.keys.lifecycle import create_key, ensure_key, ensure_keys, rotate, rotate_due
from idp.services.keys.registry import (
    ALGORITHM,
    NotOurs,
    algorithms,
    document,
    forget_registry,
    published,
    seconds_fresh,
    sign,
    verify,
    verify_id_token,
)

__all__ = [
    "ALGORITHM",
    "NotOurs",
    "algorithms",
    "create_key",
    "document",
    "ensure_key",
    "ensure_keys",
    "forget_registry",
    "published",
    "rotate",
    "rotate_due",
    "seconds_fresh",
    "sign",
    "verify",
    "verify_id_token",
]
