"""Values of directions."""

from dataclasses import dataclass
from datetime import datetime

MOST_CHARACTERS, MOST_OF_CONTACT = 5000, 300


class DirectionsRefused(Exception):
    """Nothing was left, withdrawn or opened; ``str`` of it is the reason, which has its words."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody left: what to do with their data, and whom to speak to; one of them may be empty.

    ``is_readable`` is false where no key that the hub has opens it.
    """

    text: str
    contact: str
    left_at: datetime
    changed_at: datetime
    is_readable: bool = True
