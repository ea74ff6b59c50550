"""Writing about security: each line stays, and records itself in its transaction."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from consent.policy import digest
from consent.safety import policy
from consent.safety.models import SafetyLine
from consent.safety.types import Line


@transaction.atomic
def note(*, line: Line, actor: Actor, now: datetime) -> SafetyLine:
    """Raises ``SafetyInvalid``."""
    said = asdict(policy.checked(line, today=timezone.localdate(now)))
    made: SafetyLine = SafetyLine.objects.create(
        **said, digest=digest(said | {"on": said["on"].isoformat()}), author_id=actor.member, at=now
    )
    facts: dict[str, object] = {
        "safety": line.kind.value,
        "safety_day": line.on.isoformat(),
        "safety_result": line.result.value,
        "digest": made.digest,
    }
    record(Entry(Action.SAFETY_NOTED, actor=actor, facts=facts, at=now))
    return made


@transaction.atomic
def note_refused(*, actor: Actor, reason: str, now: datetime) -> None:
    record(Entry(Action.SAFETY_NOTED, actor, refused=True, reason=reason, at=now))
