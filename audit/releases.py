"""Release profiles: what leaves again and again is said once, and named after that by what it says.

Of the millions of transmissions of a year a few hundred differ by more than the person and the time.  Each of these is
described by a line of its own, in a log that is kept for years; every other line names it by 22 letters.  The name is a
digest of the description: nothing can be put in its place later.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction

from audit.parts import base64url, canonical
from audit.types import Action, Entry

# Before the description: what is hashed here is hashed nowhere else (0x00, 0x01, 0x10 and 0x11 are the log's).
DOMAIN = b"\x12"
NAME_BYTES = 16
# The lines that name one.
NAMING = (Action.DISCLOSED, Action.DISCLOSED_AGAIN)
# Profiles that a process remembers.
MAX_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Profile:
    """What a tool receives: by which way, which items of which categories, under which processing, on which basis."""

    tool: int
    channel: str
    items: tuple[str, ...]
    categories: tuple[str, ...]
    processing: int | None = None
    notice: int | None = None
    legal_basis: str = ""
    # Of the tool, where one of the items is not declared.
    mode: str = ""

    @property
    def facts(self) -> dict[str, object]:
        """As the line says them that describes it; its tool stands beside them, in the line's own column."""
        return {
            "channel": self.channel,
            "items": list(self.items),
            "categories": list(self.categories),
            "processing": self.processing,
            "notice": self.notice,
            "legal_basis": self.legal_basis,
            **({"tool_mode": self.mode} if self.mode else {}),
        }

    @property
    def name(self) -> str:
        return name_of(self.tool, self.facts)


def name_of(tool: int, facts: Mapping[str, object]) -> str:
    """The first half of SHA-256 over ``0x12`` and the canonical JSON of ``{"facts": …, "tool": …}``, as base64url."""
    description = canonical({"facts": dict(facts), "tool": tool}).encode()
    return base64url(sha256(DOMAIN + description).digest()[:NAME_BYTES])


_names: dict[Profile, str] = {}
_facts: dict[str, Mapping[str, Any]] = {}
_lock = threading.Lock()


def describe(profiles: Collection[Profile], *, now: datetime) -> tuple[dict[Profile, str], list[Entry]]:
    """The name of each, and the lines about those that are described for the first time, for the caller's journal.

    In the caller's transaction; no statement for what this process has seen before.
    """
    names = {each: known for each in profiles if (known := _names.get(each))}
    missing = {each: each.name for each in profiles if each not in names}
    if not missing:
        return names, []
    entries = []
    # In one order everywhere: two who describe the same at once wait for each other, and never in a circle.
    for profile, name in sorted(missing.items(), key=lambda each: each[1]):
        _, is_new = _rows().get_or_create(name=name, defaults={"tool_id": profile.tool, "facts": profile.facts})
        if is_new:
            facts = {"profile": name, **profile.facts}
            entries.append(Entry(Action.RELEASE_DESCRIBED, tool=profile.tool, facts=facts, at=now))
    # Not before: a profile whose transaction is rolled back was never described.
    transaction.on_commit(lambda: _remember(missing))
    return names | missing, entries


def descriptions(lines: Any) -> list[UUID]:
    """The references of the lines that describe what these lines, a query set of events, name.  Two statements."""
    named = lines.select_related(None).order_by().filter(action__in=NAMING).values_list("facts__profile")
    names = {name for (name,) in named.distinct() if name}
    events = apps.get_model("audit", "Event").objects.filter(action=Action.RELEASE_DESCRIBED)
    return list(events.filter(facts__profile__in=names).values_list("reference", flat=True)) if names else []


def facts_of(name: str) -> Mapping[str, Any]:
    """What a profile says; nothing for one that is unknown.  One statement the first time in this process."""
    known = _facts.get(name)
    if known is None:
        row = _rows().filter(name=name).values_list("facts", flat=True).first()
        if row is None:
            return {}
        known = row
        with _lock:
            if len(_facts) >= MAX_KEPT:
                _facts.clear()
            _facts[name] = known
    return known


def forget() -> None:
    """This process remembers no profile any more."""
    with _lock:
        _names.clear()
        _facts.clear()


def _rows() -> Any:
    return apps.get_model("audit", "ReleaseProfile").objects


def _remember(names: Mapping[Profile, str]) -> None:
    with _lock:
        if len(_names) + len(names) > MAX_KEPT:
            _names.clear()
        _names.update(names)
