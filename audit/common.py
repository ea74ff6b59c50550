"""The common part of an event: what it says of nobody in particular, as the log has committed to it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.parts import AT, GONE, Part, Role, canonical

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
COLUMNS = ("at", "by", "actor_tool_id", "tool_id", "refused", "reason", "facts", "salt")


def common_part(row: Mapping[str, Any]) -> Part:
    """From the columns of its row."""
    return Part(Role.COMMON, bytes(row["salt"]), common_text(row))


def common_text(row: Mapping[str, Any]) -> str:
    """From the columns of its row, the salt apart; what is empty is not said.

    The log holds on to this very text: what is changed here needs another version of entries (``audit.parts.VERSION``).
    Raises ``PartsError`` for facts that no part can hold.
    """
    said = dict(row["facts"] or {})
    facts = {
        AT: (row["at"] - EPOCH) // MICROSECOND,
        # Read by the verifier, which looks for it beside the time.
        GONE: said.pop(GONE, None),
        "by": row["by"],
        "actor_tool": row["actor_tool_id"],
        "tool": row["tool_id"],
        "refused": row["refused"],
        "reason": row["reason"],
        "facts": said,
    }
    return canonical({name: value for name, value in facts.items() if value})
