"""Connections to a directory: always with TLS that is verified, always in bounded time, with the hub's own errors.

Only the modules of this folder that read, write and check passwords come here.
"""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined, no-untyped-call"

import os

# ldap.conf and the environment of whoever starts the hub could turn verification off: keep them out.
# libldap reads this once, when it is loaded.
os.environ["LDAPNOINIT"] = "1"

import errno
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from traceback import clear_frames
from typing import Any, NamedTuple
from uuid import UUID

import ldap
import ldap.controls.libldap
from ldap.syncrepl import SyncDoneControl, SyncInfoMessage, SyncRequestControl
from pyasn1.error import PyAsn1Error

from directory.ldap.addresses import in_order
from directory.ldap.config import LdapConfig
from directory.types import DirectoryRefused, DirectoryUnavailable

FIRST_WITH_TLS_TIMEOUT = 20600
BINDS_AT_ONCE = 4
# Of one entry, with everything that is read of a person; photos are read elsewhere.
MOST_BYTES = 1_000_000
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 15.0

# An error of the hub's own: more came than the memory that this process may take (``follow_directory`` has a limit).
TOO_LARGE = "ANSWER_TOO_LARGE"
# Who is gone is asked for beside the pass, and needs a thousandth of this.
HINT_SECONDS = 2.0
# Bytes; a list of 256 identities is five thousand.
MOST_TOLD = 64_000
# What comes of bytes that are no answer to it.
UNREADABLE = (PyAsn1Error, ValueError, LookupError, TypeError, AttributeError)
# Results by which a server says "not now" (RFC 4511 §4.1.9).
NOT_NOW = {51, 52}


class Entry(NamedTuple):
    """An entry as it came: attribute names in lower case, values in bytes."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]


class Deadline:
    """How long is left for everything that belongs together."""

    def __init__(self, seconds: float, per_answer: float) -> None:
        self._end = monotonic() + seconds
        self._per_answer = per_answer

    def within(self, seconds: float, per_answer: float) -> "Deadline":
        """A part of it, for one of several directories: no longer than this, and over when the whole is."""
        part = Deadline(seconds, per_answer)
        part._end = min(part._end, self._end)
        return part

    def left(self) -> float:
        left = min(self._end - monotonic(), self._per_answer)
        if left <= 0:
            raise DirectoryUnavailable("the directory is too slow")
        return left


class Breaker:
    """After three failures in a row nobody waits for the directory for 15 s; then one asks at a time."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_again_at = 0.0
        self._probing = False

    def reset(self) -> None:
        """Somebody who knows that the directory is back says so."""
        with self._lock:
            self._failures = 0

    @contextmanager
    def __call__(self, *, whole: bool = True) -> Iterator[None]:
        """``whole``: what is done here is all there is to do, so that its success ends a row of failures."""
        with self._lock:
            opened = self._failures >= FAILURES_TO_OPEN
            if opened and (self._probing or self._clock() < self._closed_again_at):
                raise DirectoryUnavailable("the directory did not answer a moment ago")
            self._probing = opened
        failed = False
        try:
            yield
        except DirectoryUnavailable:
            failed = True
            raise
        finally:
            with self._lock:
                self._probing = False
                if failed:
                    self._failures += 1
                    self._closed_again_at = self._clock() + OPEN_SECONDS
                elif whole:
                    self._failures = 0


_breakers: dict[str, Breaker] = {}
# Argon2 makes the server the bottleneck: more binds at once would only wait there, and hold a thread here.  Each
# directory has its own places: one that hangs takes none of another's.
_binds: dict[str, threading.BoundedSemaphore] = {}


def breaker_of(uri: str) -> Breaker:
    return _breakers.setdefault(uri, Breaker())


@contextmanager
def one_of_few(deadline: Deadline, uri: str = "") -> Iterator[None]:
    places = _binds.setdefault(uri, threading.BoundedSemaphore(BINDS_AT_ONCE))
    if not places.acquire(timeout=deadline.left()):
        raise DirectoryUnavailable("too many sign-ins at once")
    try:
        yield
    finally:
        places.release()


