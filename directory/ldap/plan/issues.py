"""What a person should settle in the directory, and what is settled."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from uuid import UUID

from directory.ldap.plan.sharing import CROSSING_ISSUE
from directory.ldap.plan.types import PRESENT_STATES, Group, Issue, Mirror, Observed, Person
from directory.normalise import logins_like, mail_key
from directory.types import MemberState

# Issues that come from looking at several entries together; any other is of one entry alone.
SHARED_ISSUES = {"login_shared", "mail_shared", "login_reused"}
# Those of two people, of whom each may be of a source of their own.
BETWEEN_SOURCES = frozenset({*SHARED_ISSUES, CROSSING_ISSUE})
REFERENCE_ISSUES = {"group_member_unknown", "group_lead_unknown", "group_in_itself"}
CYCLE_ISSUE = "group_cycle"
ELSEWHERE_ISSUE = "entry_elsewhere"
# Opened and settled by whoever reads photos, apart from a pass.
PHOTO_ISSUE = "photo_refused"


def all_issues(
    mirror: Mirror, observed: Observed, people: Mapping[UUID, Person], found: Sequence[Issue]
) -> tuple[Issue, ...]:
    """One per entry and code, in an order that depends on nothing but the content."""
    collected: dict[tuple[UUID, str], Issue] = {}
    entries: list[Person | Group] = [
        *(each for each in observed.people if each.problems and not people[each.entry_uuid].is_erased),
        *observed.groups,
    ]
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


def _words_known(person: Person, mirror: Mirror) -> bool:
    """Whether everybody is known who has this person's login as an address, or the address as a login."""
    as_mail, as_logins = mail_key(person.details["login_key"]), logins_like(person.details["email_key"])
    return mirror.email_keys.issuperset({as_mail} - {""}) and mirror.login_keys.issuperset(as_logins)


def _resembling(people: Mapping[UUID, Person], login_keys: AbstractSet[str]) -> Iterator[Issue]:
    """A new entry with the login of one that is gone: somebody else, or the same person entered twice?"""
    gone = {
        person.details["login_key"]: person
        for person in sorted(filter(_is_gone, people.values()), key=lambda each: each.entry_uuid)
        if person.details["login_key"] in login_keys
    }
    for uuid, person in people.items():
        former = gone.get(person.details["login_key"])
        if former and person.state in PRESENT_STATES and uuid != former.entry_uuid:
            yield Issue(uuid, person.dn, "login_reused", f"entryUUID {former.entry_uuid}")


def _is_gone(person: Person) -> bool:
    return person.state == MemberState.MISSING


def settled_issues(
    mirror: Mirror,
    observed: Observed,
    people: Mapping[UUID, Person],
    resolved: AbstractSet[UUID],
    issues: Sequence[Issue],
) -> frozenset[tuple[UUID, str]]:
    """Of the open issues those that were looked at now and are not there."""
    if not mirror.open_issues:
        return frozenset()
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
        if code == ELSEWHERE_ISSUE:
            # Nobody of this source's, so that it is new to every pass that sees it.
            return observed.is_complete or uuid in seen
        if code in SHARED_ISSUES:
            return uuid in seen or (
                uuid in people
                and people[uuid].details["email_key" if code == "mail_shared" else "login_key"]
                in (mirror.email_keys if code == "mail_shared" else mirror.login_keys)
            )
        if code == CROSSING_ISSUE:
            return uuid in seen or (uuid in people and _words_known(people[uuid], mirror))
        if code in REFERENCE_ISSUES:
            return uuid in resolved
        if code == CYCLE_ISSUE:
            return uuid in mirror.touched
        return uuid in seen

    return frozenset(
        (uuid, code) for uuid, code in mirror.open_issues if (uuid, code) not in still and judged(uuid, code)
    )
