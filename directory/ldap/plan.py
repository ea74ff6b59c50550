"""What a pass would change: the mirror and what was observed in, a plan out.  No Django, no clock, no connection.

The plan is printed by ``--dry-run``, tested as data, and applied by ``directory.services``.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from uuid import UUID

from directory.ldap.graph import closure
from directory.normalise import InvalidName, Problem, dn_key, fold, is_under
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
KINDS = {
    fold("pôle"): Kind.POLE,
    fold("auto-géré"): Kind.SELF_RUN,
    fold("territorial"): Kind.TERRITORY,
    fold("structure"): Kind.TEAM,
    fold("conseil"): Kind.BOARD,
}
# Who counts when two people share a login or an address: those who are still there, suspended or not.
PRESENT_STATES = {MemberState.ACTIVE, MemberState.LOCKED}


# What makes a whole pass wait: the server holds an older content, or somebody else's.
ALL_WAITS = {"server_went_back", "nothing_in_common"}
# What makes departures wait, while everything else goes on.
HOLDS_PEOPLE = {"people", "last_administrator"}


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
    problems: tuple[Problem, ...] = ()
    # Known of the mirror alone: the cooperative holds the account back, contact details were erased.
    is_held: bool = False
    is_erased: bool = False

    @property
    def may_enter(self) -> bool:
        return self.state == MemberState.ACTIVE and not self.is_held


@dataclass(frozen=True, slots=True)
class Group:
    """One group as the directory shows it; names of members and leads are not resolved yet."""

    entry_uuid: UUID
    dn: str
    dn_key: str
    csn: str
    name: str
    kind: Kind
    description: str
    member_dns: tuple[str, ...] = ()
    lead_dns: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    present: bool = True


@dataclass(frozen=True, slots=True)
class Mirror:
    """What the hub holds.  People and groups by ``entryUUID``; memberships as (group, person) → direct."""

    people: Mapping[UUID, Person] = field(default_factory=dict)
    groups: Mapping[UUID, Group] = field(default_factory=dict)
    memberships: Mapping[tuple[UUID, UUID], bool] = field(default_factory=dict)
    leads: frozenset[tuple[UUID, UUID]] = frozenset()
    administrators: frozenset[UUID] = frozenset()
    context_csn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What a complete pass saw.

    ``located`` says of every entry that was looked up because it was not seen where it should be, where it is now
    (a name, or nothing).  One that was not looked up is not known to be gone.
    """

    people: tuple[Person, ...]
    groups: tuple[Group, ...]
    located: Mapping[UUID, str | None] = field(default_factory=dict)
    people_base_key: str = ""
    groups_base_key: str = ""
    placeholders: frozenset[str] = frozenset()
    context_csn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much may go in one pass without a person's word; defaults for 300 to 1,000 members."""

    people: int = 5
    people_share: float = 0.03
    groups: int = 3
    groups_share: float = 0.10
    memberships: int = 30
    memberships_share: float = 0.10
    emptied: int = 10
    emptied_share: float = 0.20


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
    """All that a pass would do."""

    people: tuple[PersonChange, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    memberships_set: Mapping[tuple[UUID, UUID], bool] = field(default_factory=dict)
    memberships_removed: frozenset[tuple[UUID, UUID]] = frozenset()
    leads_added: frozenset[tuple[UUID, UUID]] = frozenset()
    leads_removed: frozenset[tuple[UUID, UUID]] = frozenset()
    issues: tuple[Issue, ...] = ()
    held: tuple[Held, ...] = ()
    held_names: tuple[str, ...] = ()
    digest: str = ""

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
            "issues": len(self.issues),
            "held": len(self.held_names),
        }


def make_plan(
    mirror: Mirror, observed: Observed, ceilings: Ceilings, *, lifted: bool = False, approved: str = ""
) -> Plan:
    """Decide everything; nothing that would go too far goes, unless it is lifted or this very removal is approved."""
    removals = _removals(mirror, observed)
    held, names = _over_the_ceilings(mirror, observed, removals, ceilings) if mirror.people else ((), ())
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16] if held else ""
    if lifted or (digest and approved == digest):
        held, names = (), ()
    stopped = {each.what for each in held}
    if stopped & ALL_WAITS:
        return Plan(held=held, held_names=names, digest=digest)
    people = _resulting_people(mirror, observed, removals, stopped)
    groups, kept_groups = _resulting_groups(mirror, observed, removals, stopped)
    resolver = _Resolver(mirror, people, groups, observed)
    memberships, leads, issues = _resolve(groups, resolver, kept_groups, mirror)
    people, shared = _mark_shared(people)
    if stopped & HOLDS_PEOPLE:
        # Whoever waits keeps everything: the server has taken them out of their groups already (refint).
        waiting = removals.missing
        memberships = {**{pair: own for pair, own in mirror.memberships.items() if pair[1] in waiting}, **memberships}
        leads = leads | {pair for pair in mirror.leads if pair[1] in waiting}
    gone = frozenset(pair for pair in mirror.memberships if pair not in memberships)
    if "memberships" in stopped:
        memberships = {**{pair: mirror.memberships[pair] for pair in gone}, **memberships}
        gone = frozenset()
    return Plan(
        people=tuple(_person_changes(mirror, people)),
        groups=tuple(_group_changes(mirror, groups, removals, kept_groups)),
        memberships_set={
            pair: direct for pair, direct in memberships.items() if mirror.memberships.get(pair) != direct
        },
        memberships_removed=gone,
        leads_added=frozenset(leads - mirror.leads),
        leads_removed=frozenset() if "memberships" in stopped else frozenset(mirror.leads - leads),
        issues=tuple(_all_issues(mirror, observed, people, groups, [*issues, *shared])),
        held=held,
        held_names=names,
        digest=digest,
    )


