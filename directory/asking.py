"""Whose password is this?  Asked of the directories that are followed, the member's own first.

Where there are several, each is given the same to do whoever is meant: one search and one bind.  What a member typed is
shown to their own directory alone.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from directory.ldap import mapping, passwords, sources
from directory.ldap.config import LdapConfig
from directory.ldap.connection import Deadline, Entry
from directory.ldap.passwords import SIGN_IN_SECONDS, Check, Verdict
from directory.models import DirectorySource, Member
from directory.normalise import InvalidName, dn_key, login_key, mail_key
from directory.types import DirectoryRefused, DirectoryUnavailable, MemberState, PartlyUnavailable, SourceState

# What is looked for in a directory under a name that the mirror does not know.  Nothing that has a meaning in a filter;
# and few of the passwords that people type as names, which would end up in the server's log.
NAME = re.compile(r"[\w.+'@-]{1,254}")
# The answers to a right password.
RIGHT = frozenset({Verdict.ACCEPTED, Verdict.MUST_CHANGE, Verdict.EXPIRED})


@dataclass(frozen=True)
class Place:
    """One directory.  Its ``config`` raises ``DirectoryRefused`` where it cannot be asked."""

    source: DirectorySource

    @cached_property
    def config(self) -> LdapConfig:
        return sources.of(self.source)


@dataclass(frozen=True, slots=True)
class Proof:
    """A password that is right: for which entry, of which directory."""

    source: DirectorySource
    config: LdapConfig
    check: Check
    entry: Entry

    @property
    def state(self) -> MemberState:
        """Where the entry is now, not where it was at the last pass: somebody may have left a minute ago."""
        try:
            return mapping.state_of(dn_key(self.entry.dn), self.entry.attributes, self.config.rules)[0]
        except InvalidName:
            return MemberState.MISSING

    @property
    def digest(self) -> str:
        """The one that the mirror has of an entry that is as it was."""
        rules = self.config.rules
        return mapping.digest_of(self.entry.dn, self.entry.attributes, rules.person_keys, rules)


def places_for(member: Member | None) -> list[Place]:
    """The directories to ask, the member's own first.

    One that is paused is asked too, of whoever it may be: where it does not answer, that would tell its members apart.

    Raises ``DirectoryUnavailable`` where there is none at all.
    """
    found = sources.asked_sources()
    own = own_source(member)
    if own is not None:
        found = [own, *(source for source in found if source.pk != own.pk)]
    if not found:
        raise DirectoryUnavailable("no directory is configured")
    return [Place(source) for source in found]


def own_source(member: Member | None) -> DirectorySource | None:
    if member is None or member.entry_uuid is None:
        return None
    try:
        return sources.source_of(member)
    except DirectoryRefused:
        return None


def prove(member: Member | None, name: str, password: str, places: Sequence[Place]) -> Proof | None:
    """The directory's yes, or ``None``.  ``member``: whom the mirror knows by this name; ``name``: as it was typed.

    Raises ``DirectoryUnavailable`` where nobody looked at the password, ``PartlyUnavailable`` where one directory of
    several did not answer and no other said yes: which of them knows the name is not to be told by that.
    """
    asking = _Asking(places, password)
    if member is not None and own_source(member) is not None:
        proof = asking.of_member(member)
    else:
        # An account of the hub's own is nobody there, and so is what can hardly be a name.
        sought = name.strip() if member is None and NAME.fullmatch(name.strip()) else ""
        proof = asking.of_name(sought)
    if proof is not None:
        return proof
    if asking.away:
        if len(asking.away) == len(places):
            raise DirectoryUnavailable(str(asking.away[0])) from asking.away[0]
        raise PartlyUnavailable(looked=asking.looked)
    return None


class _Asking:
    """One form of one password.  All the directories together have the time that one would have."""

    def __init__(self, places: Sequence[Place], password: str) -> None:
        self._places, self._password = places, password
        self._deadline = Deadline(SIGN_IN_SECONDS, SIGN_IN_SECONDS)
        self.away: list[Exception] = []
        self.looked = False

    def of_member(self, member: Member) -> Proof | None:
        own, *others = self._places
        with self._answering():
            check = passwords.check_password(own.config, member.entry_uuid, self._password, deadline=self._share())
            self.looked = True
            if check.entry is not None and check.verdict in RIGHT:
                return Proof(own.source, own.config, check, check.entry)
        for place in others:
            with self._answering():
                passwords.check_password(place.config, None, self._password, deadline=self._share())
        return None

    def of_name(self, name: str) -> Proof | None:
        """Somebody whom the mirror does not know: entered, renamed or unlocked since the last pass; or nobody."""
        found: dict[int, list[Entry]] = {}
        for number, place in enumerate(self._places):
            with self._answering():
                found[number] = passwords.find(place.config, name, deadline=self._share())
        everybody = [(number, entry) for number, entries in found.items() for entry in entries]
        # A name that means two entries is nobody's, whether they are in one directory or in two; and one that does not
        # answer may have the other: what was typed could be the password of somebody there.
        meant = everybody[0] if len(everybody) == 1 and not self.away else None
        # Nobody becomes a member by a directory that is not followed now.
        if meant is not None and self._places[meant[0]].source.state != SourceState.ACTIVE:
            meant = None
        if meant is not None and not _is_called(meant[1], self._places[meant[0]].config, name):
            meant = None
        for number in sorted(found, key=lambda number: meant is None or number != meant[0]):
            place = self._places[number]
            entry = meant[1] if meant is not None and meant[0] == number else None
            with self._answering():
                check = passwords.check_entry(place.config, entry, self._password, deadline=self._share())
                self.looked = self.looked or entry is not None
                if entry is not None and check.verdict in RIGHT:
                    return Proof(place.source, place.config, check, entry)
        return None

    def _share(self) -> Deadline:
        """One that hangs leaves the others their part of the time, and takes as much whoever is meant."""
        seconds = SIGN_IN_SECONDS / len(self._places)
        return self._deadline.within(seconds, seconds)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """What one directory fails at is kept, and the next is asked."""
        try:
            yield
        except (DirectoryUnavailable, DirectoryRefused) as error:
            # The hub's own account or certificate may be at fault: no verdict on anybody's password either.
            self.away.append(error)


def _is_called(entry: Entry, config: LdapConfig, name: str) -> bool:
    """By the hub's own comparison too: a server's may know more or less of case, spaces and forms of a letter."""
    try:
        uuid = config.server.identity_of(entry.attributes)
        details = mapping.person_from(uuid, entry.dn, "", entry.attributes, config.rules).details
    except ValueError:
        # No identity, or no name.
        return False
    keys = (("login_key", login_key(name)), ("email_key", mail_key(name)))
    return any(key and details[item] == key for item, key in keys)
