"""Signing out: of the hub by its own button, and when a tool asks for it (RP-Initiated Logout 1.0)."""

from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.services import record
from audit.types import Action, Actor, Entry
from idp.models import HubSession, Tool, ToolSession
from idp.protocol import redirects
from idp.selectors import tool_by_client_id
from idp.services import keys, sessions
from idp.views.cross_site import came_without_cookie, same_by_get


class Refused(Exception):
    """The request cannot be honoured; the reason is a code for the journal."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """What a tool asked for, verified: nothing here is only claimed."""

    tool: Tool | None
    tool_session: ToolSession | None
    return_uri: str


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The button on every page."""
    sessions.end_current(request, now=timezone.now())
    response = redirect("idp:logged_out")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_safe
def logged_out(request: HttpRequest) -> HttpResponse:
    return render(request, "idp/logged_out.html")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """A tool's request.  Silent only with an ID token of the very session that ends; otherwise a person confirms."""
    form = request.POST if request.method == "POST" else request.GET
    try:
        wanted = _verify({name: form.getlist(name) for name in form})
    except Refused as refusal:
        return _refused(request, str(refusal))
    proved = wanted.tool_session.hub_session if wanted.tool_session else None
    here = request.session.get(sessions.SESSION_FIELD)
    if proved is not None and here in (None, str(proved.pk)):
        # With the cookie of that session, or from server to server without any cookie.
        _end(request, proved, wanted.tool)
        return HttpResponseRedirect(wanted.return_uri) if wanted.return_uri else redirect("idp:logged_out")
    if came_without_cookie(request):
        # Nobody is told "signed out" before it was looked at.  No hint is in this query: a valid one ended above.
        return same_by_get("idp:end_session", request.POST.urlencode())
    if here is None:
        return HttpResponseRedirect(wanted.return_uri) if wanted.return_uri else redirect("idp:logged_out")
    return render(request, "idp/confirm_logout.html", {"tool": wanted.tool})


def _verify(form: dict[str, list[str]]) -> LogoutRequest:
    """Raises ``Refused``.  RP-Initiated Logout §2: a return address counts only beside a hint that names its tool."""
    if any(len(values) > 1 for values in form.values()):
        raise Refused("repeated_parameter")
    values = {name: items[0] for name, items in form.items() if items[0]}
    hint = values.get("id_token_hint", "")
    return_uri = values.get("post_logout_redirect_uri", "")
    tool = tool_session = None
    if "client_id" in values:
        tool = tool_by_client_id(values["client_id"])
        if tool is None:
            raise Refused("client_unknown")
    if hint:
        tool, tool_session = _hinted(hint, tool)
    if not return_uri:
        return LogoutRequest(tool, tool_session, "")
    if tool is None or not redirects.is_registered(return_uri, tool.post_logout_redirect_uri_list):
        raise Refused("post_logout_redirect_uri_foreign")
    if tool_session is None:
        # Without a hint there is nothing to redirect on: the confirmation page ends it.
        return LogoutRequest(tool, None, "")
    return LogoutRequest(tool, tool_session, redirects.answer_uri(return_uri, {"state": values.get("state", "")}))


def _hinted(hint: str, named: Tool | None) -> tuple[Tool, ToolSession]:
    """The tool and session of an ID token that we signed, expired or not, by an active or a retired key."""
    try:
        claims = keys.verify(hint)
    except keys.NotOurs as error:
        raise Refused("hint_not_ours") from error
    found = ToolSession.objects.filter(sid=str(claims.get("sid", ""))).select_related("tool", "hub_session").first()
    if found is None or claims.get("aud") != found.tool.client_id or (named is not None and named != found.tool):
        raise Refused("hint_mismatch")
    return found.tool, found


def _end(request: HttpRequest, session: HubSession, tool: Tool | None) -> None:
    now = timezone.now()
    if request.session.get(sessions.SESSION_FIELD) == str(session.pk):
        sessions.end_current(request, now=now, reason="tool_asked")
        return
    sessions.end_hub_sessions(
        HubSession.objects.filter(pk=session.pk),
        reason="tool_asked",
        actor=Actor(tool=tool.pk if tool else None),
        now=now,
    )


def _refused(request: HttpRequest, reason: str) -> HttpResponse:
    member = request.user.pk if request.user.is_authenticated else None
    with transaction.atomic():
        record(Entry(Action.LOGOUT_REFUSED, actor=Actor(member=member), subject=member, refused=True, reason=reason))
    context = {
        "title": _("La déconnexion demandée n’a pas eu lieu"),
        "message": _("Un outil a demandé de vous déconnecter, mais sa demande n’est pas valable."),
        "advice": _("Vous pouvez vous déconnecter vous-même avec le bouton en haut de la page."),
    }
    return render(request, "hub/error.html", context, status=400)
