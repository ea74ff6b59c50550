"""From what was read to a plan, beside the mirror as it is at this moment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from directory.ldap.config import LdapConfig
from directory.ldap.neighbours import load_mirror
from directory.ldap.observe import Known
from directory.ldap.plan import Group, Mirror, Observed, Person, Plan, make_plan
from directory.models import DirectorySource, SyncRun
from directory.types import RunStatus


def decide(
    source: DirectorySource,
    ldap: LdapConfig,
    observed: Observed,
    known: Known,
    column: str,
    before: SyncRun | None,
    now: datetime,
    *,
    allow_large: bool = False,
    approved: str = "",
) -> Plan:
    """``known``: what the mirror had before ``observed`` was read, by ``column``; ``before``: the pass before."""
    context = tuple(before.watermark.split()) if before else ()
    # Whatever reads everything also works every group that it finds changed out from the beginning.
    whole = column == "digest" or has_waited(before)
    mirror = load_mirror(source, observed, context_csn=context, now=now, whole_groups=whole)
    current = _as_compared(observed, known, mirror, column)
    if len(current.groups) != len(observed.groups):
        # Whom their names mean was looked up as they were read.
        mirror = load_mirror(source, current, context_csn=context, now=now, whole_groups=whole)
    mirror = replace(mirror, doubted=frozenset(before.report.get("doubted", ())) if before else frozenset())
    return make_plan(mirror, current, ldap.ceilings, lifted=allow_large, approved=approved)


def has_waited(before: SyncRun | None) -> bool:
    return before is not None and before.status == RunStatus.HELD


def _as_compared(observed: Observed, known: Known, mirror: Mirror, column: str) -> Observed:
    """Without those whose rows were written since the pass compared them: what it read may be older.

    A name that was read is theirs all the same: a group may call them by it.
    """
    if not (mirror.people or mirror.groups):
        return observed
    people = tuple(each for each in observed.people if _is_as_known(each, mirror.people, known.people, column))
    groups = tuple(each for each in observed.groups if _is_as_known(each, mirror.groups, known.groups, column))
    if len(people) == len(observed.people) and len(groups) == len(observed.groups):
        return observed
    kept = {person.entry_uuid for person in people}
    names = {each.dn_key: each.entry_uuid for each in observed.people if each.entry_uuid not in kept}
    return replace(observed, people=people, groups=groups, names=names)


def _is_as_known(
    each: Person | Group,
    rows: Mapping[UUID, Person] | Mapping[UUID, Group],
    known: Mapping[str, tuple[str, str]],
    column: str,
) -> bool:
    before, row = known.get(each.entry_uuid.hex), rows.get(each.entry_uuid)
    if row is None or row.is_foreign:
        return True
    if before is not None:
        return getattr(row, column) in ("", before[0])
    # Away until now, or come meanwhile, as a look has brought them in.
    return not row.is_there or getattr(row, column) in ("", getattr(each, column))
