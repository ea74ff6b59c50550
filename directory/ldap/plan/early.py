"""What may be carried out before everybody was looked for: nothing that takes, and nothing that could be a mistake."""

from dataclasses import replace

from directory.ldap.plan.types import Observed, Plan
from directory.types import MemberState

# How somebody is found in groups, whether they may enter, where they stand: a whole pass judges what comes of those.
WITH_EVERYBODY = frozenset({"dn", "dn_key", "state", "state_reason", "login_ambiguous", "employee_type"})


def only_gives(plan: Plan, observed: Observed) -> bool:
    """Whether a plan made of some entries alone adds and corrects, and concerns nobody's account but those entries'.

    Whoever is gone or was renamed shows in no search for what was written: somebody who comes in their place, under
    their login or with their address, waits for the pass that sees both.  So does what somebody would have to settle.
    """
    seen = {person.entry_uuid for person in observed.people}
    takes = bool(plan.gone or plan.memberships_removed or plan.leads_removed)
    return (
        not (plan.held or plan.lifted or plan.opened or plan.unsettled or takes)
        and seen.issuperset(change.entry_uuid for change in plan.people)
        and all(
            change.changes["state"] == MemberState.ACTIVE
            if change.verb == "join"
            else change.verb == "edit" and WITH_EVERYBODY.isdisjoint(change.changes)
            for change in plan.people
        )
        and all(change.verb == "edit" and not {"dn", "dn_key"} & change.changes.keys() for change in plan.groups)
    )


def together(first: Plan, then: Plan) -> Plan:
    """What two plans changed, of which the second was made when the first had been carried out; as one tells of it."""
    return replace(
        then,
        people=(*first.people, *then.people),
        groups=(*first.groups, *then.groups),
        memberships_set={**first.memberships_set, **then.memberships_set},
        leads_added=first.leads_added | then.leads_added,
        issues=(*(issue for issue in first.issues if (issue.entry_uuid, issue.code) not in then.settled), *then.issues),
    )
