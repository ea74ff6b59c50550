"""Logins and addresses that several people have."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from uuid import UUID

from directory.ldap.plan.types import Issue, Mirror, Person
from directory.normalise import mail_key
from directory.types import MailState

CROSSING_ISSUE = "login_is_mail"


def mark_shared(people: Mapping[UUID, Person], mirror: Mirror) -> tuple[dict[UUID, Person], list[Issue]]:
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
    present = {uuid: person for uuid, person in people.items() if person.is_present}
    for name, code, keys in (
        ("login_key", "login_shared", mirror.login_keys),
        ("email_key", "mail_shared", mirror.email_keys),
    ):
        for uuids in _holders(present, name, keys):
            for uuid in uuids:
                others = "; ".join(marked[other].dn for other in uuids if other != uuid)
                issues.append(Issue(uuid, marked[uuid].dn, code, others))
                if name == "login_key":
                    marked[uuid] = replace(marked[uuid], login_ambiguous=True)
                else:
                    marked[uuid] = replace(marked[uuid], email_state=MailState.SHARED)
    return marked, [*issues, *_crossing(present)]


def words_of(person: Person) -> frozenset[str]:
    """What somebody types who is this person: the login, where it could be an address as that is compared."""
    login = person.details["login_key"]
    return frozenset({mail_key(login) or login if "@" in login else login, person.details["email_key"]}) - {""}


def _crossing(present: Mapping[UUID, Person]) -> Iterator[Issue]:
    """One's login is the address of another: typed at the door it means two people, and so nobody."""
    logins = ((uuid, person.details["login_key"]) for uuid, person in present.items())
    addresses = {uuid: mail_key(login) for uuid, login in logins if "@" in login}
    wanted = set(addresses.values()) - {""}
    if not wanted:
        return
    by_mail: dict[str, list[UUID]] = {}
    for uuid, person in present.items():
        if person.details["email_key"] in wanted:
            by_mail.setdefault(person.details["email_key"], []).append(uuid)
    others: dict[UUID, set[UUID]] = {}
    for uuid, address in addresses.items():
        for other in by_mail.get(address, ()):
            if other != uuid:
                others.setdefault(uuid, set()).add(other)
                others.setdefault(other, set()).add(uuid)
    for uuid, found in sorted(others.items()):
        yield Issue(uuid, present[uuid].dn, CROSSING_ISSUE, "; ".join(sorted(present[other].dn for other in found)))


def _holders(present: Mapping[UUID, Person], name: str, keys: AbstractSet[str]) -> Iterator[list[UUID]]:
    first: dict[str, UUID] = {}
    shared: dict[str, set[UUID]] = {}
    for uuid, person in present.items():
        key = person.details[name]
        if key and key in keys and (other := first.setdefault(key, uuid)) is not uuid:
            shared.setdefault(key, {other}).add(uuid)
    return map(sorted, shared.values())
