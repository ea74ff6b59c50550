"""Values of consent that other apps may use: data items, legal bases, the sheet, the release."""

from dataclasses import dataclass, field
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


class Decision(TextChoices):
    INFORMED = "informed", _("informé·e")
    GIVEN = "given", _("accord donné")
    REFUSED = "refused", _("refus")


class SheetInvalid(ValueError):
    """A sheet that could not be declared: the message says what to correct."""


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
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an operator declares about a tool: no sheet, no data."""

    processing: str
    purpose: str
    legal_basis: LegalBasis
    retention: str
    items: tuple[SheetItem, ...]
    processing_en: str = ""
    purpose_en: str = ""
    retention_en: str = ""
    recipient: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is in force for a tool, reduced to what the rules look at."""

    processing: int
    notice: int
    basis: LegalBasis
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The member's decision that stands today for a tool."""

    consent: int
    notice: int
    decision: Decision
    items: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Release:
    """What may leave for one member and one tool right now, and on which ground."""

    items: frozenset[str] = field(default_factory=frozenset)
    processing: int | None = None
    notice: int | None = None
    legal_basis: str = ""
    consent: int | None = None


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
    """What must be shown before the tool opens.  ``asks`` is false for a notice that only informs.

    It covers the whole sheet, not only what this request asks for: the member decides once per notice version,
    and a tool that asks for more of its sheet later finds that decision, not a consent to something unseen.
    """

    notice: int
    asks: bool
    required: tuple[str, ...]
    optional: tuple[str, ...]
    changes: Changes = Changes()


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One answer that left, to be written to the ledger."""

    member: UUID
    tool: int
    channel: Channel
    items: frozenset[str]
    release: Release
    session: UUID | None = None