# Who and what would go ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Removals:
    people: Mapping[UUID, tuple[MemberState, str]]
    """Active in the mirror, and no longer: the new state and why."""
    missing: frozenset[UUID]
    """Those of them that were not seen at all."""
    groups: frozenset[UUID]


def _removals(mirror: Mirror, observed: Observed) -> _Removals:
    seen = {person.entry_uuid: person for person in observed.people}
    ends: dict[UUID, tuple[MemberState, str]] = {}
    missing = set()
    for uuid, known in mirror.people.items():
        now = seen.get(uuid)
        if now is None:
            absence = _absence(observed, uuid, observed.people_base_key)
            if absence and known.state != MemberState.MISSING:
                missing.add(uuid)
                ends[uuid] = (MemberState.MISSING, absence)
        elif known.state == MemberState.ACTIVE and now.state != MemberState.ACTIVE:
            ends[uuid] = (now.state, now.state_reason)
    seen_groups = {group.entry_uuid for group in observed.groups}
    ended = frozenset(
        uuid
        for uuid, group in mirror.groups.items()
        if group.present and uuid not in seen_groups and _absence(observed, uuid, observed.groups_base_key)
    )
    return _Removals(ends, frozenset(missing), ended)


def _absence(observed: Observed, uuid: UUID, base_key: str) -> str:
    """Why an entry that was not seen is gone; empty when that is not proved."""
    if uuid not in observed.located:
        return ""
    where = observed.located[uuid]
    if where is None:
        return "entry_gone"
    # Found where it should have been: it came back, or was being moved, while the pass was reading.
    return "" if base_key and is_under(dn_key(where), base_key) else "out_of_scope"


def _over_the_ceilings(
    mirror: Mirror, observed: Observed, removals: _Removals, ceilings: Ceilings
) -> tuple[tuple[Held, ...], tuple[str, ...]]:
    """What waits, and the names of it: an approval is bound to exactly these."""
    held: list[Held] = []
    names: list[str] = []

    def hold(what: str, which: Iterable[str], limit: int) -> None:
        found = sorted(which)
        held.append(Held(what, len(found), limit))
        names.extend(f"{what} {name}" for name in found)

    if went_back(mirror.context_csn, observed.context_csn):
        hold("server_went_back", [*mirror.context_csn, *observed.context_csn], 0)
    known = {uuid for uuid, person in mirror.people.items() if person.state != MemberState.MISSING}
    if known and observed.people and not known & {person.entry_uuid for person in observed.people}:
        hold("nothing_in_common", map(str, known), 0)
    active = [uuid for uuid, person in mirror.people.items() if person.state == MemberState.ACTIVE]
    going = [uuid for uuid in removals.people if mirror.people[uuid].state == MemberState.ACTIVE]
    limit = max(ceilings.people, int(len(active) * ceilings.people_share))
    administrators = {uuid for uuid in mirror.administrators if mirror.people[uuid].may_enter}
    if len(going) > limit:
        hold("people", map(str, going), limit)
    elif administrators and administrators <= set(going):
        hold("last_administrator", map(str, going), 0)
    limit = max(ceilings.groups, int(sum(group.present for group in mirror.groups.values()) * ceilings.groups_share))
    if len(removals.groups) > limit:
        hold("groups", map(str, removals.groups), limit)
    lost = _memberships_lost(mirror, observed, removals)
    limit = max(ceilings.memberships, int(len(mirror.memberships) * ceilings.memberships_share))
    if len(lost) > limit:
        hold("memberships", (f"{group} {person}" for group, person in lost), limit)
    for name in DETAILS:
        emptied, holders = _emptied(mirror, observed, name)
        limit = max(ceilings.emptied, int(holders * ceilings.emptied_share))
        if name not in DERIVED and len(emptied) > limit:
            hold(f"attribute {name}", map(str, emptied), limit)
    return tuple(held), tuple(names)


