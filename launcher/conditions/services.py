"""Writing down what people say of a tool, and what a look at it found."""

from datetime import datetime

from django.db import transaction

from audit.differences import differences
from audit.services import record
from audit.types import Action, Actor, Entry
from idp.models import Tool
from launcher.conditions import policy
from launcher.models import Condition

SET = ("check_url", "said", "said_en", "said_until")


@transaction.atomic
def set_condition(
    *,
    tool: Tool,
    check_url: str,
    said: str,
    said_en: str,
    said_until: datetime | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Another address begins anew: what was found at the old one says nothing of it."""
    row, _made = Condition.objects.select_for_update().get_or_create(tool=tool)
    before = {name: getattr(row, name) for name in SET}
    if row.check_url != check_url:
        row.checked_at, row.result, row.failures, row.down_since = None, "", 0, None
    row.check_url, row.said, row.said_en, row.said_until = check_url, said, said_en, said_until
    row.save()
    facts = differences(before, {name: getattr(row, name) for name in SET})
    if facts["properties"]:
        record(Entry(Action.TOOL_CHANGED, actor=actor, tool=tool.pk, reason="condition", facts=facts, at=now))


@transaction.atomic
def note_looked(*, tool_id: int, url: str, result: str, now: datetime) -> None:
    """``result``: empty where it answered, else a code; of an address that is another one by now, nothing."""
    row = Condition.objects.select_for_update().filter(tool_id=tool_id, check_url=url).first()
    if row is None:
        return
    row.failures = min(row.failures + 1, 1000) if result else 0
    row.down_since = policy.since(result, failures=row.failures, before=row.down_since, now=now)
    row.result, row.checked_at = result, now
    row.save(update_fields=["failures", "down_since", "result", "checked_at"])
