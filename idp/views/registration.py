"""Registration by programs (RFC 7591) and its management (RFC 7592): two endpoints, each with its own switch."""

import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from audit.types import Action, Actor, Entry
from idp.models import Tool
from idp.protocol import strict_json
from idp.protocol.errors import ProtocolError
from idp.protocol.registration import MAX_BYTES
from idp.services import refusals, registration
from idp.services.registration import Registration, TokenRefused
from idp.signin.allauth_parts import network_of
from idp.views.back_channel import json_answer

# For one network and minute: a test run registers a client per module.
REQUESTS = 60


@csrf_exempt
@require_POST
def register(request: HttpRequest) -> HttpResponse:
    """RFC 7591 §3.  Switched off, there is nothing here."""
    if not settings.DYNAMIC_REGISTRATION:
        raise Http404
    now, token = timezone.now(), _bearer(request)
    try:
        _check_pace(request)
        if not token:
            raise TokenRefused("token_missing")
        made = registration.register(sent=_body(request), initial_token=token, now=now)
    except (TokenRefused, ProtocolError) as error:
        return _refused(request, error, None)
    return json_answer(_told(made, created=True), 201)


@csrf_exempt
@require_http_methods(["GET", "PUT", "DELETE"])
def manage(request: HttpRequest, client_id: str) -> HttpResponse:
    """RFC 7592 §2.  Only for tools that registered themselves, each by its own token."""
    if not settings.REGISTRATION_MANAGEMENT:
        raise Http404
    now, token = timezone.now(), _bearer(request)
    try:
        _check_pace(request)
        if request.method == "DELETE":
            registration.remove(client_id=client_id, token=token, now=now)
            return _empty()
        if request.method == "PUT":
            sent = _body(request)
            kept = registration.replace(client_id=client_id, token=token, sent=sent, now=now)
        else:
            kept = registration.read(client_id=client_id, token=token)
    except (TokenRefused, ProtocolError) as error:
        return _refused(request, error, Tool.objects.registered(client_id) if "\x00" not in client_id else None)
    return json_answer(_told(kept, created=False))


def _told(made: Registration, *, created: bool) -> dict[str, Any]:
    """RFC 7591 §3.2.1, RFC 7592 §3.  A secret is told when it is new: the hub keeps a digest only."""
    told = registration.described(made.tool)
    if made.client_secret:
        told |= {"client_secret": made.client_secret, "client_secret_expires_at": 0}
    if settings.REGISTRATION_MANAGEMENT:
        told["registration_client_uri"] = settings.ISSUER + reverse("idp:registered", args=[made.tool.client_id])
        told["registration_access_token"] = made.registration_access_token
    return told


def _bearer(request: HttpRequest) -> str:
    """RFC 6750 §2.1 only: a token in an address or a form would be read by others."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _body(request: HttpRequest) -> Any:
    """Raises ``ProtocolError``."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.content_type != "application/json" or not length.isdecimal() or int(length) > MAX_BYTES:
        raise ProtocolError("invalid_client_metadata", "a JSON document is expected", detail="content_type")
    try:
        sent = strict_json.loads(request.body, max_chars=MAX_BYTES)
    except strict_json.Ambiguous as error:
        raise ProtocolError("invalid_client_metadata", "this is not JSON", detail="metadata_json") from error
    if "\\u0000" in json.dumps(sent):
        # PostgreSQL stores no NUL, in a key set either.
        raise ProtocolError("invalid_client_metadata", "a text holds a NUL", detail="nul")
    return sent


def _check_pace(request: HttpRequest) -> None:
    """Raises ``ProtocolError``: tokens are not to be guessed, nor tools made, as fast as a network can."""
    if not refusals.allowed("registration", network=network_of(request), limit=REQUESTS, now=timezone.now()):
        raise ProtocolError("temporarily_unavailable", "too many requests", detail="throttled")


def _refused(request: HttpRequest, error: TokenRefused | ProtocolError, tool: Tool | None) -> HttpResponse:
    reason = error.reason if isinstance(error, TokenRefused) else error.detail
    pk = tool.pk if tool else None
    now = timezone.now()
    entry = Entry(Action.REGISTRATION_REFUSED, actor=Actor(tool=pk), tool=pk, refused=True, reason=reason[:60], at=now)
    refusals.note(entry, network=network_of(request), now=now)
    if isinstance(error, ProtocolError):
        status = 429 if error.detail == "throttled" else 400
        return json_answer({"error": error.code, "error_description": error.description}, status)
    # RFC 6750 §3.1: a request without any token is told nothing but the scheme.
    missing = error.reason == "token_missing"
    response = json_answer({} if missing else {"error": "invalid_token"}, 401)
    response["WWW-Authenticate"] = "Bearer" if missing else 'Bearer error="invalid_token"'
    return response


def _empty() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Cache-Control"] = "no-store"
    return response
