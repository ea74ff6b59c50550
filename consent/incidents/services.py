"""Writing about breaches: each step is added, and records itself in its transaction."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.services import record, record_all
from audit.types import Action, Actor, Entry, Reading
from consent import policy as sheets
from consent.incidents import policy, selectors
from consent.incidents.models import Incident, IncidentStep
from consent.incidents.types import Count, Facts, IncidentChanged, IncidentInvalid
from consent.ledger.holdings import Concerned

MOST_TRIES = 20


def delayed(facts: Facts) -> Facts:
    """With the delay that the law gives on the day from which it counts."""
    return replace(facts, hours=policy.hours_on(timezone.localdate(facts.aware), settings.BREACH_HOURS))


@transaction.atomic
def open_incident(*, facts: Facts, actor: Actor, now: datetime) -> str:
    """A breach, with what is known of it so far; returns its reference.  Raises ``IncidentInvalid``."""
    facts = policy.checked(delayed(facts), None, now=now)
    row = _row(now)
    step = _put(row, 1, facts, actor=actor, now=now)
    said: dict[str, object] = {"incident": row.reference, "digest": step.digest}
    record(Entry(Action.INCIDENT_OPENED, actor=actor, facts=said, at=now))
    return row.reference


@transaction.atomic
def write(*, reference: str, content: Any, version: int, actor: Actor, now: datetime) -> int:
    """One more step, after the one that was shown; returns its number.

    Raises ``IncidentChanged``, or ``IncidentInvalid``.
    """
    known = _locked(reference, now)
    if known.version != version:
        raise IncidentChanged
    if isinstance(content, Facts):
        content = delayed(content)
    content = policy.checked(content, known.standing, now=now)
    step = _put(known.incident, known.version + 1, content, actor=actor, now=now)
    said: dict[str, object] = {"incident": reference, "incident_step": step.kind, "digest": step.digest}
    record(Entry(Action.INCIDENT_CHANGED, actor=actor, facts=said, at=now))
    return step.number


@transaction.atomic
def ask(*, reference: str, tool_id: int, since: datetime, until: datetime, actor: Actor, now: datetime) -> int:
    """Count everyone of whom the tool held something in the window, and keep the question with its answer.

    Returns the number of the step.  Raises ``IncidentInvalid``.
    """
    known = _locked(reference, now)
    if tool_id not in dict(selectors.tools()):
        raise IncidentInvalid({"tool": "no_tool"})
    policy.checked(Count(tool_id, "", since, until, 0, 0), known.standing, now=now)
    found = selectors.count(tool_id, since=since, until=until)
    step = _put(known.incident, known.version + 1, found, actor=actor, now=now)
    said: dict[str, object] = {
        "incident": reference,
        "people": found.people,
        "held_items": found.entries,
        "items": list(found.items),
        "digest": step.digest,
    }
    record(Entry(Action.INCIDENT_COUNTED, actor=actor, tool=tool_id, facts=said, at=now))
    return step.number


@transaction.atomic
def note_list(*, reference: str, asked: Count, people: Iterable[Concerned], reading: Reading, now: datetime) -> None:
    """Names and addresses leave, to write to these people: each of them has a line about it."""
    said = {"incident": reference, **reading.why}
    actor = Actor(reading.reader)
    record_all(
        Entry(Action.INCIDENT_LISTED, actor, each.member, asked.tool, facts={**said, "items": list(each.items)}, at=now)
        for each in people
    )


@transaction.atomic
def note_export(*, actor: Actor, kind: str, lines: int, now: datetime, reference: str = "") -> None:
    """The register of breaches leaves, or one of them."""
    said: dict[str, object] = {"export": kind, "lines": lines}
    if reference:
        said["incident"] = reference
    record(Entry(Action.INCIDENTS_EXPORTED, actor=actor, facts=said, at=now))


@transaction.atomic
def note_refused(*, actor: Actor, reference: str, step: str, reason: str, now: datetime) -> None:
    """Something that was not written, and why; nothing of what it said."""
    said: dict[str, object] = {"incident": reference, "incident_step": step}
    record(Entry(Action.INCIDENT_CHANGED, actor=actor, refused=True, reason=reason, facts=said, at=now))


def _locked(reference: str, now: datetime) -> selectors.Known:
    # Whoever comes second waits, and reads what the first one wrote.
    Incident.objects.select_for_update().get(reference=reference)
    known = selectors.incident(reference, now)
    if known is None:
        raise IncidentChanged
    return known


def _put(row: Incident, number: int, content: Any, *, actor: Actor, now: datetime) -> IncidentStep:
    stored = policy.to_json(content)
    return IncidentStep.objects.create(
        incident=row,
        number=number,
        kind=policy.KINDS[type(content)],
        content=stored,
        digest=sheets.digest(stored),
        author_id=actor.member,
        at=now,
    )


def _row(now: datetime) -> Incident:
    """``V-2026-003``; whoever takes the same at the same moment waits."""
    year = timezone.localdate(now).year
    for _ in range(MOST_TRIES):
        number = Incident.objects.filter(reference__startswith=f"V-{year}-").count() + 1
        try:
            with transaction.atomic():
                return Incident.objects.create(reference=f"V-{year}-{number:03d}", opened_at=now)
        except IntegrityError:
            continue
    raise IncidentChanged
