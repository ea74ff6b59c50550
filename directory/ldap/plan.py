"""What a pass would change: the mirror and what was observed in, a plan out.  No Django, no clock, no connection.

The plan is printed by ``--dry-run``, tested as data, and applied by ``directory.ldap.apply``.

The mirror need not be whole: it holds whoever a change of what was observed can touch, and says of groups which of
them are to be worked out again.  What it must hold is the business of ``directory.ldap.neighbours``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

from directory.ldap.graph import closure
from directory.ldap.servers import went_back
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
# A value and the key it is compared by stay or go together.
DERIVED = {"login_key": "login", "email_key": "email"}
# Who counts when two people share a login or an address: those who are still there, suspended or not.
PRESENT_STATES = {MemberState.ACTIVE, MemberState.LOCKED}
# What makes a whole pass wait: the server holds an older content, or somebody else's.
ALL_WAITS = {"server_went_back", "nothing_in_common"}
# What makes departures wait, while everything else goes on.
HOLDS_PEOPLE = {"people", "people_today", "last_administrator"}
# Issues that come from looking at several entries together; any other is of one entry alone.
SHARED_ISSUES = {"login_shared", "mail_shared", "login_reused"}
REFERENCE_ISSUES = {"group_member_unknown", "group_lead_unknown", "group_in_itself"}
CYCLE_ISSUE = "group_cycle"
ELSEWHERE_ISSUE = "entry_elsewhere"
# Opened and settled by whoever reads photos, apart from a pass.
PHOTO_ISSUE = "photo_refused"


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


class Totals(Protocol):
    """How many there are in all; asked only where so many would go that it matters."""

    def active(self) -> int: ...

    def ended_lately(self) -> int: ...

    def others_sharing(self) -> AbstractSet[UUID]: ...

    def groups(self) -> int: ...

    def memberships(self) -> int: ...

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


@dataclass(frozen=True, slots=True)
class Observed:
    """What a complete pass saw that is new or otherwise than the mirror has it.

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


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much may go in one pass without a person's word; defaults for 300 to 1,000 members.

    Of people also in one day: what goes wrong slowly goes wrong in many passes, one a second.
    """

    people: int = 5
    people_share: float = 0.03
    groups: int = 3
    groups_share: float = 0.10
    memberships: int = 30
    memberships_share: float = 0.10
    emptied: int = 10
    emptied_share: float = 0.20
    # People of other sources whose login or address this one gives to somebody else: neither opens anything then.
    others: int = 0


# Out: the plan -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonChange:
    """``verb``: join, edit, end or return; ``changes`` holds the mirror's columns and their new values."""

    verb: str
    entry_uuid: UUID
    dn: str
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """``verb``: new, edit, end or return."""

    verb: str
    entry_uuid: UUID
    dn: str
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a person should settle in the directory."""

    entry_uuid: UUID
    dn: str
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A kind of removal that waits for a person: how many there would be, and how many may be."""

    what: str
    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a pass would do.

    ``settled``: issues that were open, were looked at, and are no more.  ``unsettled``: something still goes by a
    former name, and has to be looked at again soon.
    """

    people: tuple[PersonChange, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    memberships_set: Mapping[tuple[UUID, UUID], bool] = field(default_factory=dict)
    memberships_removed: frozenset[tuple[UUID, UUID]] = frozenset()
    leads_added: frozenset[tuple[UUID, UUID]] = frozenset()
    leads_removed: frozenset[tuple[UUID, UUID]] = frozenset()
    issues: tuple[Issue, ...] = ()
    settled: frozenset[tuple[UUID, str]] = frozenset()
    open_issues: int = 0
    held: tuple[Held, ...] = ()
    held_names: tuple[str, ...] = ()
    digest: str = ""
    unsettled: bool = False
    # Something was to wait, and a person let it go.
    lifted: bool = False

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


def make_plan(
    mirror: Mirror, observed: Observed, ceilings: Ceilings, *, lifted: bool = False, approved: str = ""
) -> Plan:
    """Decide everything; nothing that would go too far goes, unless it is lifted or this very removal is approved."""
    mirror, observed, elsewhere = _own_entries(mirror, observed)
    removals = _removals(mirror, observed)
    before = _by_number(mirror.memberships)
    outcome = _outcome(mirror, before, observed, removals, frozenset())
    lost = _gone(mirror, before, outcome.found.memberships)
    held, names = ((), ()) if mirror.is_empty else _over_the_ceilings(mirror, observed, removals, lost, ceilings)
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16] if held else ""
    is_lifted = bool(names) and (lifted or approved == digest)
    if is_lifted:
        held, names = (), ()
    stopped = {each.what for each in held}
    if stopped & ALL_WAITS:
        return Plan(held=held, held_names=names, digest=digest, open_issues=len(mirror.open_issues))
    if "taken_over" in stopped:
        rest = make_plan(_all_foreign(mirror), observed, ceilings)
        return replace(rest, held=held, held_names=names, digest=digest)
    if "others" in stopped:
        # They stay as they were, or stay away.
        takers = {taker for takers in _takers(mirror, observed).values() for taker in takers}
        observed = replace(observed, people=tuple(each for each in observed.people if each.entry_uuid not in takers))
    if stopped:
        outcome = _outcome(mirror, before, observed, removals, stopped)
    found = outcome.found
    memberships, leads = dict(found.memberships), set(found.leads)
    people, shared = _mark_shared(outcome.people, mirror)
    if stopped & HOLDS_PEOPLE:
        # Whoever waits keeps everything: the server has taken them out of their groups already (refint).
        # A group that closes meanwhile closes for them too.
        closing = frozenset() if "groups" in stopped else removals.groups

        def stays(pair: tuple[UUID, UUID]) -> bool:
            return pair[1] in removals.missing and pair[0] not in closing

        waiting = _by_number({pair: own for pair, own in mirror.memberships.items() if stays(pair)})
        memberships |= {number: {**people, **memberships.get(number, {})} for number, people in waiting.items()}
        leads |= set(filter(stays, mirror.leads))
    gone = _gone(mirror, before, memberships)
    leads_before = {pair for pair in mirror.leads if pair[0] in mirror.touched}
    leads_gone = frozenset(leads_before - leads)
    if "memberships" in stopped:
        gone, leads_gone = gone - set(_withdrawn(gone, removals)), leads_gone - set(_withdrawn(leads_gone, removals))
    issues = _all_issues(mirror, observed, people, [*elsewhere, *found.issues, *shared])
    settled = _settled(mirror, observed, people, found.resolved, issues)
    opened = {(issue.entry_uuid, issue.code) for issue in issues}
    return Plan(
        people=tuple(_person_changes(mirror, people)),
        groups=tuple(_group_changes(mirror, found.groups, removals, stopped)),
        memberships_set=_set(before, memberships),
        memberships_removed=gone,
        leads_added=frozenset(leads - leads_before),
        leads_removed=leads_gone,
        issues=issues,
        settled=settled,
        open_issues=len((mirror.open_issues | opened) - settled),
        held=held,
        held_names=names,
        digest=digest,
        unsettled=found.unsettled,
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


# Who and what would go ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Removals:
    people: Mapping[UUID, tuple[MemberState, str]]
    """Active in the mirror, and no longer: the new state and why."""
    missing: frozenset[UUID]
    """Those of them that were not seen at all."""
    groups: frozenset[UUID]


def _removals(mirror: Mirror, observed: Observed) -> _Removals:
    ends: dict[UUID, tuple[MemberState, str]] = {}
    missing = set()
    for uuid, absence in observed.located.items():
        known = mirror.people.get(uuid)
        if known is not None and not known.is_foreign and known.state != MemberState.MISSING:
            missing.add(uuid)
            ends[uuid] = (MemberState.MISSING, absence)
    for now in observed.people:
        known = mirror.people.get(now.entry_uuid)
        if known and known.state == MemberState.ACTIVE and now.state != MemberState.ACTIVE:
            ends[now.entry_uuid] = (now.state, now.state_reason)
    ended = frozenset(uuid for uuid in observed.located if (group := mirror.groups.get(uuid)) and group.present)
    return _Removals(ends, frozenset(missing), ended)


def _over_the_ceilings(
    mirror: Mirror, observed: Observed, removals: _Removals, gone: AbstractSet[tuple[UUID, UUID]], ceilings: Ceilings
) -> tuple[tuple[Held, ...], tuple[str, ...]]:
    """What waits, and the names of it: an approval is bound to exactly these."""
    held: list[Held] = []
    names: list[str] = []
    totals = mirror.totals

    def hold(what: str, which: Iterable[str], limit: int) -> None:
        found = sorted(which)
        held.append(Held(what, len(found), limit))
        names.extend(f"{what} {name}" for name in found)

    if went_back(mirror.context_csn, observed.context_csn):
        hold("server_went_back", [*mirror.context_csn, *observed.context_csn], 0)
    if observed.nothing_in_common:
        hold("nothing_in_common", map(str, observed.located), 0)
    going = [uuid for uuid in removals.people if mirror.people[uuid].state == MemberState.ACTIVE]
    administrators = {uuid for uuid, may_enter in mirror.administrators.items() if may_enter}
    limit = _limit(len(going), ceilings.people, ceilings.people_share, totals.active)
    # All that are left, however few: an empty answer is likelier than that everybody went at once.
    if limit is not None or (len(going) > 1 and len(going) <= ceilings.people and totals.active() == len(going)):
        hold("people", map(str, going), limit or 0)
    elif administrators and administrators <= set(going):
        hold("last_administrator", map(str, going), 0)
    elif going:
        # Whom a bad quarter of an hour had hidden comes back in this very pass.
        returning = sum(
            now.state == MemberState.ACTIVE
            and (known := mirror.people.get(now.entry_uuid)) is not None
            and known.state != MemberState.ACTIVE
            for now in observed.people
        )
        today = len(going) + max(totals.ended_lately() - returning, 0)
        limit = _limit(today, ceilings.people, ceilings.people_share, totals.active)
        if limit is not None:
            hold("people_today", map(str, going), limit)
    # Retired to make room for a new one, whose first reading takes everybody over: not for one that was there before,
    # and could have waited for it with the identity of whom it likes.
    left_over = [each.entry_uuid for each in observed.people if _is_left_over(mirror.people, each.entry_uuid)]
    left_over += [each.entry_uuid for each in observed.groups if _is_left_over(mirror.groups, each.entry_uuid)]
    if left_over:
        hold("taken_over", map(str, left_over), 0)
    others = _takers(mirror, observed)
    if others and len(others.keys() | totals.others_sharing()) > ceilings.others:
        hold("others", map(str, others), ceilings.others)
    limit = _limit(len(removals.groups), ceilings.groups, ceilings.groups_share, totals.groups)
    if limit is not None:
        hold("groups", map(str, removals.groups), limit)
    lost = _withdrawn(gone, removals)
    limit = _limit(len(lost), ceilings.memberships, ceilings.memberships_share, totals.memberships)
    if limit is not None:
        hold("memberships", (f"{group} {person}" for group, person in lost), limit)
    for name in DETAILS:
        if name in DERIVED:
            continue
        emptied = _emptied(mirror, observed, name)
        holders = _Asked(totals, name)
        limit = _limit(len(emptied), ceilings.emptied, ceilings.emptied_share, holders)
        if limit is not None:
            hold(f"attribute {name}", map(str, emptied), limit)
    return tuple(held), tuple(names)


def _withdrawn(gone: Iterable[tuple[UUID, UUID]], removals: _Removals) -> list[tuple[UUID, UUID]]:
    """Those that go for no other reason than that the group no longer says so: neither group nor person is gone."""
    return [pair for pair in gone if pair[0] not in removals.groups and pair[1] not in removals.missing]


def _is_left_over(known: Mapping[UUID, Person] | Mapping[UUID, Group], uuid: UUID) -> bool:
    return uuid in known and known[uuid].is_left_over


def _takers(mirror: Mirror, observed: Observed) -> dict[UUID, set[UUID]]:
    """By people of other sources whose login or address would no longer be theirs alone: who would have it too."""
    found: dict[UUID, set[UUID]] = {}
    for name in ("login_key", "email_key"):
        holders: dict[str, list[UUID]] = {}
        for uuid, person in mirror.people.items():
            is_alone = not person.login_ambiguous if name == "login_key" else person.email_state == MailState.OK
            if person.is_foreign and is_alone and person.details[name] and person.state in PRESENT_STATES:
                holders.setdefault(person.details[name], []).append(uuid)
        for now in observed.people:
            if now.state in PRESENT_STATES:
                for uuid in holders.get(now.details[name], ()):
                    found.setdefault(uuid, set()).add(now.entry_uuid)
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    totals: Totals
    name: str

    def __call__(self) -> int:
        return self.totals.holders(self.name)


def _limit(count: int, floor: int, share: float, total: Callable[[], int]) -> int | None:
    """The limit that this many are above, if they are; a large cooperative is counted only when they may be."""
    if count <= floor:
        return None
    limit = max(floor, int(total() * share))
    return limit if count > limit else None


def _emptied(mirror: Mirror, observed: Observed, name: str) -> list[UUID]:
    return [
        now.entry_uuid
        for now in observed.people
        if (known := mirror.people.get(now.entry_uuid)) and known.details.get(name) and not now.details.get(name)
    ]


# What would be there afterwards --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Everybody concerned, and what the names in groups come to."""

    people: Mapping[UUID, Person]
    found: "_Resolved"


