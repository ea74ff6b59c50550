"""What a pass reads: first what tells entries apart and whether they changed, then more of those that did.

``userPassword`` is never asked for.  Part of an answer is no answer: anything but a whole one raises, and nothing of it
is used.
"""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined, no-untyped-call"

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ldap.filter

from directory.ldap.config import LdapConfig
from directory.ldap.connection import Deadline, Entry, allow, few, pages, reader, said_gone, told_errors
from directory.ldap.servers import NoIdentity, Server, whole
from directory.types import DirectoryRefused, DirectoryUnavailable

# A pass may take so long with all its answers, and no longer: of a hundred thousand people, some twenty seconds.
PASS_SECONDS = 300.0
PROBE_SECONDS = 5.0
# One filter names so many entries; more would be longer than some servers take.
NAMED = 200


@dataclass(frozen=True, slots=True)
class Pivots:
    """Of every entry in scope, by the hexadecimal digits of its identity: its change mark and its name."""

    people: dict[str, tuple[str, str]]
    groups: dict[str, tuple[str, str]]
    context_csn: tuple[str, ...]


class Reading:
    """One connection of the reader's, and what is asked on it."""

    def __init__(self, connection: Any, config: LdapConfig, deadline: Deadline) -> None:
        self._connection, self._config, self._deadline = connection, config, deadline
        # Called after each page of a list.  Nothing else may be asked on this connection then: slapd ends the list.
        self.between_pages: Callable[[], None] = _nothing
        # Which of several servers of the same content answers, and whether its change marks can be relied on.
        self._origin = ""
        self._counts = not config.server.marks_need_watermark

    def watermark(self) -> tuple[str, ...]:
        """How far the server's content has come; empty where it does not say.  One entry is read."""
        server = self._config.server
        told = self.attributes_of(server.watermark_dn(self._config.base), server.watermark)
        settings = server.origin_dn(told)
        self._origin = server.origin_of(self.attributes_of(settings, ("invocationId",)) if settings else told)
        watermark = server.watermark_of(told, self._origin)
        self._counts = bool(watermark) or not server.marks_need_watermark
        return watermark

    def mark_of(self, entry: Entry) -> str:
        """Empty where nothing tells whether the entry has changed."""
        return self._config.server.mark_of(entry.attributes, self._origin) if self._counts else ""

    def identity_of(self, entry: Entry) -> str:
        """The hexadecimal digits of it.  Raises ``DirectoryRefused`` for an entry that shows none."""
        try:
            return self._config.server.hex_of(entry.attributes)
        except NoIdentity as error:
            raise _unidentified(self._config.server) from error

    def pivots(self) -> Pivots:
        """Everybody and every group, with nothing of their details."""
        config = self._config
        # First: what changes while the rest is read is seen at the next turn.
        context = self.watermark()
        people = self._pivots(config.people_base, config.people_search)
        groups = self._pivots(config.groups_base, config.groups_search)
        return Pivots(people, groups, context)

    def marked_since(self, before: tuple[str, ...], now: tuple[str, ...], *, most: int) -> Pivots | None:
        """Of whoever was written between two watermarks, of which the second is this server's.

        Nothing where the marks do not tell, or of more than so many.  Says nothing of anybody who is not in it.
        """
        config = self._config
        condition = config.server.marked_since(before, now)
        if not condition:
            return None
        found = [
            self._few(base, f"(&{search}{condition})", config.server.pivots, most=most)
            for base, search in ((config.people_base, config.people_search), (config.groups_base, config.groups_search))
        ]
        if any(len(entries) > most for entries in found):
            return None
        people, groups = (
            {self.identity_of(entry): (self.mark_of(entry), entry.dn) for entry in entries} for entries in found
        )
        return Pivots(people, groups, now)

    def said_gone(self, before: tuple[str, ...], *, most: int) -> frozenset[str]:
        """The identities that the server says are gone since it was that far: a hint, which is to be proved.

        Nobody where it keeps no such list, or of more than so many.
        """
        config = self._config
        cookie = config.server.sync_cookie(before)
        if not cookie:
            return frozenset()
        anybody = f"(|{config.people_search}{config.groups_search})"
        told = said_gone(self._connection, self._deadline, config.base, anybody, cookie, most=most)
        return frozenset(each.hex for each in told)

    def people(self, wanted: Collection[str] | None = None) -> Iterator[Entry]:
        """With what is mapped of them: those of these identities (hexadecimal digits), or everybody.

        As the pages come: only who reads on until the end has read all.
        """
        config = self._config
        return self._entries(wanted, config.people_base, config.people_search, config.rules.person_attributes)

    def photos(self, wanted: Collection[str]) -> Iterator[Entry]:
        """Of those of these identities, few at a time: nothing but what tells them apart, and their photo."""
        config = self._config
        attribute = config.rules.person["photo"]
        return self._entries(wanted, config.people_base, config.people_search, (attribute,) if attribute else ())

    def groups(self, wanted: Collection[str] | None = None) -> Iterator[Entry]:
        config = self._config
        return self._entries(wanted, config.groups_base, config.groups_search, config.rules.group_attributes)

    def locate(self, wanted: Collection[str]) -> dict[str, str]:
        """Where each of these entries is now, over the whole suffix; one that is not in the answer is nowhere."""
        found = {}
        for batch in batches(sorted(wanted), NAMED):
            for entry in self._search(self._config.base, self._any_of(batch), self._config.server.pivots):
                found[self.identity_of(entry)] = entry.dn
        return found

    def people_by(self, item: str, value: str) -> list[Entry]:
        """Whoever has this login or mail address, as the server compares it."""
        config = self._config
        attribute = config.rules.person[item]
        if not attribute:
            return []
        filter_ = f"(&{config.people_search}({attribute}={ldap.filter.escape_filter_chars(value)}))"
        names = (*config.server.pivots, *config.rules.person_attributes)
        return list(self._search(config.people_base, filter_, names))

    def for_sign_in(self, who: UUID | str) -> list[Entry]:
        """The entry of this identity, or those that have this login or mail address, as the server compares them.

        In one search whichever it is, with all that is mapped: it may be somebody whom the mirror does not know.  Of
        more than one there are two: they are nobody.
        """
        config = self._config
        if isinstance(who, UUID):
            filter_ = config.server.identity_filter(who)
        else:
            text = ldap.filter.escape_filter_chars(who)
            attributes = [config.rules.person[item] for item in ("login", "email")]
            filter_ = "(|" + "".join(f"({attribute}={text})" for attribute in attributes if attribute) + ")"
        names = (*config.server.pivots, *config.rules.person_attributes)
        filter_ = f"(&{config.people_search}{filter_})"
        found = self._few(config.people_base, filter_, names, most=1)
        return [self._whole(entry) if config.server.ranged(entry.attributes) else entry for entry in found]

    def _pivots(self, base: str, filter_: str) -> dict[str, tuple[str, str]]:
        server, origin, counts = self._config.server, self._origin, self._counts
        found: dict[str, tuple[str, str]] = {}
        count = 0
        try:
            for dn, attributes in self._search(base, filter_, server.pivots):
                found[server.hex_of(attributes)] = (server.mark_of(attributes, origin) if counts else "", dn)
                count += 1
        except NoIdentity as error:
            raise _unidentified(server) from error
        # One identity twice: pages overlapped while the server was changed, or it is not to be trusted.
        if len(found) != count:
            raise DirectoryRefused("the directory shows one entry twice")
        return found

    def _entries(
        self, wanted: Collection[str] | None, base: str, filter_: str, attributes: Sequence[str]
    ) -> Iterator[Entry]:
        names = (*self._config.server.pivots, *attributes)
        if wanted is None:
            yield from self._search(base, filter_, names)
            return
        for batch in batches(sorted(wanted), NAMED):
            yield from self._search(base, f"(&{filter_}{self._any_of(batch)})", names)

    def _any_of(self, wanted: Sequence[str]) -> str:
        return "(|" + "".join(self._config.server.identity_filter(UUID(hex=each)) for each in wanted) + ")"

    def _search(self, base: str, filter_: str, attributes: Sequence[str]) -> Iterator[Entry]:
        server = self._config.server
        for page in pages(self._connection, self._deadline, base, filter_, attributes, size=server.page_size):
            self.between_pages()
            if not server.gives_ranges:
                yield from page
                continue
            for entry in page:
                # A range of values is not all of them (Active Directory: 1,500 members at a time).
                yield self._whole(entry) if server.ranged(entry.attributes) else entry

    def _few(self, base: str, filter_: str, attributes: Sequence[str], *, most: int) -> list[Entry]:
        return few(self._connection, self._deadline, base, filter_, attributes, most=most)

    def _whole(self, entry: Entry) -> Entry:
        parts: list[Mapping[str, Sequence[bytes]]] = [entry.attributes]
        while (more := self._config.server.ranged(parts[-1])) is not None:
            parts.append(self.attributes_of(entry.dn, (more.wanted,)))
        return Entry(entry.dn, whole(parts))

    def attributes_of(self, dn: str, names: Collection[str]) -> dict[str, Sequence[bytes]]:
        """Of one entry by its name; the empty name is the server itself (RFC 4512 §5.1)."""
        allow(self._connection, self._deadline)
        found = self._connection.search_ext_s(dn, ldap.SCOPE_BASE, "(objectClass=*)", list(names))
        return {name.lower(): values for of, each in found if of is not None for name, values in each.items()}


