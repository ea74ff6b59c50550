"""The only file that opens LDAP connections.

Verification of the server's certificate cannot be switched off.  ``userPassword`` is never asked for, and a
password that is checked is neither kept nor logged.
"""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined, no-untyped-call"

import os

# ldap.conf and the environment of whoever starts the hub could turn verification off: keep them out.
# libldap reads this once, when it is loaded.
os.environ["LDAPNOINIT"] = "1"

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import ldap
import ldap.controls.libldap
import ldap.controls.ppolicy

from directory.ldap.config import LdapConfig
from directory.ldap.mapping import state_of
from directory.normalise import InvalidName, dn_key
from directory.types import ChangeUncertain, DirectoryRefused, DirectoryUnavailable, MemberState

IDENTITY = ("entryUUID", "entryCSN")
PERSON_ATTRIBUTES = (
    *IDENTITY,
    "uid",
    "cn",
    "sn",
    "givenName",
    "displayName",
    "mail",
    "telephoneNumber",
    "mobile",
    "title",
    "employeeNumber",
    "employeeType",
    "o",
    "postalAddress",
    "postalCode",
    "l",
    "preferredLanguage",
    "pwdAccountLockedTime",
)
GROUP_ATTRIBUTES = (*IDENTITY, "cn", "description", "businessCategory", "member", "owner")
PEOPLE_FILTER = "(objectClass=inetOrgPerson)"
GROUPS_FILTER = "(objectClass=groupOfNames)"
PAGE_SIZE = 200
FIRST_WITH_TLS_TIMEOUT = 20600
READ_SECONDS = 60.0
SIGN_IN_SECONDS = 3.0
CHANGE_SECONDS = 6.0
# draft-behera-ldap-password-policy-10 §6.2
PASSWORD_EXPIRED, CHANGE_AFTER_RESET = 0, 2
BINDS_AT_ONCE = 4
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 15.0

# Results by which a server says "not now" (RFC 4511 §4.1.9).
NOT_NOW = {51, 52}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it came: attribute names in lower case, values in bytes."""

    dn: str
    attributes: dict[str, Sequence[bytes]]

    @property
    def uuid(self) -> UUID:
        return UUID(self.attributes["entryuuid"][0].decode("ascii"))

    @property
    def csn(self) -> str:
        return next((value.decode("ascii", "replace") for value in self.attributes.get("entrycsn", ())), "")


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one pass read; only ever made of searches that ended with result code 0."""

    people: tuple[Entry, ...]
    groups: tuple[Entry, ...]
    context_csn: tuple[str, ...] = ()


class Verdict(Enum):
    """What the directory says of one password."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    # Right, and to be replaced by its holder before anything else.
    MUST_CHANGE = "must_change"
    # Right, and over: its holder can no longer bind, so the write account alone can replace it.
    EXPIRED = "expired"


class Outcome(Enum):
    """What the directory says to a new password."""

    DONE = "done"
    WRONG_OLD = "wrong_old"
    TOO_SHORT = "too_short"
    QUALITY = "quality"
    IN_HISTORY = "in_history"
    TOO_YOUNG = "too_young"
    NOT_ALLOWED = "not_allowed"
    # The account is nowhere, has left or is locked for good.
    CLOSED = "closed"


# passwordPolicyResponse, ibid.: modNotAllowed, mustSupplyOld, insufficientQuality, tooShort, tooYoung, inHistory.
POLICY_OUTCOMES = {
    1: Outcome.CLOSED,
    3: Outcome.NOT_ALLOWED,
    4: Outcome.WRONG_OLD,
    5: Outcome.QUALITY,
    6: Outcome.TOO_SHORT,
    7: Outcome.TOO_YOUNG,
    8: Outcome.IN_HISTORY,
}


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, and the entry that was bound as: where it is now decides whether its holder may enter."""

    verdict: Verdict
    entry: Entry | None = None


class Deadline:
    """How long is left for everything that belongs together."""

    def __init__(self, seconds: float, per_answer: float) -> None:
        self._end = monotonic() + seconds
        self._per_answer = per_answer

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
    def __call__(self) -> Iterator[None]:
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
                self._failures = self._failures + 1 if failed else 0
                self._closed_again_at = self._clock() + OPEN_SECONDS


_breakers: dict[str, Breaker] = {}
# Argon2 makes the server the bottleneck: more binds at once would only wait there, and hold a thread here.
_binds = threading.BoundedSemaphore(BINDS_AT_ONCE)


def breaker_of(uri: str) -> Breaker:
    return _breakers.setdefault(uri, Breaker())