def _outcome(
    mirror: Mirror, before: "_Memberships", observed: Observed, removals: _Removals, stopped: AbstractSet[str]
) -> _Outcome:
    """``stopped``: what waits, and so stays as it is."""
    people = _resulting_people(mirror, observed, removals, stopped)
    groups = _resulting_groups(mirror, observed, removals, stopped)
    return _Outcome(people, _resolve(groups, _Resolver(mirror, people, groups, observed), mirror, before))


def _resulting_people(
    mirror: Mirror, observed: Observed, removals: _Removals, stopped: AbstractSet[str]
) -> dict[UUID, Person]:
    keep_ends = bool(stopped & HOLDS_PEOPLE)
    kept_names = {what.removeprefix("attribute ") for what in stopped if what.startswith("attribute ")}
    people: dict[UUID, Person] = {}
    for person in sorted(observed.people, key=lambda each: each.entry_uuid.int):
        known = mirror.people.get(person.entry_uuid)
        result = replace(person, is_held=known.is_held) if known else person
        if known and keep_ends and person.entry_uuid in removals.people:
            result = replace(result, state=known.state, state_reason=known.state_reason)
        if known and kept_names:
            result = _keep_details(result, known, kept_names)
        # Whoever is moved back among the members is somebody again, for the office to find and to welcome back.
        came_back = known and known.state not in PRESENT_STATES and result.state in PRESENT_STATES
        if known and known.is_erased and not result.may_enter and not came_back:
            result = replace(known, state=result.state, state_reason=result.state_reason)
        people[person.entry_uuid] = result
    for uuid, known in mirror.people.items():
        if uuid in people:
            continue
        if uuid in removals.missing and not keep_ends:
            state, reason = removals.people[uuid]
            known = replace(known, state=state, state_reason=reason)
        people[uuid] = known
    return people


