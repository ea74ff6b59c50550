"""One decision with all that its record says, whatever the form it leaves in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from consent.register.types import Parties, Recipient
from consent.types import Origin


class State(StrEnum):
    """What happened to a decision (ISO/IEC TS 27560, 6.3.7 and annex B)."""

    REQUESTED = "consent requested"
    ACKNOWLEDGED = "notice acknowledged"
    GIVEN = "consent given"
    REFUSED = "consent refused"
    TAKEN_BACK = "consent withdrawn"
    EXPIRED = "consent expired"
    TERMINATED = "consent terminated"


class Form(StrEnum):
    """How a receipt leaves; ``ZIP`` is all of them, with what checks the proof."""

    JSON = "json"
    LINKED = "jsonld"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Happened:
    """``entry``: the line of the journal that says so, as long as it is kept."""

    at: datetime
    state: State
    entry: UUID | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The text that the decision is about: its version, what its digest covers, and the page that was seen.

    ``content`` is the text in today's form, ``kept`` and ``page`` are what the two digests are of.
    """

    version: int
    digest: str
    language: str
    address: str
    content: Mapping[str, Any]
    kept: Mapping[str, Any] = field(default_factory=dict)
    page: str = ""
    page_digest: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as its record has it.

    ``principal`` is how the tool knows the member, ``register`` the record and version that were in force then.
    """

    number: UUID
    principal: str
    hub: str
    tool: str
    tool_name: str
    shown: Shown
    granted: tuple[str, ...]
    refused: tuple[str, ...]
    origin: Origin
    events: tuple[Happened, ...]
    withdrawal: str
    parties: Parties = field(default_factory=Parties)
    recipients: tuple[Recipient, ...] = ()
    register: tuple[str, int] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.events[-1].state

    @property
    def entries(self) -> list[UUID]:
        return [each.entry for each in self.events if each.entry]
