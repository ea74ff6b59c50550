"""Correcting an entry: as the write account, only what a source lets members correct, and never over somebody's change.

Never a password: ``directory.ldap.passwords`` sets those.
"""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined, no-untyped-call"

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import ldap
import ldap.controls.libldap
import ldap.controls.readentry
import ldap.filter

from directory.ldap import edits
from directory.ldap.config import LdapConfig
from directory.ldap.connection import Deadline, Entry, allow, breaker_of, connect, one_of_few, reader, told
from directory.ldap.edits import Edit, NobodyLeft, Unwritable
from directory.ldap.reading import Reading
from directory.ldap.rules import MEMBERSHIPS, NEVER_WRITABLE, may_be_read, may_be_written
from directory.ldap.servers import ASSERTION, POST_READ
from directory.normalise import name_keys
from directory.types import ChangeUncertain, DirectoryRefused, DirectoryUnavailable

CHANGE_SECONDS = 6.0
# Somebody else may write in the very moment between reading and writing: tried again on what they left.
TRIES = 3
NAMED = re.compile(r"(?:attribute )?'?(?P<name>[A-Za-z][A-Za-z0-9-]*)'?(?::| )")
NOT_ALLOWED = (ldap.INSUFFICIENT_ACCESS, ldap.STRONG_AUTH_REQUIRED, ldap.UNWILLING_TO_PERFORM)
UNFIT = (
    ldap.INVALID_SYNTAX,
    ldap.CONSTRAINT_VIOLATION,
    ldap.OBJECT_CLASS_VIOLATION,
    ldap.UNDEFINED_TYPE,
    ldap.NOT_ALLOWED_ON_RDN,
    ldap.TYPE_OR_VALUE_EXISTS,
)


@dataclass(frozen=True, slots=True)
class Written:
    """The entry as it is now, with its change mark, which is empty where the server shows none.

    ``changed``: false where it was already as it was wanted.
    """

    entry: Entry
    mark: str
    changed: bool = True


class Conflict(Exception):
    """Somebody else was faster; ``now`` is the entry as they left it, or nothing where it is gone."""

    def __init__(self, now: Written | None) -> None:
        super().__init__("the entry is not as it was seen")
        self.now = now


class LastMember(Exception):
    """The group would be left without anybody, which its class does not allow."""


class NotLed(Exception):
    """The directory does not say, or no longer, that this person leads this group."""


class NotAllowed(Exception):
    """The write account, or the source's rules, leave these items alone."""

    def __init__(self, items: Sequence[str]) -> None:
        super().__init__(", ".join(items))
        self.items = tuple(items)


class Unfit(Exception):
    """The server takes no such value for these items."""

    def __init__(self, items: Sequence[str]) -> None:
        super().__init__(", ".join(items))
        self.items = tuple(items)


Plan = Callable[[Entry], dict[str, Edit]]
Look = Callable[[LdapConfig, Deadline, UUID, Sequence[str]], Written | None]


def write(config: LdapConfig, entry_uuid: UUID, wanted: Mapping[str, str], *, seen: Mapping[str, str]) -> Written:
    """Give these items these values, where the items of ``seen`` are still as they were seen.

    Both name items as the hub does, with values in its form.  What somebody else changed beside is kept.
    Raises ``Conflict``, ``NotAllowed``, ``Unfit``; ``DirectoryUnavailable`` or ``DirectoryRefused`` where nothing was
    written; ``ChangeUncertain`` where the server fell silent with the order in hand and could not be asked what it did.
    """
    _check_writable(config, wanted)

    def plan(now: Entry) -> dict[str, Edit]:
        held = edits.shown(now.attributes, config.rules)
        try:
            found = {item: edits.edit_of(item, text, now.attributes, config.rules) for item, text in wanted.items()}
        except Unwritable as error:
            raise Unfit([error.item]) from error
        to_do = {item: edit for item, edit in found.items() if edit is not None}
        # What is already as it was wanted is nobody's conflict: such is a change whose answer was lost, sent again.
        if any(held[item] != value and (item in to_do or item not in wanted) for item, value in seen.items()):
            raise _Overtaken
        return to_do

    return _carry_out(config, entry_uuid, plan)


def write_photo(config: LdapConfig, entry_uuid: UUID, content: bytes) -> Written:
    """The photo that the hub shows, or none (empty).  Raises as ``write``; somebody else's photo is no conflict."""
    _check_writable(config, ["photo"])

    def plan(now: Entry) -> dict[str, Edit]:
        edit = edits.photo_edit(content, now.attributes, config.rules)
        return {"photo": edit} if edit is not None else {}

    return _carry_out(config, entry_uuid, plan, beside=(config.rules.person["photo"],))