@contextmanager
def connect(config: LdapConfig, deadline: Deadline) -> Iterator[Any]:
    """A connection with TLS, whose errors are the hub's own."""
    connection: Any = None
    try:
        connection = ldap.initialize(in_order(config.uri, deadline.left()))
        _configure(connection, config)
        allow(connection, deadline)
        if config.start_tls and not config.uri.startswith(("ldaps://", "ldapi://")):
            connection.start_tls_s()
        with told_errors():
            yield connection
    except ldap.LDAPError as error:
        raise told(error) from error
    finally:
        if connection is not None:
            with suppress(ldap.LDAPError):
                connection.unbind_ext()


@contextmanager
def told_errors() -> Iterator[None]:
    """What libldap raises inside, as the hub's own errors."""
    try:
        yield
    except ldap.LDAPError as error:
        raise told(error) from error
    except UnicodeDecodeError as error:
        # A name that is no UTF-8 (RFC 4511 §4.1.2), which python-ldap cannot hand over.
        raise DirectoryRefused("an entry's name cannot be read") from error
    except MemoryError as error:
        # What came until then goes at once: whoever tells of it needs a little too.
        clear_frames(error.__traceback__)
        raise DirectoryRefused(TOO_LARGE) from None


def told(error: Exception) -> DirectoryUnavailable | DirectoryRefused:
    """The server's own results are positive; negative ones are libldap's: nothing, or nothing readable, came back."""
    given = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    result = given.get("result", -1)
    if given.get("errno") == errno.ENOMEM:
        return DirectoryRefused(TOO_LARGE)
    return (DirectoryUnavailable if result < 0 or result in NOT_NOW else DirectoryRefused)(type(error).__name__)


def _configure(connection: Any, config: LdapConfig) -> None:
    connection.set_option(ldap.OPT_PROTOCOL_VERSION, 3)
    # A referral would send the reader's password, or a member's, to a server nobody chose.
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
    connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(config.ca_file))
    connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
    # libldap 2.5 waits for ever, or spins, in a TLS handshake that the server leaves unanswered, whatever the time-outs
    # say; connecting asynchronously cures that, for StartTLS too. From 2.6 on the handshake keeps the network time-out
    # by itself, and an asynchronous StartTLS would return before it is done.
    if ldap.VENDOR_VERSION < FIRST_WITH_TLS_TIMEOUT:
        connection.set_option(ldap.OPT_CONNECT_ASYNC, 1)
    # Last: the options above are those of the context made here.
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)


def allow(connection: Any, deadline: Deadline) -> None:
    left = deadline.left()
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, left)
    connection.set_option(ldap.OPT_TIMEOUT, left)


@contextmanager
def reader(config: LdapConfig, deadline: Deadline) -> Iterator[Any]:
    with connect(config, deadline) as connection:
        allow(connection, deadline)
        if not config.bind_password:
            raise DirectoryRefused("the reader has no password")
        connection.simple_bind_s(config.bind_dn, config.bind_password)
        yield connection


def few(
    connection: Any, deadline: Deadline, base: str, filter_: str, attributes: Sequence[str], *, most: int
) -> list[Entry]:
    """Whoever is found, or so many of them and one more: no server makes anybody take in what nobody asked for.

    It is asked to stop there (RFC 4511 §4.5.1.4), and one that does not is not listened to any longer.  libldap itself
    bounds one entry by nothing but the time that it may take.
    Raises ``DirectoryRefused`` for an entry of an unlikely size.
    """
    allow(connection, deadline)
    message = connection.search_ext(base, ldap.SCOPE_SUBTREE, filter_, list(attributes), sizelimit=most + 1)
    wanted = {name.lower() for name in attributes}
    found: list[Entry] = []
    while len(found) <= most:
        kind, given, *_ = connection.result3(message, all=0, timeout=deadline.left())
        found += [_entry(dn, values, wanted) for dn, values in given if dn is not None]
        if kind == ldap.RES_SEARCH_RESULT:
            return found
    # Before its own word that this was the limit: one that comes earlier is another, and lets nobody say who there is.
    connection.abandon_ext(message)
    return found


