"""Endpoints that tools call from server to server."""

import json
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from audit.services import record
from audit.types import Action, Actor, Entry
from idp import clients
from idp.models import Tool
from idp.oauth.server import token_response
from idp.services import tokens

ONCE = ("grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "refresh_token", "scope")


def _json(body: dict[str, Any], status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status)
    # RFC 6749 §5.1
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response


def _repeated(request: HttpRequest) -> bool:
    """RFC 6749 §3.2: no parameter more than once."""
    return any(len(request.POST.getlist(name)) > 1 for name in ONCE)


def _nul(request: HttpRequest) -> bool:
    return any("\x00" in value for values in request.POST.lists() for value in values[1])


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749 §3.2.  A refusal commits too: the replay of a code ends what the code gave."""
    if request.content_type != "application/x-www-form-urlencoded" or _repeated(request) or _nul(request):
        return _refused_request(request)
    if "resource" in request.POST:
        # RFC 8707 §2.2: as at the authorization endpoint.
        return _refused_request(request, "invalid_target")
    with transaction.atomic():
        headers, body, status, validator = token_response(request)
        if status != 200:
            error = json.loads(body).get("error", "")
            _record_refusal(validator.tool, validator.refusal or error)
    response = HttpResponse(body, status=status, content_type="application/json")
    for name in ("WWW-Authenticate",):
        if name in headers:
            response[name] = 'Basic realm="token"'
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="token"'
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response


def _refused_request(request: HttpRequest, error: str = "invalid_request") -> HttpResponse:
    with transaction.atomic():
        _record_refusal(None, error)
    return _json({"error": error}, 400)


def _record_refusal(tool: Tool | None, reason: str) -> None:
    pk = tool.pk if tool else None
    record(Entry(Action.TOKEN_REFUSED, actor=Actor(tool=pk), tool=pk, refused=True, reason=reason[:60]))


def _authenticated_tool(request: HttpRequest) -> Tool | None:
    if _repeated(request) or _nul(request):
        return None
    return clients.authenticate(request.headers.get("Authorization", ""), request.POST.dict())


def _unauthorized() -> JsonResponse:
    with transaction.atomic():
        _record_refusal(None, "invalid_client")
    response = _json({"error": "invalid_client"}, 401)
    response["WWW-Authenticate"] = 'Basic realm="token"'
    return response


@csrf_exempt
@require_POST
def introspect(request: HttpRequest) -> HttpResponse:
    """RFC 7662, for confidential tools and their own tokens."""
    tool = _authenticated_tool(request)
    if tool is None or not tool.client_secret:
        return _unauthorized()
    return _json(tokens.introspection(request.POST.get("token", ""), tool=tool, now=timezone.now()))


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """RFC 7009: 200 whether or not the token was known."""
    tool = _authenticated_tool(request)
    if tool is None:
        return _unauthorized()
    if not request.POST.get("token"):
        return _json({"error": "invalid_request"}, 400)
    tokens.revoke(tool=tool, token=request.POST["token"], now=timezone.now())
    return _json({})


@csrf_exempt
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Core §5.3.  A token in the address is never read (RFC 6750 §2.3, RFC 9700 §4.3.2)."""
    bearer = _bearer(request)
    claims = tokens.userinfo(bearer) if bearer else None
    if claims is None:
        if bearer:
            with transaction.atomic():
                record(Entry(Action.TOKEN_REFUSED, refused=True, reason="userinfo"))
        response = _json({"error": "invalid_token"} if bearer else {}, 401)
        response["WWW-Authenticate"] = 'Bearer error="invalid_token"' if bearer else "Bearer"
        return response
    return _json(claims)


def _bearer(request: HttpRequest) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if request.method == "POST" and request.content_type == "application/x-www-form-urlencoded":
        return request.POST.get("access_token", "")
    return ""
