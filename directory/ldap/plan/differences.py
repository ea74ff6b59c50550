"""What a plan comes to, item by item and without anybody's values."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from directory.ldap.plan.types import PLUMBING, GroupChange, PersonChange, Plan

# What changes with an entry's place or a group's list tells a reader more than that it was looked at again.
UNTOLD = PLUMBING - {"dn", "member_keys", "lead_keys", "nested"}


def is_told(change: PersonChange | GroupChange) -> bool:
    return change.verb != "edit" or change.is_taken_over or bool(set(change.changes) - UNTOLD)


def told_changes(plan: Plan) -> Iterator[PersonChange | GroupChange]:
    everything: list[PersonChange | GroupChange] = [*plan.people, *plan.groups]
    return (change for change in everything if is_told(change))


def pairs_of(plan: Plan) -> dict[tuple[str, str], Iterable[tuple[UUID, UUID]]]:
    """Places in groups, of a group and a person each, by kind and by what becomes of them."""
    return {
        ("memberships", "set"): plan.memberships_set,
        ("memberships", "removed"): plan.memberships_removed,
        ("leads", "added"): plan.leads_added,
        ("leads", "removed"): plan.leads_removed,
    }


def how_many(plan: Plan) -> int:
    """As many as a report has lines for; whoever is taken over and returns is one."""
    return sum(1 for _ in told_changes(plan)) + sum(sum(1 for _ in pairs) for pairs in pairs_of(plan).values())


def differences(plan: Plan) -> frozenset[str]:
    """``UUID town``, ``UUID end``, ``memberships set UUID UUID``: what two plans have in common is found by these."""
    found = set()
    for change in told_changes(plan):
        what = sorted(change.changes.keys() - UNTOLD) if change.verb == "edit" else [change.verb]
        found |= {f"{change.entry_uuid} {each}" for each in what}
    for (kind, verb), pairs in pairs_of(plan).items():
        found |= {f"{kind} {verb} {group} {person}" for group, person in pairs}
    return frozenset(found)


def marks(plan: Plan) -> frozenset[str]:
    """The server's marks of the entries as they would be: of the same item, another value has another one."""
    return frozenset(
        f"{change.entry_uuid} {change.verb} {change.is_taken_over} at {change.changes.get('csn', '')}"
        for change in told_changes(plan)
    )
