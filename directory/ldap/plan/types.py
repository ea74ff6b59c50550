"""What a plan is made from, and what it is: the mirror and what was observed in, changes, issues and what waits out."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from directory.normalise import Problem
from directory.types import Kind, MailState, MemberState

# Attributes of a person that are read from the directory, as the mirror names them.
DETAILS = (
    "login",
    "login_key",
    "email",
    "email_key",
    "display_name",
    "given_name",
    "family_name",
    "phone",
    "mobile",
    "trade",
    "employee_number",
    "employee_type",
    "business_name",
    "postal_address",
    "postal_code",
    "town",
    "language",
)
GROUP_KEYS = ("member_keys", "lead_keys", "unknown_keys")
# What changes without anybody's data changing: the entry's place and its change number.
PLUMBING = {"dn", "dn_key", "csn", "digest", "login_key", "email_key", "nested", *GROUP_KEYS}
# Characters kept of what an issue names.
MAX_DETAIL = 400
# A value and the key it is compared by stay or go together.
DERIVED = {"login_key": "login", "email_key": "email"}
# Those of which it counts how many people lose theirs.
VALUES = tuple(name for name in DETAILS if name not in DERIVED)
# Who counts when two people share a login or an address: those who are still there, suspended or not.
PRESENT_STATES = {MemberState.ACTIVE, MemberState.LOCKED}
# What makes a whole pass wait: the server holds an older content, or somebody else's.
ALL_WAITS = {"server_went_back", "nothing_in_common"}
# What makes departures wait, while everything else goes on.
HOLDS_PEOPLE = {"people", "last_administrator"}


def today(what: str) -> str:
    """What a removal is called that is too much for one day only: it went bit by bit."""
    kind, space, name = what.partition(" ")
    return f"{kind}_today{space}{name}"


def at_once(what: str) -> str:
    """What waits, whichever of the two it was too much for."""
    kind, space, name = what.partition(" ")
    return f"{kind.removesuffix('_today')}{space}{name}"


# In: what is known, what was seen --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """One person as the directory shows them, normalised."""

    entry_uuid: UUID
    dn: str
    dn_key: str
    csn: str
    state: MemberState
    state_reason: str
    email_state: MailState
    details: Mapping[str, str]
    login_ambiguous: bool = False
    digest: str = ""
    problems: tuple[Problem, ...] = ()
    # Known of the mirror alone: the cooperative holds the account back, contact details were erased.
    is_held: bool = False
    is_erased: bool = False
    # Of another source: only what several people share is worked out for them here.
    is_foreign: bool = False
    # Of one that was retired: whoever shows the entry may have it.
    is_left_over: bool = False

    @property
    def is_there(self) -> bool:
        """Whether a pass shows it, wherever it stands."""
        return self.state != MemberState.MISSING

    @property
    def is_present(self) -> bool:
        """Whether it counts when two people share a login or an address."""
        return self.state in PRESENT_STATES

    @property
    def may_enter(self) -> bool:
        return self.state == MemberState.ACTIVE and not self.is_held


@dataclass(frozen=True, slots=True)
class Group:
    """One group as the directory shows it; the names of its members and leads as keys, not resolved yet.

    Of a known group that is not to be worked out again, the keys are not known (None), but what they came to is.
    """

    entry_uuid: UUID
    dn: str
    dn_key: str
    csn: str
    name: str
    kind: Kind
    description: str
    member_keys: tuple[str, ...] | None = ()
    lead_keys: tuple[str, ...] | None = ()
    digest: str = ""
    problems: tuple[Problem, ...] = ()
    present: bool = True
    unknown_keys: tuple[str, ...] = ()
    nested: frozenset[UUID] = frozenset()
    is_foreign: bool = False
    is_left_over: bool = False

    @property
    def is_there(self) -> bool:
        return self.present


class Totals(Protocol):
    """How many there are in all; asked only where so many would go that it matters."""

    def active(self) -> int: ...

    def gone_lately(self) -> Mapping[str, int]: ...

    def others_sharing(self) -> AbstractSet[UUID]: ...

    def groups(self) -> int: ...

    def memberships(self) -> int: ...

    def leads(self) -> int: ...

    def holders(self, name: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Mirror:
    """What the hub holds of whoever is concerned.

    People and groups by ``entryUUID``; memberships as (group, person) → direct.  ``bystanders``: by the key of their
    name, people who are there and have not changed.  ``touched``: the groups whose people may be others now.
    ``names``: the keys of names that came, went, or may mean somebody else now; whatever is called otherwise stays in
    its groups, and those memberships are not in here.  None: every name of a touched group is looked at.
    ``login_keys``, ``email_keys``: those of which all holders are known here.
    """

    totals: Totals
    people: Mapping[UUID, Person] = field(default_factory=dict)
    groups: Mapping[UUID, Group] = field(default_factory=dict)
    memberships: Mapping[tuple[UUID, UUID], bool] = field(default_factory=dict)
    leads: frozenset[tuple[UUID, UUID]] = frozenset()
    bystanders: Mapping[str, UUID] = field(default_factory=dict)
    touched: frozenset[UUID] = frozenset()
    names: frozenset[str] | None = None
    login_keys: frozenset[str] = frozenset()
    email_keys: frozenset[str] = frozenset()
    # Who may name technicians, and whether they may enter.
    administrators: Mapping[UUID, bool] = field(default_factory=dict)
    open_issues: frozenset[tuple[UUID, str]] = frozenset()
    context_csn: tuple[str, ...] = ()
    is_empty: bool = False
    # In what the older content differed for which the pass before waits (``differences``).
    doubted: frozenset[str] = frozenset()

    @property
    def leads_touched(self) -> frozenset[tuple[UUID, UUID]]:
        return frozenset(pair for pair in self.leads if pair[0] in self.touched)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a complete pass saw that is new or otherwise than the mirror has it; or one entry, between two of them.

    ``located`` says of every entry that was looked up because it was not seen where it should be, whether it is now
    somewhere else (``out_of_scope``) or nowhere (``entry_gone``).
    """

    people: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    located: Mapping[UUID, str] = field(default_factory=dict)
    placeholders: frozenset[str] = frozenset()
    context_csn: tuple[str, ...] = ()
    # Of all that is known, nothing was seen, and others were.
    nothing_in_common: bool = False
    # Of whoever was written otherwise since they were read, and so is not in here: the keys of the names they had.
    names: Mapping[str, UUID] = field(default_factory=dict)
    # Whatever of others' is not in here is not shown either.
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much may go without a person's word, in one pass and in one day; defaults for 300 to 1,000 members.

    In one day: what goes wrong slowly goes wrong in many passes, one a second.
    """

    people: int = 5
    people_share: float = 0.03
    groups: int = 3
    groups_share: float = 0.10
    memberships: int = 30
    memberships_share: float = 0.10
    leads: int = 5
    leads_share: float = 0.20
    emptied: int = 10
    emptied_share: float = 0.20
    # People of other sources whose login or address this one gives to somebody else: neither opens anything then.
    others: int = 0

    def of(self, what: str) -> tuple[int, float]:
        """A number, and a share of all that counts where it is more."""
        kind = "emptied" if what.startswith("attribute ") else what
        return getattr(self, kind), getattr(self, f"{kind}_share")


# Out: the plan -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonChange:
    """``verb``: join, edit, end or return; ``changes`` holds the mirror's columns and their new values."""

    verb: str
    entry_uuid: UUID
    dn: str
    changes: Mapping[str, object]
    # It was a retired directory's.
    is_taken_over: bool = False


