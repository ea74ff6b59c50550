"""Authorization codes: the one place that issues them."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from idp.entrance import Entrance
from idp.models import Grant, Tool, ToolSession
from idp.protocol import tokens as protocol
from idp.protocol.authorization import AuthRequest
from idp.services import pushed, sessions, subjects
from statements.writing import together

# When a tool was last opened is told to the minute: a shorter step would be a write at every sign-on.
SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def issue(*, entrance: Entrance, tool: Tool, request: AuthRequest, acr: str, reference: str, now: datetime) -> str:
    """A code for this request, for a member who may enter and has nothing left to be asked.

    ``acr`` is what will be stated; ``reference`` names the pushed request that is spent with it, if it was one.
    Raises ``ProtocolError`` when that was spent before.
    """
    if reference:
        pushed.spend(reference, now=now)
    code = secrets.token_urlsafe(32)
    session, member = entrance.session, entrance.member
    grant = {
        "user_id": member.pk,
        "application_id": tool.pk,
        "code": protocol.digest(code),
        "expires": now + settings.CODE_LIFETIME,
        "redirect_uri": request.redirect_uri,
        "scope": " ".join(sorted(request.scopes)),
        "code_challenge": request.code_challenge,
        "code_challenge_method": "S256" if request.code_challenge else "",
        "nonce": request.nonce,
        "claims": request.claims_text,
        "resource": list(request.resources),
        "dpop_jkt": request.dpop_jkt,
        "tool_session_id": _tool_session(entrance, tool, now=now),
        "auth_time": session.auth_time,
        "acr": acr,
        "methods": session.methods,
    }
    with together():
        Grant.objects.insert([grant])
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


def _tool_session(entrance: Entrance, tool: Tool, *, now: datetime) -> int:
    """The running session of this tool in this hub session, begun if need be, by as few statements as it takes."""
    opened, session = entrance.opened, entrance.session
    if opened is not None:
        if now - opened.last_at > SEEN_EVERY:
            ToolSession.objects.filter(pk=opened.pk).update(last_at=now)
        return opened.pk
    subjects.keep(entrance.member, tool)
    try:
        with transaction.atomic():
            return ToolSession.objects.create(hub_session=session, tool=tool, first_at=now, last_at=now).pk
    except IntegrityError:
        # Two tabs at once: the second waited for the first's row, and shares it.
        return sessions.open_tool_session(session, tool, now=now).pk
