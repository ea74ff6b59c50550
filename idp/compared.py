"""Which of this app's rows a line of the journal must stand beside."""

from allauth.mfa.models import Authenticator
from django.utils.translation import gettext_lazy as _

from audit.reconciliation.sources import Numbered, Source, Standing
from audit.types import Action
from idp.models import AccessToken, Grant, HubSession, LogoutDelivery, RefreshToken
from idp.types import DeliveryState

TOKENS = (Action.TOKEN_ISSUED, Action.TOKEN_REFRESHED)

SOURCES = (
    Source(
        "idp.session",
        _("Débuts de session"),
        (Action.SIGN_IN,),
        HubSession.objects.all,
        at="started_at",
        person="member",
    ),
    Source(
        "idp.session_end",
        _("Fins de session"),
        (Action.SIGN_OUT,),
        lambda: HubSession.objects.exclude(ended_at=None),
        at="ended_at",
        person="member",
    ),
    Standing(
        "idp.factor",
        _("Moyens de double vérification"),
        (Action.FACTOR_ADDED,),
        lambda: Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES),
        at="created_at",
        person="user",
        holds=("type",),
    ),
    Numbered(
        "idp.code",
        _("Codes remis à un outil"),
        (Action.CODE_ISSUED,),
        Grant.objects.all,
        at="created",
        person="user",
        tool="application",
    ),
    Numbered(
        "idp.access_token",
        _("Jetons d’accès"),
        TOKENS,
        AccessToken.objects.all,
        at="created",
        person="user",
        tool="application",
    ),
    Numbered(
        "idp.refresh_token",
        _("Jetons de renouvellement"),
        TOKENS,
        RefreshToken.objects.all,
        at="created",
        person="user",
        tool="application",
    ),
    Source(
        "idp.logout",
        _("Avis de déconnexion transmis"),
        (Action.LOGOUT_DELIVERED,),
        lambda: LogoutDelivery.objects.filter(state=DeliveryState.DONE),
        at="done_at",
        person="tool_session__hub_session__member",
        tool="tool_session__tool",
    ),
)
