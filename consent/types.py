"""Values of consent that other apps may use: data items, legal bases, the sheet, the release."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class LegalBasis(TextChoices):
    """Article 6(1) of the GDPR, a to f."""

    CONSENT = "consent", _("consentement")
    CONTRACT = "contract", _("exécution du contrat")
    LEGAL_DUTY = "legal_duty", _("obligation légale")
    VITAL_INTEREST = "vital_interest", _("intérêt vital")
    PUBLIC_TASK = "public_task", _("mission d’intérêt public")
    LEGITIMATE_INTEREST = "legitimate_interest", _("intérêt légitime")


class Face(TextChoices):
    """What a member can do about a data item; its legal basis decides."""

    INFORMATION = "information", _("Nécessaire")
    OBJECTION = "objection", _("Vous pouvez vous y opposer")
    CONSENT = "consent", _("Facultatif")


# All others inform only: a consent that cannot be refused is none (GDPR art. 7(4)), an objection has no place where
# a contract or the law asks for the data (art. 21(1), which names these two).
_FACES: dict[str, Face] = {
    LegalBasis.CONSENT: Face.CONSENT,
    LegalBasis.LEGITIMATE_INTEREST: Face.OBJECTION,
    LegalBasis.PUBLIC_TASK: Face.OBJECTION,
}


def face_of(basis: str) -> Face:
    return _FACES.get(basis, Face.INFORMATION)


class Right(TextChoices):
    """What a person may ask of whoever has their data (articles 15 to 21)."""

    ACCESS = "access", _("accès")
    RECTIFY = "rectify", _("rectification")
    ERASE = "erase", _("effacement")
    RESTRICT = "restrict", _("limitation")
    PORTABILITY = "portability", _("portabilité")
    OBJECT = "object", _("opposition")


class Holds(StrEnum):
    YES = "yes"
    NO = "no"
    # Erasure, where no law has the data kept; an objection, by taking the agreement back.
    CONDITIONAL = "conditional"
    BY_WITHDRAWAL = "by_withdrawal"


class DataCategory(TextChoices):
    IDENTITY = "identity", _("Identité")
    CONTACT = "contact", _("Coordonnées")
    PROFESSIONAL = "professional", _("Vie professionnelle")
    CONNECTION = "connection", _("Données de connexion")


class Channel(TextChoices):
    """By which way data left."""

    ID_TOKEN = "id_token", _("jeton d’identité")
    USERINFO = "userinfo", _("réponse userinfo")
    LOGOUT_TOKEN = "logout_token", _("jeton de déconnexion")
    ACCESS_TOKEN = "access_token", _("jeton d’accès")
    INTROSPECTION = "introspection", _("contrôle d’un jeton")


class Mode(TextChoices):
    """What becomes of what a tool asks for and its sheet does not declare."""

    OBSERVE = "observe", _("observation")
    WARN = "warn", _("avertissement")
    ENFORCE = "enforce", _("strict")


class Decision(TextChoices):
    INFORMED = "informed", _("informé·e")
    GIVEN = "given", _("accord donné")
    REFUSED = "refused", _("refus")


class Origin(TextChoices):
    """Where a decision was taken."""

    PAGE = "page", _("page montrée avant l’ouverture de l’outil")
    OWN_DATA = "own_data", _("« Mes données », par une opposition")
    CHOICE = "choice", _("« Mes données », par un choix")


class Download(TextChoices):
    """What of their own a member takes with them."""

    RECORD = "record", _("relevé de ses données")
    LINES = "lines", _("toutes ses lignes, avec leur preuve")
    LINE = "line", _("une ligne, avec sa preuve")
    ALL = "all", _("toutes ses données, avec leur preuve")
    PDF = "pdf", _("ses données, pour imprimer")
    CARD = "card", _("ses coordonnées, en carte de visite")
    GIVEN = "given", _("ce que la personne a fourni, pour un autre service")
    RECEIPT = "receipt", _("récépissé d’une décision")


# Why an agreement ended.
WITHDRAWN = "withdrawn"


class SheetInvalid(ValueError):
    """A sheet that could not be declared: the message says what to correct."""


class NothingToObjectTo(Exception):
    """The purpose is not in force, is none that can be objected to, or is objected to already."""


class NoticeOutdated(Exception):
    """The decision is about a text that is not, or no longer, the tool's notice: show the current one."""


@dataclass(frozen=True, slots=True)
class DataItem:
    """One kind of personal data a tool can receive.  ``claims`` are its names on the wire."""

    code: str
    label: str | Promise
    category: DataCategory
    scope: str
    claims: tuple[str, ...]


def _items(*items: DataItem) -> dict[str, DataItem]:
    return {item.code: item for item in items}


# The closed catalogue.  ``identifier`` is pseudonymous, goes to every tool, and is never asked for.
ITEMS: dict[str, DataItem] = _items(
    DataItem("identifier", _("Identifiant propre à l’outil"), DataCategory.CONNECTION, "openid", ("sub",)),
    DataItem("session", _("Numéro de session propre à l’outil"), DataCategory.CONNECTION, "openid", ("sid",)),
    DataItem("name", _("Nom affiché"), DataCategory.IDENTITY, "profile", ("name",)),
    DataItem("given_name", _("Prénom"), DataCategory.IDENTITY, "profile", ("given_name",)),
    DataItem("family_name", _("Nom de famille"), DataCategory.IDENTITY, "profile", ("family_name",)),
    DataItem("login", _("Identifiant de connexion"), DataCategory.CONNECTION, "profile", ("preferred_username",)),
    DataItem("language", _("Langue"), DataCategory.IDENTITY, "profile", ("locale",)),
    DataItem("email", _("Adresse e-mail"), DataCategory.CONTACT, "email", ("email", "email_verified")),
    DataItem("phone", _("Téléphone"), DataCategory.CONTACT, "phone", ("phone_number", "phone_number_verified")),
    DataItem("address", _("Adresse postale"), DataCategory.CONTACT, "address", ("address",)),
    DataItem("town", _("Commune"), DataCategory.CONTACT, "profile", ("locality",)),
    DataItem("trade", _("Métier"), DataCategory.PROFESSIONAL, "profile", ("headline",)),
    DataItem("business_name", _("Nom d’activité"), DataCategory.PROFESSIONAL, "profile", ("organisation",)),
    DataItem("employee_number", _("Numéro de membre"), DataCategory.PROFESSIONAL, "profile", ("employee_number",)),
    DataItem("groups", _("Collectifs"), DataCategory.PROFESSIONAL, "groups", ("groups",)),
)
ALWAYS = frozenset({"identifier", "session"})


