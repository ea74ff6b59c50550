"""When a piece of news is seen, and whom it may be for.  Values in, values out."""

from datetime import datetime, timedelta

from news.types import Audience, Rhythm, Standing

# Long enough to notice a mistake, and no longer.
UNDO = timedelta(days=30)
# How long it is shown where nobody says otherwise.
SHOWN = timedelta(days=30)
HOUR = 7


def standing_of(
    *, is_draft: bool, since: datetime | None, until: datetime | None, removed_at: datetime | None, now: datetime
) -> Standing:
    """From its moments alone: nothing waits for the worker."""
    if removed_at is not None:
        return Standing.REMOVED
    if is_draft or since is None:
        return Standing.DRAFT
    if until is not None and until <= now:
        return Standing.OVER
    return Standing.SCHEDULED if now < since else Standing.PUBLISHED


def last_slot(rhythm: Rhythm, local: datetime) -> datetime:
    """The last moment, by the clock of the cooperative, at which a digest was due: at seven, each day or on Mondays."""
    slot = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if slot > local:
        slot -= timedelta(days=1)
    return slot - timedelta(days=slot.weekday()) if rhythm == Rhythm.WEEKLY else slot


def audience_of(wanted: Audience, *, sensitive: bool, of_all: bool) -> Audience:
    """A sensitive collective's news stays with its members (GDPR art. 9): that it says something is already telling."""
    if of_all:
        return Audience.EVERYBODY
    return Audience.NEAR if sensitive else wanted


def can_be_restored(removed_at: datetime | None, now: datetime) -> bool:
    return removed_at is not None and now < removed_at + UNDO
