"""From what was read to a plan, beside the mirror as it is at this moment."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from directory.ldap.config import LdapConfig
from directory.ldap.neighbours import load_mirror
from directory.ldap.observe import Known
from directory.ldap.plan import Observed, Plan, make_plan
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
    observed = _as_compared(observed, known, {uuid: getattr(each, column) for uuid, each in mirror.people.items()})
    return make_plan(mirror, observed, ldap.ceilings, lifted=allow_large, approved=approved)


def has_waited(before: SyncRun | None) -> bool:
    return before is not None and before.status == RunStatus.HELD


def _as_compared(observed: Observed, known: Known, marks: dict[UUID, str]) -> Observed:
    """Without the people whose rows were written since the pass compared them: what it read may be older."""
    people = tuple(
        person
        for person in observed.people
        if person.entry_uuid.hex not in known.people
        or marks.get(person.entry_uuid, "") in ("", known.people[person.entry_uuid.hex][0])
    )
    return observed if len(people) == len(observed.people) else replace(observed, people=people)
