"""The keys of tools: read from what they registered or from the address they named, used, never stored twice."""

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any, Protocol

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.util import base64_to_int

from idp import outgoing
from idp.protocol.algorithms import ENCRYPTION, ENCRYPTION_METHODS
from idp.protocol.jose import MAX_RSA_BITS, MIN_RSA_BITS

log = logging.getLogger("idp.client_keys")
MAX_BYTES = 65_536
MAX_KEYS = 20
FRESH_SECONDS = 600
# RFC 7517 leaves the pace to us: a forged ``kid`` must not make the hub call a tool at each request.
REFETCH_SECONDS = 60
FAILED_SECONDS = 15
# While its address is down a tool goes on with the keys it had, and no longer: it may have withdrawn one.
STALE_SECONDS = 3600
# Who comes while another thread fetches waits for it, but a slow tool must not hold all threads of the hub.
WAIT_SECONDS = 3.0
MAX_ADDRESSES = 256
# Nobody has proved anything yet when keys are looked for: a tool that keeps silent holds so many threads of a process,
# and who comes meanwhile stays for a moment only.
PLACES = 2
# Tools that registered themselves have this place to themselves, and no other: their silence costs nobody else.
PLACES_FOR_STRANGERS = 1
PLACE_SECONDS = 0.1

CURVES = {"EC": frozenset({"P-256", "P-384", "P-521"}), "OKP": frozenset({"Ed25519", "X25519"})}
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# RFC 7517 §4, RFC 7518 §6: what is read of a key is text.
TEXT_MEMBERS = ("kid", "use", "alg", "x", "y")


class KeysUnavailable(Exception):
    """The tool's keys cannot be had, or none of them fits; the text is a short code without any value."""


class _Unusable(Exception):
    """A key set that nobody may register; the text says why."""


