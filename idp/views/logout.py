"""Signing out: of the hub by its own button, and when a tool asks for it (RP-Initiated Logout 1.0).

What ends, decided once:

- A tool that shows an ID token of the session it asks about signs the member out of the hub, and so out of every tool
  opened from it (§2: "the OP logs out the End-User"); ``prompt=none`` answers ``login_required`` afterwards.
- Without such a proof a person decides, on a page with two buttons: leave everything, or only the tool that asked.
- One tool alone also ends from the member's page of open tools and with the end of an agreement.  The hub session
  and the other tools go on.  Until the member opens that tool again, ``prompt=none`` does not let it back in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.types import Action, Actor, Entry
from directory.models import Member
from idp.models import HubSession, Tool, ToolSession
from idp.protocol import redirects
from idp.selectors import live_session, tool_by_client_id
from idp.services import deliveries, keys, refusals, sessions
from idp.signin.allauth_parts import network_of
from idp.types import ToolState
from idp.views import farewell, language
from idp.views.cross_site import came_without_cookie, same_by_get
from idp.views.farewell import Farewell


class Refused(Exception):
    """The request cannot be honoured; the reason is a code for the journal."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """What a tool asked for, verified: nothing here is only claimed.

    ``return_uri`` is registered by ``tool`` and carries the state; without a hint it is a link and never a redirect.
    A closed tool is nobody here: its hint ends its session, its name is not shown and its address not followed.
    """

    tool: Tool | None
    tool_session: ToolSession | None
    return_uri: str
    ui_locales: tuple[str, ...]


# The hub's own buttons ---------------------------------------------------------------------------------------


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The button on every page, and « leave everything » on the page that asks."""
    tool, return_uri = _way_back(request)
    here = request.session.get(sessions.SESSION_FIELD)
    ended = sessions.end_current(request, now=timezone.now())
    response = farewell.say(
        Farewell(tool=tool.name if tool else "", frames=_front_channel(ended), return_uri=return_uri), session=here
    )
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@login_required
@require_POST
def close_tool(request: HttpRequest, slug: str) -> HttpResponse:
    """Leave one tool; Trousseau and the others stay open."""
    member = cast(Member, request.user)
    session = live_session(request.session.get(sessions.SESSION_FIELD))
    rows = ToolSession.objects.filter(hub_session=session, tool__slug=slug)
    tool = Tool.objects.filter(pk__in=rows.values("tool_id")).first() if session else None
    if tool is None:
        # Never opened from here: an unknown tool and one of others look the same.
        raise Http404
    asking, return_uri = _way_back(request)
    ended = sessions.end_tool_sessions(rows, reason="member_closed", actor=Actor(member=member.pk), now=timezone.now())
    if not ended:
        messages.info(request, _("« %(tool)s » n’est plus ouvert depuis ce navigateur.") % {"tool": tool.name})
        return redirect("idp:sessions")
    back = return_uri if asking == tool else ""
    left = Farewell(tool=tool.name, alone=True, frames=_front_channel(ended), return_uri=back)
    return farewell.say(left, session=request.session[sessions.SESSION_FIELD])


@require_safe
def logged_out(request: HttpRequest) -> HttpResponse:
    """Says what is closed, and loads the tools' own sign-out pages (OIDC Front-Channel Logout §3)."""
    left = farewell.take(request) or Farewell()
    if not left.alone and live_session(request.session.get(sessions.SESSION_FIELD)) is not None:
        # A form of another site may have ended some session of its own, without the cookie of the one that is here.
        return redirect("launcher:home")
    return _show(request, left)


def _show(request: HttpRequest, left: Farewell) -> HttpResponse:
    if left.language:
        language.follow(request, [left.language])
    response = render(request, "idp/logged_out.html", {"farewell": left})
    response["Cache-Control"] = "no-store"
    if left.frames:
        origins = sorted({redirects.origin_of(uri) for uri in left.frames})
        response._csp_update = {"frame-src": origins}  # type: ignore[attr-defined]
    return response


def _front_channel(ended: Iterable[ToolSession]) -> tuple[str, ...]:
    """The addresses to load, by tools that have one; their own query is kept (OIDC Front-Channel Logout §2)."""
    told = [session for session in ended if session.tool.frontchannel_logout_uri]
    deliveries.note_front_channel(told, now=timezone.now())
    return tuple(deliveries.front_channel_uri(session) for session in told)


def _way_back(request: HttpRequest) -> tuple[Tool | None, str]:
    """What the page that asked carried along, looked at again: it came from a browser."""
    try:
        wanted = _verify(request.POST)
    except Refused:
        return None, ""
    return wanted.tool, wanted.return_uri


# A tool asks -------------------------------------------------------------------------------------------------


