"""One event on its way into the journal: its row, its sealed parts, and its turn in the queue of the log."""

from collections.abc import Sequence
from datetime import datetime
from os import urandom
from typing import Any
from uuid import UUID, uuid4

from audit import keyring, place
from audit.common import common_part
from audit.kinds import NETWORK_NOTED
from audit.models import Event, Pending
from audit.models.events import COLUMNS_OF
from audit.parts import SALT, Role, make_part, seal_part
from audit.types import By, Entry
from statements.writing import together


def write(entries: Sequence[Entry], *, now: datetime) -> None:
    """One statement for few of them, two otherwise, and what it takes to find or make the keys of the people concerned.

    Raises ``PartsError`` for facts that no part can hold, such as a broken number.
    """
    personal = [_personal(entry) for entry in entries]
    keys = keyring.keys_of((person for each in personal for person, _ in each.values()), now=now)
    events: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    for entry, said in zip(entries, personal, strict=True):
        event = _event(entry, now)
        contents = [common_part(event)]
        for role, (person, facts) in said.items():
            if person not in keys:
                # Erased: that it happened is told, and of nobody.
                continue
            content, key = make_part(role, facts), keys[person]
            sealed_in, *key_in = COLUMNS_OF[role]
            event[sealed_in] = seal_part(key.secret, content, reference=event["reference"])
            event |= dict.fromkeys(key_in, key.id)
            contents.append(content)
        events.append(event)
        pending.append(
            {
                "reference": event["reference"],
                "action": event["action"],
                "commitments": b"".join(each.role.encode() + each.commitment for each in contents),
                "since": now,
            }
        )
    with together():
        Event.objects.insert(events)
        Pending.objects.insert(pending)


def _event(entry: Entry, now: datetime) -> dict[str, Any]:
    return {
        "reference": uuid4(),
        "at": entry.at or now,
        "action": entry.action.value,
        "by": _by(entry).value,
        "actor_tool_id": entry.actor.tool,
        "tool_id": entry.tool,
        "refused": entry.refused,
        "reason": entry.reason,
        "facts": entry.facts,
        "salt": urandom(SALT),
    }


def _by(entry: Entry) -> By:
    if entry.actor.member is not None:
        return By.SELF if entry.actor.member == entry.subject else By.MEMBER
    return By.HUB if entry.actor.tool is None else By.TOOL


def _personal(entry: Entry) -> dict[Role, tuple[UUID, dict[str, str]]]:
    """Of whom the event says what, by role: nobody's part tells of the session of somebody else."""
    subject, actor = entry.subject, entry.actor.member
    said: dict[Role, tuple[UUID, dict[str, str]]] = {}
    if subject is not None:
        theirs = entry.session or (entry.actor.session if actor == subject else None)
        said[Role.SUBJECT] = subject, _person_in(subject, theirs)
    if actor is not None and actor != subject:
        theirs = entry.actor.session or (entry.session if subject is None else None)
        said[Role.ACTOR] = actor, _person_in(actor, theirs)
    somebody = actor or subject
    if somebody is not None and entry.action in NETWORK_NOTED and (here := place.here()):
        said[Role.NETWORK] = somebody, here
    return said


def _person_in(person: UUID, session: UUID | None) -> dict[str, str]:
    return {"person": str(person), **({"session": str(session)} if session else {})}
