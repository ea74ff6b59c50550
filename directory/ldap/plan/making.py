"""The order of the decisions."""

from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import UUID

from directory.ldap.plan.ceilings import over_others, over_the_ceilings, takers_of
from directory.ldap.plan.changes import group_changes, person_changes
from directory.ldap.plan.differences import differences, how_many, marks
from directory.ldap.plan.early import EARLY
from directory.ldap.plan.issues import ELSEWHERE_ISSUE, all_issues, settled_issues
from directory.ldap.plan.memberships import by_number, memberships_gone, memberships_set
from directory.ldap.plan.outcome import work_out
from directory.ldap.plan.removals import deposed, find_removals, gone_by_kind, withdrawn
from directory.ldap.plan.sharing import mark_shared
from directory.ldap.plan.types import (
    HOLDS_PEOPLE,
    Ceilings,
    Group,
    Held,
    Issue,
    Mirror,
    Observed,
    Person,
    Plan,
    at_once,
)
from directory.ldap.servers import is_older, went_back
from directory.policy import digest_of

# Of how many entries an older state says that the content is older.
OLDER = 3


def make_plan(
    mirror: Mirror, observed: Observed, ceilings: Ceilings, *, lifted: bool = False, approved: str = ""
) -> Plan:
    """Decide everything; nothing that would go too far goes, unless it is lifted or this very removal is approved.

    Of a source that shows an older content, or nobody of those whom it showed, nothing goes: the plan keeps what would,
    and an approval is for exactly that.
    """
    if mirror.is_empty:
        return _make_plan(mirror, observed, ceilings, lifted=lifted, approved=approved)
    is_lower = went_back(mirror.context_csn, observed.context_csn) or _are_older(mirror, observed)
    if not (is_lower or observed.nothing_in_common or mirror.doubted):
        return _make_plan(mirror, observed, ceilings, lifted=lifted, approved=approved)
    would = replace(_make_plan(mirror, observed, ceilings, lifted=True), lifted=True)
    if lifted:
        return would
    found = differences(would)
    # The first who writes to an older content makes it the latest: what it lacks is as wrong as it was before, and what
    # is written from then on is not.
    doubted = found if is_lower else mirror.doubted & found
    is_older = is_lower or bool(doubted)
    beyond = _make_plan(mirror, observed, ceilings, approved="" if is_older or observed.nothing_in_common else approved)
    held, names = [], []
    if is_older:
        held.append(Held("server_went_back", how_many(would), 0))
    if observed.nothing_in_common:
        missing = sorted(str(uuid) for uuid in observed.located if uuid in mirror.people)
        held.append(Held("nothing_in_common", len(missing), 0))
        names += [f"nothing_in_common {each}" for each in missing]
    if not held:
        return beyond
    names += beyond.held_names
    digest = digest_of([*(each.what for each in held), *names, *found, *marks(would)])
    would = replace(would, digest=digest)
    if approved == digest:
        return would
    return Plan(
        held=(*held, *beyond.held),
        held_names=tuple(names),
        digest=digest,
        open_issues=len(mirror.open_issues),
        would=would,
        doubted=doubted,
    )


def _are_older(mirror: Mirror, observed: Observed) -> bool:
    """Whether entries are as they were before: an older backup that was written to before anybody looked at its mark.

    A clock that was set back lowers the mark of what was written before and after; hardly of so many at once.  Whoever
    is brought back by hand is written then, and whoever was deleted and has an older mark was never away.
    """
    known: dict[UUID, Person | Group] = {**mirror.people, **mirror.groups}

    def was_so_before(each: Person | Group) -> bool:
        row = known.get(each.entry_uuid)
        if row is None or row.is_foreign:
            return False
        marks_before = [row.csn] if row.is_there else mirror.context_csn
        return any(mark != EARLY and is_older(mark, each.csn) for mark in marks_before)

    shown: list[Person | Group] = [*observed.people, *observed.groups]
    older = (each for each in shown if was_so_before(each))
    return next(islice(older, OLDER - 1, None), None) is not None


