"""Passwords in a directory: checked by a bind, changed and set as its server wants it; neither kept nor logged here."""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined, no-untyped-call"

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

import ldap
import ldap.controls.ppolicy

from directory.ldap.config import LdapConfig
from directory.ldap.connection import Deadline, Entry, allow, breaker_of, connect, one_of_few, reader, told
from directory.ldap.mapping import state_of
from directory.ldap.reading import Reading
from directory.ldap.servers import PasswordChange, quoted_password
from directory.normalise import dn_key
from directory.types import ChangeUncertain, DirectoryUnavailable, MemberState

SIGN_IN_SECONDS = 3.0
CHANGE_SECONDS = 6.0
# draft-behera-ldap-password-policy-10 §6.2
PASSWORD_EXPIRED, ACCOUNT_LOCKED, CHANGE_AFTER_RESET = 0, 1, 2


class Verdict(Enum):
    """What the directory says of one password."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    # Right, and to be replaced by its holder before anything else.
    MUST_CHANGE = "must_change"
    # Right, and over: its holder can no longer bind, so the write account alone can replace it.
    EXPIRED = "expired"
    # Whatever the password is: the directory has seen too many wrong ones, or somebody has locked the entry.
    LOCKED = "locked"


class Outcome(Enum):
    """What the directory says to a new password."""

    DONE = "done"
    WRONG_OLD = "wrong_old"
    TOO_SHORT = "too_short"
    QUALITY = "quality"
    IN_HISTORY = "in_history"
    TOO_YOUNG = "too_young"
    NOT_ALLOWED = "not_allowed"
    # For a while, by the directory's own count of wrong passwords.
    LOCKED = "locked"
    # The old one is over: only the write account can set another; told to nobody but this module.
    EXPIRED = "expired"
    # The account is nowhere, has left or is locked for good.
    CLOSED = "closed"


# passwordPolicyResponse, ibid.: accountLocked, modNotAllowed, mustSupplyOld, insufficientQuality, tooShort, tooYoung,
# inHistory.
POLICY_OUTCOMES = {
    1: Outcome.LOCKED,
    3: Outcome.NOT_ALLOWED,
    4: Outcome.WRONG_OLD,
    5: Outcome.QUALITY,
    6: Outcome.TOO_SHORT,
    7: Outcome.TOO_YOUNG,
    8: Outcome.IN_HISTORY,
}

# What an old password that lets nobody in means for a new one.
REFUSALS = {
    Verdict.REFUSED: Outcome.WRONG_OLD,
    Verdict.LOCKED: Outcome.LOCKED,
    Verdict.EXPIRED: Outcome.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, and the entry that was bound as: where it is now decides whether its holder may enter."""

    verdict: Verdict
    entry: Entry | None = None
    # Seconds until the password is over, and how many more times one that is over lets in; where the server says so.
    expires_in: int | None = None
    graces: int | None = None


def check_password(
    config: LdapConfig, entry_uuid: UUID | None, password: str, *, deadline: Deadline | None = None
) -> Check:
    """Bind as the entry with this UUID, wherever it is now.

    Without a UUID, or with one that is nowhere, the same work is done for a name that does not exist: somebody
    unknown costs what a wrong password costs.  Raises ``DirectoryUnavailable`` or ``DirectoryRefused``.
    """
    if not _may_bind(password):
        return Check(Verdict.REFUSED)
    deadline = _part(config, deadline)
    with one_of_few(deadline, config.uri), breaker_of(config.uri)():
        entry = _person(config, deadline, entry_uuid or uuid4())
        return _check(config, deadline, entry, password)


def find(config: LdapConfig, name: str, *, deadline: Deadline) -> list[Entry]:
    """Whoever has this login or mail address, as the server compares them; nobody for what can be neither.

    The first half of ``check_password`` for somebody whom the mirror does not know, and as much work;
    ``check_entry`` is the other.  Raises ``DirectoryUnavailable`` or ``DirectoryRefused``.
    """
    deadline = _part(config, deadline)
    with one_of_few(deadline, config.uri), breaker_of(config.uri)(whole=False), reader(config, deadline) as connection:
        return Reading(connection, config, deadline).for_sign_in(name if _may_bind(name) else uuid4())


def check_entry(config: LdapConfig, entry: Entry | None, password: str, *, deadline: Deadline) -> Check:
    """Bind as this entry, or as a name that does not exist.  Raises as ``find``."""
    if not _may_bind(password):
        return Check(Verdict.REFUSED)
    deadline = _part(config, deadline)
    with one_of_few(deadline, config.uri), breaker_of(config.uri)():
        return _check(config, deadline, entry, password)


