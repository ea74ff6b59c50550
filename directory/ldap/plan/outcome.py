"""What would be there afterwards: everybody concerned, and what the names in groups come to."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from uuid import UUID

from directory.ldap.plan.groups import Resolved, Resolver, resolve
from directory.ldap.plan.memberships import Memberships
from directory.ldap.plan.removals import Removals
from directory.ldap.plan.types import DERIVED, DETAILS, HOLDS_PEOPLE, PRESENT_STATES, Group, Mirror, Observed, Person


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everybody concerned, and what the names in groups come to."""

    people: Mapping[UUID, Person]
    found: Resolved


def work_out(
    mirror: Mirror, before: Memberships, observed: Observed, removals: Removals, stopped: AbstractSet[str]
) -> Outcome:
    """``stopped``: what waits, and so stays as it is."""
    people = _resulting_people(mirror, observed, removals, stopped)
    groups = _resulting_groups(mirror, observed, removals, stopped)
    return Outcome(people, resolve(groups, Resolver(mirror, people, groups, observed), mirror, before))


def _resulting_people(
    mirror: Mirror, observed: Observed, removals: Removals, stopped: AbstractSet[str]
) -> dict[UUID, Person]:
    keep_ends = bool(stopped & HOLDS_PEOPLE)
    kept_names = {what.removeprefix("attribute ") for what in stopped if what.startswith("attribute ")}
    people: dict[UUID, Person] = {}
    # As they came: in another order each look at a hundred thousand of them is one across all of the memory.
    for person in observed.people:
        known = mirror.people.get(person.entry_uuid)
        result = replace(person, is_held=known.is_held) if known else person
        if known and keep_ends and person.entry_uuid in removals.people:
            result = replace(result, state=known.state, state_reason=known.state_reason)
        if known and kept_names:
            result = _keep_details(result, known, kept_names)
        # Whoever is moved back among the members is somebody again, for the office to find and to welcome back.
        came_back = known and known.state not in PRESENT_STATES and result.state in PRESENT_STATES
        if known and known.is_erased and not result.may_enter and not came_back:
            result = replace(known, state=result.state, state_reason=result.state_reason)
        people[person.entry_uuid] = result
    for uuid, known in mirror.people.items():
        if uuid in people:
            continue
        if uuid in removals.missing and not keep_ends:
            state, reason = removals.people[uuid]
            known = replace(known, state=state, state_reason=reason)
        people[uuid] = known
    return people


def _keep_details(person: Person, known: Person, names: AbstractSet[str]) -> Person:
    details = dict(person.details)
    for name in DETAILS:
        source = DERIVED.get(name, name)
        if source in names and not person.details.get(source):
            details[name] = known.details[name]
    kept_mail = "email" in names and not person.details.get("email")
    return replace(person, details=details, email_state=known.email_state if kept_mail else person.email_state)


def _resulting_groups(
    mirror: Mirror, observed: Observed, removals: Removals, stopped: AbstractSet[str]
) -> dict[UUID, Group]:
    """Groups that are there: as they were seen, or as they are known."""
    groups = {group.entry_uuid: group for group in sorted(observed.groups, key=lambda each: each.entry_uuid.int)}
    stay = {
        uuid: group
        for uuid, group in mirror.groups.items()
        if group.present
        and not group.is_foreign
        and uuid not in groups
        and (uuid not in removals.groups or "groups" in stopped)
    }
    return {**groups, **stay}