# Reading ------------------------------------------------------------------------------------------------


def observe(config: LdapConfig) -> Observation:
    """Read all people and groups.  Anything but a complete answer raises and nothing of it is used."""
    deadline = Deadline(READ_SECONDS, config.timeout_seconds)
    with _reader(config, deadline) as connection:
        context = _context_csn(connection, config, deadline)
        people = _search(connection, deadline, config.people_base, PEOPLE_FILTER, PERSON_ATTRIBUTES)
        groups = _search(connection, deadline, config.groups_base, GROUPS_FILTER, GROUP_ATTRIBUTES)
    return Observation(tuple(people), tuple(groups), context)


def look_up(config: LdapConfig, uuids: Iterable[UUID]) -> dict[UUID, str]:
    """Where each of these entries is now, over the whole suffix; one that is not in the answer is nowhere."""
    found: dict[UUID, str] = {}
    wanted = sorted(uuids)
    if not wanted:
        return found
    deadline = Deadline(READ_SECONDS, config.timeout_seconds)
    with _reader(config, deadline) as connection:
        for start in range(0, len(wanted), PAGE_SIZE):
            batch = "".join(f"(entryUUID={uuid})" for uuid in wanted[start : start + PAGE_SIZE])
            for entry in _search(connection, deadline, config.base, f"(|{batch})", IDENTITY):
                found[entry.uuid] = entry.dn
    return found


# Passwords ----------------------------------------------------------------------------------------------


def check_password(config: LdapConfig, entry_uuid: UUID | None, password: str) -> Check:
    """Bind as the entry with this UUID, wherever it is now.

    Without a UUID, or with one that is nowhere, the same work is done for a name that does not exist: somebody
    unknown costs what a wrong password costs.  Raises ``DirectoryUnavailable`` or ``DirectoryRefused``.
    """
    if not _may_bind(password):
        return Check(Verdict.REFUSED)
    deadline = Deadline(min(SIGN_IN_SECONDS, config.timeout_seconds * 2), config.timeout_seconds)
    with _one_of_few(deadline), breaker_of(config.uri)():
        entry = _person(config, deadline, entry_uuid or uuid4())
        dn = entry.dn if entry else f"uid={uuid4()},{config.people_base}"
        return Check(_bind(config, deadline, dn, password), entry)


def change_password(config: LdapConfig, entry_uuid: UUID, old: str, new: str) -> Outcome:
    """RFC 3062, as the person: the server checks the old password once more, and its own rules for the new one.

    Raises ``DirectoryUnavailable`` or ``DirectoryRefused`` where nothing was changed, ``ChangeUncertain`` where the
    server fell silent with the order in hand.
    """
    if not _may_bind(old) or not _may_bind(new):
        return Outcome.WRONG_OLD if not _may_bind(old) else Outcome.QUALITY
    deadline = Deadline(min(CHANGE_SECONDS, config.timeout_seconds * 3), config.timeout_seconds)
    with _one_of_few(deadline), breaker_of(config.uri)():
        entry = _person(config, deadline, entry_uuid)
        if entry is None:
            return Outcome.CLOSED
        with _connection(config, deadline) as connection:
            verdict = _bind_on(connection, deadline, entry.dn, old)
            if verdict not in (Verdict.ACCEPTED, Verdict.MUST_CHANGE):
                return Outcome.WRONG_OLD
            outcome = _modify_password(connection, deadline, entry.dn, old, new)
        return _confirmed(config, entry.dn, new) if outcome is None else outcome


def reset_password(config: LdapConfig, entry_uuid: UUID, new: str) -> Outcome:
    """RFC 3062, by the write account, for a person who has lost the old password; a lock for a while ends with it.

    The person chose the new one themselves: where the server asks for yet another (``pwdMustChange``; slapd does when
    the write account has the right to manage), the mark is taken off.  Raises as ``change_password``.
    """
    if not config.can_write:
        return Outcome.NOT_ALLOWED
    if not _may_bind(new):
        return Outcome.QUALITY
    deadline = Deadline(min(CHANGE_SECONDS, config.timeout_seconds * 3), config.timeout_seconds)
    with _one_of_few(deadline), breaker_of(config.uri)():
        entry = _person(config, deadline, entry_uuid)
        # Where the entry is now: a link handed out yesterday opens nothing for somebody who left this morning.
        if entry is None or _is_closed(config, entry):
            return Outcome.CLOSED
        with _connection(config, deadline) as connection:
            _allow(connection, deadline)
            connection.simple_bind_s(config.write_dn, config.write_password)
            outcome = _modify_password(connection, deadline, entry.dn, None, new)
            if outcome is Outcome.DONE:
                _take_mark_off(connection, deadline, entry.dn)
        return _confirmed(config, entry.dn, new) if outcome is None else outcome


