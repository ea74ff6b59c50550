"""Setting a tool's mode: somebody decides with a reason and until a day, and the journal says that."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from consent import selectors as consent_selectors
from consent.modes import policy, selectors
from consent.modes.models import ToolMode
from consent.modes.types import Chosen
from consent.types import Mode


@transaction.atomic
def choose(
    *, tool_id: int, chosen: Chosen, reason: str, imported_on: date | None, actor: Actor, now: datetime
) -> ToolMode | None:
    """From now on the tool is in this mode; nothing where it is strict already.  Raises ``ModeInvalid``."""
    has_sheet = consent_selectors.read_in_force(tool_id).terms is not None
    policy.check(chosen, reason=reason, imported_on=imported_on, has_sheet=has_sheet, today=timezone.localdate(now))
    if chosen.mode == Mode.ENFORCE and selectors.standing(tool_id, now=now) is None:
        return None
    row = ToolMode.objects.create(
        tool_id=tool_id, mode=chosen.mode, reason=reason.strip(), by_id=actor.member, since=now, until=chosen.until
    )
    consent_selectors.forget_sheets()
    transaction.on_commit(consent_selectors.forget_sheets)
    facts: dict[str, object] = {"tool_mode": chosen.mode.value}
    facts |= {"until": chosen.until.isoformat()} if chosen.until else {}
    record(Entry(Action.TOOL_MODE_SET, actor=actor, tool=tool_id, facts=facts, at=now))
    return row
