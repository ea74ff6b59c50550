"""How parts leave the journal: a batch in one transaction, counted by log and role, announced, and naming nobody.

What went is written down with its going, in the row of the removal; the entry that announces it empties that count in
its own transaction.  So whatever is killed when, each part that is not there was announced once, or waits in a row
that says so; an export counts those as withheld until the announcement is signed.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from os import urandom
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max

from audit.models import Event, Leaf, Log, Removal
from audit.parts import GONE, SALT, Role, base64url, canonical
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry, RemovalKind

ACTIONS = {RemovalKind.ERASURE: Action.PERSON_ERASED, RemovalKind.RETENTION: Action.RETENTION_RUN}
PERSONAL = (Role.SUBJECT, Role.ACTOR, Role.NETWORK)
Roles = frozenset[Role]
# In place of a log’s name: never in what was signed, and never will be.
NOWHERE = ""


class Place(NamedTuple):
    log: str
    number: int


def places_of(references: Collection[UUID]) -> dict[UUID, Place]:
    """Where these events stand in what is signed of the logs; not those that stand nowhere yet.

    An announcement may only be about entries that whoever reads it can have.  What was never signed of a log that was
    given up, nobody ever has: there is nothing to announce of it.
    """
    logs = Log.objects.annotate(signed=Max("checkpoints__size"))
    signed = {pk: (size or 0, given_up) for pk, size, given_up in logs.values_list("pk", "signed", "given_up")}
    rows = Leaf.objects.filter(reference__in=references).values_list("reference", "log_id", "log__name", "index")
    places = {}
    for reference, log, name, index in rows:
        size, given_up = signed[log]
        if index < size:
            places[reference] = Place(name, index)
        elif given_up:
            places[reference] = Place(NOWHERE, index)
    return places


def held_by(event: Event) -> Roles:
    """The parts of this row that are still there."""
    sealed = {
        Role.SUBJECT: event.subject_sealed,
        Role.ACTOR: event.actor_sealed,
        Role.NETWORK: event.network_sealed,
    }
    return frozenset({Role.COMMON, *(role for role, content in sealed.items() if content is not None)})


def go_together(event: Event, roles: Collection[Role]) -> Roles:
    """Of what is asked, what can go, and what cannot stay without it."""
    there, going = held_by(event), set(roles)
    # The network opens with the key of whoever did it, or else of the one concerned.
    owner = Role.ACTOR if event.actor_key_id else Role.SUBJECT
    if owner in going:
        going.add(Role.NETWORK)
    going &= there
    if not there - {Role.COMMON} <= going:
        going.discard(Role.COMMON)
    return frozenset(going)


def take_out(removal: Removal, due: Mapping[Event, Collection[Role]], places: Mapping[UUID, Place]) -> int:
    """Let these parts of these events go, in the caller's transaction, which holds ``removal`` and the events.

    ``places`` has all of them.  Returns how many parts went.
    """
    going = {event: roles for event, asked in due.items() if (roles := go_together(event, asked))}
    if not going:
        return 0
    if removal.digest is None:
        removal.salt = urandom(SALT)
        removal.digest = removal.salt
    gone: list[list[object]] = []
    sets: dict[Roles, list[int]] = {}
    for event, roles in going.items():
        place, named = places[event.reference], "".join(role for role in Role if role in roles)
        gone.append([place.log, place.number, named])
        sets.setdefault(roles, []).append(event.pk)
        if place.log == NOWHERE:
            continue
        counts = removal.unsaid.setdefault(place.log, {})
        for role in named:
            counts[role] = counts.get(role, 0) + 1
    for roles, keys in sets.items():
        Event.objects.filter(pk__in=keys).let_go(roles)
    # A list of places would tie the lines of one person together for good; this only says that there was one.
    removal.digest = sha256(b"\x11" + bytes(removal.digest) + canonical(gone).encode()).digest()
    return sum(len(roles) for roles in going.values())


def destroy_rows(references: Collection[UUID]) -> None:
    """What is left of the events of a log that was announced as destroyed: facts of nobody."""
    Event.objects.filter(reference__in=references).let_go([Role.COMMON])


def announce(removal: Removal, *, facts: Mapping[str, object], actor: Actor = SYSTEM, now: datetime) -> None:
    """What went since the last time, in the log; the caller holds the row and saves it in the same transaction."""
    told: dict[str, object] = {GONE: removal.unsaid, **facts}
    if removal.digest is not None:
        told["over"] = base64url(bytes(removal.digest))
    record(Entry(ACTIONS[RemovalKind(removal.kind)], actor=actor, facts=told, at=now))
    for log, counts in removal.unsaid.items():
        said = removal.said.setdefault(log, {})
        for role, count in counts.items():
            said[role] = said.get(role, 0) + count
    removal.unsaid = {}
