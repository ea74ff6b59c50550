"""What a plan changes, as its run keeps it: counts, every difference, every issue, what waits."""

from datetime import datetime
from heapq import nsmallest
from typing import Any

from directory.ldap.plan import (
    MAX_DETAIL,
    GroupChange,
    PersonChange,
    Plan,
    how_many,
    is_told,
    pairs_of,
)
from directory.ldap.plan.memberships import in_order
from directory.models import SyncRun
from directory.types import MemberState, RunStatus

# What the hub makes of an entry, and no value of it: whether its address and its login serve.
SAID = ("email_state", "login_ambiguous")
LISTED = 2_000
WEIGHTS = {"end": 0, "return": 1, "edit": 2}


def report_of(run: SyncRun, plan: Plan, now: datetime) -> SyncRun:
    """Fill the run with what the plan says: counts, every difference, every issue, what waits."""
    run.counts = _counts_of(plan)
    run.status = RunStatus.HELD if plan.held else RunStatus.PROBLEMS if plan.open_issues else RunStatus.OK
    run.ended_at = now
    run.report = {
        **_parts_of(plan),
        "issues": [
            {"entry": str(issue.entry_uuid), "dn": issue.dn, "code": issue.code, "detail": issue.detail[:MAX_DETAIL]}
            for issue in plan.issues[:LISTED]
        ],
        "held": [
            {"what": held.what, "count": held.count, "limit": held.limit, "before": held.before} for held in plan.held
        ],
        "held_names": list(plan.held_names[:LISTED]),
        "approval": plan.digest if plan.held else "",
        # From then on what goes is counted anew.
        "lifted": plan.lifted,
        "accepted": plan.digest if plan.lifted else "",
    }
    if plan.would is not None:
        # Changes wait, not removals alone; they have the shape of a report of their own.
        run.counts |= {"held": how_many(plan.would), "waits_wholly": 1}
        run.report["would"] = {"counts": _counts_of(plan.would), **_parts_of(plan.would)}
        run.report["doubted"] = sorted(plan.doubted)[:LISTED]
    if plan.gone:
        # What counts for a day: only where something went, or came back, is there anything to add up.
        run.report["gone"] = dict(plan.gone)
    return run


def _counts_of(plan: Plan) -> dict[str, int]:
    people = [each for each in plan.people if is_told(each)]
    # As many as the report lists, where it has the room.
    return plan.counts() | {
        "people_changed": sum(_is_edited(each) for each in people),
        "groups_changed": sum(_is_edited(each) for each in plan.groups if is_told(each)),
        "people_taken_over": sum(each.is_taken_over for each in people),
        "groups_taken_over": sum(each.is_taken_over for each in plan.groups),
        "people_barred": sum(each.verb == "join" and each.changes["state"] != MemberState.ACTIVE for each in people),
    }


def _parts_of(plan: Plan) -> dict[str, Any]:
    people = nsmallest(LISTED, (each for each in plan.people if is_told(each)), key=_told_first)
    groups = nsmallest(LISTED, (each for each in plan.groups if is_told(each)), key=_told_first)
    parts: dict[str, Any] = {
        "people": [_person_line(each) for each in people],
        "groups": [_group_line(each) for each in groups],
    }
    for (kind, verb), pairs in pairs_of(plan).items():
        parts.setdefault(kind, {})[verb] = _pairs(pairs)
    return parts


def _is_edited(change: PersonChange | GroupChange) -> bool:
    """And not taken over, which is counted as that."""
    return change.verb == "edit" and not change.is_taken_over


def _told_first(change: PersonChange | GroupChange) -> tuple[int, int]:
    """Where there is no room for all, whoever lost something is named first; in whichever order they came."""
    return WEIGHTS.get(change.verb, len(WEIGHTS)), change.entry_uuid.int


def _person_line(change: PersonChange) -> dict[str, object]:
    """Names of what changed, and values of none but of what the hub makes of it: a report outlives what it tells of."""
    line: dict[str, object] = {"verb": change.verb, "entry": str(change.entry_uuid), "dn": change.dn}
    if change.is_taken_over:
        line["taken_over"] = True
    if change.verb != "join":
        line["items"] = sorted(change.changes)
    for name in SAID:
        if change.verb != "join" and name in change.changes:
            line[name] = change.changes[name]
    if "state" in change.changes:
        line["state"] = str(change.changes["state"])
        line["reason"] = str(change.changes.get("state_reason", ""))
    return line


def _group_line(change: GroupChange) -> dict[str, object]:
    line: dict[str, object] = {"verb": change.verb, "entry": str(change.entry_uuid), "dn": change.dn}
    if change.is_taken_over:
        line["taken_over"] = True
    if change.verb == "edit":
        line["items"] = sorted(change.changes)
    return line


def _pairs(pairs: Any) -> list[list[str]]:
    return [[str(group), str(person)] for group, person in nsmallest(LISTED, pairs, key=in_order)]
