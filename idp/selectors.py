"""Reading from the provider."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.models import Member
from idp import access
from idp.models import HubSession, Tool, ToolSession
from idp.types import SECOND_FACTORS, AuthMethod, SubjectType, ToolKind, ToolState, ToolWarning

# What others can do to a member's account, and no more: nobody acts in a member's name.  Each is recorded, and shown
# to the member in their own words; those that change something are told by mail as well.
ACTS = frozenset(
    {
        Action.INVITED,
        Action.INVITATION_ENDED,
        Action.ACCOUNT_UNLOCKED,
        Action.FACTORS_RESET,
        Action.FACTOR_REMOVED,
        Action.PASSWORD_CHANGED,
        Action.RESET_ASKED,
        Action.SIGN_OUT,
        Action.TOOL_SESSION_ENDED,
        Action.BROWSER_FORGOTTEN,
        Action.ALARM_SETTLED,
        Action.RECOVERY_ASKED,
        Action.RECOVERY_APPROVED,
        Action.RECOVERY_REFUSED,
        Action.RECOVERY_CANCELLED,
        Action.MEMBER_SUSPENDED,
        Action.MEMBER_RESUMED,
        Action.MEMBER_RETURNED,
        Action.DEPARTURE_PLANNED,
        Action.DEPARTURE_CANCELLED,
        Action.ROLE_GRANTED,
        Action.ROLE_REVOKED,
    }
)
ACTS_SHOWN = 100


def acts_on(member: Member, *, limit: int = ACTS_SHOWN, for_office: bool = False) -> list[Event]:
    """What other people did to this member's account, the newest first, refused attempts included.

    ``for_office``: with who opened the file.  The member finds who looked in « Mon activité », without their names.
    """
    actions = ACTS | {Action.MEMBER_CONSULTED} if for_office else ACTS
    rows = Event.objects.about(member).by_others().filter(action__in=actions)
    return list(rows.select_related("tool").with_people().order_by("-pk")[:limit])


def tools_for(member: Member) -> QuerySet[Tool]:
    """The tools a member may enter, in the order of the launcher page."""
    return access.enterable(member)


def tools_told(item: str) -> QuerySet[Tool]:
    """The tools that may be told this item: it is on the sheet in force of one that is not closed."""
    sheets = Q(processings__ended_at=None, processings__items__item=item)
    return Tool.objects.filter(sheets).exclude(state=ToolState.CLOSED).order_by("name")


def tool_by_client_id(client_id: str) -> Tool | None:
    # A NUL would make PostgreSQL's driver raise instead of answering "none".
    if not client_id or "\x00" in client_id:
        return None
    return Tool.objects.registered(client_id)


def recently_opened(member: Member, tools: Iterable[Tool], limit: int = 5) -> list[Tool]:
    """Of these tools, the ones opened last, newest first."""
    known = {tool.pk: tool for tool in tools}
    opened = (
        ToolSession.objects.filter(hub_session__member=member, tool_id__in=known)
        .order_by("-last_at")
        .values_list("tool_id", flat=True)[: limit * 4]
    )
    return [known[pk] for pk in dict.fromkeys(opened)][:limit]


def live_session(session_id: str | None) -> HubSession | None:
    if not session_id:
        return None
    return live_sessions(timezone.now()).filter(pk=session_id).first()


def live_sessions(now: datetime) -> QuerySet[HubSession]:
    """Neither ended nor over their absolute limit; the query's form of ``HubSession.is_over``."""
    return HubSession.objects.filter(ended_at=None, expires_at__gt=now)


def sessions_of(member_id: UUID, now: datetime) -> QuerySet[HubSession]:
    """A member's sessions that are open, idle ones left out, the one used last first."""
    rows = live_sessions(now).filter(member_id=member_id, last_seen_at__gt=now - settings.SESSION_IDLE)
    return rows.order_by("-last_seen_at", "-started_at")


def warnings_about(tool: Tool, now: datetime) -> tuple[ToolWarning, ...]:
    """What an operator relaxed, or a tool brought with it, that deserves a second look."""
    is_oidc = tool.kind == ToolKind.OIDC
    by_certificate = tool.token_endpoint_auth_method in (AuthMethod.TLS, AuthMethod.SELF_SIGNED_TLS)
    told = {
        ToolWarning.NO_PKCE: is_oidc and not tool.needs_pkce,
        ToolWarning.SELF_REGISTERED: tool.self_registered,
        ToolWarning.ANY_SECRET: is_oidc and tool.token_endpoint_auth_method == AuthMethod.EITHER,
        ToolWarning.SHARED_LOGIN: is_oidc and tool.subject_type == SubjectType.LOGIN,
        ToolWarning.OLD_SECRET: bool(tool.previous_client_secret_until and tool.previous_client_secret_until > now),
        ToolWarning.NO_CERTIFICATES: not settings.CLIENT_CERTIFICATE_HEADER
        and (by_certificate or tool.tls_client_certificate_bound_access_tokens),
    }
    return tuple(warning for warning, holds in told.items() if holds)


def has_second_factor(member: Member) -> bool:
    return Authenticator.objects.filter(user=member.pk, type__in=SECOND_FACTORS).exists()


def missing_second_factor(member: Member) -> datetime | None:
    """Until when this member may do without a second factor; ``None`` where none is asked for, or there is one."""
    return None if member.second_factor_by is None or has_second_factor(member) else member.second_factor_by


def must_enrol(member: Member, now: datetime) -> bool:
    """Is the time over in which this member could do without a second factor?  Nobody else costs a query."""
    by = member.second_factor_by
    return by is not None and by <= now and not has_second_factor(member)