def _keep_details(person: Person, known: Person, names: AbstractSet[str]) -> Person:
    details = dict(person.details)
    for name in DETAILS:
        source = DERIVED.get(name, name)
        if source in names and not person.details.get(source):
            details[name] = known.details[name]
    kept_mail = "email" in names and not person.details.get("email")
    return replace(person, details=details, email_state=known.email_state if kept_mail else person.email_state)


def _resulting_groups(
    mirror: Mirror, observed: Observed, removals: _Removals, stopped: AbstractSet[str]
) -> dict[UUID, Group]:
    """Groups that are there: as they were seen, or as they are known."""
    groups = {group.entry_uuid: group for group in sorted(observed.groups, key=lambda each: each.entry_uuid.int)}
    stay = {
        uuid: group
        for uuid, group in mirror.groups.items()
        if group.present
        and not group.is_foreign
        and uuid not in groups
        and (uuid not in removals.groups or "groups" in stopped)
    }
    return {**groups, **stay}


# Of each group its people, and whether each is in it directly; by numbers, for a UUID takes ten times as long to find.
_Memberships = Mapping[int, Mapping[int, bool]]


def _by_number(memberships: Mapping[tuple[UUID, UUID], bool]) -> _Memberships:
    found: dict[int, dict[int, bool]] = {}
    for (group, person), direct in memberships.items():
        found.setdefault(group.int, {})[person.int] = direct
    return found


