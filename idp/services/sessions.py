"""Hub sessions: begun at sign-in, raised by further proof, and ended with everything attached to them."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from audit.services import record_all
from audit.types import SYSTEM, Action, Actor, Entry
from directory.models import Member
from idp.models import (
    AccessToken,
    Browser,
    DeviceGrant,
    Grant,
    HubSession,
    LogoutDelivery,
    RefreshToken,
    Tool,
    ToolSession,
)
from idp.protocol.acr import LEVELS
from idp.selectors import live_session
from idp.services import subjects
from idp.services.accounts import welcome

log = logging.getLogger("idp.sessions")
SESSION_FIELD = "hub_session"
SEEN_FIELD = "hub_session_seen"
# After that no request that began before the end of its session is still under way.
SETTLED = timedelta(minutes=1)


def browser_state(session: HubSession | UUID | str | None) -> str:
    """What the browser may know of who is signed in: another value after every sign-in and sign-out.

    OpenID Connect Session Management §3.2.  A keyed digest, so that it leads to no session; the same for all browsers
    with nobody signed in.  Hexadecimal: no space, no dot.
    """
    name = session.pk if isinstance(session, HubSession) else session
    return salted_hmac("idp.browser_state", str(name or ""), algorithm="sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Where:
    """What a member recognises a session by."""

    browser: Browser | None = None
    label: str = ""
    network: str = ""


NOWHERE = Where()


@transaction.atomic
def start_session(
    request: HttpRequest,
    *,
    member: Member,
    methods: Sequence[str],
    acr: str,
    now: datetime,
    where: Where = NOWHERE,
) -> HubSession:
    """Begin a hub session for this browser; ends the one it had (a sign-in over a sign-in)."""
    previous = request.session.get(SESSION_FIELD)
    if previous:
        end_hub_sessions(HubSession.objects.filter(pk=previous), reason="replaced", actor=SYSTEM, now=now, keep=request)
    if request.session.session_key is None:
        request.session.create()
    session = HubSession.objects.create(
        member=member,
        session_key=request.session.session_key or "",
        started_at=now,
        auth_time=now,
        methods=list(methods),
        acr=acr,
        browser=where.browser,
        label=where.label,
        network=where.network,
        last_seen_at=now,
        expires_at=now + settings.SESSION_ABSOLUTE,
    )
    request.session[SESSION_FIELD] = str(session.pk)
    # The cookie lives as long as the session may, however briefly it waited for a sign-in.
    request.session.set_expiry(None)
    request.session[SEEN_FIELD] = now.timestamp()
    welcome.remember(request, member.pk)
    record_all(
        [
            Entry(
                Action.SIGN_IN,
                actor=Actor(member=member.pk),
                subject=member.pk,
                session=session.pk,
                facts={"methods": list(methods)},
                at=now,
            )
        ]
    )
    return session


@transaction.atomic
def note_authentication(request: HttpRequest, *, methods: Sequence[str], acr: str, now: datetime) -> None:
    """Fresh proof in a running session: raises ``auth_time``, ``amr`` and ``acr`` (OpenID Connect Core §2)."""
    session = live_session(request.session.get(SESSION_FIELD))
    if session is None:
        return
    session.auth_time, session.methods, session.acr = now, list(methods), acr
    session.session_key = request.session.session_key or session.session_key
    session.save(update_fields=["auth_time", "methods", "acr", "session_key"])
    record_all(
        [
            Entry(
                Action.REAUTHENTICATED,
                actor=Actor(member=session.member_id),
                subject=session.member_id,
                session=session.pk,
                facts={"methods": list(methods)},
            )
        ]
    )


def renew_key(request: HttpRequest) -> None:
    """Another key for this browser's session, told to its hub session: whoever ends that one must find the cookie's."""
    request.session.cycle_key()
    session_id = request.session.get(SESSION_FIELD)
    if session_id:
        mine = HubSession.objects.filter(pk=session_id, ended_at=None)
        mine.update(session_key=request.session.session_key or "")


def end_current(request: HttpRequest, *, now: datetime, reason: str = "sign_out") -> tuple[ToolSession, ...]:
    """Sign this browser out of the hub and of every tool it opened; returns what ended, with the tools."""
    session_id = request.session.get(SESSION_FIELD)
    ended: tuple[ToolSession, ...] = ()
    if session_id:
        member = getattr(request.user, "pk", None)
        ended = end_hub_sessions(
            HubSession.objects.filter(pk=session_id), reason=reason, actor=Actor(member=member), now=now, keep=request
        )
    request.session.flush()
    # Whoever was loaded for this request is gone with the session.
    request.user = AnonymousUser()
    return ended


def end_member(member_ids: Iterable[UUID], *, reason: str, actor: Actor = SYSTEM, now: datetime) -> None:
    """End everything attached to these people: sessions, codes, tokens, and their sessions in tools."""
    end_hub_sessions(HubSession.objects.filter(member_id__in=list(member_ids)), reason=reason, actor=actor, now=now)


@transaction.atomic
def end_hub_sessions(
    sessions: QuerySet[HubSession], *, reason: str, actor: Actor, now: datetime, keep: HttpRequest | None = None
) -> tuple[ToolSession, ...]:
    """The one function that ends hub sessions with everything attached; returns the tool sessions that ended.

    ``keep`` is a request whose own cookie session must survive (it is being flushed or replaced by the caller).
    """
    # ``no_key``: an exchange that is writing tokens of these sessions holds their keys, and would deadlock with more.
    live = list(sessions.filter(ended_at=None).select_for_update(no_key=True))
    if not live:
        return ()
    ended = _end_tool_sessions(ToolSession.objects.filter(hub_session__in=live), now=now)
    HubSession.objects.filter(pk__in=[session.pk for session in live]).update(ended_at=now, ended_reason=reason)
    spared = keep.session.session_key if keep is not None else None
    _forget_cookies(session.session_key for session in live if session.session_key not in ("", spared))
    record_all(
        Entry(
            Action.SIGN_OUT,
            actor=actor,
            subject=session.member_id,
            session=session.pk,
            reason=reason,
            at=now,
        )
        for session in live
    )
    return ended


@transaction.atomic
def end_tool_sessions(
    tool_sessions: QuerySet[ToolSession], *, now: datetime, reason: str = "agreement_ended", actor: Actor = SYSTEM
) -> tuple[ToolSession, ...]:
    """End tools' sessions while their hub sessions go on: one line in the journal for each.

    Until the member opens the tool again, ``entrance.before`` tells that they left it.
    """
    ended = _end_tool_sessions(tool_sessions, now=now)
    record_all(
        Entry(
            Action.TOOL_SESSION_ENDED,
            actor=actor,
            subject=session.hub_session.member_id,
            tool=session.tool_id,
            session=session.hub_session_id,
            reason=reason,
            at=now,
        )
        for session in ended
    )
    return ended


def _end_tool_sessions(tool_sessions: QuerySet[ToolSession], *, now: datetime) -> tuple[ToolSession, ...]:
    """Kill what tools hold, codes and tokens, and queue their logout notices: the one place where this is done."""
    rows = tool_sessions.filter(ended_at=None).select_related("tool", "hub_session")
    live = tuple(rows.select_for_update(of=("self",), no_key=True))
    ids = [session.pk for session in live]
    if not ids:
        return ()
    Grant.objects.filter(tool_session__in=ids, used_at=None).update(used_at=now)
    DeviceGrant.objects.filter(tool_session__in=ids).delete()
    AccessToken.objects.filter(tool_session__in=ids).delete()
    RefreshToken.objects.filter(tool_session__in=ids, revoked=None).update(revoked=now)
    ToolSession.objects.filter(pk__in=ids).update(ended_at=now)
    LogoutDelivery.objects.bulk_create(
        LogoutDelivery(tool_session=session, created_at=now, next_at=now)
        for session in live
        if session.tool.backchannel_logout_uri
    )
    return live


def open_tool_session(session: HubSession, tool: Tool, *, now: datetime) -> ToolSession:
    """The running session of this tool in this hub session, begun if need be.  Call inside a transaction."""
    subjects.keep(session.member, tool)
    # Two tabs at once: the second waits for the first's row instead of breaking the "one open" constraint.
    found, created = ToolSession.objects.get_or_create(
        hub_session=session, tool=tool, ended_at=None, defaults={"first_at": now, "last_at": now}
    )
    if not created:
        ToolSession.objects.filter(pk=found.pk).update(last_at=now)
    return found


def hold(member_id: UUID) -> None:
    """What a session proves is read and written by one request of a member at a time.  Call inside a transaction."""
    list(Member.objects.select_for_update(no_key=True).filter(pk=member_id).values_list("pk"))


@transaction.atomic
def weaken(member_id: UUID, *, but: Iterable[UUID] = (), now: datetime) -> None:
    """A second factor is gone: no session of theirs goes on claiming it, besides those named.

    Where a password was given it is what is left; where there was nothing but the factor, nothing is.
    """
    hold(member_id)
    rows = HubSession.objects.filter(member_id=member_id, ended_at=None).exclude(pk__in=list(but))
    claiming = rows.exclude(acr=LEVELS[0])
    with_password = [session.pk for session in claiming if "pwd" in session.methods]
    rows.filter(pk__in=with_password).update(acr=LEVELS[0], methods=["pwd"])
    end_hub_sessions(claiming, reason="factor_removed", actor=SYSTEM, now=now)


def restate(session: HubSession, *, methods: Sequence[str]) -> None:
    """A session that still proves two factors, one of those it claimed being gone.  Call inside a transaction."""
    HubSession.objects.filter(pk=session.pk).update(methods=list(methods))


def left_open(now: datetime) -> QuerySet[ToolSession]:
    """Sessions of tools that were begun while their hub session ended: nothing can be had on them."""
    return ToolSession.objects.filter(ended_at=None, hub_session__ended_at__lt=now - SETTLED)


def expired(now: datetime) -> QuerySet[HubSession]:
    """Sessions over their idle or absolute limit."""
    return HubSession.objects.filter(ended_at=None).filter(
        Q(expires_at__lte=now) | Q(last_seen_at__lte=now - settings.SESSION_IDLE)
    )


def _forget_cookies(keys: Iterable[str]) -> None:
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        try:
            store().delete(key)
        except DatabaseError:
            raise
        except Exception as error:
            # A cache that is away must not keep somebody in: the row above has ended, and every entrance asks for it.
            log.warning("the cached copy of a session could not be removed: %s", type(error).__name__)