def _memberships_lost(mirror: Mirror, observed: Observed, removals: _Removals) -> set[tuple[UUID, UUID]]:
    """Those that would end for no other reason than that the group no longer says so."""
    people = _resulting_people(mirror, observed, removals, set())
    groups, kept = _resulting_groups(mirror, observed, removals, set())
    memberships, _, _ = _resolve(groups, _Resolver(mirror, people, groups, observed), kept, mirror)
    return {
        (group, person)
        for group, person in mirror.memberships
        if (group, person) not in memberships and group not in removals.groups and person not in removals.missing
    }


def _emptied(mirror: Mirror, observed: Observed, name: str) -> tuple[list[UUID], int]:
    seen = {person.entry_uuid: person for person in observed.people}
    holders = [uuid for uuid, person in mirror.people.items() if person.details.get(name) and uuid in seen]
    return [uuid for uuid in holders if not seen[uuid].details.get(name)], len(holders)


def went_back(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a server's content is older than it was: an older backup, restored (RFC 4533, contextCSN)."""
    if not before or not after:
        return False
    newest = {_server_id(csn): csn for csn in sorted(after)}
    return any(_server_id(csn) in newest and newest[_server_id(csn)] < csn for csn in before)


def _server_id(csn: str) -> str:
    parts = csn.split("#")
    return parts[2] if len(parts) == 4 else ""


# What would be there afterwards --------------------------------------------------------------------------------


def _resulting_people(
    mirror: Mirror, observed: Observed, removals: _Removals, stopped: AbstractSet[str]
) -> dict[UUID, Person]:
    keep_ends = bool(stopped & HOLDS_PEOPLE)
    kept_names = {what.removeprefix("attribute ") for what in stopped if what.startswith("attribute ")}
    people: dict[UUID, Person] = {}
    for person in sorted(observed.people, key=lambda each: str(each.entry_uuid)):
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
) -> tuple[dict[UUID, Group], frozenset[UUID]]:
    """Groups that are there, and those of them that were not seen: their memberships stay as they are."""
    groups = {group.entry_uuid: group for group in sorted(observed.groups, key=lambda each: str(each.entry_uuid))}
    unseen = {
        uuid: group
        for uuid, group in mirror.groups.items()
        if group.present and uuid not in groups and (uuid not in removals.groups or "groups" in stopped)
    }
    return {**groups, **unseen}, frozenset(unseen)


class _Resolver:
    """From the name of an entry to whose it is: what is there now first, then what was called so a moment ago."""

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
        self.people = {known.dn_key: uuid for uuid, known in mirror.people.items() if uuid in seen}
        self.groups = {known.dn_key: uuid for uuid, known in mirror.groups.items() if uuid in groups}
        # People who are held although they were not seen keep their memberships; present names win over both.
        for uuid, person in people.items():
            if uuid not in seen and uuid not in erased and person.state in PRESENT_STATES:
                self.people[person.dn_key] = uuid
        self.people.update({people[uuid].dn_key: uuid for uuid in seen})
        self.groups.update({group.dn_key: uuid for uuid, group in groups.items()})


def _resolve(
    groups: Mapping[UUID, Group], resolver: _Resolver, kept: frozenset[UUID], mirror: Mirror
) -> tuple[dict[tuple[UUID, UUID], bool], set[tuple[UUID, UUID]], list[Issue]]:
    """Names to people; nesting and cycles computed once, over the whole graph."""
    issues: list[Issue] = []
    direct: dict[UUID, set[UUID]] = {}
    children: dict[UUID, set[UUID]] = {}
    leads: set[tuple[UUID, UUID]] = set()
    for uuid, group in groups.items():
        if uuid in kept:
            direct[uuid] = {person for (its, person), own in mirror.memberships.items() if its == uuid and own}
            children[uuid] = set()
            leads |= {pair for pair in mirror.leads if pair[0] == uuid}
            continue
        direct[uuid], children[uuid], unresolved = set(), set(), 0
        for key in _keys(group.member_dns):
            if key in resolver.people:
                direct[uuid].add(resolver.people[key])
            elif key in resolver.groups:
                children[uuid].add(resolver.groups[key])
            elif key not in resolver.placeholders:
                unresolved += 1
        if unresolved:
            issues.append(Issue(uuid, group.dn, "group_member_unknown", f"{unresolved} of {len(group.member_dns)}"))
        if uuid in children[uuid]:
            children[uuid].discard(uuid)
            issues.append(Issue(uuid, group.dn, "group_in_itself"))
        lead_keys = [key for key in _keys(group.lead_dns) if key not in resolver.placeholders]
        leads |= {(uuid, resolver.people[key]) for key in lead_keys if key in resolver.people}
        if any(key not in resolver.people for key in lead_keys):
            issues.append(Issue(uuid, group.dn, "group_lead_unknown"))
    everybody, cycles = closure(direct, children)
    for cycle in cycles:
        names = ", ".join(sorted(groups[uuid].name for uuid in cycle))
        issues += [Issue(uuid, groups[uuid].dn, "group_cycle", names) for uuid in sorted(cycle)]
    memberships = {
        (uuid, person): person in direct[uuid]
        for uuid, members in everybody.items()
        if uuid not in kept
        for person in members
    }
    memberships.update({pair: own for pair, own in mirror.memberships.items() if pair[0] in kept})
    return memberships, leads, issues


