"""A directory in memory: what slapd would show of it, to the hub's own reading, without a server.

It changes as one does: each write gives an entry another change mark, and a rename or a deletion is carried into the
groups later, without any mark (refint).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from demo.slapd import EmbeddedDirectory
from directory.ldap import sources
from directory.ldap.config import LdapConfig
from directory.ldap.connection import Deadline, Entry
from directory.ldap.reading import Reading, reading
from tests.support.slapd import settle

BASE = "dc=alizarine,dc=example"
MEMBERS = f"ou=membres,ou=personnes,{BASE}"
TEAM = f"ou=equipe,ou=personnes,{BASE}"
FORMER = f"ou=anciens,ou=personnes,{BASE}"
ELSEWHERE = f"ou=services,{BASE}"
GROUPS = f"ou=groupes,{BASE}"
LDAP = {"uri": "ldap://127.0.0.1:1", "base": BASE, "bind_dn": f"cn=lecture,{ELSEWHERE}", "bind_password": "secret"}


@dataclass
class Kept:
    """One entry.  ``kind``: person or group."""

    uuid: UUID
    kind: str
    rdn: str
    branch: str
    csn: str
    attributes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def dn(self) -> str:
        return f"{self.rdn},{self.branch}"


@dataclass
class MemoryDirectory:
    entries: dict[UUID, Kept] = field(default_factory=dict)
    removed: list[Kept] = field(default_factory=list)
    # After which write it was so far, and who went then.
    deletions: list[tuple[str, UUID]] = field(default_factory=list)
    writes: int = 0
    made: int = 0
    # Old name and new one (nothing for one that is gone), to be carried into the groups.
    to_carry: list[tuple[str, str]] = field(default_factory=list)
    # What happens while somebody is given a list: each once, between two of its pages.
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    # Changing it ------------------------------------------------------------------------------------------------

    def add(self, kind: str, rdn: str, branch: str, **attributes: list[str]) -> Kept:
        self.made += 1
        kept = Kept(UUID(int=0xA11 << 96 | self.made), kind, rdn, branch, "", attributes)
        self.entries[kept.uuid] = kept
        return self.written(kept)

    def written(self, kept: Kept) -> Kept:
        self.writes += 1
        kept.csn = f"20261123080000.{self.writes:06}Z#000000#000#000000"
        return kept

    def remove(self, kept: Kept) -> None:
        self.removed.append(self.entries.pop(kept.uuid))
        self.to_carry.append((kept.dn, ""))
        self.writes += 1
        self.deletions.append((self.watermark, kept.uuid))

    def put_back(self, kept: Kept) -> None:
        """As from a backup: the same identity, and the same mark as before."""
        self.entries[kept.uuid] = kept
        self.writes += 1

    def move(self, kept: Kept, rdn: str, branch: str) -> None:
        before = kept.dn
        kept.rdn, kept.branch = rdn, branch
        self.to_carry.append((before, kept.dn))
        self.written(kept)

    def move_branch(self, kept: Kept, branch: str) -> None:
        """With the branch above it: its own mark stays."""
        before = kept.dn
        kept.branch = branch
        self.to_carry.append((before, kept.dn))
        self.writes += 1

    def is_taken(self, rdn: str, branch: str) -> bool:
        return any((each.rdn, each.branch) == (rdn, branch) for each in self.entries.values())

    def carry(self) -> None:
        """refint's turn: in the order in which it was asked, and without a mark."""
        for before, after in self.to_carry:
            for kept in self.of("group"):
                for name in ("member", "owner"):
                    values = kept.attributes.get(name, [])
                    kept.attributes[name] = [value for each in values if (value := after if each == before else each)]
        self.to_carry.clear()

    def of(self, kind: str) -> list[Kept]:
        return [each for each in self.entries.values() if each.kind == kind]

    # Reading it -------------------------------------------------------------------------------------------------

    @property
    def watermark(self) -> str:
        return f"20261123080000.{self.writes:06}Z#000000#000#000000"

    @contextmanager
    def reading(self, config: LdapConfig, **_: Any) -> Iterator[Reading]:
        yield _MemoryReading(self, config)

    def entry(self, kept: Kept, names: Sequence[str]) -> Entry:
        own = {**kept.attributes, "entryUUID": [str(kept.uuid)], "entryCSN": [kept.csn]}
        shown = {name.lower(): [value.encode() for value in own[name]] for name in names if own.get(name)}
        return Entry(kept.dn, shown)