def said_gone(
    connection: Any, deadline: Deadline, base: str, filter_: str, cookie: str, *, most: int
) -> frozenset[UUID]:
    """Who the server says is gone since it was that far (RFC 4533 §3.3.2); a hint, for it may mean another thing by it.

    Nobody where it keeps no list of them, cannot be understood, or tells of more than so many.
    """
    control = SyncRequestControl(criticality=True, cookie=cookie, mode="refreshOnly")
    gone: set[UUID] = set()
    deadline = deadline.within(HINT_SECONDS, HINT_SECONDS)
    allow(connection, deadline)
    # Whoever was written since comes too.
    message = connection.search_ext(base, ldap.SCOPE_SUBTREE, filter_, ["1.1"], serverctrls=[control], sizelimit=most)
    try:
        # An entry each of whoever was written, a list of the others, and the end.
        for _ in range(2 * most + 2):
            kind, found, _, controls, *_ = connection.result4(
                message, all=0, timeout=deadline.left(), add_intermediates=1
            )
            if kind == ldap.RES_SEARCH_RESULT:
                is_list = any(isinstance(each, SyncDoneControl) and each.refreshDeletes for each in controls)
                return frozenset(gone if is_list else ())
            if kind == ldap.RES_INTERMEDIATE:
                gone.update(*(_gone_in(name, value) for name, value, *_ in found))
            if len(gone) > most:
                break
    except UNREADABLE:
        pass
    connection.abandon_ext(message)
    return frozenset()


def _gone_in(name: str, value: bytes) -> set[UUID]:
    """Raises one of ``UNREADABLE`` for what is no list of who is gone."""
    if name != SyncInfoMessage.responseName:
        return set()
    if len(value) > MOST_TOLD:
        raise ValueError("longer than anybody was asked for")
    told = SyncInfoMessage(value).syncIdSet
    if told is None:
        return set()
    if not told["refreshDeletes"]:
        raise ValueError("a list of who is there")
    return set(map(UUID, told["syncUUIDs"]))


def _entry(dn: str, attributes: Mapping[str, Sequence[bytes]], wanted: Collection[str]) -> Entry:
    if len(dn) + sum(len(value) for values in attributes.values() for value in values) > MOST_BYTES:
        raise DirectoryRefused(TOO_LARGE)
    # With its options (RFC 4512 §2.5): of a language, or of a part of its values.
    return Entry(
        dn, {name.lower(): values for name, values in attributes.items() if name.lower().partition(";")[0] in wanted}
    )


def pages(
    connection: Any, deadline: Deadline, base: str, filter_: str, attributes: Sequence[str], *, size: int
) -> Iterator[list[Entry]]:
    """Every page, or an exception: part of an answer is no answer (a size limit gives some entries, then an error)."""
    paging = ldap.controls.libldap.SimplePagedResultsControl(True, size=size, cookie="")
    wanted = list(attributes)
    lower = {name: name.lower() for name in wanted}

    def asked() -> int:
        allow(connection, deadline)
        return int(connection.search_ext(base, ldap.SCOPE_SUBTREE, filter_, wanted, serverctrls=[paging]))

    message: int | None = asked()
    while message is not None:
        allow(connection, deadline)
        _, found, _, controls = connection.result3(message, all=1, timeout=deadline.left())
        cookies = [control.cookie for control in controls if control.controlType == paging.controlType]
        # Asked before this page is looked at: the server gathers the next one meanwhile.
        paging.cookie = cookies[0] if cookies else ""
        message = asked() if paging.cookie else None
        yield [
            # Mostly as they were asked for.
            Entry(dn, {lower.get(name) or name.lower(): values for name, values in attributes.items()})
            for dn, attributes in found
            if dn is not None  # a referral
        ]
