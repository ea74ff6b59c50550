"""Values of corrections and of whom they reached."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Correction:
    """An item that a tool holds and that changed; ``received_at`` is when the new value left to it last, if it did."""

    item: str
    at: datetime
    received_at: datetime | None = None

    @property
    def is_delivered(self) -> bool:
        return self.received_at is not None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Of how many people a tool still has the value of before, item by item; ``since`` is the oldest change."""

    tool: Any
    items: tuple[tuple[str, int], ...]
    since: datetime
