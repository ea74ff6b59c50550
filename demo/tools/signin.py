"""Signing in: what mozilla-django-oidc leaves to the tool, checked here."""

from typing import Any

import jwt
import requests
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

from demo.tools.config import CONFIG
from demo.tools.models import OpenSession

Claims = dict[str, Any]


class HubBackend(OIDCAuthenticationBackend):
    """Knows a person by ``sub`` alone: names and addresses change, and may be withheld."""

    def verify_token(self, token: str, **kwargs: Any) -> Claims:
        claims: Claims = super().verify_token(token, **kwargs)
        # OpenID Connect Core §3.1.3.7: the library checks signature, expiry and nonce; issuer and audience are ours.
        audience = claims.get("aud")
        if claims.get("iss") != CONFIG.hub or CONFIG.client_id not in (
            audience if isinstance(audience, list) else [audience]
        ):
            raise SuspiciousOperation("the ID token is not for this tool")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: Claims) -> User:
        userinfo: Claims = self.get_userinfo(access_token, id_token, payload)
        if userinfo.get("sub") != payload["sub"]:
            # Core §5.3.2: a token of somebody else's was swapped in.
            raise SuspiciousOperation("userinfo is about another person")
        user, _ = User.objects.get_or_create(username=payload["sub"])
        known = {**payload, **userinfo}
        user.first_name = str(known.get("given_name", ""))[:150]
        user.last_name = str(known.get("family_name", ""))[:150]
        user.save()
        user.received = {"id_token": payload, "userinfo": userinfo}  # type: ignore[attr-defined]
        user.id_token = id_token  # type: ignore[attr-defined]
        return user


class CallbackView(OIDCAuthenticationCallbackView):
    """Where the hub sends the browser back; every failure is a page, never a loop."""

    user: Any

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.GET.get("error"):
            super().get(request)  # forgets the state and ends the local session
            return failed(request, str(request.GET["error"]))
        try:
            response: HttpResponse = super().get(request)
        except (requests.RequestException, jwt.PyJWTError, SuspiciousOperation):
            return failed(request, "invalid")
        return response

    def login_success(self) -> HttpResponse:
        response: HttpResponse = super().login_success()
        session = self.request.session
        # After the sign-in: a session that belonged to somebody else was emptied by it.
        session["received"] = self.user.received
        session["id_token"] = self.user.id_token
        session.save()
        claims = self.user.received["id_token"]
        OpenSession.objects.update_or_create(
            session_key=session.session_key, defaults={"sid": claims.get("sid", ""), "sub": claims["sub"]}
        )
        return response


def failed(request: HttpRequest, reason: str = "invalid") -> HttpResponse:
    return render(request, "tools/failed.html", {"refused": reason == "access_denied"}, status=403)


def start(request: HttpRequest) -> HttpResponse:
    """The launch address: straight to the hub, which knows the person or asks."""
    return HttpResponseRedirect("/oidc/authenticate/")
