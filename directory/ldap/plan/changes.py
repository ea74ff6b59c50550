"""From what is to what would be, entry by entry."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from uuid import UUID

from directory.ldap.plan.removals import Removals
from directory.ldap.plan.types import Group, GroupChange, Mirror, Person, PersonChange
from directory.types import MemberState


def _columns(person: Person) -> dict[str, object]:
    return {
        "dn": person.dn,
        "dn_key": person.dn_key,
        "csn": person.csn,
        "digest": person.digest,
        "state": person.state,
        "state_reason": person.state_reason,
        "login_ambiguous": person.login_ambiguous,
        "email_state": person.email_state,
        **person.details,
    }


def person_changes(mirror: Mirror, people: Mapping[UUID, Person]) -> Iterator[PersonChange]:
    for uuid, person in people.items():
        after = _columns(person)
        known = mirror.people.get(uuid)
        if known is None:
            yield PersonChange("join", uuid, person.dn, after)
            continue
        before = _columns(known)
        changed = {name: value for name, value in after.items() if before[name] != value}
        if not changed:
            continue
        verb = "edit"
        if "state" in changed:
            was_in, is_in = known.state == MemberState.ACTIVE, person.state == MemberState.ACTIVE
            # An entry that returns opens nothing while the cooperative holds the account back.
            verb = "end" if was_in else "return" if is_in and not person.is_held else "edit"
        yield PersonChange(verb, uuid, person.dn, changed, _is_taken_over(known, changed))


def _is_taken_over(known: Person | Group, changed: Mapping[str, object]) -> bool:
    """Shown by this source, and not only concerned by it."""
    return known.is_left_over and bool({"csn", "digest"} & changed.keys())


def _group_columns(group: Group) -> dict[str, object]:
    return {
        "dn": group.dn,
        "dn_key": group.dn_key,
        "csn": group.csn,
        "digest": group.digest,
        "name": group.name,
        "kind": group.kind,
        "description": group.description,
        "present": group.present,
        "unknown_keys": list(group.unknown_keys),
        "nested": group.nested,
        **(
            {}
            if group.member_keys is None or group.lead_keys is None
            else {"member_keys": list(group.member_keys), "lead_keys": list(group.lead_keys)}
        ),
    }


def group_changes(
    mirror: Mirror, groups: Mapping[UUID, Group], removals: Removals, stopped: AbstractSet[str]
) -> Iterator[GroupChange]:
    for uuid, group in groups.items():
        after = _group_columns(group)
        known = mirror.groups.get(uuid)
        if known is None:
            yield GroupChange("new", uuid, group.dn, after)
            continue
        before = _group_columns(known)
        changed = {name: value for name, value in after.items() if name not in before or before[name] != value}
        if changed:
            verb = "edit" if known.present else "return"
            yield GroupChange(verb, uuid, group.dn, changed, _is_taken_over(known, changed))
    if "groups" not in stopped:
        for uuid in sorted(removals.groups):
            yield GroupChange("end", uuid, mirror.groups[uuid].dn, {"present": False, "csn": "", "digest": ""})
