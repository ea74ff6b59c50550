"""Signing out, both ways: this tool tells the hub, and the hub tells this tool."""

import secrets
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import requests
from django.conf import settings
from django.contrib import auth
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from demo.tools.config import CONFIG, HTTP_TIMEOUT_SECONDS
from demo.tools.models import OpenSession, SeenLogoutToken

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
CLOCK_TOLERANCE_SECONDS = 60
STATE_FIELD = "logout_state"


class Refused(Exception):
    """The logout token does not hold; the message says what is wrong with it."""


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """RP-Initiated Logout 1.0 §2: end the session here, then ask the hub to end its own."""
    hint = request.session.get("id_token")
    OpenSession.objects.filter(session_key=request.session.session_key or "").delete()
    auth.logout(request)
    if not hint:
        return HttpResponseRedirect("/")
    state = secrets.token_urlsafe(24)
    request.session[STATE_FIELD] = state
    query = {"id_token_hint": hint, "post_logout_redirect_uri": f"{CONFIG.origin}/au-revoir/", "state": state}
    return HttpResponseRedirect(f"{CONFIG.end_session_endpoint}?{urlencode(query)}")


@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Back from the hub; ``state`` tells an answer of ours from a link somebody made."""
    expected = request.session.pop(STATE_FIELD, None)
    if expected is None or not secrets.compare_digest(expected, request.GET.get("state", "")):
        return HttpResponseRedirect("/")
    return render(request, "tools/left.html")


@csrf_exempt
@require_POST
def told(request: HttpRequest) -> HttpResponse:
    """Back-Channel Logout 1.0 §2.5 to §2.8: the hub says that a session has ended."""
    try:
        claims = verify(request.POST.get("logout_token", ""))
    except Refused as refusal:
        response: HttpResponse = JsonResponse(
            {"error": "invalid_request", "error_description": str(refusal)}, status=400
        )
    except requests.RequestException:
        response = JsonResponse({"error": "keys_unavailable"}, status=503)
    else:
        end(claims)
        response = HttpResponse()
    response["Cache-Control"] = "no-store"
    return response


def verify(token: str) -> dict[str, Any]:
    """§2.6, signature first; raises ``Refused``."""
    answer = requests.get(CONFIG.jwks_endpoint, timeout=HTTP_TIMEOUT_SECONDS)
    answer.raise_for_status()
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(answer.json()), algorithms=["RS256"])
    except (JoseError, ValueError) as error:
        raise Refused("the signature does not hold") from error
    claims = dict(decoded.claims)
    now = datetime.now(UTC).timestamp()
    if decoded.header.get("typ", "logout+jwt") not in ("logout+jwt", "JWT"):
        raise Refused("typ")
    if claims.get("iss") != CONFIG.hub:
        raise Refused("iss")
    audience = claims.get("aud")
    if CONFIG.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise Refused("aud")
    for name in ("iat", "exp"):
        if not isinstance(claims.get(name), int):
            raise Refused(name)
    if claims["iat"] > now + CLOCK_TOLERANCE_SECONDS or claims["exp"] < now - CLOCK_TOLERANCE_SECONDS:
        raise Refused("not valid at this time")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise Refused("events")
    if "nonce" in claims:
        # §2.4: what keeps an ID token from being passed off as a logout token
        raise Refused("nonce")
    if not claims.get("sid") and not claims.get("sub"):
        raise Refused("neither sid nor sub")
    _count_once(claims)
    return claims


def _count_once(claims: dict[str, Any]) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise Refused("jti")
    SeenLogoutToken.objects.filter(expires__lt=timezone.now()).delete()
    expires = datetime.fromtimestamp(claims["exp"] + 2 * CLOCK_TOLERANCE_SECONDS, UTC)
    try:
        with transaction.atomic():
            SeenLogoutToken.objects.create(jti=jti, expires=expires)
    except IntegrityError as error:
        raise Refused("jti was seen before") from error


def end(claims: dict[str, Any]) -> None:
    """The session named by ``sid``; without one, every session of the person."""
    rows = OpenSession.objects.filter(sid=claims["sid"]) if claims.get("sid") else OpenSession.objects.all()
    if claims.get("sub"):
        rows = rows.filter(sub=claims["sub"])
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for row in rows:
        store(row.session_key).delete()
        row.delete()
