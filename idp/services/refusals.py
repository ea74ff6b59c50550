"""Refusals in the journal, without letting anybody fill it: each is still refused, not each is a line."""

from dataclasses import replace
from datetime import datetime

from django.core.cache import cache
from django.db import transaction

from audit.services import record
from audit.types import Entry

# Lines a minute for one network; from there on one line at each doubling, with the count of what it stands for.
LINES = 30
MINUTE = 60


def note(entry: Entry, *, network: str, now: datetime) -> None:
    """Write the line of a refusal, unless this network has had its share of this kind for the minute.

    ``network`` is where the request came from, or the member's number where only members are refused, so that nobody
    uses up the share of their office.  It is counted in the cache and never written.
    """
    try:
        count = _count(f"idp:refusals:{entry.action.value}:{network}:{int(now.timestamp()) // MINUTE}")
    except Exception:
        # The cache is away: a line too many is better than a refusal that is none.
        count = 1
    if count > LINES:
        if count % LINES or (count // LINES).bit_count() != 1:
            return
        entry = replace(entry, facts={**entry.facts, "refusals_this_minute": count})
    with transaction.atomic():
        record(entry)


def allowed(what: str, *, network: str, limit: int, now: datetime) -> bool:
    """Count one use by this network and tell whether it stays within ``limit`` a minute."""
    return _count(f"idp:{what}:{network}:{int(now.timestamp()) // MINUTE}") <= limit


def _count(key: str) -> int:
    if cache.add(key, 1, timeout=2 * MINUTE):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:
        # Gone between the two calls: a new minute's worth at most.
        return 1