@csrf_exempt
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """A tool's request.  Silent only with an ID token of the very session that ends; otherwise a person decides.

    ``logout_hint`` is accepted and changes nothing: the session, not a name, says who is signed in.
    """
    try:
        wanted = _verify(request.POST if request.method == "POST" else request.GET)
    except Refused as refusal:
        return _refused(request, str(refusal))
    language.follow(request, wanted.ui_locales)
    here = request.session.get(sessions.SESSION_FIELD)
    shown = wanted.tool_session
    if shown is not None and here in (None, str(shown.hub_session_id)):
        # With the cookie of that session, or from server to server without any cookie.
        left = _farewell(wanted, _end(request, shown))
        # A hint shown again ends nothing, and leaves nothing.
        return farewell.say(left, session=None if shown.hub_session.ended_at else str(shown.hub_session_id))
    if came_without_cookie(request):
        # Nobody is told "signed out" before it was looked at.  No hint is in this query: a valid one ended above.
        return same_by_get("idp:end_session", request.POST.urlencode())
    if here is None:
        return _show(request, _farewell(wanted, ()))
    return _ask(request, wanted, here)


def _verify(form: QueryDict) -> LogoutRequest:
    """Raises ``Refused``.  A return address counts only beside a hint, or a ``client_id``, that names its tool (§2)."""
    if any(len(values) > 1 for _name, values in form.lists()):
        raise Refused("repeated_parameter")
    values = {name: value for name, value in form.items() if isinstance(value, str) and value}
    if not redirects.state_fits(values.get("state", "")):
        # Before anything ends: the answer could not be sent.
        raise Refused("state_too_long")
    tool = tool_session = None
    if "client_id" in values:
        tool = tool_by_client_id(values["client_id"])
        if tool is None:
            raise Refused("client_unknown")
    if "id_token_hint" in values:
        tool, tool_session = _hinted(values["id_token_hint"], tool)
    closed = tool is not None and tool.state == ToolState.CLOSED
    return LogoutRequest(
        tool=None if closed else tool,
        tool_session=tool_session,
        return_uri="" if closed else _return_uri(tool, values),
        ui_locales=tuple(values.get("ui_locales", "").split()[:10]),
    )


def _return_uri(tool: Tool | None, values: dict[str, str]) -> str:
    uri = values.get("post_logout_redirect_uri", "")
    if not uri:
        return ""
    if tool is None or not redirects.is_registered(uri, tool.post_logout_redirect_uri_list):
        raise Refused("post_logout_redirect_uri_foreign")
    return redirects.answer_uri(uri, {"state": values.get("state", "")})


def _hinted(hint: str, named: Tool | None) -> tuple[Tool, ToolSession]:
    """The tool and session of an ID token that we signed, expired or not, by an active or a retired key."""
    try:
        claims = keys.verify_id_token(hint)
    except keys.NotOurs as error:
        raise Refused("hint_not_ours") from error
    found = ToolSession.objects.filter(sid=str(claims.get("sid", ""))).select_related("tool", "hub_session").first()
    if found is None or claims.get("aud") != found.tool.client_id or (named is not None and named != found.tool):
        raise Refused("hint_mismatch")
    return found.tool, found


def _end(request: HttpRequest, shown: ToolSession) -> tuple[ToolSession, ...]:
    now = timezone.now()
    if request.session.get(sessions.SESSION_FIELD) == str(shown.hub_session_id):
        return sessions.end_current(request, now=now, reason="tool_asked")
    return sessions.end_hub_sessions(
        HubSession.objects.filter(pk=shown.hub_session_id),
        reason="tool_asked",
        actor=Actor(tool=shown.tool_id),
        now=now,
    )


def _farewell(wanted: LogoutRequest, ended: tuple[ToolSession, ...]) -> Farewell:
    return Farewell(
        tool=wanted.tool.name if wanted.tool else "",
        frames=_front_channel(ended),
        return_uri=wanted.return_uri,
        # §3: without a hint nothing confirms that the address is meant for this person.
        automatic=wanted.tool_session is not None and bool(wanted.return_uri),
        language=translation.get_language() or "" if wanted.ui_locales else "",
    )


def _ask(request: HttpRequest, wanted: LogoutRequest, here: str) -> HttpResponse:
    """No proof, or one of another session: nobody is signed out by a link that somebody else made (§2)."""
    form = request.POST if request.method == "POST" else request.GET
    carried = ("client_id", "post_logout_redirect_uri", "state") if wanted.tool else ()
    fields = {name: form[name] for name in carried if form.get(name)}
    if wanted.tool is not None:
        # The hint named the tool, perhaps alone; it does not travel on.
        fields["client_id"] = wanted.tool.client_id
    alone = (
        wanted.tool is not None
        and ToolSession.objects.filter(hub_session_id=UUID(here), tool=wanted.tool, ended_at=None).exists()
    )
    context = {"tool": wanted.tool, "fields": fields.items(), "alone": alone}
    response = render(request, "idp/confirm_logout.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _refused(request: HttpRequest, reason: str) -> HttpResponse:
    member = request.user.pk if request.user.is_authenticated else None
    line = Entry(Action.LOGOUT_REFUSED, actor=Actor(member=member), subject=member, refused=True, reason=reason)
    refusals.note(line, network=network_of(request), now=timezone.now())
    context = {
        "title": _("La déconnexion demandée n’a pas eu lieu"),
        "message": _("Un outil a demandé de vous déconnecter, mais sa demande n’est pas valable."),
        "advice": _("Vous pouvez vous déconnecter vous-même avec le bouton en haut de la page."),
    }
    return render(request, "hub/error.html", context, status=400)