def _gone(mirror: Mirror, before: _Memberships, after: _Memberships) -> frozenset[tuple[UUID, UUID]]:
    return frozenset(
        (group, UUID(int=person))
        for group in mirror.touched
        for person in before.get(group.int, {}).keys() - after.get(group.int, {}).keys()
    )


def _set(before: _Memberships, after: _Memberships) -> dict[tuple[UUID, UUID], bool]:
    """Those that are new, or otherwise than they were."""
    changed: dict[tuple[UUID, UUID], bool] = {}
    for number, people in after.items():
        known = before.get(number, {})
        if people != known:
            group = UUID(int=number)
            changed.update(
                ((group, UUID(int=person)), direct) for person, direct in people.items() if known.get(person) != direct
            )
    return changed


class _Resolver:
    """From the key of a name to whose it is: what is there now first, then what was called so a moment ago."""

    def __init__(
        self, mirror: Mirror, people: Mapping[UUID, Person], groups: Mapping[UUID, Group], observed: Observed
    ) -> None:
        # Whoever is erased is nobody's member, as long as they have not returned.
        erased = {uuid for uuid, person in people.items() if person.is_erased}
        self.placeholders = observed.placeholders | {
            person.dn_key for person in observed.people if person.entry_uuid in erased
        }
        seen = {person.entry_uuid for person in observed.people} - erased
        # Former names: references still name the old one for a moment after a rename (slapd's refint is asynchronous).
        former_people = {mirror.people[uuid].dn_key: uuid for uuid in seen if uuid in mirror.people}
        former_groups = {known.dn_key: uuid for uuid, known in mirror.groups.items() if uuid in groups}
        self.people: dict[str, UUID] = dict(former_people)
        # People who are not gone, or are held although they were not seen, keep their name; present names win.
        for uuid, person in people.items():
            if uuid in seen or uuid in erased or person.is_foreign or not person.dn_key:
                continue
            unchanged = uuid not in observed.located and person.state != MemberState.MISSING
            if unchanged or person.state in PRESENT_STATES:
                self.people[person.dn_key] = uuid
        self.people.update(mirror.bystanders)
        self.people.update({people[uuid].dn_key: uuid for uuid in seen})
        self.groups: dict[str, UUID] = dict(former_groups)
        self.groups.update({group.dn_key: uuid for uuid, group in groups.items()})
        present = {people[uuid].dn_key for uuid in seen} | mirror.bystanders.keys()
        self.former = {key for key in former_people if key not in present} | {
            key for key, uuid in former_groups.items() if groups[uuid].dn_key != key and self.groups.get(key) == uuid
        }


