"""Values of an erasure that other apps may use."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Ground(TextChoices):
    """Why it is asked: GDPR 17(1), a to e."""

    NOT_NEEDED = "not_needed", _("Les données ne servent plus")
    WITHDRAWN = "withdrawn", _("L’accord est retiré")
    OBJECTED = "objected", _("La personne s’est opposée")
    UNLAWFUL = "unlawful", _("Les données n’auraient pas dû être traitées")
    LEGAL_DUTY = "legal_duty", _("Une obligation légale demande l’effacement")


class RunState(TextChoices):
    """How far a run sheet is."""

    ASKED = "asked", _("attend une seconde personne")
    GOING = "going", _("attend des réponses")
    CLOSED = "closed", _("clos")
    DROPPED = "dropped", _("abandonné")


class HolderState(TextChoices):
    """What became of it at one holder."""

    # Nobody can be written to: somebody has to call, and says here what was answered.
    BY_HAND = "by_hand", _("à joindre autrement")
    TOLD = "told", _("prévenu")
    SILENT = "silent", _("sans réponse")
    CONFIRMED = "confirmed", _("effacement confirmé")
    REFUSED = "refused", _("effacement refusé")
    KEPT = "kept", _("rien à effacer")


WAITING = (HolderState.BY_HAND, HolderState.TOLD, HolderState.SILENT)
ANSWERED = (HolderState.CONFIRMED, HolderState.REFUSED, HolderState.KEPT)


class Part(TextChoices):
    """What the hub itself has of somebody."""

    SOURCE = "source", _("Fiche dans l’annuaire de la coopérative")
    DETAILS = "details", _("Coordonnées tenues ici")
    PHOTO = "photo", _("Photo")
    GROUPS = "groups", _("Appartenance aux collectifs")
    FACTORS = "factors", _("Clés d’accès et codes")
    BROWSERS = "browsers", _("Navigateurs connus et liens reçus")
    SESSIONS = "sessions", _("Lieux et appareils des connexions")
    DIRECTIONS = "directions", _("Directives pour après un décès")
    MAILS = "mails", _("Courriers en attente")
    JOURNAL = "journal", _("Lignes du journal")
    AGREEMENTS = "agreements", _("Informations lues, accords et oppositions")
    DISCLOSURES = "disclosures", _("Transmissions aux outils, sans les valeurs")


class Stays(TextChoices):
    """Why something is not erased."""

    LEGAL_DUTY = "legal_duty", _("une obligation légale demande de le garder (RGPD, article 17, 3 b)")
    CONTRACT = "contract", _("le contrat en a besoin tant que la personne est là")
    HOLD = "hold", _("un effacement est suspendu pour cette personne")
    SOURCE = "source", _("l’annuaire est ailleurs : la structure y supprime la fiche")
    PROOF = "proof", _("c’est une preuve, gardée jusqu’à sa propre fin (RGPD, article 17, 3 e)")


class Refusal(TextChoices):
    """Why a holder does not erase."""

    LEGAL_DUTY = "legal_duty", _("Une obligation légale nous demande de garder ces données")
    CLAIM = "claim", _("Elles servent à un litige en cours")
    OTHER = "other", _("Une autre raison")


class AnsweredBy(TextChoices):
    """Who wrote the answer down."""

    CONTACT = "contact", _("par le lien reçu")
    OFFICER = "officer", _("noté par la protection des données")


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a part of the hub; ``stays`` is empty where it goes."""

    part: Part
    number: int
    stays: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A data item that a holder has; ``stays`` is empty where it goes, ``period`` is how long the sheet keeps it."""

    code: str
    stays: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A tool, what it holds of the person, and where it can be written to."""

    tool: int
    name: str
    contact: str
    since: datetime
    items: tuple[Item, ...]

    @property
    def going(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if not item.stays)

    @property
    def staying(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.stays)


class ErasureRefused(Exception):
    """What was asked is not possible; ``reason`` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