def _person(config: LdapConfig, deadline: Deadline, entry_uuid: UUID) -> Entry | None:
    with _reader(config, deadline) as connection:
        found = _search(
            connection,
            deadline,
            config.people_base,
            f"(&{PEOPLE_FILTER}(entryUUID={entry_uuid}))",
            (*IDENTITY, "pwdAccountLockedTime"),
        )
    # A filter on the identifier that gives two entries is a server that cannot be trusted with either.
    return found[0] if len(found) == 1 else None


def _is_closed(config: LdapConfig, entry: Entry) -> bool:
    locked = entry.attributes.get("pwdaccountlockedtime", ())
    return state_of(dn_key(entry.dn), dn_key(config.former_base), locked)[0] is not MemberState.ACTIVE


def _may_bind(password: str) -> bool:
    """RFC 4513 §5.1.2: an empty password is an anonymous bind, and succeeds.  NUL ends a C string."""
    return bool(password) and "\0" not in password and _is_utf8(password)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bind(config: LdapConfig, deadline: Deadline, dn: str, password: str) -> Verdict:
    """A connection of its own: what a person may do must never run on the reader's, nor the other way round."""
    with _connection(config, deadline) as connection:
        return _bind_on(connection, deadline, dn, password)


def _bind_on(connection: Any, deadline: Deadline, dn: str, password: str) -> Verdict:
    try:
        _allow(connection, deadline)
        control = ldap.controls.ppolicy.PasswordPolicyControl()
        *_, controls = connection.simple_bind_s(dn, password, serverctrls=[control])
        # changeAfterReset: the server looked at this very entry, and answers nothing else on this connection.
        if any(getattr(control, "error", None) == CHANGE_AFTER_RESET for control in controls):
            return Verdict.MUST_CHANGE
        _allow(connection, deadline)
        name = connection.whoami_s()
    except ldap.INVALID_CREDENTIALS as error:
        # Said of a right password only: a wrong one on an expired entry is told nothing.
        return Verdict.EXPIRED if _policy_error(error) == PASSWORD_EXPIRED else Verdict.REFUSED
    except (
        ldap.INAPPROPRIATE_AUTH,
        ldap.UNWILLING_TO_PERFORM,
        ldap.NO_SUCH_OBJECT,
        ldap.INVALID_DN_SYNTAX,
        ldap.INSUFFICIENT_ACCESS,
        ldap.CONSTRAINT_VIOLATION,
    ):
        return Verdict.REFUSED
    # A bind that ended as somebody else, or as nobody, is no proof of this person's password.
    if not _is_same(name, dn):
        return Verdict.REFUSED
    # Over already, and let in a few more times.
    on_grace = any(getattr(control, "graceAuthNsRemaining", None) is not None for control in controls)
    return Verdict.MUST_CHANGE if on_grace else Verdict.ACCEPTED


def _modify_password(connection: Any, deadline: Deadline, dn: str, old: str | None, new: str) -> Outcome | None:
    """What the server says; ``None`` when it took the order and no answer came back."""
    _allow(connection, deadline)
    try:
        connection.passwd_s(dn, old, new, serverctrls=[ldap.controls.ppolicy.PasswordPolicyControl()])
    except (ldap.CONSTRAINT_VIOLATION, ldap.INVALID_CREDENTIALS, ldap.UNWILLING_TO_PERFORM) as error:
        said = _policy_error(error)
        if said in POLICY_OUTCOMES:
            return POLICY_OUTCOMES[said]
        return Outcome.QUALITY if isinstance(error, ldap.CONSTRAINT_VIOLATION) else Outcome.NOT_ALLOWED
    except (ldap.INSUFFICIENT_ACCESS, ldap.STRONG_AUTH_REQUIRED):
        return Outcome.NOT_ALLOWED
    except ldap.NO_SUCH_OBJECT:
        return Outcome.CLOSED
    except ldap.LDAPError as error:
        if isinstance(_told(error), DirectoryUnavailable):
            return None
        raise
    return Outcome.DONE


def _confirmed(config: LdapConfig, dn: str, new: str) -> Outcome:
    """The order was given and its answer lost: the new password tells whether it was carried out."""
    deadline = Deadline(min(SIGN_IN_SECONDS, config.timeout_seconds), config.timeout_seconds)
    try:
        verdict = _bind(config, deadline, dn, new)
    except DirectoryUnavailable as error:
        raise ChangeUncertain("the directory fell silent while it changed a password") from error
    if verdict in (Verdict.ACCEPTED, Verdict.MUST_CHANGE):
        return Outcome.DONE
    raise DirectoryUnavailable("the directory fell silent before it changed a password")


