"""When a piece of news is seen, and whom it may be for.  Values in, values out."""

from datetime import datetime, timedelta

from news.types import Audience, Standing

# Long enough to notice a mistake, and no longer.
UNDO = timedelta(days=30)
# How long it is shown where nobody says otherwise.
SHOWN = timedelta(days=30)


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


def audience_of(wanted: Audience, *, sensitive: bool, of_all: bool) -> Audience:
    """A sensitive collective's news stays with its members (GDPR art. 9): that it says something is already telling."""
    if of_all:
        return Audience.EVERYBODY
    return Audience.NEAR if sensitive else wanted


def can_be_restored(removed_at: datetime | None, now: datetime) -> bool:
    return removed_at is not None and now < removed_at + UNDO