class HasKeys(Protocol):
    """The part of a tool that this module reads (RFC 7591 §2: one of the two)."""

    @property
    def client_jwks(self) -> Any: ...
    @property
    def client_jwks_uri(self) -> str: ...
    @property
    def self_registered(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ToolKeys:
    signing: KeySet
    encrypting: tuple[Key, ...]

    def names(self, kid: str) -> bool:
        return any(key.kid == kid for key in self.signing)


def verification_keys(tool: HasKeys, *, kid: str = "") -> KeySet:
    """The keys a tool signs with.  An unknown ``kid`` makes the hub look again, at most once a minute.

    The set may still lack ``kid``: no signature is then found good.  Raises ``KeysUnavailable``.
    """
    known = _keys_of(tool, lambda keys: not kid or keys.names(kid))
    if not known.signing:
        raise KeysUnavailable("no_signing_key")
    return known.signing


def encrypt(tool: HasKeys, payload: str | bytes, *, alg: str, enc: str, cty: str = "JWT") -> str:
    """A compact JWE for this tool alone; ``cty`` is "JWT" around a signed token (RFC 7519 §5.2), else empty.

    Raises ``KeysUnavailable``, also for an ``alg`` or ``enc`` that the hub does not offer.
    """
    if alg not in ENCRYPTION or enc not in ENCRYPTION_METHODS:
        raise KeysUnavailable("encryption_unsupported")
    key = _encryption_key(_keys_of(tool, lambda keys: _encryption_key(keys, alg) is not None), alg)
    if key is None:
        raise KeysUnavailable("no_encryption_key")
    header = {"alg": alg, "enc": enc}
    if cty:
        header["cty"] = cty
    if key.kid:
        header["kid"] = key.kid
    try:
        return jwe.encrypt_compact(header, payload, key, algorithms=[alg, enc])
    except (JoseError, ValueError) as error:
        raise KeysUnavailable("encryption_failed") from error


def prepare(tool: HasKeys, *, alg: str) -> None:
    """Have the key for ``alg`` at hand, so that nobody is called while a transaction is open; nothing without ``alg``.

    Raises ``KeysUnavailable``.
    """
    if alg and _encryption_key(_keys_of(tool, lambda keys: _encryption_key(keys, alg) is not None), alg) is None:
        raise KeysUnavailable("no_encryption_key")


def why_not_usable(jwks: object) -> str | None:
    """What is wrong with a key set that a tool wants to register, in words for its developer; or nothing.

    Keys of a kind that the hub does not know are passed over (RFC 7517 §5), as long as one is left.
    """
    try:
        _parse(jwks)
    except _Unusable as error:
        return str(error)
    return None


def forget() -> None:
    """Fetch everything anew (for tests)."""
    with _addresses_lock:
        _addresses.clear()


# What a key set holds --------------------------------------------------------------------------------------------


def _parse(jwks: object) -> ToolKeys:
    """Raises ``_Unusable``, and nothing else: a fault on a stranger's key set must be noted like any other failure."""
    try:
        return _read(jwks)
    except _Unusable:
        raise
    except Exception as error:
        log.error("a key set cannot be read: %s", type(error).__name__)
        raise _Unusable("a key that is not what its members say") from error


def _read(jwks: object) -> ToolKeys:
    """Raises ``_Unusable``."""
    found = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _Unusable("a key set is an object whose member keys is a list of objects (RFC 7517 §5)")
    if len(found) > MAX_KEYS:
        raise _Unusable(f"more than {MAX_KEYS} keys")
    if any(each.get("kty") == "oct" for each in found):
        raise _Unusable("symmetric keys have no place in a key set")
    if any(PRIVATE_MEMBERS & each.keys() for each in found):
        raise _Unusable("a private key: it is burnt now, make a new one and publish its public half only")
    known = [each for each in found if _is_known(each)]
    if not all(isinstance(each.get(name, ""), str) for each in known for name in TEXT_MEMBERS):
        raise _Unusable("a key that is not what its members say")
    names = [(each["kid"], each.get("kty"), each.get("use"), each.get("alg")) for each in known if "kid" in each]
    if len(set(map(str, names))) < len(names):
        raise _Unusable("two keys of the same kid")
    if not known:
        raise _Unusable("no key that the hub can use: RSA, P-256, P-384, P-521, Ed25519 or X25519")
    signing = [_import(each) for each in known if each.get("use", "sig") == "sig" and each.get("crv") != "X25519"]
    encrypting = [_import(each) for each in known if each.get("use", "enc") == "enc" and each.get("crv") != "Ed25519"]
    return ToolKeys(KeySet(list(signing)), tuple(encrypting))


def _is_known(document: dict[str, Any]) -> bool:
    kind, curve = document.get("kty"), document.get("crv")
    if kind == "RSA":
        return True
    return isinstance(kind, str) and isinstance(curve, str) and curve in CURVES.get(kind, ())


def _import(document: dict[str, Any]) -> Key:
    if document.get("crv") == "Ed25519" and document.get("alg") in ("EdDSA", "Ed25519"):
        # RFC 9864 §2.2: two names for one algorithm; the curve says it already.
        document = {name: value for name, value in document.items() if name != "alg"}
    if document.get("kty") == "RSA" and not _is_sane_rsa(document):
        raise _Unusable(f"an RSA key that is not between {MIN_RSA_BITS} and {MAX_RSA_BITS} bits long")
    try:
        return JWKRegistry.import_key(document)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _Unusable("a key that is not what its members say") from error


def _is_sane_rsa(document: dict[str, Any]) -> bool:
    """Asked before anything is computed: a modulus or an exponent of any length costs the verifier, not the sender."""
    try:
        modulus, exponent = base64_to_int(document["n"]), base64_to_int(document["e"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return False
    return MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS and exponent.bit_length() <= 64


def _encryption_key(keys: ToolKeys, alg: str) -> Key | None:
    """The key that says most clearly that it is for this: by ``alg`` and ``use``, then by ``use``, then by its kind."""
    fitting = [key for key in keys.encrypting if key.key_type in ENCRYPTION[alg] and key.get("alg") in (None, alg)]
    return max(fitting, key=lambda key: (key.get("use") == "enc", key.get("alg") == alg), default=None)


# Where a key set comes from --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Address:
    """What is known of one ``jwks_uri``; times are this process's monotonic seconds."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: ToolKeys | None = None
    fetched_at: float = 0.0
    failure: str = ""
    failed_at: float = 0.0


_addresses: OrderedDict[str, _Address] = OrderedDict()
_addresses_lock = threading.Lock()
_places = threading.BoundedSemaphore(PLACES)
_places_for_strangers = threading.BoundedSemaphore(PLACES_FOR_STRANGERS)


def _keys_of(tool: HasKeys, serves: Callable[[ToolKeys], bool]) -> ToolKeys:
    if tool.client_jwks:
        return _inline(json.dumps(tool.client_jwks, sort_keys=True))
    if tool.client_jwks_uri:
        places = _places_for_strangers if tool.self_registered else _places
        return _fetched(tool.client_jwks_uri, serves, places)
    raise KeysUnavailable("no_keys")


@lru_cache(maxsize=MAX_ADDRESSES)
def _inline(text: str) -> ToolKeys:
    try:
        return _parse(json.loads(text))
    except _Unusable as error:
        raise KeysUnavailable("jwks_unusable") from error


def _fetched(uri: str, serves: Callable[[ToolKeys], bool], places: threading.BoundedSemaphore) -> ToolKeys:
    address = _address(uri)
    known = address.keys
    if known is not None and not _must_fetch(address, known, serves):
        return known
    if not places.acquire(timeout=0 if known is not None else PLACE_SECONDS):
        return _as_known(address)
    try:
        if not address.lock.acquire(timeout=0 if known is not None else WAIT_SECONDS):
            return _as_known(address)
        try:
            return _fetch_once(uri, address, serves)
        finally:
            address.lock.release()
    finally:
        places.release()


def _as_known(address: _Address) -> ToolKeys:
    """What was fetched before, for who cannot wait.  Raises ``KeysUnavailable``."""
    if address.keys is None or not _lasts(address):
        raise KeysUnavailable("jwks_uri_busy")
    return address.keys


def _fetch_once(uri: str, address: _Address, serves: Callable[[ToolKeys], bool]) -> ToolKeys:
    """Called with the address's lock held: whoever had it before may have fetched what is asked for."""
    known = address.keys
    if known is not None and not _must_fetch(address, known, serves):
        return known
    if not address.failure or monotonic() - address.failed_at >= FAILED_SECONDS:
        _fetch(uri, address)
    if address.keys is None or (address.failure and not _lasts(address)):
        raise KeysUnavailable(address.failure)
    return address.keys


def _fetch(uri: str, address: _Address) -> None:
    try:
        address.keys = _parse(outgoing.get_json(uri, max_bytes=MAX_BYTES))
    except (outgoing.OutgoingFailed, outgoing.OutgoingRefused) as error:
        address.failure, address.failed_at = f"jwks_uri_{error}", monotonic()
    except _Unusable:
        # Nothing is kept of the old set: this is the tool's word, not an outage.
        address.keys, address.failure, address.failed_at = None, "jwks_unusable", monotonic()
    except Exception as error:
        # A fault of ours, noted like an outage: unnoted, each request would call again.
        log.error("a key set cannot be fetched: %s", type(error).__name__)
        address.failure, address.failed_at = "jwks_uri_fault", monotonic()
    else:
        address.failure, address.fetched_at = "", monotonic()


def _must_fetch(address: _Address, known: ToolKeys, serves: Callable[[ToolKeys], bool]) -> bool:
    age = monotonic() - address.fetched_at
    return age >= FRESH_SECONDS or (age >= REFETCH_SECONDS and not serves(known))


def _lasts(address: _Address) -> bool:
    return monotonic() - address.fetched_at < STALE_SECONDS


def _address(uri: str) -> _Address:
    with _addresses_lock:
        found = _addresses.setdefault(uri, _Address())
        _addresses.move_to_end(uri)
        if len(_addresses) > MAX_ADDRESSES:
            _addresses.popitem(last=False)
        return found
