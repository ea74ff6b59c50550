"""Writing the journal: one function, in the transaction of the change it tells of."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor, Entry, EventFilter

MINUTE = timedelta(minutes=1)
REFUSED_PAGES_A_MINUTE = 30


def record(*entries: Entry) -> None:
    """Write the entries in one statement, inside the caller's transaction.

    Raises ``TransactionManagementError`` outside a transaction: a line that could survive
    the roll-back of its change, or be missing after its commit, proves nothing.
    """
    record_all(entries)


def record_all(entries: Iterable[Entry]) -> None:
    """As ``record``, for a list that was built elsewhere."""
    rows = [
        {
            "at": entry.at or timezone.now(),
            "action": entry.action,
            "actor_id": entry.actor.member,
            "actor_tool_id": entry.actor.tool,
            "subject_id": entry.subject,
            "tool_id": entry.tool,
            "session": entry.session,
            "refused": entry.refused,
            "reason": entry.reason,
            "facts": entry.facts,
        }
        for entry in entries
    ]
    if not rows:
        return
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("record() belongs inside the transaction of its change")
    Event.objects.insert(rows)


@transaction.atomic
def note_reading(*, actor: Actor, wanted: EventFilter, members: Sequence[UUID], exported: bool, now: datetime) -> None:
    """Reading the journal is an event too: who, when, by which criteria; never what was typed.

    When the search names one person, the line is about them, and they can be told that they were looked up.
    """
    facts: dict[str, object] = {"filters": list(wanted.used)}
    if wanted.action:
        facts["action"] = wanted.action
    if exported:
        facts["export"] = True
    subject = members[0] if wanted.member and len(members) == 1 else None
    record(Entry(Action.JOURNAL_READ, actor=actor, subject=subject, facts=facts, at=now))


@transaction.atomic
def note_refused_page(*, actor: Actor, page: str, now: datetime, reason: str = "role_missing") -> None:
    """A page that somebody’s roles or proof do not open: so many lines a minute, however often they ask."""
    lately = Event.objects.filter(subject_id=actor.member, at__gt=now - MINUTE, action=Action.ACCESS_REFUSED)
    if lately.count() >= REFUSED_PAGES_A_MINUTE:
        return
    record(
        Entry(
            Action.ACCESS_REFUSED,
            actor=actor,
            subject=actor.member,
            refused=True,
            reason=reason,
            facts={"page": page},
            at=now,
        )
    )
