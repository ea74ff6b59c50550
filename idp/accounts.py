"""Reading what is known of accounts: for the office's pages, and for the member's own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from directory import following
from directory import selectors as directory_selectors
from directory.models import Departure, DirectorySource, Member
from directory.types import Hold, MailState, MemberState, SourceState
from idp import access
from idp.models import Alarm, HubSession, OutgoingMail, Recovery, Tool
from idp.services.accounts import attempts, factors, invitations
from idp.services.accounts.invitations import Stage
from idp.standing import Facts, Invited
from idp.types import LinkKind, OutgoingState, RecoveryState, ToolState

# How far an invitation has come, for somebody who has not come themself.
INVITED = {
    Stage.WAITING: Invited.WAITING,
    Stage.SENT: Invited.SENT,
    Stage.FAILED: Invited.NOT_SENT,
    Stage.OPENED: Invited.OPENED,
    Stage.USED: Invited.OPENED,
    Stage.EXPIRED: Invited.EXPIRED,
    Stage.ENDED: Invited.NEVER,
}


@dataclass(frozen=True, slots=True)
class ToolStanding:
    """One tool seen for one member: open, or why not."""

    tool: Tool
    opens: bool
    closed: bool
    needed: tuple[str, ...] = ()


def facts_of(member: Member, now: datetime) -> Facts:
    """Everything that decides whether this member gets in, for the rule in ``idp/standing.py``."""
    departure = directory_selectors.planned_departure(member)
    ways = factors.summary(member)
    login_is_mail, mail_is_login = directory_selectors.crossed_names(member)
    return Facts(
        state=MemberState(member.state),
        hold=Hold(member.hold),
        since=member.hold_since if member.hold else member.state_since,
        reason=member.hold_reason,
        source_retired=member.source is not None and member.source.state == SourceState.RETIRED,
        removal_waits=following.removal_waits(member),
        has_login=bool(member.login),
        login_shared=member.login_ambiguous,
        login_is_mail=login_is_mail,
        mail=MailState(member.email_state),
        mail_is_login=mail_is_login,
        blocked_until=attempts.blocked_until(member.pk, now=now),
        ever_in=HubSession.objects.filter(member=member).exists(),
        invited=_invited(member, now),
        has_factor=ways.any,
        has_passkey=bool(ways.passkeys),
        factor_by=member.second_factor_by,
        last_day=departure.last_day if departure else None,
    )


def _invited(member: Member, now: datetime) -> Invited:
    latest = invitations.latest(member, now=now)
    return INVITED[latest.stage] if latest else Invited.NEVER


def tools_seen_for(member: Member) -> list[ToolStanding]:
    """Every tool, with the one access decision for this member, and what would open it."""
    open_now = set(access.enterable(member).values_list("pk", flat=True))
    tools = Tool.objects.prefetch_related("collectives").order_by("name")
    return [
        ToolStanding(
            tool,
            tool.pk in open_now,
            tool.state == ToolState.CLOSED,
            () if tool.everyone else tuple(each.name for each in tool.collectives.all() if each.present),
        )
        for tool in tools
    ]


# Lists of the office -----------------------------------------------------------------------------------------

LISTS: dict[str, Q] = {
    "tous": Q(),
    "jamais": Q(state=MemberState.ACTIVE, hold=Hold.NONE, ever_in=False),
    "suspendus": Q(hold=Hold.SUSPENDED),
    "departs": Q(leaving=True),
    "absents": Q(state=MemberState.MISSING, absent_for_good_at=None) & ~Q(hold=Hold.LEFT),
    "partis": Q(hold=Hold.LEFT)
    | Q(state=MemberState.LEFT)
    | Q(state=MemberState.MISSING, absent_for_good_at__isnull=False),
}


def members(which: str = "tous", ids: Collection[Any] | None = None) -> QuerySet[Member]:
    """Members by name, with what their badge says; whoever was erased has no name to be found by."""
    rows = Member.objects.filter(erased_at=None).annotate(
        ever_in=Exists(HubSession.objects.filter(member=OuterRef("pk"))),
        leaving=Exists(Departure.objects.filter(member=OuterRef("pk"), done_at=None, cancelled_at=None)),
        source_state=F("source__state"),
        has_passkey=Exists(Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.WEBAUTHN)),
    )
    rows = rows.filter(LISTS[which])
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return rows.order_by("order_key", "pk")


@dataclass(frozen=True, slots=True)
class ToDo:
    """What waits for somebody of the office."""

    alarms: list[Alarm]
    recoveries: list[Recovery]
    departures: list[Departure]
    unsent: list[OutgoingMail]
    # Directories of which removals are held back until somebody has read them.
    held: tuple[DirectorySource, ...]
    # What somebody should put right in a directory.
    issues: int

    @property
    def count(self) -> int:
        return len(self.alarms) + len(self.recoveries) + len(self.unsent) + len(self.held)


def to_do(now: datetime) -> ToDo:
    recoveries = Recovery.objects.filter(state=RecoveryState.ASKED, expires_at__gt=now)
    links = Q(link__used_at=None, link__ended_at=None, link__kind=LinkKind.INVITATION)
    unsent = OutgoingMail.objects.filter(links, state=OutgoingState.FAILED)
    departures = Departure.objects.filter(done_at=None, cancelled_at=None)
    return ToDo(
        alarms=list(Alarm.objects.filter(settled_at=None).select_related("member")[:50]),
        recoveries=list(recoveries.select_related("member", "asked_by")[:50]),
        departures=list(departures.select_related("member").order_by("last_day")[:20]),
        unsent=list(unsent.select_related("member").order_by("-pk")[:50]),
        held=following.waiting(),
        issues=following.open_issues().count(),
    )
