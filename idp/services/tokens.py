"""Codes and tokens: issued, redeemed, refreshed, revoked.  Every step runs inside the caller's transaction."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from consent import selectors as consent_selectors
from consent import services as consent_services
from consent.types import ALWAYS, Channel, Disclosed
from directory.models import Member
from idp import access, claims
from idp.models import AccessToken, Grant, HubSession, RefreshToken, Tool, ToolSession
from idp.protocol import tokens as protocol
from idp.protocol.authorization import AuthRequest
from idp.services import keys, sessions


@dataclass(frozen=True, slots=True)
class Answer:
    """Claims about to leave, with what the ledger must be told of them."""

    claims: dict[str, Any]
    disclosed: Disclosed


def claims_for(member: Member, tool: Tool, *, scopes: frozenset[str], channel: Channel, session: UUID | None) -> Answer:
    """The claims this tool gets on this channel, and the ledger line that must be written with them."""
    release = consent_selectors.release(member.pk, tool.pk, scopes)
    wanted = release.items if channel == Channel.USERINFO or tool.claims_in_id_token else frozenset[str]()
    known = claims.values(member, wanted)
    sent = protocol.released_claims(known, wanted)
    always = ALWAYS if channel == Channel.ID_TOKEN else frozenset({"identifier"})
    items = protocol.items_sent(known, sent) | always
    return Answer(sent, Disclosed(member.pk, tool.pk, channel, items, release, session))


@transaction.atomic
def issue_code(*, member: Member, tool: Tool, session: HubSession, request: AuthRequest, now: datetime) -> str:
    """An authorization code for this request.  The caller has asked ``access.may_enter`` and consent."""
    code = secrets.token_urlsafe(32)
    tool_session = sessions.open_tool_session(session, tool.pk, now=now)
    Grant.objects.create(
        user=member,
        application=tool,
        code=protocol.digest(code),
        expires=now + settings.CODE_LIFETIME,
        redirect_uri=request.redirect_uri,
        scope=" ".join(sorted(request.scopes)),
        code_challenge=request.code_challenge,
        code_challenge_method="S256" if request.code_challenge else "",
        nonce=request.nonce,
        claims="{}",
        tool_session=tool_session,
        auth_time=session.auth_time,
        acr=session.acr,
        methods=session.methods,
    )
    record(
        Entry(
            Action.CODE_ISSUED,
            actor=Actor(member=member.pk),
            subject=member.pk,
            tool=tool.pk,
            session=session.pk,
            facts={"scopes": sorted(request.scopes)},
            at=now,
        )
    )
    return code


def usable(member: Member, tool: Tool, tool_session: ToolSession, *, now: datetime) -> str:
    """Why tokens may no longer be had on this ground, or nothing.  Asked at every exchange and refresh."""
    if not member.is_active:
        return "member_inactive"
    if tool_session.ended_at is not None or tool_session.hub_session.is_over(now):
        return "session_ended"
    if not access.may_enter(member, tool):
        return "access_denied"
    return ""


def sign_id_token(
    *,
    member: Member,
    tool: Tool,
    tool_session: ToolSession,
    basis: Grant | RefreshToken,
    nonce: str,
    access_token: str,
    released: Mapping[str, Any],
    now: datetime,
) -> str:
    payload = protocol.id_token(
        issuer=settings.ISSUER,
        subject=claims.subject(member, tool),
        client_id=tool.client_id,
        now=now,
        lifetime=settings.ID_TOKEN_LIFETIME,
        auth_time=basis.auth_time,
        nonce=nonce,
        sid=tool_session.sid,
        acr=basis.acr,
        amr=basis.methods,
        access_token=access_token,
        claims=released,
    )
    return keys.sign(payload)


def save_tokens(
    *,
    member: Member,
    tool: Tool,
    tool_session: ToolSession,
    basis: Grant | RefreshToken,
    scopes: Iterable[str],
    access_token: str,
    refresh_token: str,
    answer: Answer | None,
    now: datetime,
) -> None:
    """Store the digests, write the ledger and the journal.  An empty ``refresh_token`` means none was asked for."""
    scope = " ".join(sorted(scopes))
    first = isinstance(basis, Grant)
    grant = basis if isinstance(basis, Grant) else basis.grant
    access_row = AccessToken.objects.create(
        user=member,
        application=tool,
        token="",
        token_checksum=protocol.digest(access_token),
        expires=now + settings.ACCESS_TOKEN_LIFETIME,
        scope=scope,
        tool_session=tool_session,
        grant=grant,
    )
    if refresh_token:
        RefreshToken.objects.create(
            user=member,
            application=tool,
            token="",
            token_checksum=protocol.digest(refresh_token),
            access_token=access_row,
            token_family=uuid4() if isinstance(basis, Grant) else basis.token_family,
            tool_session=tool_session,
            grant=grant,
            scope=scope if isinstance(basis, Grant) else basis.scope,
            nonce="",
            auth_time=basis.auth_time,
            acr=basis.acr,
            methods=basis.methods,
            expires=now + settings.REFRESH_TOKEN_LIFETIME if isinstance(basis, Grant) else basis.expires,
        )
    entry = Entry(
        Action.TOKEN_ISSUED if first else Action.TOKEN_REFRESHED,
        actor=Actor(tool=tool.pk),
        subject=member.pk,
        tool=tool.pk,
        session=tool_session.hub_session_id,
        facts={"refresh": bool(refresh_token)},
        at=now,
    )
    ledger = consent_services.disclose([answer.disclosed], now=now) if answer else []
    record_all([entry, *ledger])


def revoke_code_family(grant: Grant, *, now: datetime) -> None:
    """RFC 6749 §4.1.2: a code used twice was stolen by one of the two; what it gave dies."""
    families = RefreshToken.objects.filter(grant=grant)
    AccessToken.objects.filter(grant=grant).delete()
    families.filter(revoked=None).update(revoked=now)
    record(
        Entry(
            Action.CODE_REPLAYED,
            actor=Actor(tool=grant.application_id),
            subject=grant.user_id,
            tool=grant.application_id,
            session=grant.tool_session.hub_session_id,
            refused=True,
            reason="code_replayed",
            at=now,
        )
    )


def revoke_family(token: RefreshToken, *, reason: str, refused: bool, now: datetime) -> None:
    """RFC 9700 §4.14.2: the whole family of a refresh token, with the access tokens it gave."""
    family = RefreshToken.objects.filter(token_family=token.token_family)
    AccessToken.objects.filter(pk__in=family.exclude(access_token=None).values("access_token_id")).delete()
    family.filter(revoked=None).update(revoked=now)
    record(
        Entry(
            Action.TOKEN_REVOKED,
            actor=Actor(tool=token.application_id),
            subject=token.user_id,
            tool=token.application_id,
            session=token.tool_session.hub_session_id,
            refused=refused,
            reason=reason,
            at=now,
        )
    )


@transaction.atomic
def revoke(*, tool: Tool, token: str, now: datetime) -> None:
    """RFC 7009: by the tool the token was given to; another's token counts as unknown, and nothing is told."""
    checksum = protocol.digest(token)
    refresh = RefreshToken.objects.filter(token_checksum=checksum, application=tool).select_related("tool_session")
    row = refresh.first()
    if row is None:
        access_row = AccessToken.objects.filter(token_checksum=checksum, application=tool).first()
        if access_row is None:
            return
        row = refresh.model.objects.filter(access_token=access_row).select_related("tool_session").first()
        if row is None:
            access_row.delete()
            record(Entry(Action.TOKEN_REVOKED, Actor(tool=tool.pk), access_row.user_id, tool.pk, reason="by_tool"))
            return
    revoke_family(row, reason="by_tool", refused=False, now=now)