@dataclass(frozen=True, slots=True)
class GroupChange:
    """``verb``: new, edit, end or return."""

    verb: str
    entry_uuid: UUID
    dn: str
    changes: Mapping[str, object]
    # It was a retired directory's.
    is_taken_over: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a person should settle in the directory."""

    entry_uuid: UUID
    dn: str
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A kind of removal that waits for a person: how many there would be, and how many may be.

    ``before``: how many went within a day before, where it is these together that are too many.
    """

    what: str
    count: int
    limit: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a pass would do.

    ``opened``: those of the issues that were not open before.  ``settled``: issues that were open, were looked at, and
    are no more.  ``unsettled``: something still goes by a former name, and has to be looked at again soon.  ``gone``:
    by kind, as ceilings name them, how much it takes away.  ``would``: where everything waits, what a person's word
    would carry out; ``doubted``: of this, in what the older content differs.
    """

    people: tuple[PersonChange, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    memberships_set: Mapping[tuple[UUID, UUID], bool] = field(default_factory=dict)
    memberships_removed: frozenset[tuple[UUID, UUID]] = frozenset()
    leads_added: frozenset[tuple[UUID, UUID]] = frozenset()
    leads_removed: frozenset[tuple[UUID, UUID]] = frozenset()
    issues: tuple[Issue, ...] = ()
    opened: frozenset[tuple[UUID, str]] = frozenset()
    settled: frozenset[tuple[UUID, str]] = frozenset()
    open_issues: int = 0
    held: tuple[Held, ...] = ()
    held_names: tuple[str, ...] = ()
    digest: str = ""
    unsettled: bool = False
    gone: Mapping[str, int] = field(default_factory=dict)
    # Something was to wait, and a person let it go.
    lifted: bool = False
    would: "Plan | None" = None
    doubted: frozenset[str] = frozenset()

    @property
    def waits_wholly(self) -> bool:
        """The source is not the one that was: nothing of it is believed, good or bad."""
        return any(each.what in ALL_WAITS for each in self.held)

    @property
    def changes(self) -> int:
        return sum(count for name, count in self.counts().items() if name not in ("issues", "held"))

    def counts(self) -> dict[str, int]:
        def verbs(items: Sequence[PersonChange | GroupChange], verb: str) -> int:
            return sum(item.verb == verb for item in items)

        return {
            "people_joined": verbs(self.people, "join"),
            "people_changed": verbs(self.people, "edit"),
            "people_ended": verbs(self.people, "end"),
            "people_returned": verbs(self.people, "return"),
            "groups_new": verbs(self.groups, "new"),
            "groups_changed": verbs(self.groups, "edit"),
            "groups_ended": verbs(self.groups, "end"),
            "groups_returned": verbs(self.groups, "return"),
            "memberships_set": len(self.memberships_set),
            "memberships_removed": len(self.memberships_removed),
            "leads_added": len(self.leads_added),
            "leads_removed": len(self.leads_removed),
            "issues": self.open_issues,
            "held": len(self.held_names),
        }
