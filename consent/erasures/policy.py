"""What goes and what stays, and when a holder is reminded.  Values in, values out; no database, no clock."""

from collections.abc import Collection
from datetime import datetime, timedelta

from consent.erasures.types import Stays
from consent.types import ALWAYS, LegalBasis

# GDPR 12(3): everything is answered within the month; a holder that says nothing is told of it twice.
REMINDED_AFTER = (timedelta(days=7), timedelta(days=14))
SILENT_AFTER = timedelta(days=21)
# A holder may still answer after that; the link of the last mail is not over before.
LINK_LIFETIME = timedelta(days=45)
# GDPR 17(3)(b): what a law or a public task asks for is kept, whoever asks.
KEPT_BY_LAW = frozenset({LegalBasis.LEGAL_DUTY, LegalBasis.PUBLIC_TASK})
# As long as the person is there; once they have left, what is left of it stands under a legal duty of its own.
NEEDED = frozenset({LegalBasis.CONTRACT, LegalBasis.VITAL_INTEREST})


def stays(basis: str, *, whole: bool, held: bool) -> str:
    """Why an item under this basis is kept; empty where it goes.  ``basis`` is empty for what no sheet declares."""
    if held:
        return Stays.HOLD
    if basis in KEPT_BY_LAW:
        return Stays.LEGAL_DUTY
    return Stays.CONTRACT if basis in NEEDED and not whole else ""


def identifier_stays(others: Collection[str]) -> str:
    """The tool's own identifiers go with all the rest, and stay as long as something does that they lead to."""
    return next((why for why in Stays if why in others), "")


def is_identifier(item: str) -> bool:
    return item in ALWAYS


def reminders_due(told_at: datetime, now: datetime) -> int:
    """How many reminders should have gone by now; after an outage one mail makes up for both."""
    return sum(told_at + after <= now for after in REMINDED_AFTER)


def is_silent(told_at: datetime, now: datetime) -> bool:
    return told_at + SILENT_AFTER <= now


def mail_address(contact: str) -> str:
    """The first thing in a contact that can be written to; empty where it is a telephone or a person's name."""
    for word in contact.replace("<", " ").replace(">", " ").replace(",", " ").replace(";", " ").split():
        name, at, host = word.removeprefix("mailto:").partition("@")
        if name and at and "." in host.strip("."):
            return f"{name}@{host.strip('.')}"
    return ""