@dataclass(frozen=True, slots=True)
class SheetItem:
    """A data item on a tool's sheet, with the reason it is needed in plain words."""

    item: str
    why: str
    why_en: str = ""


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing the data is wanted for.  It has one legal basis, which says what the member can do about it."""

    text: str
    legal_basis: LegalBasis
    retention: str
    items: tuple[SheetItem, ...] = ()
    text_en: str = ""
    retention_en: str = ""


class RecipientRole(TextChoices):
    """What a recipient is to the cooperative (articles 4, 26 and 28)."""

    INTERNAL = "internal", _("interne")
    PROCESSOR = "processor", _("sous-traitant")
    JOINT = "joint", _("responsable conjoint")
    SEPARATE = "separate", _("responsable distinct")


class Safeguard(TextChoices):
    """By what data is protected where it goes; that nothing does is an answer too."""

    EEA = "eea", _("aucun transfert hors de l’Espace économique européen")
    ADEQUACY = "adequacy", _("décision d’adéquation")
    CLAUSES = "clauses", _("clauses contractuelles types")
    RULES = "rules", _("règles d’entreprise contraignantes")
    DEROGATION = "derogation", _("dérogation de l’article 49")
    NONE = "none", _("aucune garantie")


class Ending(TextChoices):
    """What becomes of data once its period is over."""

    DELETE = "delete", _("suppression")
    ANONYMISE = "anonymise", _("anonymisation")
    ARCHIVE = "archive", _("archivage")


@dataclass(frozen=True, slots=True)
class Engagement:
    """What articles 28 and 30 ask about whoever receives the data; what is empty has not been said yet.

    ``since`` is from when the sheet's retention counts, where the retention itself does not say so.
    """

    role: RecipientRole | Literal[""] = ""
    contract: str = ""
    contract_end: date | None = None
    country: str = ""
    safeguard: Safeguard | Literal[""] = ""
    since: str = ""
    ending: Ending | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an operator declares about a tool: no sheet, no data."""

    processing: str
    purposes: tuple[Purpose, ...]
    processing_en: str = ""
    recipient: str = ""
    contact: str = ""
    engagement: Engagement = Engagement()

    @property
    def items(self) -> tuple[SheetItem, ...]:
        return tuple(item for purpose in self.purposes for item in purpose.items)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is in force for a tool, reduced to what the rules look at.

    ``grounds`` are the legal bases of all purposes, ``bases`` those of each item, in the order of the sheet.
    """

    processing: int
    notice: int
    grounds: tuple[LegalBasis, ...]
    bases: Mapping[str, LegalBasis] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        """Whether there is something to agree to, beyond something to know."""
        return LegalBasis.CONSENT in self.grounds

    def under(self, face: Face) -> tuple[str, ...]:
        return tuple(item for item, basis in self.bases.items() if face_of(basis) == face)


@dataclass(frozen=True, slots=True)
class Standing:
    """The member's decision that stands today for a tool; ``restricted``: their data is kept and does not leave."""

    consent: int
    notice: int
    decision: Decision
    items: frozenset[str] = frozenset()
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Lenience:
    """That a tool still gets of a member what its sheet does not declare, all but ``withheld``: what any of its sheets
    ever asked consent for, and what this member ever refused it or objected to.
    """

    mode: Mode
    withheld: frozenset[str]


@dataclass(frozen=True, slots=True)
class Release:
    """What may leave for one member and one tool right now, and on which grounds.

    ``legal_basis`` has one word for each basis of what leaves, with spaces between, in the order of article 6(1).
    ``undeclared`` are those of the items that are not on the sheet, and ``mode`` is by what they leave; they have no
    basis.
    """

    items: frozenset[str] = field(default_factory=frozenset)
    processing: int | None = None
    notice: int | None = None
    legal_basis: str = ""
    consent: int | None = None
    undeclared: frozenset[str] = frozenset()
    mode: Mode | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a notice says differently from the one the member knows: items, and names of other parts."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.parts)


@dataclass(frozen=True, slots=True)
class Question:
    """What must be shown before the tool opens, by what the member can do about it.

    ``asks`` is false for a notice that only informs.

    It covers the whole sheet, not only what this request asks for: the member decides once per notice version,
    and a tool that asks for more of its sheet later finds that decision, not a consent to something unseen.
    """

    notice: int
    asks: bool
    needed: tuple[str, ...]
    objectable: tuple[str, ...]
    optional: tuple[str, ...]
    changes: Changes = Changes()

    @property
    def items(self) -> tuple[str, ...]:
        return (*self.needed, *self.objectable, *self.optional)


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One answer that left, to be written to the ledger."""

    member: UUID
    tool: int
    channel: Channel
    items: frozenset[str]
    release: Release
    session: UUID | None = None

    @property
    def mode(self) -> str:
        """By which mode something undeclared really left; empty where nothing did."""
        return self.release.mode if self.items & self.release.undeclared else ""
