"""From the names that stand in groups to people: direct members, leads, groups in groups."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from uuid import UUID

from directory.ldap.graph import closure
from directory.ldap.plan.issues import CYCLE_ISSUE
from directory.ldap.plan.memberships import Memberships
from directory.ldap.plan.types import PRESENT_STATES, Group, Issue, Mirror, Observed, Person
from directory.types import MemberState


class Resolver:
    """From the key of a name to whose it is: what is there now first, then what was called so a moment ago."""

    def __init__(
        self, mirror: Mirror, people: Mapping[UUID, Person], groups: Mapping[UUID, Group], observed: Observed
    ) -> None:
        # Whoever is erased is nobody's member, as long as they have not returned.
        erased = {uuid for uuid, person in people.items() if person.is_erased}
        self.placeholders = observed.placeholders | {
            person.dn_key for person in observed.people if person.entry_uuid in erased
        }
        seen = {person.entry_uuid for person in observed.people} - erased
        # Former names: references still name the old one for a moment after a rename (slapd's refint is asynchronous).
        former_people = {known.dn_key: uuid for uuid, known in mirror.people.items() if uuid in seen}
        former_groups = {known.dn_key: uuid for uuid, known in mirror.groups.items() if uuid in groups}
        self.people: dict[str, UUID] = dict(former_people)
        present: dict[str, UUID] = {}
        # People who are not gone, or are held although they were not seen, keep their name; present names win.
        for uuid, person in people.items():
            if uuid in seen:
                present[person.dn_key] = uuid
                continue
            if uuid in erased or person.is_foreign or not person.dn_key:
                continue
            unchanged = uuid not in observed.located and person.state != MemberState.MISSING
            if unchanged or person.state in PRESENT_STATES:
                self.people[person.dn_key] = uuid
        self.people.update(mirror.bystanders)
        self.people.update(present)
        for key, uuid in observed.names.items():
            if uuid in people and uuid not in erased and people[uuid].state != MemberState.MISSING:
                self.people.setdefault(key, uuid)
        self.groups: dict[str, UUID] = dict(former_groups)
        self.groups.update({group.dn_key: uuid for uuid, group in groups.items()})
        self.former = (former_people.keys() - present.keys() - mirror.bystanders.keys()) | {
            key for key, uuid in former_groups.items() if groups[uuid].dn_key != key and self.groups.get(key) == uuid
        }


@dataclass(frozen=True, slots=True)
class Resolved:
    groups: Mapping[UUID, Group]
    memberships: Memberships
    leads: AbstractSet[tuple[UUID, UUID]]
    issues: tuple[Issue, ...]
    resolved: frozenset[UUID]
    """The groups whose names were looked at."""
    unsettled: bool


def resolve(groups: Mapping[UUID, Group], resolver: Resolver, mirror: Mirror, before: Memberships) -> Resolved:
    """Names to people; nesting and cycles computed once, over all groups that are concerned."""
    issues: list[Issue] = []
    direct: dict[UUID, set[int]] = {}
    children: dict[UUID, set[UUID]] = {}
    leads: set[tuple[UUID, UUID]] = set(mirror.leads_touched)
    result: dict[UUID, Group] = dict(groups)
    unsettled = False
    for uuid, group in groups.items():
        if group.member_keys is None or group.lead_keys is None:
            direct[uuid] = {person for person, own in before.get(uuid.int, {}).items() if own}
            children[uuid] = {child for child in group.nested if child in groups}
            continue
        leads -= {pair for pair in leads if pair[0] == uuid}
        direct[uuid], children[uuid], unknown = set(), set(), []
        for key in group.member_keys if mirror.names is None else mirror.names.intersection(group.member_keys):
            if key in resolver.people:
                direct[uuid].add(resolver.people[key].int)
            elif key in resolver.groups:
                children[uuid].add(resolver.groups[key])
            elif key not in resolver.placeholders:
                unknown.append(key)
        if unknown:
            issues.append(Issue(uuid, group.dn, "group_member_unknown", f"{len(unknown)} of {len(group.member_keys)}"))
        if uuid in children[uuid]:
            children[uuid].discard(uuid)
            issues.append(Issue(uuid, group.dn, "group_in_itself"))
        lead_keys = [key for key in group.lead_keys if key not in resolver.placeholders]
        leads |= {(uuid, resolver.people[key]) for key in lead_keys if key in resolver.people}
        unknown_leads = [key for key in lead_keys if key not in resolver.people]
        if unknown_leads:
            issues.append(Issue(uuid, group.dn, "group_lead_unknown"))
        goes_by_former = not all(map(resolver.former.isdisjoint, (group.member_keys, group.lead_keys)))
        unsettled = unsettled or goes_by_former
        result[uuid] = replace(
            group,
            # What goes by a former name is read again at the next pass, changed or not.
            csn="" if goes_by_former else group.csn,
            digest="" if goes_by_former else group.digest,
            unknown_keys=tuple(sorted({*unknown, *unknown_leads})),
            nested=frozenset(children[uuid]),
        )
    everybody, cycles = closure(direct, children)
    for cycle in cycles:
        names = ", ".join(sorted(groups[uuid].name for uuid in cycle))
        issues += [Issue(uuid, groups[uuid].dn, CYCLE_ISSUE, names) for uuid in sorted(cycle)]
    memberships = {
        uuid.int: {**dict.fromkeys(people, False), **dict.fromkeys(direct[uuid], True)}
        for uuid, people in everybody.items()
        if uuid in mirror.touched
    }
    resolved = frozenset(uuid for uuid, group in groups.items() if group.member_keys is not None)
    leads = {pair for pair in leads if pair[0] in groups}
    return Resolved(result, memberships, leads, tuple(issues), resolved, unsettled)
