"""How an answer leaves the authorization endpoint: by query or by form, plain or signed; or not at all, as a page."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from audit.types import Action, Actor, Entry
from idp.models import HubSession, Tool
from idp.protocol import jarm, redirects
from idp.protocol.authorization import Destination
from idp.protocol.errors import ProtocolError
from idp.protocol.session_state import session_state
from idp.services import keys, refusals, sessions
from idp.signin.allauth_parts import network_of
from idp.types import SigningAlgorithm
from idp.views.onward import see_other


@dataclass(frozen=True, slots=True)
class Answer:
    """Ready to leave: to ``uri`` as it is, or with ``fields`` in a form."""

    uri: str
    fields: Mapping[str, str]

    @property
    def by_form(self) -> bool:
        return bool(self.fields)


def prepare(tool: Tool, where: Destination, parameters: Mapping[str, str], *, now: datetime) -> Answer:
    """The answer in the form that was asked for; parameters without a value do not leave."""
    full = {**parameters, "state": where.state}
    if where.response_mode.endswith(".jwt"):
        # JARM §2.1: the issuer is in the signed part, where nobody can change it.
        payload = jarm.payload(full, issuer=settings.ISSUER, client_id=tool.client_id, now=now)
        full = {"response": keys.sign(payload, alg=_algorithm(tool))}
    else:
        # RFC 9207: ``iss`` on success and on error alike, so that answers of two providers cannot be mixed up.
        full["iss"] = settings.ISSUER
    if where.response_mode.startswith("form_post"):
        return Answer(where.redirect_uri, {name: value for name, value in full.items() if value})
    return Answer(redirects.answer_uri(where.redirect_uri, full), {})


def with_code(
    request: HttpRequest, tool: Tool, where: Destination, code: str, session: HubSession, *, now: datetime
) -> HttpResponse:
    return _send(request, tool, where, {"code": code, "session_state": _session_state(tool, where, session)}, now=now)


def with_error(
    request: HttpRequest, tool: Tool, where: Destination, error: ProtocolError, *, member: UUID | None, now: datetime
) -> HttpResponse:
    """RFC 6749 §4.1.2.1, by the same way as a code would have left."""
    note_refusal(request, tool, error.detail, member=member, now=now)
    return _send(request, tool, where, parameters_of(error), now=now)


def parameters_of(error: ProtocolError) -> dict[str, str]:
    return {"error": error.code, "error_description": error.description}


def error_page(request: HttpRequest, error: ProtocolError, *, now: datetime) -> HttpResponse:
    """RFC 6749 §4.1.2.1: an answer that cannot be addressed safely stays here."""
    note_refusal(request, None, error.detail, member=None, now=now)
    context = {
        "title": _("Cet outil n’a pas pu s’ouvrir"),
        "message": _("L’outil a fait une demande que Trousseau ne reconnaît pas ; vous n’y êtes pour rien."),
        "advice": _("Revenez à vos outils et ouvrez-le de là. Si cela se répète, signalez-le à la structure."),
        "technical": f"{error.code}: {error.description}",
    }
    return render(request, "hub/error.html", context, status=400)


def stopped(
    request: HttpRequest,
    tool: Tool,
    where: Destination,
    error: ProtocolError,
    context: Mapping[str, Any],
    *,
    status: int,
    now: datetime,
) -> HttpResponse:
    """A page for the person, from which ``error`` goes to the tool if they choose to go back there."""
    back = prepare(tool, where, parameters_of(error), now=now)
    response = render(request, "idp/stopped.html", {**context, "tool": tool, "back": back}, status=status)
    return _allow_form(response, where, only=False)


def note_refusal(request: HttpRequest, tool: Tool | None, reason: str, *, member: UUID | None, now: datetime) -> None:
    pk = tool.pk if tool else None
    entry = Entry(
        Action.AUTHORIZATION_REFUSED,
        actor=Actor(member=member),
        subject=member,
        tool=pk,
        refused=True,
        reason=reason[:60],
        at=now,
    )
    refusals.note(entry, network=network_of(request), now=now)


def _send(
    request: HttpRequest, tool: Tool, where: Destination, parameters: Mapping[str, str], *, now: datetime
) -> HttpResponse:
    answer = prepare(tool, where, parameters, now=now)
    if answer.by_form:
        return _form(request, tool, where, answer)
    return _private(see_other(answer.uri), "no-referrer")


def _form(request: HttpRequest, tool: Tool, where: Destination, answer: Answer) -> HttpResponse:
    """OAuth 2.0 Form Post Response Mode §2.  The script only presses the button, which works without it."""
    response = render(request, "idp/form_post.html", {"tool": tool, "answer": answer})
    # With "no-referrer" browsers send "Origin: null", which tools that check where a form comes from refuse.
    return _allow_form(_private(response, "strict-origin"), where, only=True)


def _private(response: HttpResponse, referrer: str) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    response["Referrer-Policy"] = referrer
    return response


def _allow_form(response: HttpResponse, where: Destination, *, only: bool) -> HttpResponse:
    """Let forms of this page lead to the tool's origin, and where ``only`` to nothing else."""
    origin = [redirects.origin_of(where.redirect_uri)]
    response._csp_update = {} if only else {"form-action": origin}  # type: ignore[attr-defined]
    if only:
        response._csp_replace = {"form-action": origin}  # type: ignore[attr-defined]
    return response


def _session_state(tool: Tool, where: Destination, session: HubSession) -> str:
    if not tool.session_iframe:
        return ""
    return session_state(
        client_id=tool.client_id,
        origin=redirects.origin_of(where.redirect_uri),
        browser_state=sessions.browser_state(session),
        salt=secrets.token_urlsafe(12),
    )


def _algorithm(tool: Tool) -> str:
    """JARM §3: RS256 unless the tool says otherwise; FAPI 2.0 SP §5.4.1 has no RS256."""
    if tool.authorization_signed_response_alg:
        return tool.authorization_signed_response_alg
    if not tool.is_fapi:
        return str(SigningAlgorithm.RS256)
    return str(SigningAlgorithm.PS256) if tool.algorithm == SigningAlgorithm.RS256 else tool.algorithm
