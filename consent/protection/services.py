"""What the officer takes out of the hub is on the record, before it leaves."""

from datetime import datetime

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry


@transaction.atomic
def note_export(*, actor: Actor, kind: str, lines: int, now: datetime) -> None:
    facts: dict[str, object] = {"export": kind, "lines": lines}
    record(Entry(Action.DECISIONS_EXPORTED, actor=actor, facts=facts, at=now))
