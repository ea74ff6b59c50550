"""Devices without a browser (RFC 8628): a code is given, typed by a member, confirmed, and redeemed once."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from idp import access
from idp.models import DeviceGrant, HubSession, Tool
from idp.protocol import device as codes
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest
from idp.services import refusals, sessions, tokens
from idp.types import AuthMethod, GrantType

LIFETIME = timedelta(minutes=10)
INTERVAL_SECONDS = 5
# RFC 8628 §3.5: each hasty question makes the tool wait this much longer.
SLOWER_BY_SECONDS = 5


class CodeRefused(Exception):
    """A typed code that leads nowhere for this member.  ``reason`` is for the journal: the page says one thing only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Started:
    """The two codes, in clear this once."""

    device_code: str
    user_code: str


@transaction.atomic
def start(*, tool: Tool, scopes: Collection[str], asked_from: str | None, now: datetime) -> Started:
    """Begin for a tool; ``scopes`` are those already narrowed to the tool's.

    Anybody can come as a public tool: its first line is that of the member who opens the code.
    Raises ``ProtocolError`` for a tool that was not given this grant.
    """
    if GrantType.DEVICE not in tool.grant_type_list:
        raise ProtocolError("unauthorized_client", "this grant was not given to the tool", detail="grant_not_given")
    device_code, user_code = secrets.token_urlsafe(32), codes.new_user_code()
    while DeviceGrant.objects.filter(user_code=digest(user_code)).exists():
        user_code = codes.new_user_code()
    grant = DeviceGrant.objects.create(
        tool=tool,
        client_id=tool.client_id,
        device_code=digest(device_code),
        user_code=digest(user_code),
        scope=" ".join(sorted(scopes)),
        interval=INTERVAL_SECONDS,
        expires=now + LIFETIME,
        created_at=now,
        asked_from=asked_from,
    )
    if tool.token_endpoint_auth_method != AuthMethod.NONE:
        line = Entry(Action.DEVICE_STARTED, actor=Actor(tool=tool.pk), tool=tool.pk, facts=_facts(grant), at=now)
        record(line)
    return Started(device_code, user_code)


@transaction.atomic
def open_by(*, user_code: str, session: HubSession, now: datetime) -> DeviceGrant:
    """What a member typed: from here on this hub session alone can answer for it.

    Raises ``CodeRefused``; the caller notes it, since this transaction is rolled back.
    """
    grant = _waiting(user_code, now)
    if grant.opened_by_id is None:
        DeviceGrant.objects.filter(pk=grant.pk).update(opened_by=session)
        grant.opened_by = session
        record(replace(_line(Action.DEVICE_OPENED, grant, session, now), facts=_facts(grant)))
    _check_opener(grant, session)
    return grant


@transaction.atomic
def approve(*, user_code: str, session: HubSession, now: datetime) -> DeviceGrant:
    """The member says yes.  The caller has settled consent.

    Raises ``CodeRefused``, also for a member who may not enter the tool.
    """
    grant = _opened(user_code, session, now)
    if not access.may_enter(session.member, grant.tool):
        raise CodeRefused("not_in_group")
    grant.user, grant.status, grant.decided_at, grant.asked_from = session.member, DeviceGrant.AUTHORIZED, now, None
    grant.tool_session = sessions.open_tool_session(session, grant.tool, now=now)
    grant.auth_time, grant.acr, grant.methods = session.auth_time, session.acr, session.methods
    grant.save(
        update_fields=[
            *("user", "status", "decided_at", "asked_from", "tool_session", "auth_time", "acr", "methods"),
        ]
    )
    record(_line(Action.DEVICE_APPROVED, grant, session, now))
    return grant


@transaction.atomic
def deny(*, user_code: str, session: HubSession, reason: str, now: datetime) -> DeviceGrant:
    """No: the member's own, or the hub's for a member who may not enter.  Raises ``CodeRefused``."""
    grant = _opened(user_code, session, now)
    grant.user, grant.status, grant.decided_at, grant.asked_from = session.member, DeviceGrant.DENIED, now, None
    grant.save(update_fields=["user", "status", "decided_at", "asked_from"])
    record(_line(Action.DEVICE_DENIED, grant, session, now, reason=reason, refused=True))
    return grant


def note_refused(*, member_id: UUID, session_id: UUID | None, reason: str, now: datetime) -> None:
    """A code that was not accepted: a series of these lines is somebody guessing."""
    line = Entry(
        Action.DEVICE_REFUSED,
        actor=Actor(member=member_id),
        subject=member_id,
        session=session_id,
        refused=True,
        reason=reason,
        at=now,
    )
    refusals.note(line, network=str(member_id), now=now)


