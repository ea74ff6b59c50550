"""What a plan changes, as the journal keeps it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from audit.types import Action, Entry
from directory.ldap.plan import PLUMBING, Plan
from directory.ldap.plan.memberships import Pair, in_runs
from directory.models import Collective, SyncRun
from directory.types import MemberState

PERSON_ACTIONS = {
    "join": Action.MEMBER_JOINED,
    "edit": Action.MEMBER_CHANGED,
    "end": Action.MEMBER_LEFT,
    "return": Action.MEMBER_RETURNED,
}


def entries_of(
    run: SyncRun,
    plan: Plan,
    members: dict[UUID, UUID],
    collectives: dict[UUID, Collective],
    now: datetime,
    *,
    first: bool,
    held_before: str,
) -> Iterator[Entry]:
    yield from lines_of(plan, members, collectives, now, facts={"run": run.pk})
    own = {"run": run.pk, "source": run.source_id}
    counts = {name: count for name, count in run.counts.items() if count}
    if plan.held and held_before != plan.digest:
        what = [held.what for held in plan.held]
        yield Entry(Action.SYNC_HELD, facts={**own, "held": what, "approval": plan.digest}, at=now)
    if run.counts["written"] or first:
        yield Entry(Action.SYNC_APPLIED, facts={**own, **counts}, at=now)


def lines_of(
    plan: Plan,
    members: dict[UUID, UUID],
    collectives: dict[UUID, Collective],
    now: datetime,
    *,
    facts: dict[str, object],
    told: Collection[str] = (),
) -> Iterator[Entry]:
    """One for each person and each group that is not as it was."""
    for each in plan.people:
        own = facts
        if each.verb == "edit":
            items = sorted(set(each.changes) - PLUMBING - set(told))
            if not items:
                continue
            own = {**facts, "items": items}
        elif each.verb == "end" or (each.verb == "join" and each.changes["state"] != MemberState.ACTIVE):
            own = {**facts, "state": str(each.changes["state"])}
        yield Entry(
            PERSON_ACTIONS[each.verb],
            subject=members[each.entry_uuid],
            reason=str(each.changes.get("state_reason", "")) if each.verb == "end" else "",
            facts=own,
            at=now,
        )
    for group, counts in sorted(_group_facts(plan).items()):
        yield Entry(
            Action.COLLECTIVE_CHANGED,
            facts={**facts, "collective": str(collectives[group].pk), **counts},
            at=now,
        )


def _group_facts(plan: Plan) -> dict[UUID, dict[str, object]]:
    """Per collective: what became of it, how many came and went."""
    facts: dict[UUID, dict[str, object]] = {}
    for change in plan.groups:
        if change.verb != "edit" or set(change.changes) - PLUMBING:
            facts.setdefault(change.entry_uuid, {})["change"] = change.verb
            if items := sorted(set(change.changes) - PLUMBING) if change.verb == "edit" else []:
                facts[change.entry_uuid]["items"] = items
    parts: dict[str, Iterable[Pair]] = {
        "members_set": plan.memberships_set,
        "members_removed": plan.memberships_removed,
        "leads_added": plan.leads_added,
        "leads_removed": plan.leads_removed,
    }
    for name, pairs in parts.items():
        counts: Counter[UUID] = Counter()
        for group, several in in_runs(pairs):
            counts[group] += sum(1 for _ in several)
        for group, count in counts.items():
            facts.setdefault(group, {})[name] = count
    return facts
