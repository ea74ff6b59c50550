"""Who and what would go."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from directory.ldap.plan.early import EARLY
from directory.ldap.plan.types import VALUES, GroupChange, Mirror, Observed, PersonChange
from directory.types import MemberState


@dataclass(frozen=True, slots=True)
class Removals:
    people: Mapping[UUID, tuple[MemberState, str]]
    """Active in the mirror, and no longer: the new state and why."""
    missing: frozenset[UUID]
    """Those of them that were not seen at all."""
    groups: frozenset[UUID]
    closed: frozenset[UUID] = frozenset()
    """Those whose account a look has closed, of which no pass has decided what else comes of it."""


def find_removals(mirror: Mirror, observed: Observed) -> Removals:
    ends: dict[UUID, tuple[MemberState, str]] = {}
    missing = set()
    for uuid, absence in observed.located.items():
        known = mirror.people.get(uuid)
        if known is not None and not known.is_foreign and known.state != MemberState.MISSING:
            missing.add(uuid)
            ends[uuid] = (MemberState.MISSING, absence)
    for now in observed.people if mirror.people else ():
        known = mirror.people.get(now.entry_uuid)
        if known and known.state == MemberState.ACTIVE and now.state != MemberState.ACTIVE:
            ends[now.entry_uuid] = (now.state, now.state_reason)
    ended = frozenset(uuid for uuid in observed.located if (group := mirror.groups.get(uuid)) and group.present)
    closed = (uuid for uuid, known in mirror.people.items() if known.csn == EARLY and known.state != MemberState.ACTIVE)
    return Removals(ends, frozenset(missing), ended, frozenset(closed))


def withdrawn(gone: Iterable[tuple[UUID, UUID]], removals: Removals) -> list[tuple[UUID, UUID]]:
    """Those that go for no other reason than that the group no longer says so: neither group nor person is gone."""
    return [pair for pair in gone if pair[0] not in removals.groups and pair[1] not in removals.missing]


def deposed(gone: Iterable[tuple[UUID, UUID]], removals: Removals) -> list[tuple[UUID, UUID]]:
    """Leads whom their group no longer names, whoever it names instead.

    Without those whose account closes at the same time, which is counted as that.
    """
    at_once = removals.people.keys() | removals.closed
    return [pair for pair in gone if pair[0] not in removals.groups and pair[1] not in at_once]


def gone_by_kind(
    mirror: Mirror,
    people: Sequence[PersonChange],
    groups: Sequence[GroupChange],
    memberships: Iterable[tuple[UUID, UUID]],
    leads: Iterable[tuple[UUID, UUID]],
    removals: Removals,
) -> dict[str, int]:
    """How much these changes take away, by kind as ceilings name them; who comes back makes up for who went.

    A value, a membership or a lead that comes is not one that went: nothing makes up for those.
    """
    found = Counter({"memberships": len(withdrawn(memberships, removals)), "leads": len(deposed(leads, removals))})
    for what, changes in (("people", people), ("groups", groups)):
        found[what] = sum((each.verb == "end") - (each.verb == "return") for each in changes)
    for change in people:
        if change.verb != "join":
            known = mirror.people[change.entry_uuid].details
            lost = (name for name in VALUES if name in change.changes and known[name] and not change.changes[name])
            found.update(f"attribute {name}" for name in lost)
    return {what: count for what, count in found.items() if count}