def write_membership(config: LdapConfig, group: UUID, person: UUID, *, wanted: bool, lead: UUID) -> Written:
    """Put this person into this group by name, or take them out, by the word of who leads it; the group as it is then.

    What others change in the group at the same time is kept.  That ``lead`` leads it is read there and then: the mirror
    may be behind.  Raises as ``write``; ``NotLed``, ``LastMember``, and ``Conflict`` where one of them is gone.
    """
    if not config.can_write or not config.rules.memberships_writable:
        raise NotAllowed([MEMBERSHIPS])
    with one_of_few(deadline := _deadline(config), config.uri), breaker_of(config.uri)():
        who, leading = _read(config, deadline, person), _read(config, deadline, lead)
    if who is None:
        raise Conflict(None)
    leads = name_keys([leading.entry.dn.encode()]) if leading else set[str]()

    def plan(now: Entry) -> dict[str, Edit]:
        if not leads or leads.isdisjoint(name_keys(now.attributes.get(config.rules.group["lead"].lower(), ()))):
            raise NotLed
        try:
            edit = edits.member_edit(who.entry.dn, now.attributes, config.rules, wanted=wanted)
        except NobodyLeft as error:
            raise LastMember from error
        return {MEMBERSHIPS: edit} if edit is not None else {}

    return _carry_out(config, group, plan, look=_read_group)


class _Overtaken(Exception):
    """What was read is not what was seen."""


def _check_writable(config: LdapConfig, items: Collection[str]) -> None:
    closed = [
        item
        for item in items
        if item not in config.rules.writable
        or item in NEVER_WRITABLE
        or not may_be_read(config.rules.person[item])
        or not may_be_written(item, config.rules.person, config.server)
    ]
    if closed or not config.can_write:
        raise NotAllowed(sorted(closed or items))


def _deadline(config: LdapConfig) -> Deadline:
    return Deadline(min(CHANGE_SECONDS, config.timeout_seconds * 3), config.timeout_seconds)


def _carry_out(
    config: LdapConfig, entry_uuid: UUID, plan: Plan, *, beside: Sequence[str] = (), look: Look | None = None
) -> Written:
    deadline, look = _deadline(config), look or _read
    with one_of_few(deadline, config.uri), breaker_of(config.uri)():
        for _attempt in range(TRIES):
            before = look(config, deadline, entry_uuid, beside)
            if before is None:
                raise Conflict(None)
            try:
                edits_ = plan(before.entry)
            except _Overtaken:
                raise Conflict(before) from None
            if not edits_:
                return replace(before, changed=False)
            after = _modify(config, deadline, before, edits_, look)
            if after is not None:
                return after
        raise Conflict(look(config, deadline, entry_uuid, beside))


def _read(config: LdapConfig, deadline: Deadline, entry_uuid: UUID, beside: Sequence[str] = ()) -> Written | None:
    """As the reader sees it: what the write account sees more or less of is nothing to the mirror."""
    with reader(config, deadline) as connection:
        reading = Reading(connection, config, deadline)
        # Which of several servers answers: without it, a mark of theirs means nothing.
        reading.watermark()
        found = list(reading.people([entry_uuid.hex]))
        if len(found) != 1:
            return None
        entry = found[0]
        if beside:
            entry = Entry(entry.dn, {**entry.attributes, **reading.attributes_of(entry.dn, beside)})
        return Written(entry, reading.mark_of(entry))


def _read_group(
    config: LdapConfig, deadline: Deadline, entry_uuid: UUID, _beside: Sequence[str] = ()
) -> Written | None:
    with reader(config, deadline) as connection:
        reading = Reading(connection, config, deadline)
        reading.watermark()
        found = list(reading.groups([entry_uuid.hex]))
        return Written(found[0], reading.mark_of(found[0])) if len(found) == 1 else None


def _modify(
    config: LdapConfig, deadline: Deadline, before: Written, wanted: Mapping[str, Edit], look: Look
) -> Written | None:
    """The entry afterwards; nothing where somebody was faster, and nothing was written.

    A connection of its own: what the write account may do never runs on the reader's, nor the other way round.
    """
    with connect(config, deadline) as connection:
        allow(connection, deadline)
        connection.simple_bind_s(config.write_dn, config.write_password)
        asserted = _offers(connection, deadline, {ASSERTION, POST_READ}) and bool(before.mark)
        controls = _controls(config, before.mark) if asserted else []
        try:
            allow(connection, deadline)
            answered = connection.modify_ext_s(before.entry.dn, _orders(wanted.values()), serverctrls=controls)
        except (ldap.ASSERTION_FAILED, ldap.NO_SUCH_ATTRIBUTE, ldap.NO_SUCH_OBJECT):
            # By assertion (RFC 4528), or since a value that was to go is no longer there.
            return None
        except NOT_ALLOWED as error:
            raise NotAllowed(_named(error, config, wanted)) from error
        except ldap.TYPE_OR_VALUE_EXISTS as error:
            if MEMBERSHIPS in wanted:
                # Somebody put them in first.
                return None
            raise Unfit(_named(error, config, wanted)) from error
        except UNFIT as error:
            if MEMBERSHIPS in wanted and isinstance(error, ldap.OBJECT_CLASS_VIOLATION):
                raise LastMember from error
            raise Unfit(_named(error, config, wanted)) from error
        except ldap.LDAPError as error:
            if not isinstance(told(error), DirectoryUnavailable):
                raise
            answered = None
    if answered is None:
        return _looked_up(config, before, wanted, look)
    return _after(config, deadline, before, wanted, answered[3], look)