def _keys(dns: Iterable[str]) -> Iterator[str]:
    for dn in dns:
        try:
            yield dn_key(dn)
        except InvalidName:
            yield f"\0{dn}"


def _mark_shared(people: Mapping[UUID, Person]) -> tuple[dict[UUID, Person], list[Issue]]:
    """A login or an address that several present people have opens no account by itself."""
    issues: list[Issue] = []
    marked = {uuid: replace(person, login_ambiguous=False) for uuid, person in people.items()}
    for uuid, person in marked.items():
        if person.email_state == MailState.SHARED:
            marked[uuid] = replace(person, email_state=MailState.OK)
    for name, code in (("login_key", "login_shared"), ("email_key", "mail_shared")):
        for uuids in _holders(marked, name):
            for uuid in uuids:
                others = "; ".join(marked[other].dn for other in uuids if other != uuid)
                issues.append(Issue(uuid, marked[uuid].dn, code, others))
                if name == "login_key":
                    marked[uuid] = replace(marked[uuid], login_ambiguous=True)
                else:
                    marked[uuid] = replace(marked[uuid], email_state=MailState.SHARED)
    return marked, issues


def _holders(people: Mapping[UUID, Person], name: str) -> Iterator[list[UUID]]:
    holders: dict[str, list[UUID]] = {}
    for uuid, person in sorted(people.items()):
        if person.details[name] and person.state in PRESENT_STATES:
            holders.setdefault(person.details[name], []).append(uuid)
    return (uuids for uuids in holders.values() if len(uuids) > 1)


# From what is to what would be -----------------------------------------------------------------------------------


def _columns(person: Person) -> dict[str, object]:
    return {
        "dn": person.dn,
        "dn_key": person.dn_key,
        "csn": person.csn,
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
        "name": group.name,
        "kind": group.kind,
        "description": group.description,
        "present": group.present,
    }


def _group_changes(
    mirror: Mirror, groups: Mapping[UUID, Group], removals: _Removals, kept: frozenset[UUID]
) -> Iterator[GroupChange]:
    for uuid, group in groups.items():
        after = _group_columns(group)
        known = mirror.groups.get(uuid)
        if known is None:
            yield GroupChange("new", uuid, group.dn, after)
            continue
        before = _group_columns(known)
        changed = {name: value for name, value in after.items() if before[name] != value}
        if changed:
            yield GroupChange("edit" if known.present else "return", uuid, group.dn, changed)
    for uuid in sorted(removals.groups - kept):
        yield GroupChange("end", uuid, mirror.groups[uuid].dn, {"present": False})


def _all_issues(
    mirror: Mirror,
    observed: Observed,
    people: Mapping[UUID, Person],
    groups: Mapping[UUID, Group],
    found: Sequence[Issue],
) -> Iterator[Issue]:
    """One per entry and code, in an order that depends on nothing but the content."""
    collected: dict[tuple[UUID, str], Issue] = {}
    named = [person for person in observed.people if not people[person.entry_uuid].is_erased]
    entries: list[Person | Group] = [*named, *observed.groups]
    own = [
        Issue(entry.entry_uuid, entry.dn, problem.code, problem.detail)
        for entry in entries
        for problem in entry.problems
    ]
    for issue in [*own, *found, *_resembling(mirror, people)]:
        key = (issue.entry_uuid, issue.code)
        if key in collected and issue.detail and issue.detail not in collected[key].detail.split(", "):
            issue = replace(issue, detail=f"{collected[key].detail}, {issue.detail}")
        elif key in collected:
            continue
        collected[key] = issue
    yield from (collected[key] for key in sorted(collected))


def _resembling(mirror: Mirror, people: Mapping[UUID, Person]) -> Iterator[Issue]:
    """A new entry with the login of one that is gone: somebody else, or the same person entered twice?"""
    gone = {
        person.details["login_key"]: person
        for person in people.values()
        if person.state == MemberState.MISSING and person.details["login_key"]
    }
    for uuid, person in people.items():
        former = gone.get(person.details["login_key"])
        if former and person.state in PRESENT_STATES and uuid != former.entry_uuid:
            yield Issue(uuid, person.dn, "login_reused", f"entryUUID {former.entry_uuid}")