def _part(config: LdapConfig, whole: Deadline | None) -> Deadline:
    seconds = min(SIGN_IN_SECONDS, config.timeout_seconds * 2)
    if whole is None:
        return Deadline(seconds, config.timeout_seconds)
    return whole.within(seconds, config.timeout_seconds)


def _check(config: LdapConfig, deadline: Deadline, entry: Entry | None, password: str) -> Check:
    if entry is None:
        # Not what was typed: it may be the password of somebody of another directory.
        entry, password = Entry(f"uid={uuid4()},{config.people_base}", {}), uuid4().hex
        _bind(config, deadline, entry, password)
        return Check(Verdict.REFUSED)
    return replace(_bind(config, deadline, entry, password), entry=entry)


def change_password(config: LdapConfig, entry_uuid: UUID, old: str, new: str) -> Outcome:
    """As the person: the server checks the old password once more, and its own rules for the new one.

    Raises ``DirectoryUnavailable`` or ``DirectoryRefused`` where nothing was changed, ``ChangeUncertain`` where the
    server fell silent with the order in hand.
    """
    if not _may_bind(old) or not _may_bind(new):
        return Outcome.WRONG_OLD if not _may_bind(old) else Outcome.QUALITY
    deadline = Deadline(min(CHANGE_SECONDS, config.timeout_seconds * 3), config.timeout_seconds)
    with one_of_few(deadline, config.uri), breaker_of(config.uri)():
        entry = _person(config, deadline, entry_uuid)
        if entry is None:
            return Outcome.CLOSED
        with connect(config, deadline) as connection:
            check = _bind_on(connection, config, deadline, entry, old)
            is_in = check.verdict in (Verdict.ACCEPTED, Verdict.MUST_CHANGE) or check.graces is not None
            outcome = (
                _modify_password(connection, config, deadline, entry.dn, old, new) if is_in else REFUSALS[check.verdict]
            )
        if outcome is not Outcome.EXPIRED:
            return _confirmed(config, entry, new) if outcome is None else outcome
    # The old one is right, and opens nothing any more.
    return reset_password(config, entry_uuid, new)


def reset_password(config: LdapConfig, entry_uuid: UUID, new: str) -> Outcome:
    """By the write account, for a person who has lost the old password; a lock for a while ends with it.

    The person chose the new one themselves: where the server asks for yet another (``pwdMustChange``; slapd does when
    the write account has the right to manage), the mark is taken off.  Raises as ``change_password``.
    """
    if not config.can_write:
        return Outcome.NOT_ALLOWED
    if not _may_bind(new):
        return Outcome.QUALITY
    deadline = Deadline(min(CHANGE_SECONDS, config.timeout_seconds * 3), config.timeout_seconds)
    with one_of_few(deadline, config.uri), breaker_of(config.uri)():
        entry = _person(config, deadline, entry_uuid)
        # Where the entry is now: a link handed out yesterday opens nothing for somebody who left this morning.
        if entry is None or _is_closed(config, entry):
            return Outcome.CLOSED
        with connect(config, deadline) as connection:
            allow(connection, deadline)
            connection.simple_bind_s(config.write_dn, config.write_password)
            outcome = _modify_password(connection, config, deadline, entry.dn, None, new)
            if outcome is Outcome.DONE:
                _take_mark_off(connection, deadline, entry.dn)
        return _confirmed(config, entry, new) if outcome is None else outcome


def _person(config: LdapConfig, deadline: Deadline, entry_uuid: UUID) -> Entry | None:
    with reader(config, deadline) as connection:
        found = Reading(connection, config, deadline).for_sign_in(entry_uuid)
    # A filter on the identifier that gives two entries is a server that cannot be trusted with either.
    return found[0] if len(found) == 1 else None


def _is_closed(config: LdapConfig, entry: Entry) -> bool:
    return state_of(dn_key(entry.dn), entry.attributes, config.rules)[0] is not MemberState.ACTIVE


def _may_bind(password: str) -> bool:
    """RFC 4513 §5.1.2: an empty password is an anonymous bind, and succeeds.  NUL ends a C string."""
    return bool(password) and "\0" not in password and _is_utf8(password)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bind(config: LdapConfig, deadline: Deadline, entry: Entry, password: str) -> Check:
    """A connection of its own: what a person may do must never run on the reader's, nor the other way round."""
    with connect(config, deadline) as connection:
        return _bind_on(connection, config, deadline, entry, password)


