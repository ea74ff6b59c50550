"""The dates of a signing key's life, and what follows from them.  Values in, values out; no clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.types import KeyState


@dataclass(frozen=True, slots=True)
class Periods:
    """``rotation``: how long a key signs.  ``ahead``: how long it is published before.

    ``published_after``: how long it stays in the key set after it signed, at least what a token lives.
    ``hints``: how long it verifies after it signed; ID tokens come back as hints long after they expired.
    """

    rotation: timedelta
    ahead: timedelta
    published_after: timedelta
    hints: timedelta


@dataclass(frozen=True, slots=True)
class Life:
    """``retired_at`` is the successor's ``active_at``; neither it nor ``gone_at`` is known before there is one."""

    published_at: datetime
    active_at: datetime
    retired_at: datetime | None = None
    gone_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        if self.gone_at is not None and self.gone_at <= now:
            return KeyState.GONE
        if self.retired_at is not None and self.retired_at <= now:
            return KeyState.RETIRED
        return KeyState.ACTIVE if self.active_at <= now else KeyState.PUBLISHED

    def leaves_set_at(self, periods: Periods) -> datetime | None:
        if self.retired_at is None:
            return self.gone_at
        leaves = self.retired_at + periods.published_after
        return min(leaves, self.gone_at) if self.gone_at is not None else leaves

    def in_set(self, periods: Periods, now: datetime) -> bool:
        leaves = self.leaves_set_at(periods)
        return leaves is None or now < leaves

    def successor_due_at(self, periods: Periods) -> datetime | None:
        """When the next key is to be published, so that it signs the moment this one's time is over."""
        return None if self.retired_at is not None else self.active_at + periods.rotation - periods.ahead


def successor_active_at(life: Life, periods: Periods, now: datetime) -> datetime:
    """On the day the plan says; later when nobody was there to publish it in time."""
    return max(life.active_at + periods.rotation, now + periods.ahead)


def seconds_fresh(lives: list[Life], periods: Periods, now: datetime, *, least: int, most: int) -> int:
    """How long a copy of the key set taken now stays right: until the next date on which it is due to change.

    ``most`` must stay below ``periods.ahead``: no copy that is still fresh may miss a key that signs.
    """
    changes = [date for life in lives for date in (life.leaves_set_at(periods), life.successor_due_at(periods)) if date]
    coming = [(date - now).total_seconds() for date in changes if date > now]
    return max(least, min([most, *(int(seconds) for seconds in coming)]))