def _nothing() -> None:
    """Nobody has anything to do between two answers."""


def _unidentified(server: Server) -> DirectoryRefused:
    return DirectoryRefused(f"the directory shows no {server.identity}")


@contextmanager
def reading(config: LdapConfig, *, seconds: float | None = None) -> Iterator[Reading]:
    """For as long as a pass may take, unless told otherwise.

    Raises ``DirectoryUnavailable`` or ``DirectoryRefused``, from whatever is read on it too.
    """
    deadline = Deadline(PASS_SECONDS if seconds is None else seconds, config.timeout_seconds)
    with reader(config, deadline) as connection:
        yield Reading(connection, config, deadline)


class Probe:
    """A connection kept open, for one small question twice a second."""

    def __init__(self) -> None:
        self._config: LdapConfig | None = None
        self._kept = ExitStack()
        self._connection: Any = None

    def watermark(self, config: LdapConfig) -> tuple[str, ...]:
        """As ``Reading.watermark``.  A connection that the server has closed meanwhile is opened anew, once."""
        if self._connection is not None and self._config == config:
            try:
                return self._ask(config)
            except DirectoryUnavailable:
                self.close()
        self._open(config)
        return self._ask(config)

    def close(self) -> None:
        self._connection = None
        self._kept.close()

    def _open(self, config: LdapConfig) -> None:
        self.close()
        deadline = Deadline(PROBE_SECONDS, config.timeout_seconds)
        self._connection, self._config = self._kept.enter_context(reader(config, deadline)), config

    def _ask(self, config: LdapConfig) -> tuple[str, ...]:
        deadline = Deadline(PROBE_SECONDS, config.timeout_seconds)
        try:
            with told_errors():
                return Reading(self._connection, config, deadline).watermark()
        except (DirectoryUnavailable, DirectoryRefused):
            self.close()
            raise


def batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