@dataclass(frozen=True, slots=True)
class _Resolved:
    groups: Mapping[UUID, Group]
    memberships: "_Memberships"
    leads: AbstractSet[tuple[UUID, UUID]]
    issues: tuple[Issue, ...]
    resolved: frozenset[UUID]
    """The groups whose names were looked at."""
    unsettled: bool


def _resolve(groups: Mapping[UUID, Group], resolver: _Resolver, mirror: Mirror, before: "_Memberships") -> _Resolved:
    """Names to people; nesting and cycles computed once, over all groups that are concerned."""
    issues: list[Issue] = []
    direct: dict[UUID, set[int]] = {}
    children: dict[UUID, set[UUID]] = {}
    leads: set[tuple[UUID, UUID]] = {pair for pair in mirror.leads if pair[0] in mirror.touched}
    result: dict[UUID, Group] = dict(groups)
    unsettled = False
    for uuid, group in groups.items():
        if group.member_keys is None or group.lead_keys is None:
            direct[uuid] = {person for person, own in before.get(uuid.int, {}).items() if own}
            children[uuid] = {child for child in group.nested if child in groups}
            continue
        leads -= {pair for pair in leads if pair[0] == uuid}
        direct[uuid], children[uuid], unknown = set(), set(), []
        for key in group.member_keys if mirror.names is None else mirror.names.intersection(group.member_keys):
            if key in resolver.people:
                direct[uuid].add(resolver.people[key].int)
            elif key in resolver.groups:
                children[uuid].add(resolver.groups[key])
            elif key not in resolver.placeholders:
                unknown.append(key)
        if unknown:
            issues.append(Issue(uuid, group.dn, "group_member_unknown", f"{len(unknown)} of {len(group.member_keys)}"))
        if uuid in children[uuid]:
            children[uuid].discard(uuid)
            issues.append(Issue(uuid, group.dn, "group_in_itself"))
        lead_keys = [key for key in group.lead_keys if key not in resolver.placeholders]
        leads |= {(uuid, resolver.people[key]) for key in lead_keys if key in resolver.people}
        unknown_leads = [key for key in lead_keys if key not in resolver.people]
        if unknown_leads:
            issues.append(Issue(uuid, group.dn, "group_lead_unknown"))
        goes_by_former = not all(map(resolver.former.isdisjoint, (group.member_keys, group.lead_keys)))
        unsettled = unsettled or goes_by_former
        result[uuid] = replace(
            group,
            # What goes by a former name is read again at the next pass, changed or not.
            csn="" if goes_by_former else group.csn,
            digest="" if goes_by_former else group.digest,
            unknown_keys=tuple(sorted({*unknown, *unknown_leads})),
            nested=frozenset(children[uuid]),
        )
    everybody, cycles = closure(direct, children)
    for cycle in cycles:
        names = ", ".join(sorted(groups[uuid].name for uuid in cycle))
        issues += [Issue(uuid, groups[uuid].dn, CYCLE_ISSUE, names) for uuid in sorted(cycle)]
    memberships = {
        uuid.int: {**dict.fromkeys(people, False), **dict.fromkeys(direct[uuid], True)}
        for uuid, people in everybody.items()
        if uuid in mirror.touched
    }
    resolved = frozenset(uuid for uuid, group in groups.items() if group.member_keys is not None)
    leads = {pair for pair in leads if pair[0] in groups}
    return _Resolved(result, memberships, leads, tuple(issues), resolved, unsettled)


