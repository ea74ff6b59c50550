"""Values of the OpenID provider that other apps may use."""

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


class Section(TextChoices):
    """Where a tool stands on the launcher page."""

    MANAGEMENT = "management", _("Gérer mon activité")
    FILES = "files", _("Fichiers et agenda")
    LEARNING = "learning", _("Se former")
    TOGETHER = "together", _("Vivre la coopérative")
    OTHER = "other", _("Autres outils")


class SubjectType(TextChoices):
    PAIRWISE = "pairwise", _("propre à l’outil")
    LOGIN = "login", _("identifiant de connexion, partagé")


class AuthMethod(TextChoices):
    """``token_endpoint_auth_method``, RFC 7591 §2; each tool is pinned to one.

    ``EITHER`` is ours: a secret by header or by form, for a tool on trial whose habit is not known yet.
    """

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    EITHER = "client_secret"


class DeliveryState(TextChoices):
    WAITING = "waiting", _("en attente")
    DONE = "done", _("transmise")
    FAILED = "failed", _("abandonnée")
