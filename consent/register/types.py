"""Values of the register: what a record says, row by row, in the order of the CNIL's model."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from pydantic import ConfigDict

from consent.types import Ending, LegalBasis, RecipientRole, Safeguard

_CLOSED = ConfigDict(extra="forbid")


class Kind(TextChoices):
    """What a record is: of the cooperative's own processing, of what it does for others, or who the parties are."""

    CONTROLLER = "controller", _("responsable de traitement")
    PROCESSOR = "processor", _("sous-traitant")
    PARTIES = "parties", _("organisme")


class Rubric(TextChoices):
    """Kinds of data as the CNIL's model has them; those from ``ORIGIN`` on are sensitive."""

    IDENTITY = "identity", _("État civil, identité, données d’identification, images")
    PERSONAL = "personal", _("Vie personnelle")
    PROFESSIONAL = "professional", _("Vie professionnelle")
    ECONOMIC = "economic", _("Informations d’ordre économique et financier")
    CONNECTION = "connection", _("Données de connexion")
    LOCATION = "location", _("Données de localisation")
    OTHER = "other", _("Autres données")
    ORIGIN = "origin", _("Origine raciale ou ethnique")
    OPINIONS = "opinions", _("Opinions politiques")
    BELIEFS = "beliefs", _("Convictions religieuses ou philosophiques")
    UNION = "union", _("Appartenance syndicale")
    GENETIC = "genetic", _("Données génétiques")
    BIOMETRIC = "biometric", _("Données biométriques")
    HEALTH = "health", _("Données de santé")
    SEX_LIFE = "sex_life", _("Vie sexuelle ou orientation sexuelle")
    OFFENCES = "offences", _("Condamnations pénales ou infractions")
    NATIONAL_NUMBER = "national_number", _("Numéro d’identification national unique (NIR)")


SENSITIVE = frozenset(list(Rubric)[list(Rubric).index(Rubric.ORIGIN) :])


class Assessment(TextChoices):
    """What came of asking whether an impact assessment is due (article 35)."""

    NOT_NEEDED = "not_needed", _("non nécessaire, examen fait")
    DONE = "done", _("faite")
    UNDER_WAY = "under_way", _("en cours")


class RegisterInvalid(ValueError):
    """What cannot be saved: each message by the place it is about, ``data.2.period`` for example."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {said}" for place, said in problems.items()))
        self.problems = problems


class RegisterChanged(Exception):
    """Somebody else made a version since the one that was shown."""


class RecordKept(Exception):
    """The record cannot be closed: its tool is open."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What for, on the one basis it has (G12); a legitimate interest was weighed, on a day."""

    text: str
    basis: LegalBasis | Literal[""] = ""
    balancing: str = ""
    balanced_on: date | None = None
    fed: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """A kind of data, how long it is kept, from when on, and what becomes of it then (G10).

    ``ground`` is the exception of article 9(2) or the rule of article 10, for what is sensitive.
    """

    rubric: Rubric
    description: str
    period: str
    start: str
    ending: Ending | Literal[""] = ""
    ground: str = ""
    fed: bool = False


@dataclass(frozen=True, slots=True)
class People:
    category: str
    precision: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives data, as what, and on which contract (articles 26 and 28)."""

    name: str
    role: RecipientRole | Literal[""] = ""
    contact: str = ""
    contract: str = ""
    contract_end: date | None = None
    country: str = ""
    fed: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """Data that leaves the European Economic Area, and by what it is protected there (articles 44 to 49)."""

    organisation: str
    country: str
    safeguard: Safeguard | Literal[""] = ""
    link: str = ""
    fed: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """One version of a record.  Rows that are ``fed`` come from a tool's sheet and are changed there alone."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    name: str
    created: date
    software: str = ""
    clients: str = ""
    purposes: tuple[Purpose, ...] = ()
    technical: str = ""
    organisational: str = ""
    data: tuple[Data, ...] = ()
    people: tuple[People, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    source: str = ""
    assessment: Assessment | Literal[""] = ""
    assessment_note: str = ""
    reviewed: date | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """One of those whom article 30(1)(a) names."""

    name: str = ""
    address: str = ""
    postcode: str = ""
    town: str = ""
    country: str = ""
    phone: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Parties:
    """Written once for all records."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    controller: Party = Party()
    officer: Party = Party()
    representative: Party = Party()
    joint: Party = Party()


@dataclass(frozen=True, slots=True)
class Listed:
    """A record as it is in force at a moment."""

    reference: str
    kind: Kind
    version: int
    updated: date
    content: Content
    from_tool: bool = False


@dataclass(frozen=True, slots=True)
class Register:
    """All of it at a moment."""

    on: date
    parties: Parties
    records: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that another version says differently; ``field`` is the name that the journal may hold."""

    field: str
    before: str
    after: str
