"""What became of everything that a tool held of a member when the agreement was taken back.  Reads; changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from consent import selectors as agreed
from consent.erasures import selectors as erasures
from consent.models import Consent
from directory.models import Member
from idp.models import AccessToken, Grant, LogoutDelivery, RefreshToken, Tool, ToolSession
from idp.types import DeliveryState


@dataclass(frozen=True, slots=True)
class Aftermath:
    """``usable``: codes and tokens that still open something; none, unless the tool was opened again since."""

    consent: Consent
    at: datetime
    usable: int
    reopened: bool
    closed: int
    is_told: bool
    notices: tuple[LogoutDelivery, ...]
    held: tuple[str, ...]
    is_asked: bool

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way any more."""
        return all(each.state != DeliveryState.WAITING for each in self.notices)


def of(member: Member, tool: Tool, *, now: datetime) -> Aftermath:
    """After the last withdrawal, which there must be.  Ten statements at most."""
    consent = agreed.last_withdrawal(member.pk, tool.pk)
    at = consent.ended_at if consent else None
    if consent is None or at is None:
        raise LookupError(f"no agreement of {member.pk} was taken back from {tool.pk}")
    sessions = ToolSession.objects.filter(tool=tool, hub_session__member=member)
    ended = sessions.filter(ended_at=at)
    mine = {"tool_session__in": sessions, "expires__gt": now}
    return Aftermath(
        consent=consent,
        at=at,
        usable=Grant.objects.filter(**mine, used_at=None).count()
        + AccessToken.objects.filter(**mine).count()
        + RefreshToken.objects.filter(**mine, revoked=None).count(),
        reopened=sessions.filter(first_at__gt=at).exists(),
        closed=ended.count(),
        is_told=bool(tool.backchannel_logout_uri),
        notices=tuple(LogoutDelivery.objects.filter(tool_session__in=ended).order_by("pk")),
        held=tuple(agreed.held(member.pk, tool.pk)),
        is_asked=erasures.open_for(member.pk, tool.pk) is not None,
    )