def _offers(connection: Any, deadline: Deadline, controls: set[bytes]) -> bool:
    allow(connection, deadline)
    found = connection.search_ext_s("", ldap.SCOPE_BASE, "(objectClass=*)", ["supportedControl"])
    said = {value for _dn, root in found for values in root.values() for value in values}
    return controls <= said


def _controls(config: LdapConfig, mark: str) -> list[Any]:
    name = config.server.marks[0]
    return [
        ldap.controls.libldap.AssertionControl(True, f"({name}={ldap.filter.escape_filter_chars(mark)})"),
        ldap.controls.readentry.PostReadControl(True, [*config.server.pivots]),
    ]


def _orders(wanted: Iterable[Edit]) -> list[tuple[int, str, list[bytes] | None]]:
    """Named values go first: a server carries them out in order (RFC 4511 §4.6)."""
    orders: list[tuple[int, str, list[bytes] | None]] = []
    for edit in wanted:
        if edit.whole is not None:
            orders.append((ldap.MOD_REPLACE, edit.attribute, list(edit.whole) or None))
            continue
        if edit.gone:
            orders.append((ldap.MOD_DELETE, edit.attribute, list(edit.gone)))
        if edit.new:
            orders.append((ldap.MOD_ADD, edit.attribute, list(edit.new)))
    return orders


def _named(error: Exception, config: LdapConfig, wanted: Mapping[str, Edit]) -> list[str]:
    """The item that the server complains of, as far as it says; else all of them."""
    given = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    said = {found["name"].lower() for found in NAMED.finditer(str(given.get("info", "")))}
    return [item for item in wanted if config.rules.person.get(item, "").lower() in said] or list(wanted)


def _after(
    config: LdapConfig, deadline: Deadline, before: Written, wanted: Mapping[str, Edit], controls: Any, look: Look
) -> Written:
    """By assertion the entry was as it had been read, so it is now that with these edits, under the mark that came."""
    for control in controls or ():
        if control.controlType == ldap.controls.readentry.PostReadControl.controlType:
            given: dict[str, list[bytes]] = {name.lower(): values for name, values in control.entry.items()}
            mark = config.server.mark_of(given)
            if mark:
                marks = {name.lower(): given[name.lower()] for name in config.server.marks}
                return Written(_edited(before.entry, wanted, marks), mark)
    uuid = config.server.identity_of(before.entry.attributes)
    beside = [edit.attribute for item, edit in wanted.items() if item == "photo"]
    now = look(config, deadline, uuid, beside)
    if now is None:
        raise Conflict(None)
    return now


def _edited(entry: Entry, wanted: Mapping[str, Edit], marks: Mapping[str, Sequence[bytes]]) -> Entry:
    attributes = {**entry.attributes, **marks}
    for edit in wanted.values():
        values = edit.applied(attributes.pop(edit.attribute.lower(), ()))
        if values:
            attributes[edit.attribute.lower()] = values
    return Entry(entry.dn, attributes)


def _looked_up(config: LdapConfig, before: Written, wanted: Mapping[str, Edit], look: Look) -> Written:
    """The order was given and its answer lost: the entry tells whether it was carried out."""
    deadline = Deadline(min(CHANGE_SECONDS, config.timeout_seconds), config.timeout_seconds)
    uuid = config.server.identity_of(before.entry.attributes)
    beside = [edit.attribute for item, edit in wanted.items() if item == "photo"]
    try:
        now = look(config, deadline, uuid, beside)
    except (DirectoryUnavailable, DirectoryRefused) as error:
        raise ChangeUncertain("the directory fell silent while it changed an entry") from error
    expected = _edited(before.entry, wanted, {}).attributes
    names = [edit.attribute.lower() for edit in wanted.values()]
    if now is None or any(set(now.entry.attributes.get(name, ())) != set(expected.get(name, ())) for name in names):
        raise DirectoryUnavailable("the directory fell silent before it changed an entry")
    return now