def _mark_shared(people: Mapping[UUID, Person], mirror: Mirror) -> tuple[dict[UUID, Person], list[Issue]]:
    """A login or an address that several present people have opens no account by itself.

    Only keys are judged of which all holders are known here.
    """
    issues: list[Issue] = []
    marked = dict(people)
    for uuid, person in people.items():
        if person.login_ambiguous and person.details["login_key"] in mirror.login_keys | {""}:
            marked[uuid] = replace(marked[uuid], login_ambiguous=False)
        if person.email_state == MailState.SHARED and person.details["email_key"] in mirror.email_keys:
            marked[uuid] = replace(marked[uuid], email_state=MailState.OK)
    for name, code, keys in (
        ("login_key", "login_shared", mirror.login_keys),
        ("email_key", "mail_shared", mirror.email_keys),
    ):
        for uuids in _holders(marked, name, keys):
            for uuid in uuids:
                others = "; ".join(marked[other].dn for other in uuids if other != uuid)
                issues.append(Issue(uuid, marked[uuid].dn, code, others))
                if name == "login_key":
                    marked[uuid] = replace(marked[uuid], login_ambiguous=True)
                else:
                    marked[uuid] = replace(marked[uuid], email_state=MailState.SHARED)
    return marked, issues


def _by_identity(item: tuple[UUID, Person]) -> int:
    return item[0].int


def _holders(people: Mapping[UUID, Person], name: str, keys: AbstractSet[str]) -> Iterator[list[UUID]]:
    holders: dict[str, list[UUID]] = {}
    for uuid, person in sorted(people.items(), key=_by_identity):
        key = person.details[name]
        if key and key in keys and person.state in PRESENT_STATES:
            holders.setdefault(key, []).append(uuid)
    return (uuids for uuids in holders.values() if len(uuids) > 1)


# From what is to what would be -----------------------------------------------------------------------------------


def _columns(person: Person) -> dict[str, object]:
    return {
        "dn": person.dn,
        "dn_key": person.dn_key,
        "csn": person.csn,
        "digest": person.digest,
        "state": person.state,
        "state_reason": person.state_reason,
        "login_ambiguous": person.login_ambiguous,
        "email_state": person.email_state,
        **person.details,
    }


def _person_changes(mirror: Mirror, people: Mapping[UUID, Person]) -> Iterator[PersonChange]:
    for uuid, person in people.items():
        after = _columns(person)
        known = mirror.people.get(uuid)
        if known is None:
            yield PersonChange("join", uuid, person.dn, after)
            continue
        before = _columns(known)
        changed = {name: value for name, value in after.items() if before[name] != value}
        if not changed:
            continue
        verb = "edit"
        if "state" in changed:
            was_in, is_in = known.state == MemberState.ACTIVE, person.state == MemberState.ACTIVE
            # An entry that returns opens nothing while the cooperative holds the account back.
            verb = "end" if was_in else "return" if is_in and not person.is_held else "edit"
        yield PersonChange(verb, uuid, person.dn, changed)