@transaction.atomic
def refuse(*, member_id: UUID, tool: Tool, notice_id: int, language: str, session: UUID | None, now: datetime) -> None:
    """The member says no.  What an earlier yes gave this tool ends with it.

    Raises ``NoticeOutdated`` when the notice is not the one in force.
    """
    consent_services.refuse(
        member_id=member_id,
        tool_id=tool.pk,
        notice_id=notice_id,
        actor=Actor(member=member_id),
        language=language,
        now=now,
        session=session,
    )
    sessions.end_tool_sessions(ToolSession.objects.filter(tool=tool, hub_session__member_id=member_id), now=now)


@transaction.atomic
def withdraw(*, member_id: UUID, tool: Tool, actor: Actor, now: datetime) -> bool:
    """End the member's consent for this tool and, in the same transaction, everything it holds of them."""
    ended = consent_services.end_consent(member_id=member_id, tool_id=tool.pk, actor=actor, now=now)
    sessions.end_tool_sessions(ToolSession.objects.filter(tool=tool, hub_session__member_id=member_id), now=now)
    return ended


@transaction.atomic
def userinfo(access_token: str, *, now: datetime | None = None) -> dict[str, Any] | None:
    """The claims behind an access token, or nothing when it is unknown, expired, or its ground is gone."""
    now = now or timezone.now()
    row = (
        AccessToken.objects.filter(token_checksum=protocol.digest(access_token), expires__gt=now)
        .select_related("user", "application", "tool_session__hub_session")
        .first()
    )
    if row is None or row.user is None or row.application is None or row.tool_session is None:
        return None
    if usable(row.user, row.application, row.tool_session, now=now):
        return None
    answer = claims_for(
        row.user,
        row.application,
        scopes=frozenset(row.scope.split()),
        channel=Channel.USERINFO,
        session=row.tool_session.hub_session_id,
    )
    record_all(consent_services.disclose([answer.disclosed], now=now))
    return {**answer.claims, "sub": claims.subject(row.user, row.application)}


def introspection(access_token: str, *, tool: Tool, now: datetime) -> dict[str, Any]:
    """RFC 7662: only the tool a token was given to learns anything of it."""
    row = (
        AccessToken.objects.filter(token_checksum=protocol.digest(access_token), application=tool, expires__gt=now)
        .select_related("user", "tool_session__hub_session")
        .first()
    )
    if row is None or row.user is None or row.tool_session is None or usable(row.user, tool, row.tool_session, now=now):
        return {"active": False}
    return {
        "active": True,
        "iss": settings.ISSUER,
        "sub": claims.subject(row.user, tool),
        "client_id": tool.client_id,
        "aud": tool.client_id,
        "scope": row.scope,
        "token_type": "Bearer",
        "exp": int(row.expires.timestamp()),
        "iat": int(row.created.timestamp()),
    }
