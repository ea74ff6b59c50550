"""Values of requests: what can be asked, how far one is, and until when it is to be answered."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    """What somebody asks for, in the order of the GDPR."""

    ACCESS = "access", _("Consulter mes données")
    RECTIFICATION = "rectification", _("Faire corriger mes données")
    ERASURE = "erasure", _("Faire effacer mes données")
    RESTRICTION = "restriction", _("Geler mes données")
    PORTABILITY = "portability", _("Emporter mes données ailleurs")
    OBJECTION = "objection", _("M’opposer à un usage")
    COMPLAINT = "complaint", _("Faire une réclamation")


class Came(TextChoices):
    """By which way a request came."""

    PAGE = "page", _("Mes données")
    MAIL = "mail", _("courriel")
    PAPER = "paper", _("courrier postal")
    SPOKEN = "spoken", _("de vive voix")


class State(TextChoices):
    """How far a request is; the first two are open."""

    OPEN = "open", _("à traiter")
    WAITING = "waiting", _("en attente d’un justificatif")
    ANSWERED = "answered", _("répondue")
    REFUSED = "refused", _("refusée")
    WITHDRAWN = "withdrawn", _("reprise par la personne")


class Applies(StrEnum):
    """Whether a right goes with a legal basis."""

    YES = "yes"
    CONDITIONAL = "conditional"
    # The consent is withdrawn instead (article 7(3)).
    WITHDRAWAL = "withdrawal"
    NO = "no"


class Face(StrEnum):
    """How a request stands with its time."""

    QUIET = "quiet"
    SOON = "soon"
    OVERDUE = "overdue"
    STOPPED = "stopped"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of one request on a day.  ``first_due`` is the last day of the month that is not extended.

    While the clock is stopped ``due`` is what it would be if the proof came today.
    """

    received: date
    first_due: date
    due: date
    days_left: int
    face: Face

    @property
    def days_over(self) -> int:
        return max(-self.days_left, 0)


class RequestRefused(Exception):
    """What was asked of a request is not possible; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