def _group_columns(group: Group) -> dict[str, object]:
    return {
        "dn": group.dn,
        "dn_key": group.dn_key,
        "csn": group.csn,
        "digest": group.digest,
        "name": group.name,
        "kind": group.kind,
        "description": group.description,
        "present": group.present,
        "unknown_keys": list(group.unknown_keys),
        "nested": group.nested,
        **(
            {}
            if group.member_keys is None or group.lead_keys is None
            else {"member_keys": list(group.member_keys), "lead_keys": list(group.lead_keys)}
        ),
    }


def _group_changes(
    mirror: Mirror, groups: Mapping[UUID, Group], removals: _Removals, stopped: AbstractSet[str]
) -> Iterator[GroupChange]:
    for uuid, group in groups.items():
        after = _group_columns(group)
        known = mirror.groups.get(uuid)
        if known is None:
            yield GroupChange("new", uuid, group.dn, after)
            continue
        before = _group_columns(known)
        changed = {name: value for name, value in after.items() if name not in before or before[name] != value}
        if changed:
            yield GroupChange("edit" if known.present else "return", uuid, group.dn, changed)
    if "groups" not in stopped:
        for uuid in sorted(removals.groups):
            yield GroupChange("end", uuid, mirror.groups[uuid].dn, {"present": False, "csn": "", "digest": ""})


def _all_issues(
    mirror: Mirror, observed: Observed, people: Mapping[UUID, Person], found: Sequence[Issue]
) -> tuple[Issue, ...]:
    """One per entry and code, in an order that depends on nothing but the content."""
    collected: dict[tuple[UUID, str], Issue] = {}
    named = [person for person in observed.people if not people[person.entry_uuid].is_erased]
    entries: list[Person | Group] = [*named, *observed.groups]
    own = [
        Issue(entry.entry_uuid, entry.dn, problem.code, problem.detail)
        for entry in entries
        for problem in entry.problems
    ]
    for issue in [*own, *found, *_resembling(people, mirror.login_keys)]:
        key = (issue.entry_uuid, issue.code)
        if key in collected and issue.detail and issue.detail not in collected[key].detail.split(", "):
            issue = replace(issue, detail=f"{collected[key].detail}, {issue.detail}")
        elif key in collected:
            continue
        collected[key] = issue
    return tuple(collected[key] for key in sorted(collected))


def _resembling(people: Mapping[UUID, Person], login_keys: AbstractSet[str]) -> Iterator[Issue]:
    """A new entry with the login of one that is gone: somebody else, or the same person entered twice?"""
    gone = {
        person.details["login_key"]: person
        for _, person in sorted(people.items(), key=_by_identity)
        if person.state == MemberState.MISSING and person.details["login_key"] in login_keys
    }
    for uuid, person in people.items():
        former = gone.get(person.details["login_key"])
        if former and person.state in PRESENT_STATES and uuid != former.entry_uuid:
            yield Issue(uuid, person.dn, "login_reused", f"entryUUID {former.entry_uuid}")


def _settled(
    mirror: Mirror,
    observed: Observed,
    people: Mapping[UUID, Person],
    resolved: AbstractSet[UUID],
    issues: Sequence[Issue],
) -> frozenset[tuple[UUID, str]]:
    """Of the open issues those that were looked at now and are not there."""
    still = {(issue.entry_uuid, issue.code) for issue in issues}
    seen = {person.entry_uuid for person in observed.people} | {group.entry_uuid for group in observed.groups}
    gone = {
        uuid
        for uuid in observed.located
        if (uuid in people and people[uuid].state == MemberState.MISSING)
        or (uuid in mirror.groups and uuid not in resolved)
    }

    def judged(uuid: UUID, code: str) -> bool:
        if uuid in gone:
            return True
        if code == PHOTO_ISSUE:
            return False
        if code in SHARED_ISSUES:
            return uuid in seen or (
                uuid in people
                and people[uuid].details["email_key" if code == "mail_shared" else "login_key"]
                in (mirror.email_keys if code == "mail_shared" else mirror.login_keys)
            )
        if code in REFERENCE_ISSUES:
            return uuid in resolved
        if code == CYCLE_ISSUE:
            return uuid in mirror.touched
        return uuid in seen

    return frozenset(
        (uuid, code) for uuid, code in mirror.open_issues if (uuid, code) not in still and judged(uuid, code)
    )
