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


OPEN_STATES = (State.OPEN, State.WAITING)


class Identity(TextChoices):
    """How it is known that whoever asks is whose data it is (article 12(6))."""

    SESSION = "session", _("prouvée par la session")
    UNCHECKED = "unchecked", _("à vérifier")
    DOUBTED = "doubted", _("un justificatif est demandé")
    CHECKED = "checked", _("vérifiée")


class Step(TextChoices):
    """What happens to a request, one after the other."""

    MADE = "made", _("Demande reçue")
    MESSAGE = "message", _("Message à la personne")
    REPLY = "reply", _("Message de la personne")
    NOTE = "note", _("Note interne")
    IDENTITY_ASKED = "identity_asked", _("Justificatif demandé, délai suspendu")
    IDENTITY_SETTLED = "identity_settled", _("Identité vérifiée")
    EXTENDED = "extended", _("Délai prolongé de deux mois")
    ANSWERED = "answered", _("Réponse envoyée")
    REFUSED = "refused", _("Demande refusée")
    WITHDRAWN = "withdrawn", _("Demande reprise")
    RESTRICTED = "restricted", _("Données gelées")
    END_ANNOUNCED = "end_announced", _("Fin du gel annoncée")
    FREED = "freed", _("Gel levé")


# What the person does, which the officers are told; of the rest the person is, notes apart.
BY_THE_PERSON = (Step.MADE, Step.REPLY, Step.WITHDRAWN, Step.FREED)


class Letter(TextChoices):
    """The texts that an officer starts from."""

    ANSWER_ACCESS = "answer_access", _("Réponse : consulter")
    ANSWER_RECTIFICATION = "answer_rectification", _("Réponse : corriger")
    ANSWER_ERASURE = "answer_erasure", _("Réponse : effacer")
    ANSWER_RESTRICTION = "answer_restriction", _("Réponse : geler")
    ANSWER_PORTABILITY = "answer_portability", _("Réponse : emporter")
    ANSWER_OBJECTION = "answer_objection", _("Réponse : opposition")
    ANSWER_COMPLAINT = "answer_complaint", _("Réponse : réclamation")
    REFUSAL = "refusal", _("Refus")
    EXTENSION = "extension", _("Prolongation du délai")
    IDENTITY = "identity", _("Demande d’un justificatif")


def answer_to(kind: str) -> Letter:
    return Letter(f"answer_{kind}")


class Face(StrEnum):
    """How a request stands with its time."""

    QUIET = "quiet"
    SOON = "soon"
    OVERDUE = "overdue"
    STOPPED = "stopped"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    name: str
    media_type: str
    content: bytes


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