def _bind_on(connection: Any, config: LdapConfig, deadline: Deadline, entry: Entry, password: str) -> Check:
    try:
        allow(connection, deadline)
        control = ldap.controls.ppolicy.PasswordPolicyControl()
        *_, controls = connection.simple_bind_s(entry.dn, password, serverctrls=[control])
        # changeAfterReset: the server looked at this very entry, and answers nothing else on this connection.
        if any(getattr(control, "error", None) == CHANGE_AFTER_RESET for control in controls):
            return Check(Verdict.MUST_CHANGE)
        allow(connection, deadline)
        name = connection.whoami_s()
    except ldap.INVALID_CREDENTIALS as error:
        return Check(_refusal(config, error))
    except (
        ldap.INAPPROPRIATE_AUTH,
        ldap.UNWILLING_TO_PERFORM,
        ldap.NO_SUCH_OBJECT,
        ldap.INVALID_DN_SYNTAX,
        ldap.INSUFFICIENT_ACCESS,
        ldap.CONSTRAINT_VIOLATION,
    ):
        return Check(Verdict.REFUSED)
    # A bind that ended as somebody else, or as nobody, is no proof of this person's password.
    if not config.server.is_same(name, entry.dn, entry.attributes):
        return Check(Verdict.REFUSED)
    expires_in, graces = _told_of(controls, "timeBeforeExpiration"), _told_of(controls, "graceAuthNsRemaining")
    # Over already, and let in a few more times; after the last one its holder can no longer change it themself.
    verdict = Verdict.ACCEPTED if graces is None else Verdict.MUST_CHANGE if graces else Verdict.EXPIRED
    return Check(verdict, expires_in=expires_in, graces=graces)


def _told_of(controls: Any, name: str) -> int | None:
    found = (getattr(control, name, None) for control in controls or ())
    return next((int(value) for value in found if value is not None), None)


def _refusal(config: LdapConfig, error: Any) -> Verdict:
    said = _policy_error(error)
    # Said of a right password only: a wrong one on an expired entry is told nothing.
    if said == PASSWORD_EXPIRED or config.server.is_expired(_words(error)):
        return Verdict.EXPIRED
    # Of any password, where the server tells of locks at all (slapd: ``olcPPolicyUseLockout``).
    return Verdict.LOCKED if said == ACCOUNT_LOCKED else Verdict.REFUSED


def _modify_password(
    connection: Any, config: LdapConfig, deadline: Deadline, dn: str, old: str | None, new: str
) -> Outcome | None:
    """What the server says; ``None`` when it took the order and no answer came back."""
    allow(connection, deadline)
    try:
        if config.server.password_change is PasswordChange.ATTRIBUTE:
            connection.modify_s(dn, _as_attribute(old, new))
        else:
            connection.passwd_s(dn, old, new, serverctrls=[ldap.controls.ppolicy.PasswordPolicyControl()])
    except (ldap.CONSTRAINT_VIOLATION, ldap.INVALID_CREDENTIALS, ldap.UNWILLING_TO_PERFORM) as error:
        said = _policy_error(error)
        if said in POLICY_OUTCOMES:
            return POLICY_OUTCOMES[said]
        if config.server.is_wrong_old(_words(error)):
            return Outcome.WRONG_OLD
        return Outcome.QUALITY if isinstance(error, ldap.CONSTRAINT_VIOLATION) else Outcome.NOT_ALLOWED
    except (ldap.INSUFFICIENT_ACCESS, ldap.STRONG_AUTH_REQUIRED):
        return Outcome.NOT_ALLOWED
    except ldap.NO_SUCH_OBJECT:
        return Outcome.CLOSED
    except ldap.LDAPError as error:
        if isinstance(told(error), DirectoryUnavailable):
            return None
        raise
    return Outcome.DONE


def _as_attribute(old: str | None, new: str) -> list[tuple[int, str, list[bytes]]]:
    """[MS-ADTS] §3.1.1.3.1.5: to name the old one is to change it, and checked; to replace it is to reset it."""
    if old is None:
        return [(ldap.MOD_REPLACE, "unicodePwd", [quoted_password(new)])]
    return [
        (ldap.MOD_DELETE, "unicodePwd", [quoted_password(old)]),
        (ldap.MOD_ADD, "unicodePwd", [quoted_password(new)]),
    ]


def _confirmed(config: LdapConfig, entry: Entry, new: str) -> Outcome:
    """The order was given and its answer lost: the new password tells whether it was carried out."""
    deadline = Deadline(min(SIGN_IN_SECONDS, config.timeout_seconds), config.timeout_seconds)
    try:
        verdict = _bind(config, deadline, entry, new).verdict
    except DirectoryUnavailable as error:
        raise ChangeUncertain("the directory fell silent while it changed a password") from error
    if verdict in (Verdict.ACCEPTED, Verdict.MUST_CHANGE):
        return Outcome.DONE
    raise DirectoryUnavailable("the directory fell silent before it changed a password")


def _take_mark_off(connection: Any, deadline: Deadline, dn: str) -> None:
    """Best effort: a write account without this right leaves the mark, and the hub asks once more at sign-in."""
    allow(connection, deadline)
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


def _words(error: Exception) -> str:
    """The server's own words beside its code."""
    given = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(given.get("info") or "")
