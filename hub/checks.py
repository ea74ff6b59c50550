"""Combinations of settings that are unsafe stop the hub before it starts."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from audit import pdf
from audit.stream import targets
from directory.ldap.config import ADDRESS
from hub import mail
from hub.env import Env, load

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
PER_PROCESS_CACHES = ("LocMemCache", "DummyCache")


def cache_errors(backend: str) -> list[CheckMessage]:
    """Attempt limits and replay marks live in the cache: a cache per process multiplies or forgets them."""
    if not backend.endswith(PER_PROCESS_CACHES):
        return []
    return [Error("The cache is not shared between processes.", hint="Unset CACHE_URL or name a Redis.", id="hub.E001")]


def session_errors(engine: str) -> list[CheckMessage]:
    """A session kept in a signed cookie cannot be ended from elsewhere."""
    if not engine.endswith("signed_cookies"):
        return []
    return [Error("Sessions live in cookies and cannot be ended.", hint="Use cached_db or db.", id="hub.E002")]


def secret_errors(env: Env) -> list[CheckMessage]:
    """Django itself starts with an empty key as long as nothing is signed; the hub does not."""
    return [
        Error(f"TROUSSEAU_{name.upper()} is empty.", hint="See docs: settings; every secret is random.", id="hub.E003")
        for name in ("secret_key", "key_encryption_key", "pairwise_salt")
        if not getattr(env, name).get_secret_value()
    ]


def origin_errors(origin: str) -> list[CheckMessage]:
    """OpenID Connect Core §3.1.2.1: TLS; plain HTTP only on the developer's own machine."""
    url = urlsplit(origin)
    if url.scheme == "https" and url.hostname:
        return []
    if url.scheme == "http" and url.hostname in LOOPBACK:
        return []
    return [Error("TROUSSEAU_ORIGIN must be https:// (or http://localhost to try).", id="hub.E004")]


def directory_errors(env: Env) -> list[CheckMessage]:
    """RFC 4513 §5.1.3: a simple bind hands the member's password to whoever listens, unless TLS is there first."""
    addresses = env.ldap_uri.split()
    if any(not ADDRESS.fullmatch(each) for each in addresses) or len({_scheme(each) for each in addresses}) > 1:
        hint = "ldaps://host, or ldap://host with StartTLS; several: all of one kind, parted by spaces."
        return [Error("TROUSSEAU_LDAP_URI cannot be used as it is.", hint=hint, id="hub.E009")]
    if env.demo or not addresses or _scheme(addresses[0]) != "ldap" or env.ldap_start_tls:
        return []
    return [
        Error("The directory would be read without TLS.", hint="ldaps://, or ldap:// with StartTLS.", id="hub.E005")
    ]


def _scheme(uri: str) -> str:
    return uri.partition("://")[0]


def mail_errors(env: Env) -> list[CheckMessage]:
    """A server that cannot be told is found out when the first mail is due, or gets the password in clear."""
    if not env.mail_url or mail.server(env.mail_url):
        return []
    # Without the value: it holds a password.
    hint = "smtps://, smtp+tls:// or smtp://; in user and password / is %2F, ? is %3F, # is %23 and % is %25."
    return [Error("TROUSSEAU_MAIL_URL names no mail server.", hint=hint, id="hub.E008")]


def stream_errors(env: Env) -> list[CheckMessage]:
    """A stream that goes nowhere is found out when the SIEM is needed."""
    if not env.stream_url or targets.server(env.stream_url):
        return []
    return [Error("TROUSSEAU_STREAM_URL names no server.", hint="syslog+tls://host:6514", id="hub.E010")]


def key_errors(env: Env) -> list[CheckMessage]:
    """A key is published before it signs, while its predecessor still does."""
    found: list[CheckMessage] = []
    if env.key_publish_ahead_hours >= 24 * env.key_rotation_days:
        found.append(
            Error(
                "Signing keys would be published for longer than they sign.", hint="Rotate less often.", id="hub.E006"
            )
        )
    # Decoding alone would take "key,key" for its first half.
    if not all(FERNET_KEY.fullmatch(key) for key in env.key_encryption_key.get_secret_value().split()):
        hint = "Each is 32 random bytes in URL-safe base64, separated by spaces."
        found.append(Error("TROUSSEAU_KEY_ENCRYPTION_KEY holds something else than keys.", hint=hint, id="hub.E007"))
    return found


def registration_warnings(env: Env) -> list[CheckMessage]:
    """What registers itself then has no sheet: for the run of a test suite, on a hub without members."""
    if not env.registration_opens:
        return []
    hint = "Unset TROUSSEAU_REGISTRATION_OPENS where there are members."
    return [Warning("Tools that register themselves may be open to every member.", hint=hint, id="hub.W001")]


def document_warnings(missing: Sequence[str]) -> list[CheckMessage]:
    """Found out at the start, and not by whoever asks for a document; all else works without."""
    if not missing:
        return []
    hint = f"Debian: apt-get install --no-install-recommends {' '.join(missing)}"
    return [Warning("No PDF can be made: the engine does not find Pango or HarfBuzz.", hint=hint, id="hub.W002")]


@register
def unsafe_settings(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    env = load()
    return [
        *cache_errors(settings.CACHES["default"]["BACKEND"]),
        *session_errors(settings.SESSION_ENGINE),
        *secret_errors(env),
        *origin_errors(env.origin),
        *directory_errors(env),
        *mail_errors(env),
        *stream_errors(env),
        *key_errors(env),
        *registration_warnings(env),
        *document_warnings(pdf.missing_libraries()),
    ]
