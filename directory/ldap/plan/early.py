"""What may be carried out before everybody was looked for: nothing that could be a mistake."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from directory.ldap.plan.types import GroupChange, Observed, PersonChange, Plan
from directory.types import MemberState

C = TypeVar("C", PersonChange, GroupChange)
# How somebody is found in groups, and whether they may enter: a whole pass judges what comes of those.
WITH_EVERYBODY = frozenset({"dn", "dn_key", "state", "state_reason", "login_ambiguous"})
# No server's mark.  What a pass has in hand of an entry that has it is older, and the next one reads the entry again.
EARLY = "~"
MARKED: Mapping[str, object] = {"csn": EARLY, "digest": EARLY}
PLACE = frozenset({"dn", "dn_key", *MARKED})
STATE = ("state", "state_reason")
# Whom a group leads to otherwise than by naming them.
BY_OTHERS = frozenset({"nested", "unknown_keys"})


def only_written(plan: Plan, observed: Observed, there: AbstractSet[UUID]) -> bool:
    """Whether a plan made of some entries alone comes to what was written in them: what they add, correct and empty,
    and whom a group names now or no longer.  It concerns nobody's account and no group but those entries'.

    Whoever is gone or was renamed shows in no search for what was written: somebody who comes in their place, under
    their login or with their address, waits for the pass that sees both.  So does what somebody would have to settle,
    and what a group says of somebody who is not ``there``, where they were: the server may have taken them out of it,
    and their name may be another's.
    """
    set_, out = {*plan.memberships_set, *plan.leads_added}, {*plan.memberships_removed, *plan.leads_removed}
    groups = {group.entry_uuid for group in observed.groups}
    return (
        not plan.unsettled
        and groups.issuperset(group for group, _person in set_ | out)
        and groups.issuperset(change.entry_uuid for change in plan.groups)
        and {person for _group, person in set_ | out} <= there | _seen(observed)
        and not (out and any(BY_OTHERS & change.changes.keys() for change in plan.groups))
        and _concerns_only(plan, observed)
        and all(
            change.changes["state"] == MemberState.ACTIVE
            if change.verb == "join"
            else change.verb == "edit" and WITH_EVERYBODY.isdisjoint(change.changes)
            for change in plan.people
        )
        and all(
            change.verb == "new" or (change.verb == "edit" and not {"dn", "dn_key"} & change.changes.keys())
            for change in plan.groups
        )
    )


def only_values(plan: Plan, observed: Observed) -> Plan:
    """Of a plan made of some entries alone, the new values of those who were renamed or moved; empty where any waits.

    Their place is for the pass that sees everybody: until it is written, groups find them by the name that they had.
    So is what they have no longer, which counts for the day.
    """
    edits = [replace(change, changes=_without(change.changes, PLACE)) for change in plan.people]
    if plan.gone or not _concerns_only(plan, observed):
        return Plan()
    if any(change.verb != "edit" or not WITH_EVERYBODY.isdisjoint(change.changes) for change in edits):
        return Plan()
    return Plan(
        people=tuple(replace(change, changes={**change.changes, **MARKED}) for change in edits if change.changes)
    )


def _concerns_only(plan: Plan, observed: Observed) -> bool:
    """Nobody has to settle anything, and nobody but whoever was observed is another by it."""
    return not (plan.held or plan.lifted or plan.opened) and _seen(observed).issuperset(
        change.entry_uuid for change in plan.people
    )


def _seen(observed: Observed) -> frozenset[UUID]:
    return frozenset(person.entry_uuid for person in observed.people)


def _without(changes: Mapping[str, object], names: AbstractSet[str]) -> dict[str, object]:
    return {name: value for name, value in changes.items() if name not in names}


def only_ends(plan: Plan, gone: AbstractSet[UUID]) -> Plan:
    """Of a plan made of some entries alone, the accounts that close by it, and nothing else; empty where any waits.

    ``gone``: who is nowhere any more, and so in no collective.  Of everybody else only the state is written: their
    names, and the groups, are for a pass that sees everybody, which looks at them for their mark.
    """
    ends = tuple(
        replace(change, changes={**{name: change.changes[name] for name in STATE if name in change.changes}, **MARKED})
        for change in plan.people
        if change.verb == "end"
    )
    if plan.held or plan.lifted or not ends:
        return Plan()
    out = gone & {change.entry_uuid for change in ends}
    return Plan(
        people=ends,
        memberships_removed=frozenset(pair for pair in plan.memberships_removed if pair[1] in out),
        leads_removed=frozenset(pair for pair in plan.leads_removed if pair[1] in out),
        gone={"people": len(ends)},
    )


def together(first: Plan, then: Plan) -> Plan:
    """What two plans changed, of which the second was made when the first had been carried out; as one tells of it."""
    told = then.settled | {(issue.entry_uuid, issue.code) for issue in then.issues}
    return replace(
        then,
        people=tuple(_one_by_one(first.people, then.people)),
        groups=tuple(_one_by_one(first.groups, then.groups)),
        memberships_set={**first.memberships_set, **then.memberships_set},
        memberships_removed=first.memberships_removed | then.memberships_removed,
        leads_added=first.leads_added | then.leads_added,
        leads_removed=first.leads_removed | then.leads_removed,
        gone={what: first.gone.get(what, 0) + then.gone.get(what, 0) for what in {**first.gone, **then.gone}},
        issues=(*(issue for issue in first.issues if (issue.entry_uuid, issue.code) not in told), *then.issues),
    )


def _one_by_one(first: Iterable[C], then: Iterable[C]) -> Iterator[C]:
    """Each person or group once, where the second is but the rest of the first."""
    rest = {change.entry_uuid: change for change in then}
    for change in first:
        more = rest.get(change.entry_uuid)
        if more is not None and more.verb == "edit":
            change = replace(change, changes={**change.changes, **more.changes})
            del rest[change.entry_uuid]
        yield change
    yield from rest.values()
