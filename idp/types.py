"""Values of the OpenID provider that other apps may use."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

ToolId = NewType("ToolId", int)


class ToolKind(TextChoices):
    OIDC = "oidc", _("connecté")
    LINK = "link", _("simple lien")


class ToolState(TextChoices):
    OPEN = "open", _("disponible")
    MAINTENANCE = "maintenance", _("en maintenance")
    CLOSED = "closed", _("fermé")


class SubjectType(TextChoices):
    PAIRWISE = "pairwise", _("propre à l’outil")
    LOGIN = "login", _("identifiant de connexion, partagé")


class AuthMethod(TextChoices):
    """``token_endpoint_auth_method``, RFC 7591 §2 and RFC 8705 §2; each tool is pinned to one.

    ``EITHER`` is ours: a secret by header or by form, for a tool on trial whose habit is not known yet.
    """

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    EITHER = "client_secret"
    SECRET_JWT = "client_secret_jwt"  # noqa: S105
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"


class GrantType(TextChoices):
    """``grant_type``, RFC 7591 §2.  Refresh tokens follow ``offline_access`` and are not listed by tool."""

    CODE = "authorization_code"
    REFRESH = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
    EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class SigningAlgorithm(TextChoices):
    """Algorithms the hub signs with (RFC 7518 §3.1, RFC 9864 §2.2); asymmetric ones only."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    ED25519 = "Ed25519"


class KeyState(TextChoices):
    """The life of a signing key: in the key set before it signs, verifying after it has signed."""

    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRED = "retired"
    GONE = "gone"


class ToolWarning(StrEnum):
    """What an operator should know wherever a tool is listed: somebody chose less than the hub's own rules."""

    NO_PKCE = "no_pkce"
    SELF_REGISTERED = "self_registered"
    ANY_SECRET = "any_secret"  # noqa: S105
    SHARED_LOGIN = "shared_login"
    OLD_SECRET = "old_secret"  # noqa: S105
    NO_CERTIFICATES = "no_certificates"


class AccessTokenFormat(TextChoices):
    OPAQUE = "opaque"
    JWT = "jwt", "JWT (RFC 9068)"


class SecurityProfile(TextChoices):
    """What is demanded of a tool beyond the hub's own rules."""

    NONE = "", _("règles ordinaires")
    FAPI2 = "fapi2", "FAPI 2.0 Security Profile"
    FAPI2_SIGNED = "fapi2_signed", "FAPI 2.0 Message Signing"


class DeliveryState(TextChoices):
    WAITING = "waiting", _("en attente")
    DONE = "done", _("transmis")
    FAILED = "failed", _("abandonné")


class LinkKind(TextChoices):
    """What a link that somebody was handed is for."""

    INVITATION = "invitation", _("invitation")
    RESET = "reset", _("mot de passe oublié")
    BY_HAND = "by_hand", _("lien remis en main propre")
    FIRST = "first", _("première personne de la technique")


class MailKind(TextChoices):
    """The mails of an account."""

    INVITATION = "invitation", _("invitation")
    RESET = "reset", _("mot de passe oublié")
    HELP = "help", _("aide pour entrer")
    SECURITY = "security", _("avis de sécurité")
    FACTOR_REMINDER = "factor_reminder", _("rappel de double vérification")
    RECOVERY = "recovery", _("récupération de compte")
    ALARM = "alarm", _("alerte d’un membre")
    DEPARTURE = "departure", _("annonce d’un départ")
    ROLE_REMINDER = "role_reminder", _("fin d’un rôle")
    DIRECTORY = "directory", _("état d’un annuaire")
    CHECKPOINTS = "checkpoints", _("relevés du journal")
    CONTRADICTION = "contradiction", _("contradiction du journal")
    ERASURE = "erasure", _("effacement")
    REQUEST = "request", _("demande sur ses données")
    ADMISSION = "admission", _("accès à un outil")
    CONTACT = "contact", _("message d’un autre membre")
    NEWS = "news", _("brèves")
    LETTER = "letter", _("lettre d’un collectif")
    MEMBERSHIP = "membership", _("entrée ou sortie d’un collectif")


class OutgoingState(TextChoices):
    WAITING = "waiting", _("en attente")
    SENT = "sent", _("envoyé")
    FAILED = "failed", _("abandonné")


class AdmissionState(TextChoices):
    """Where the access to a tool stands that somebody asked for."""

    ASKED = "asked", _("demandé")
    GRANTED = "granted", _("accordé")
    REFUSED = "refused", _("refusé")
    TAKEN_BACK = "taken_back", _("repris par le membre")
    ENDED = "ended", _("retiré")
    EXPIRED = "expired", _("arrivé à son terme")


LIVE_ADMISSIONS = (AdmissionState.ASKED, AdmissionState.GRANTED)


class AdmissionRefused(Exception):
    """What cannot be done with an access that was asked for; ``reason`` has its words in ``words.py``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RecoveryState(TextChoices):
    ASKED = "asked", _("demandée")
    APPROVED = "approved", _("acceptée")
    REFUSED = "refused", _("refusée")
    CANCELLED = "cancelled", _("annulée")
    EXPIRED = "expired", _("périmée")


# What serves beside a password; a recovery code stands in for one of these, and is nothing without it.
SECOND_FACTORS = ("webauthn", "totp")


@dataclass(frozen=True, slots=True)
class PasskeySummary:
    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None
    synced: bool


@dataclass(frozen=True, slots=True)
class FactorSummary:
    """What a member may prove themselves with beside the password; ``recovery_codes`` is ``None`` without any made."""

    passkeys: tuple[PasskeySummary, ...]
    totp: bool
    recovery_codes: int | None

    @property
    def any(self) -> bool:
        return bool(self.passkeys) or self.totp