def _take_mark_off(connection: Any, deadline: Deadline, dn: str) -> None:
    """Best effort: a write account without this right leaves the mark, and the hub asks once more at sign-in."""
    _allow(connection, deadline)
    with suppress(ldap.LDAPError):
        connection.modify_s(dn, [(ldap.MOD_DELETE, "pwdReset", None)])


def _policy_error(error: Exception) -> int | None:
    """The error of the password policy's control in an answer that came as an exception."""
    given = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    for kind, _critical, value in given.get("ctrls", []):
        if kind == ldap.controls.ppolicy.PasswordPolicyControl.controlType:
            control = ldap.controls.ppolicy.PasswordPolicyControl()
            # Whatever a server writes there that cannot be read says nothing.
            with suppress(Exception):
                control.decodeControlValue(value)
                return None if control.error is None else int(control.error)
    return None


def _is_same(authorisation: str, dn: str) -> bool:
    """RFC 4532: the answer to "Who am I?" is ``dn:`` and the name."""
    try:
        return authorisation.startswith("dn:") and dn_key(authorisation[3:]) == dn_key(dn) != ""
    except InvalidName:
        return False


@contextmanager
def _one_of_few(deadline: Deadline) -> Iterator[None]:
    if not _binds.acquire(timeout=deadline.left()):
        raise DirectoryUnavailable("too many sign-ins at once")
    try:
        yield
    finally:
        _binds.release()


# Connections --------------------------------------------------------------------------------------------


@contextmanager
def _connection(config: LdapConfig, deadline: Deadline) -> Iterator[Any]:
    """A connection with TLS, whose errors are the hub's own."""
    connection: Any = None
    try:
        connection = ldap.initialize(config.uri)
        _configure(connection, config)
        _allow(connection, deadline)
        if config.uri.startswith("ldap://") and config.start_tls:
            connection.start_tls_s()
        yield connection
    except ldap.LDAPError as error:
        raise _told(error) from error
    finally:
        if connection is not None:
            with suppress(ldap.LDAPError):
                connection.unbind_ext()


def _told(error: Exception) -> DirectoryUnavailable | DirectoryRefused:
    """The server's own results are positive; negative ones are libldap's: nothing, or nothing readable, came back."""
    given = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    result = given.get("result", -1)
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


def _allow(connection: Any, deadline: Deadline) -> None:
    left = deadline.left()
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, left)
    connection.set_option(ldap.OPT_TIMEOUT, left)


@contextmanager
def _reader(config: LdapConfig, deadline: Deadline) -> Iterator[Any]:
    with _connection(config, deadline) as connection:
        _allow(connection, deadline)
        if not config.bind_password:
            raise DirectoryRefused("the reader has no password")
        connection.simple_bind_s(config.bind_dn, config.bind_password)
        yield connection


def _search(connection: Any, deadline: Deadline, base: str, filter_: str, attributes: Sequence[str]) -> list[Entry]:
    """Every page, or an exception: part of an answer is no answer (a size limit gives some entries, then an error)."""
    paging = ldap.controls.libldap.SimplePagedResultsControl(True, size=PAGE_SIZE, cookie="")
    entries: list[Entry] = []
    while True:
        _allow(connection, deadline)
        message = connection.search_ext(base, ldap.SCOPE_SUBTREE, filter_, list(attributes), serverctrls=[paging])
        _, found, _, controls = connection.result3(message, all=1, timeout=deadline.left())
        entries += [
            Entry(dn, {name.lower(): values for name, values in attributes.items()})
            for dn, attributes in found
            if dn is not None  # a referral
        ]
        if any("entryuuid" not in entry.attributes for entry in entries):
            raise DirectoryRefused("the directory shows no entryUUID")
        cookies = [control.cookie for control in controls if control.controlType == paging.controlType]
        if not cookies or not cookies[0]:
            return entries
        paging.cookie = cookies[0]


def _context_csn(connection: Any, config: LdapConfig, deadline: Deadline) -> tuple[str, ...]:
    """How far the server's content has come, per server; empty where it does not say."""
    _allow(connection, deadline)
    found = connection.search_ext_s(config.base, ldap.SCOPE_BASE, "(objectClass=*)", ["contextCSN"])
    values = [value for dn, attributes in found if dn is not None for value in attributes.get("contextCSN", [])]
    return tuple(sorted(value.decode("ascii", "replace") for value in values))
