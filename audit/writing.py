"""One event on its way into the journal: its row, its sealed parts, and its turn in the queue of the log."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from operator import attrgetter
from os import urandom
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from audit import keyring, place
from audit.common import common_text
from audit.kinds import NETWORK_NOTED
from audit.models import Event, Pending
from audit.models.events import COLUMNS_OF
from audit.parts import SALT, Part, Role, canonical, seal_part
from audit.types import By, Entry
from statements.writing import together

# What an entry says of nobody in particular; ``by`` apart, which depends on who is concerned.
_common_of = attrgetter("action", "at", "tool", "refused", "reason", "actor.tool")


class _Said(NamedTuple):
    """What one entry says of somebody, as canonical JSON."""

    role: Role
    person: UUID
    text: str


class _Common(NamedTuple):
    """What an entry says of nobody in particular: the columns of its row, and the text that is committed to."""

    columns: dict[str, Any]
    text: str


def write(entries: Sequence[Entry], *, now: datetime, newcomers: AbstractSet[UUID] = frozenset()) -> None:
    """One statement for few of them, two otherwise, and what it takes to find or make the keys of the people concerned.

    ``newcomers``: as ``keyring.keys_of`` has them.
    Raises ``PartsError`` for facts that no part can hold, such as a broken number.
    """
    personal = [_personal(entry) for entry in entries]
    keys = keyring.keys_of((said.person for each in personal for said in each), now=now, newcomers=newcomers)
    events: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    for common, said in zip(_common(entries, now), personal, strict=True):
        reference, salt = uuid4(), urandom(SALT)
        event = {**common.columns, "reference": reference, "salt": salt}
        parts = [Part(Role.COMMON, salt, common.text)]
        for role, person, text in said:
            key = keys.get(person)
            if key is None:
                # Erased: that it happened is told, and of nobody.
                continue
            part = Part(role, urandom(SALT), text)
            sealed_in, *key_in = COLUMNS_OF[role]
            event[sealed_in] = seal_part(key.secret, part, reference=reference)
            for name in key_in:
                event[name] = key.id
            parts.append(part)
        events.append(event)
        pending.append(
            {
                "reference": reference,
                "action": event["action"],
                "commitments": b"".join([each.role.encode() + each.commitment for each in parts]),
                "since": now,
            }
        )
    with together():
        Event.objects.insert(events)
        Pending.objects.insert(pending)


def _common(entries: Sequence[Entry], now: datetime) -> Iterator[_Common]:
    """Of each entry; made once for those in a row that differ in nothing but whom they concern."""
    before: tuple[object, ...] = ()
    facts: object = None
    common = _Common({}, "")
    for entry in entries:
        same = (_by(entry), *_common_of(entry))
        if same != before or entry.facts is not facts:
            before, facts = same, entry.facts
            columns = _columns(entry, now)
            common = _Common(columns, common_text(columns))
        yield common


def _columns(entry: Entry, now: datetime) -> dict[str, Any]:
    return {
        "at": entry.at or now,
        "action": entry.action.value,
        "by": _by(entry).value,
        "actor_tool_id": entry.actor.tool,
        "tool_id": entry.tool,
        "refused": entry.refused,
        "reason": entry.reason,
        "facts": entry.facts,
    }


def _by(entry: Entry) -> By:
    actor = entry.actor
    if actor.member is not None:
        return By.SELF if actor.member == entry.subject else By.MEMBER
    return By.HUB if actor.tool is None else By.TOOL


def _personal(entry: Entry) -> list[_Said]:
    """Of whom the event says what: nobody's part tells of the session of somebody else."""
    subject, actor = entry.subject, entry.actor.member
    said: list[_Said] = []
    if subject is not None:
        theirs = entry.session or (entry.actor.session if actor == subject else None)
        said.append(_Said(Role.SUBJECT, subject, _person_in(subject, theirs)))
    if actor is not None and actor != subject:
        theirs = entry.actor.session or (entry.session if subject is None else None)
        said.append(_Said(Role.ACTOR, actor, _person_in(actor, theirs)))
    somebody = actor or subject
    if somebody is not None and entry.action in NETWORK_NOTED and (here := place.here()):
        said.append(_Said(Role.NETWORK, somebody, canonical(here)))
    return said


def _person_in(person: UUID, session: UUID | None) -> str:
    """As ``canonical`` writes it, for it is nearly all that is ever written of anybody."""
    return f'{{"person":"{person}","session":"{session}"}}' if session else f'{{"person":"{person}"}}'
