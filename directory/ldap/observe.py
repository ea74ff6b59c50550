"""What a pass saw that the mirror has not, or otherwise; and whether what was not seen is gone.

Change marks are compared by inequality, never by order: a clock that was set back, a restored backup and a renamed
branch show like any other change.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from directory.ldap import mapping
from directory.ldap.config import LdapConfig
from directory.ldap.connection import Entry
from directory.ldap.plan import Group, Observed, Person
from directory.ldap.reading import Pivots, Reading
from directory.normalise import dn_key, is_under
from directory.types import DirectoryRefused

# From so many that changed on, reading everybody costs less than naming each.
SHARE_NAMED = 1 / 3
# What somebody who waits is told: how many entries were read so far.
Tell = Callable[[str, int], None]
PROGRESS_EVERY = 1000
# Why an entry is not where it should be.
OUT_OF_SCOPE, ENTRY_GONE = "out_of_scope", "entry_gone"
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Known:
    """What the mirror had when the pass began, by the hexadecimal digits of identities: (mark, name)."""

    people: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    group_digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """``in_flux``: something moved while it was read.  ``stirred``: somebody is gone or renamed, and the server may
    still be rewriting their groups.  Either is to be looked at again.
    """

    observed: Observed
    in_flux: bool = False
    stirred: bool = False

    @property
    def watermark(self) -> str:
        return " ".join(self.observed.context_csn)


def by_pivots(read: Reading, config: LdapConfig, known: Known, tell: Tell, *, again: bool) -> Seen:
    """First what tells entries apart, then the details of those that are new or otherwise.

    slapd's refint rewrites the members of groups after a rename or a deletion, a moment later and without a new change
    mark: groups are read whole wherever such a thing was seen, and once more afterwards (``again``).
    """
    found = read.pivots()
    tell("pivots", len(found.people) + len(found.groups))
    others = _changed(found.people, known.people)
    people = _details(read, read.people, others, len(found.people))
    other_groups: Collection[str] = _changed(found.groups, known.groups)
    stirred = _is_stirred(found.people, known.people, others)
    stirred = stirred or _is_stirred(found.groups, known.groups, other_groups)
    groups: dict[str, Entry] = {}
    digests: dict[str, str] = {}
    if stirred or again:
        names = config.rules.group_keys
        for entry in read.groups():
            identity = read.identity_of(entry)
            digests[identity] = mapping.digest_of(entry.dn, entry.attributes, names, config.rules)
            if known.group_digests.get(identity) != digests[identity]:
                groups[identity] = entry
        other_groups = groups.keys() | (found.groups.keys() - digests.keys())
    else:
        groups = _details(read, read.groups, other_groups, len(found.groups))
    tell("details", len(people) + len(groups))
    # Asked for and not given: gone since, as those that were not seen at all.
    unseen_people = (known.people.keys() - found.people.keys()) | (others - people.keys())
    unseen_groups = (known.groups.keys() - found.groups.keys()) | (other_groups - groups.keys())
    return _seen(
        read,
        config,
        known,
        (_one_person(read, identity, entry, config) for identity, entry in people.items()),
        (_one_group(read, identity, entry, config, digests.get(identity, "")) for identity, entry in groups.items()),
        unseen=(unseen_people & known.people.keys(), unseen_groups & known.groups.keys()),
        overlap=not found.people.keys().isdisjoint(known.people.keys()),
        anybody=bool(found.people),
        context=found.context_csn,
        stirred=stirred,
    )


def by_marks(read: Reading, config: LdapConfig, found: Pivots, known: Known) -> Observed:
    """The details of those who were written since (``found``), as far as they are new or otherwise; of nobody else.

    ``known``: of these alone.
    """
    people = read.people(_changed(found.people, known.people))
    groups = read.groups(_changed(found.groups, known.groups))
    return Observed(
        people=tuple(one_person(read, entry, config) for entry in people),
        groups=tuple(_one_group(read, read.identity_of(entry), entry, config) for entry in groups),
        placeholders=config.rules.placeholders,
        context_csn=found.context_csn,
        is_complete=False,
    )


def by_everything(read: Reading, config: LdapConfig, known: Known, tell: Tell, *, force: bool) -> Seen:
    """Every attribute that is mapped, of everybody.  ``known``: digests in place of change marks.

    ``force``: also what has the same digest is worked out again.
    """
    context = read.watermark()
    told = _Progress(tell)
    rules = config.rules

    def read_all(
        entries: Iterable[Entry],
        names: tuple[str, ...],
        kept: Mapping[str, tuple[str, str]],
        made: Callable[[Reading, str, Entry, LdapConfig], E],
    ) -> tuple[dict[str, tuple[str, str]], list[E]]:
        seen: dict[str, tuple[str, str]] = {}
        others: list[E] = []
        for entry in entries:
            identity = read.identity_of(entry)
            if identity in seen:
                raise DirectoryRefused("the directory shows one entry twice")
            seen[identity] = ("", entry.dn)
            told.one_more()
            known_by = kept.get(identity)
            if force or known_by is None or known_by[0] != mapping.digest_of(entry.dn, entry.attributes, names, rules):
                # At once: of all entries together, as they came, half the memory would be needed.
                others.append(made(read, identity, entry, config))
        return seen, others

    seen_people, people = read_all(read.people(), rules.person_keys, known.people, _one_person)
    seen_groups, groups = read_all(read.groups(), rules.group_keys, known.groups, _one_group)
    return _seen(
        read,
        config,
        known,
        people,
        groups,
        unseen=(known.people.keys() - seen_people.keys(), known.groups.keys() - seen_groups.keys()),
        overlap=not seen_people.keys().isdisjoint(known.people.keys()),
        anybody=bool(seen_people),
        context=context,
        stirred=_is_stirred(seen_people, known.people, seen_people)
        or _is_stirred(seen_groups, known.groups, seen_groups),
    )


def one_person(read: Reading, entry: Entry, config: LdapConfig) -> Person:
    return _one_person(read, read.identity_of(entry), entry, config)


def _one_person(read: Reading, identity: str, entry: Entry, config: LdapConfig) -> Person:
    return mapping.person_from(
        UUID(hex=identity),
        entry.dn,
        read.mark_of(entry),
        entry.attributes,
        config.rules,
    )


def _one_group(read: Reading, identity: str, entry: Entry, config: LdapConfig, digest: str = "") -> Group:
    return mapping.group_from(
        UUID(hex=identity),
        entry.dn,
        read.mark_of(entry),
        entry.attributes,
        config.rules,
        digest,
    )


def _changed(found: Mapping[str, tuple[str, str]], known: Mapping[str, tuple[str, str]]) -> set[str]:
    # An empty mark says nothing: such an entry is read in full.
    return {identity for identity, pivot in found.items() if known.get(identity) != pivot or not pivot[0]}


def _is_stirred(
    found: Mapping[str, tuple[str, str]], known: Mapping[str, tuple[str, str]], changed: Iterable[str]
) -> bool:
    """Whether anybody is gone, or is called otherwise than before: whoever is, is among ``changed``."""
    renamed = (identity in known and known[identity][1] != found[identity][1] for identity in changed)
    return not known.keys() <= found.keys() or any(renamed)


def _details(
    read: Reading,
    entries: Callable[[Collection[str] | None], Iterator[Entry]],
    changed: Collection[str],
    total: int,
) -> dict[str, Entry]:
    if not changed:
        return {}
    everybody = len(changed) > total * SHARE_NAMED
    found = {}
    for entry in entries(None if everybody else changed):
        identity = read.identity_of(entry)
        if identity in changed:
            found[identity] = entry
    return found


def _seen(
    read: Reading,
    config: LdapConfig,
    known: Known,
    people: Iterable[Person],
    groups: Iterable[Group],
    *,
    unseen: tuple[Collection[str], Collection[str]],
    overlap: bool,
    anybody: bool,
    context: tuple[str, ...],
    stirred: bool,
) -> Seen:
    located, in_flux = _absences(read, config, *unseen)
    observed = Observed(
        people=tuple(people),
        groups=tuple(groups),
        located=located,
        placeholders=config.rules.placeholders,
        context_csn=context,
        nothing_in_common=bool(known.people) and anybody and not overlap,
    )
    return Seen(observed, in_flux, stirred)


def _absences(
    read: Reading, config: LdapConfig, people: Collection[str], groups: Collection[str]
) -> tuple[dict[UUID, str], bool]:
    """Of each entry that was not seen, why; one that came back meanwhile is not gone.

    Absence is a claim to be proved: each is looked up by itself, over the whole suffix.
    """
    where = read.locate({*people, *groups})
    located: dict[UUID, str] = {}
    in_flux = False
    for missing, base, again in (
        (people, config.people_base, read.people),
        (groups, config.groups_base, read.groups),
    ):
        key = dn_key(base)
        inside = {each for each in missing if each in where and is_under(dn_key(where[each]), key)}
        back = {read.identity_of(entry) for entry in again(inside)} if inside else set()
        in_flux = in_flux or bool(back)
        for each in missing:
            if each not in back:
                located[UUID(hex=each)] = _absence(is_somewhere=each in where)
    return located, in_flux


def _absence(*, is_somewhere: bool) -> str:
    return OUT_OF_SCOPE if is_somewhere else ENTRY_GONE


class _Progress:
    def __init__(self, tell: Tell) -> None:
        self._tell, self._count = tell, 0

    def one_more(self) -> None:
        self._count += 1
        if self._count % PROGRESS_EVERY == 0:
            self._tell("entries", self._count)


def quiet(_phase: str, _count: int, *_: Any) -> None:
    """Nobody waits."""
