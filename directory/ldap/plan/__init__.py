"""What a pass would change: the mirror and what was observed in, a plan out.  No Django, no clock, no connection.

The plan is printed by ``--dry-run``, tested as data, and applied by ``directory.ldap.apply``.

The mirror need not be whole: it holds whoever a change of what was observed can touch, and says of groups which of
them are to be worked out again.  What it must hold is the business of ``directory.ldap.neighbours``.
"""

from directory.ldap.plan.differences import (
    UNTOLD,
    how_many,
    is_told,
    pairs_of,
)
from directory.ldap.plan.early import EARLY, only_ends, only_values, only_written, together
from directory.ldap.plan.issues import BETWEEN_SOURCES, ELSEWHERE_ISSUE, PHOTO_ISSUE
from directory.ldap.plan.making import make_plan
from directory.ldap.plan.sharing import CROSSING_ISSUE
from directory.ldap.plan.types import (
    ALL_WAITS,
    DETAILS,
    GROUP_KEYS,
    MAX_DETAIL,
    PLUMBING,
    Ceilings,
    Group,
    GroupChange,
    Held,
    Issue,
    Mirror,
    Observed,
    Person,
    PersonChange,
    Plan,
    Totals,
    at_once,
)

__all__ = [
    "ALL_WAITS",
    "BETWEEN_SOURCES",
    "CROSSING_ISSUE",
    "DETAILS",
    "EARLY",
    "ELSEWHERE_ISSUE",
    "GROUP_KEYS",
    "MAX_DETAIL",
    "PHOTO_ISSUE",
    "PLUMBING",
    "UNTOLD",
    "Ceilings",
    "Group",
    "GroupChange",
    "Held",
    "Issue",
    "Mirror",
    "Observed",
    "Person",
    "PersonChange",
    "Plan",
    "Totals",
    "at_once",
    "how_many",
    "is_told",
    "make_plan",
    "only_ends",
    "only_values",
    "only_written",
    "pairs_of",
    "together",
]
