"""The authorization endpoint: where requests come in, by GET and by POST, at once or after a wait."""

from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from idp import arrivals
from idp.arrivals import CARRIERS, Arrived
from idp.protocol.authorization import KNOWN, Pairs, check_shape
from idp.protocol.errors import ProtocolError
from idp.selectors import tool_by_client_id
from idp.services import pushed, refusals
from idp.signin import pending
from idp.signin.allauth_parts import network_of
from idp.types import ToolState
from idp.views import answers, steps
from idp.views.cross_site import came_without_cookie, same_by_get
from idp.views.onward import see_other

# Servers in front refuse longer request lines; 4094 bytes is the shortest limit in use.
MAX_QUERY = 3_000
# Names of people stay out of addresses where the tool kept them out.
PRIVATE = frozenset({"login_hint", "id_token_hint"})
# From one network, and how much of each, as it was sent: they come from anybody.
RELAYS_A_MINUTE = 120
MAX_RELAYED = 32_000


@csrf_exempt
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Core §3.1.2, by GET and by POST.  Changes nothing that a foreign page could profit from."""
    now = timezone.now()
    if request.method == "POST" and request.content_type != "application/x-www-form-urlencoded":
        error = ProtocolError("invalid_request", "form expected", detail="content_type")
        return answers.error_page(request, error, now=now)
    pairs = _pairs(request)
    if came_without_cookie(request):
        # A session begun here would replace the member's own, which any page could then do to anybody.
        return _again_by_get(request, pairs, now=now)
    return _begin(request, pairs, now=now)


@require_safe
def relayed(request: HttpRequest, key: str) -> HttpResponse:
    """A request that came by POST without the cookie, now with it."""
    now = timezone.now()
    pairs = pushed.relayed(key, now)
    return _gone(request, now=now) if pairs is None else _begin(request, pairs, now=now)


@require_safe
def resume(request: HttpRequest, key: str) -> HttpResponse:
    """A request that waited for its member; every step is taken again."""
    now = timezone.now()
    kept = pending.waiting(request, key)
    return _gone(request, now=now) if kept is None else steps.proceed(request, Arrived.restored(kept), now=now)


def _pairs(request: HttpRequest) -> Pairs:
    query = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    sent = query if request.method == "GET" else request.body
    try:
        return parse_qsl(sent.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _again_by_get(request: HttpRequest, pairs: Pairs, *, now: datetime) -> HttpResponse:
    """The same request once more, by an address where it fits in; else it is kept for a minute and fetched by key."""
    understood = [(name, value) for name, value in pairs if name in KNOWN | CARRIERS or name == "registration"]
    try:
        check_shape(understood)
    except ProtocolError as error:
        return _refuse_outside(request, pairs, error, now=now)
    query = urlencode(understood)
    fits = len(query) <= MAX_QUERY
    if fits and not any(name in PRIVATE for name, _value in understood):
        return same_by_get("idp:authorize", query)
    tool = tool_by_client_id(dict(understood).get("client_id", "")) if len(query) <= MAX_RELAYED else None
    if tool is not None and refusals.allowed("relays", network=network_of(request), limit=RELAYS_A_MINUTE, now=now):
        return see_other(reverse("idp:relayed", args=[pushed.relay(tool=tool, pairs=understood, now=now)]))
    if fits:
        return same_by_get("idp:authorize", query)
    too_long = ProtocolError("invalid_request", "the request is too long", detail="too_long")
    return _refuse_outside(request, pairs, too_long, now=now)


def _begin(request: HttpRequest, pairs: Pairs, *, now: datetime) -> HttpResponse:
    try:
        arrived = arrivals.unpack(pairs, now=now)
    except ProtocolError as error:
        return _refuse_outside(request, pairs, error, now=now)
    return steps.proceed(request, arrived, now=now)


def _refuse_outside(request: HttpRequest, pairs: Pairs, error: ProtocolError, *, now: datetime) -> HttpResponse:
    """What carried the request is refused: told to the address beside it, where the tool registered that one."""
    try:
        tool, where = arrivals.address(pairs)
    except ProtocolError:
        return answers.error_page(request, error, now=now)
    return answers.with_error(request, tool, where, error, member=steps.member_id_of(request), now=now)


def _gone(request: HttpRequest, *, now: datetime) -> HttpResponse:
    tool = tool_by_client_id(request.GET.get("client_id", ""))
    answers.note_refusal(request, tool, "request_gone", member=steps.member_id_of(request), now=now)
    context = {
        "title": _("Cette demande n’attend plus"),
        "message": _("Elle est trop ancienne, ou elle a déjà reçu sa réponse dans ce navigateur."),
        "advice": _("Ouvrez l’outil à nouveau : la connexion reprendra au début."),
    }
    if tool is not None and tool.launch_url and tool.state != ToolState.CLOSED:
        context |= {
            "back_url": reverse("idp:open", args=[tool.slug]),
            "back_label": _("Ouvrir %(tool)s") % {"tool": tool.name},
        }
    return render(request, "hub/error.html", context, status=400)