def redeem(*, tool: Tool, device_code: str, audience: tokens.Audience, now: datetime) -> DeviceGrant:
    """The grant behind a device code, used up by this call (RFC 8628 §3.4, §3.5) for tokens of this audience.

    Raises ``ProtocolError``: ``authorization_pending``, ``slow_down``, ``expired_token``, ``access_denied`` or
    ``invalid_grant``.  Call it inside a transaction that commits all the same: the pace of the questions is kept.
    """
    if GrantType.DEVICE not in tool.grant_type_list:
        raise ProtocolError("unauthorized_client", "this grant was not given to the tool", detail="grant_not_given")
    rows = DeviceGrant.objects.filter(device_code=digest(device_code), tool=tool)
    # Two statements: one that waits for the member's answer would see it beside the person who was not there before.
    list(rows.select_for_update(no_key=True).values_list("pk"))
    grant: DeviceGrant | None = tokens.with_ground(rows, tool=tool.pk).first()
    if grant is None:
        # Another tool's code too: nothing is told of it.
        raise ProtocolError("invalid_grant", "the device code is not known", detail="device_code_unknown")
    if grant.used_at is not None:
        raise ProtocolError("invalid_grant", "the device code was used", detail="device_code_used")
    if grant.expires <= now:
        raise ProtocolError("expired_token", "the device code is too old", detail="device_code_expired")
    if grant.status == DeviceGrant.DENIED:
        raise ProtocolError("access_denied", "the member refused", detail="device_denied")
    if grant.status != DeviceGrant.AUTHORIZED:
        raise _still_pending(grant, now)
    if grant.user is None or grant.tool_session is None:
        raise ProtocolError("access_denied", "the member's session is over", detail="session_ended")
    if unusable := tokens.why_unusable(grant, tool, now=now):
        raise ProtocolError("access_denied", "the member may not enter any more", detail=unusable)
    # Before the code is used up: a resource that is refused must not cost the member a second approval.
    tokens.check_readers(tokens.basis_of(grant, tool), audience, now=now)
    grant.used_at = now
    DeviceGrant.objects.filter(pk=grant.pk).update(used_at=now)
    return grant


def _still_pending(grant: DeviceGrant, now: datetime) -> ProtocolError:
    hasty = grant.last_checked is not None and now - grant.last_checked < timedelta(seconds=grant.interval)
    interval = grant.interval + SLOWER_BY_SECONDS if hasty else grant.interval
    DeviceGrant.objects.filter(pk=grant.pk).update(last_checked=now, interval=interval)
    if hasty:
        return ProtocolError("slow_down", f"wait {interval} seconds", detail="device_hasty")
    return ProtocolError("authorization_pending", "nobody has confirmed yet", detail="device_pending")


def _waiting(user_code: str, now: datetime) -> DeviceGrant:
    """The undecided grant of a typed code, locked.  Raises ``CodeRefused``."""
    code = codes.normalise(user_code)
    grant = (
        DeviceGrant.objects.select_for_update(of=("self",))
        .select_related("tool")
        .filter(user_code=digest(code), expires__gt=now)
        .first()
        if code
        else None
    )
    if grant is None:
        raise CodeRefused("code_unknown")
    if grant.status != DeviceGrant.AUTHORIZATION_PENDING:
        raise CodeRefused("code_decided")
    return grant


def _opened(user_code: str, session: HubSession, now: datetime) -> DeviceGrant:
    grant = _waiting(user_code, now)
    _check_opener(grant, session)
    return grant


def _check_opener(grant: DeviceGrant, session: HubSession) -> None:
    # A link with the code sent to somebody else must not let them confirm what the first reader opened.
    if grant.opened_by_id != session.pk:
        raise CodeRefused("opened_elsewhere")


def _facts(grant: DeviceGrant) -> dict[str, object]:
    return {"device": grant.pk, "scopes": grant.scope.split()}


def _line(
    action: Action, grant: DeviceGrant, session: HubSession, now: datetime, *, reason: str = "", refused: bool = False
) -> Entry:
    return Entry(
        action,
        actor=Actor(member=session.member_id),
        subject=session.member_id,
        tool=grant.tool_id,
        session=session.pk,
        refused=refused,
        reason=reason,
        facts={"device": grant.pk},
        at=now,
    )
