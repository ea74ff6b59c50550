"""Writing screenings: each is a version, and records itself in its transaction."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from consent import policy as sheets
from consent.register import selectors as register
from consent.register.models import RegisterRecord
from consent.screening import policy
from consent.screening.models import ScreeningVersion
from consent.screening.types import Screening, ScreeningChanged


@transaction.atomic
def screen(*, of: RegisterRecord, screening: Screening, version: int, actor: Actor, now: datetime) -> ScreeningVersion:
    """Another version; ``version`` is the one that was shown, 0 for none.

    Raises ``ScreeningInvalid`` or ``ScreeningChanged``.
    """
    # Whoever comes second waits, and reads what the first one made.
    row = RegisterRecord.objects.select_for_update(of=("self",)).get(pk=of.pk)
    before = ScreeningVersion.objects.filter(record=row).order_by("-version").first()
    if (before.version if before else 0) != version:
        raise ScreeningChanged
    stored = policy.to_json(policy.checked(screening, today=timezone.localdate(now)))
    made: ScreeningVersion = ScreeningVersion.objects.create(
        record=row,
        version=version + 1,
        register_version=register.last(row).version,
        content=stored,
        digest=sheets.digest(stored),
        author_id=actor.member,
        at=now,
    )
    facts: dict[str, object] = {
        "record": row.reference,
        "version": made.version,
        "outcome": screening.outcome.value,
        "criteria": [each.value for each in screening.criteria],
        "digest": made.digest,
    }
    record(Entry(Action.SCREENING_MADE, actor=actor, tool=row.tool_id, facts=facts, at=now))
    return made


@transaction.atomic
def note_refused(*, of: RegisterRecord, actor: Actor, reason: str, now: datetime) -> None:
    facts: dict[str, object] = {"record": of.reference}
    record(Entry(Action.SCREENING_MADE, actor, tool=of.tool_id, refused=True, reason=reason, facts=facts, at=now))
