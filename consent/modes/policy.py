"""Which mode a tool is in.  Values in, values out; no database, no clock."""

from datetime import date

from consent.modes.types import LENIENT, Chosen, ModeInvalid
from consent.types import Mode


def mode_on(chosen: Chosen | None, *, is_imported: bool, today: date) -> Mode:
    """Strict, unless somebody chose otherwise for a tool that came from elsewhere, and it is not over."""
    if chosen is None or chosen.until is None or not is_imported or today > chosen.until:
        return Mode.ENFORCE
    return chosen.mode


def check(chosen: Chosen, *, reason: str, imported_on: date | None, has_sheet: bool, today: date) -> None:
    """Raises ``ModeInvalid``.  Nothing stands in the way of the strict mode."""
    if chosen.mode == Mode.ENFORCE:
        return
    if imported_on is None:
        raise ModeInvalid("not_imported")
    if not has_sheet:
        # It would change nothing: without a sheet a tool gets its identifiers.
        raise ModeInvalid("no_sheet")
    if not reason.strip():
        raise ModeInvalid("reason_missing")
    if chosen.until is None:
        raise ModeInvalid("until_missing")
    if chosen.until < today:
        raise ModeInvalid("until_past")
    if chosen.until > today + LENIENT:
        raise ModeInvalid("until_far")