class _MemoryReading(Reading):
    """The hub's own questions; only what it would send over a connection is answered here."""

    def __init__(self, directory: MemoryDirectory, config: LdapConfig) -> None:
        super().__init__(None, config, Deadline(60, 60))
        self._directory, self._asked = directory, config

    def attributes_of(self, dn: str, names: Any) -> dict[str, Sequence[bytes]]:
        assert dn == BASE
        return {"contextcsn": [self._directory.watermark.encode()]}

    def _search(self, base: str, filter_: str, attributes: Sequence[str]) -> Iterator[Entry]:
        wanted = {UUID(each) for each in re.findall(r"entryUUID=([0-9a-f-]{36})", filter_)}
        kinds = {"person": self._asked.people_search, "group": self._asked.groups_search}
        meant = [kind for kind, search in kinds.items() if search in filter_] or list(kinds)
        for kept in list(self._directory.entries.values()):
            if not wanted and self._directory.meanwhile:
                self._directory.meanwhile.pop()()
            self.between_pages()
            # As it is by then.
            there = kept.uuid in self._directory.entries and kept.branch.endswith(base)
            if there and kept.kind in meant and (not wanted or kept.uuid in wanted):
                yield self._directory.entry(kept, attributes)

    def _few(self, base: str, filter_: str, attributes: Sequence[str], *, most: int) -> list[Entry]:
        since = re.findall(r"entryCSN>=([^)]+)\)", filter_)[0]
        kind = "person" if self._asked.people_search in filter_ else "group"
        found = [each for each in self._directory.of(kind) if each.csn >= since and each.branch.endswith(base)]
        return [self._directory.entry(each, attributes) for each in found[: most + 1]]

    def said_gone(self, before: tuple[str, ...], *, most: int) -> frozenset[str]:
        gone = [each.hex for when, each in self._directory.deletions if before and when > before[0]]
        return frozenset(gone if len(gone) <= most else ())


@dataclass
class RealDirectory(MemoryDirectory):
    """The same, done to a slapd as well: identities, marks and what refint does are its own."""

    server: EmbeddedDirectory = field(default_factory=lambda: EmbeddedDirectory(Path("/nonexistent")))
    there: dict[UUID, tuple[str, dict[str, list[str]]]] = field(default_factory=dict)

    def written(self, kept: Kept) -> Kept:
        super().written(kept)
        wanted = _with_what_must_be(kept)
        dn, before = self.there.get(kept.uuid, ("", {}))
        if not dn:
            classes = ["inetOrgPerson"] if kept.kind == "person" else ["groupOfNames"]
            self.server.modify(f"dn: {kept.dn}\nchangetype: add\n{_lines({'objectClass': classes, **wanted})}")
        else:
            if dn != kept.dn:
                self.server.modify(
                    f"dn: {dn}\nchangetype: modrdn\nnewrdn: {kept.rdn}\ndeleteoldrdn: 1\nnewsuperior: {kept.branch}\n"
                )
            others = {name: wanted.get(name, []) for name in {*wanted, *before} if wanted.get(name) != before.get(name)}
            changes = "-\n".join(f"replace: {name}\n{_lines({name: others[name]})}" for name in sorted(others))
            self.server.modify(f"dn: {kept.dn}\nchangetype: modify\n{changes}" if changes else "")
        self.there[kept.uuid] = (kept.dn, wanted)
        return kept

    def remove(self, kept: Kept) -> None:
        super().remove(kept)
        self.server.modify(f"dn: {self.there.pop(kept.uuid)[0]}\nchangetype: delete\n")

    def put_back(self, kept: Kept) -> None:
        """Typed in again: slapd takes nobody's identity but its own."""
        super().put_back(kept)
        self.written(kept)

    def move_branch(self, kept: Kept, branch: str) -> None:
        self.move(kept, kept.rdn, branch)

    def carry(self) -> None:
        super().carry()
        settle(self.server)

    def entry(self, kept: Kept, names: Sequence[str]) -> Entry:
        with reading(sources.load()) as read:
            return Entry(kept.dn, read.attributes_of(kept.dn, names))


def _with_what_must_be(kept: Kept) -> dict[str, list[str]]:
    own = {name: list(dict.fromkeys(values)) for name, values in kept.attributes.items() if values}
    if kept.kind == "person":
        return {"cn": [kept.rdn.partition("=")[2]], "sn": ["X"], **own}
    return {"member": [f"cn=personne,{ELSEWHERE}"], **own}


def _lines(attributes: dict[str, list[str]]) -> str:
    return "".join(f"{name}: {value}\n" for name, values in attributes.items() for value in values)