def _make_plan(
    mirror: Mirror, observed: Observed, ceilings: Ceilings, *, lifted: bool = False, approved: str = ""
) -> Plan:
    everything = mirror, observed
    mirror, observed, elsewhere = _own_entries(mirror, observed)
    removals = find_removals(mirror, observed)
    before = by_number(mirror.memberships)
    outcome = work_out(mirror, before, observed, removals, frozenset())
    lost = memberships_gone(mirror, before, outcome.found.memberships)
    held, names = (
        # Nothing of this directory can be lost yet; what is somebody else's can.
        over_others(mirror, observed, ceilings)
        if mirror.is_empty
        else over_the_ceilings(mirror, observed, removals, ceilings, gone=lost, leads=outcome.found.leads)
    )
    digest = digest_of(names) if held else ""
    is_lifted = bool(names) and (lifted or approved == digest)
    if is_lifted:
        held, names = (), ()
    stopped = {at_once(each.what) for each in held}
    if "taken_over" in stopped:
        rest = _make_plan(_all_foreign(everything[0]), everything[1], ceilings)
        return replace(rest, held=held, held_names=names, digest=digest)
    if "others" in stopped:
        # They stay as they were, or stay away.
        takers = {taker for takers in takers_of(mirror, observed).values() for taker in takers}
        observed = replace(observed, people=tuple(each for each in observed.people if each.entry_uuid not in takers))
    if stopped:
        outcome = work_out(mirror, before, observed, removals, stopped)
    found = outcome.found
    memberships, leads = dict(found.memberships), set(found.leads)
    leads_before = mirror.leads_touched
    people, shared = mark_shared(outcome.people, mirror)
    if stopped & HOLDS_PEOPLE:
        # Whoever waits keeps everything: the server has taken them out of their groups already (refint).
        # A group that closes meanwhile closes for them too.
        closing = frozenset() if "groups" in stopped else removals.groups

        def stays(pair: tuple[UUID, UUID]) -> bool:
            return pair[1] in removals.missing and pair[0] not in closing

        waiting = by_number({pair: own for pair, own in mirror.memberships.items() if stays(pair)})
        memberships |= {number: {**people, **memberships.get(number, {})} for number, people in waiting.items()}
        leads |= {pair for pair in leads_before if pair[1] in removals.people and pair[0] not in closing}
    gone = memberships_gone(mirror, before, memberships)
    leads_gone = leads_before - leads
    if "memberships" in stopped:
        gone = gone - set(withdrawn(gone, removals))
    # Of a group that was emptied, who leads it waits with its members.
    if stopped & {"memberships", "leads"}:
        leads_gone = leads_gone - set(deposed(leads_gone, removals))
    issues = all_issues(mirror, observed, people, [*elsewhere, *found.issues, *shared])
    settled = settled_issues(mirror, observed, people, found.resolved, issues)
    wrong = {(issue.entry_uuid, issue.code) for issue in issues}
    changed = tuple(person_changes(mirror, people))
    groups = tuple(group_changes(mirror, found.groups, removals, stopped))
    return Plan(
        people=changed,
        groups=groups,
        memberships_set=memberships_set(before, memberships, people),
        memberships_removed=gone,
        leads_added=frozenset(leads - leads_before),
        leads_removed=leads_gone,
        issues=issues,
        opened=frozenset(wrong - mirror.open_issues),
        settled=settled,
        open_issues=len((mirror.open_issues | wrong) - settled),
        held=held,
        held_names=names,
        digest=digest,
        unsettled=found.unsettled,
        gone=gone_by_kind(mirror, changed, groups, gone, leads_gone, removals),
        lifted=is_lifted,
    )


def _all_foreign(mirror: Mirror) -> Mirror:
    """What a retired source has left is somebody else's still."""

    def foreign(each: Any) -> Any:
        return replace(each, is_foreign=True, is_left_over=False) if each.is_left_over else each

    return replace(
        mirror,
        people={uuid: foreign(person) for uuid, person in mirror.people.items()},
        groups={uuid: foreign(group) for uuid, group in mirror.groups.items()},
    )


def _own_entries(mirror: Mirror, observed: Observed) -> tuple[Mirror, Observed, list[Issue]]:
    """Without the entries that another source has already: one person, one account, whoever shows them first.

    A group that is shown under the identity of another's is not worked out again by that either: nobody is in it
    according to this source, and all would go.
    """
    foreign = {uuid for uuid, person in mirror.people.items() if person.is_foreign}
    foreign |= {uuid for uuid, group in mirror.groups.items() if group.is_foreign}
    if not foreign:
        return mirror, observed, []
    everything: list[Person | Group] = [*observed.people, *observed.groups]
    taken = [each for each in everything if each.entry_uuid in foreign]
    if not taken:
        return mirror, observed, []
    own = replace(
        observed,
        people=tuple(each for each in observed.people if each.entry_uuid not in foreign),
        groups=tuple(each for each in observed.groups if each.entry_uuid not in foreign),
    )
    issues = [Issue(each.entry_uuid, each.dn, ELSEWHERE_ISSUE) for each in taken]
    return replace(mirror, touched=mirror.touched - foreign), own, issues
