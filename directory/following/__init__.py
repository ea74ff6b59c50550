"""Reading how directories are followed: their sources, passes and what waits, what is to be settled, who is absent."""

from directory.following.absence import Absent, absence_of, absent
from directory.following.held import (
    Waiting,
    held_of,
    outcome_of,
    removal_waits,
    removals,
    waiting,
    waiting_of,
    what_waits,
)
from directory.following.names import Named, short
from directory.following.overview import Todo, are_several, brings_people, collectives_of, todo
from directory.following.reports import left_out, nameable, named, names_in, parts_of, runs
from directory.following.settling import Kindred, ToSettle, issues, kindred, open_issues, own_issues, to_settle
from directory.following.setup import (
    Mapped,
    holds_passwords,
    is_writable,
    kind_words,
    kinds_from,
    mapping_of,
    settings_connection,
    usual_ceilings,
    usual_places,
)
from directory.following.standing import Age, Followed, ages, dry_run_of, is_refused, sources, trial_of, with_people
from directory.ldap.rules import MEMBERSHIPS

__all__ = [
    "MEMBERSHIPS",
    "Absent",
    "Age",
    "Followed",
    "Kindred",
    "Mapped",
    "Named",
    "ToSettle",
    "Todo",
    "Waiting",
    "absence_of",
    "absent",
    "ages",
    "are_several",
    "brings_people",
    "collectives_of",
    "dry_run_of",
    "held_of",
    "holds_passwords",
    "is_refused",
    "is_writable",
    "issues",
    "kind_words",
    "kindred",
    "kinds_from",
    "left_out",
    "mapping_of",
    "nameable",
    "named",
    "names_in",
    "open_issues",
    "outcome_of",
    "own_issues",
    "parts_of",
    "removal_waits",
    "removals",
    "runs",
    "settings_connection",
    "short",
    "sources",
    "to_settle",
    "todo",
    "trial_of",
    "usual_ceilings",
    "usual_places",
    "waiting",
    "waiting_of",
    "what_waits",
    "with_people",
]
