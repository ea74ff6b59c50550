"""What the provider adds to every request: session limits, the browser's state, and where a form may lead to."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from audit.place import coming_from
from directory.models import Member
from idp.selectors import live_sessions, must_enrol
from idp.services import sessions
from idp.signin import browser, pending

SEEN_EVERY = timedelta(minutes=5)
STATE_COOKIE = "trousseau_state"
Handler = Callable[[HttpRequest], HttpResponse]


class SessionLimits:
    """Idle limit, kept in the session itself so that a request costs no query; every five minutes the row follows.

    The absolute limit is in the row, and looked at with it: a cookie is renewed at each use and has none.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen = request.session.get(sessions.SEEN_FIELD)
        if seen is not None:
            self._check(request, float(seen))
        return self.get_response(request)

    def _check(self, request: HttpRequest, seen: float) -> None:
        now = timezone.now()
        idle = now.timestamp() - seen
        if idle > settings.SESSION_IDLE.total_seconds():
            sessions.end_current(request, now=now, reason="idle")
        elif idle > SEEN_EVERY.total_seconds():
            mine = live_sessions(now).filter(pk=request.session[sessions.SESSION_FIELD])
            if mine.update(last_seen_at=now):
                request.session[sessions.SEEN_FIELD] = now.timestamp()
            else:
                sessions.end_current(request, now=now, reason="expired")


class SecondFactorDue:
    """Who needs a second factor and has none when the time is over adds one first; everything else waits.

    The authorization endpoint sees to it by itself, with the member it has read anyway, and brings the tool back.
    """

    # Enrolling, and what it takes; leaving; the language; what is asked by programs and frames.
    OPEN = frozenset(
        {
            # A password that is doubtful is changed, and whoever is not welcome put out, before anything else.
            "account_first",
            "account_login",
            "account_logout",
            "account_password",
            "account_reauthenticate",
            "healthz",
            "idp:authorize",
            "idp:consent",
            "idp:end_session",
            "idp:logged_out",
            "idp:relayed",
            "idp:resume",
            "idp:cancel_recovery",
            "idp:session_iframe",
            "idp:sessions",
            "idp:sessions_end",
            "idp:sessions_end_all",
            "idp:sessions_end_others",
            "idp:sessions_forget",
            "idp:sessions_not_me",
            "idp:sign_out",
            "mailbox",
            "mail",
            "set_language",
        }
    )

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        name = match.view_name if match else ""
        if name in self.OPEN or name.startswith("mfa_") or sessions.SESSION_FIELD not in request.session:
            return None
        member = request.user
        if not isinstance(member, Member) or not must_enrol(member, timezone.now()):
            return None
        if request.method == "GET":
            pending.remember_page(request, request.get_full_path())
        return HttpResponseRedirect(reverse("mfa_choose"))


class BrowserState:
    """Keep the cookie that the page behind ``check_session_iframe`` reads in step with who is signed in.

    OpenID Connect Session Management §3.2.  Scripts must read it, and frames of other sites must receive it:
    it is worth nothing but a comparison.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session_id = request.session.get(sessions.SESSION_FIELD)
        if session_id is None and settings.SESSION_COOKIE_NAME not in request.COOKIES:
            # A frame or a form of another site brings this cookie, but not the session's: who is there is not known.
            return response
        state = sessions.browser_state(session_id)
        if request.COOKIES.get(STATE_COOKIE) != state and "public" not in response.get("Cache-Control", ""):
            response.set_cookie(
                STATE_COOKIE,
                state,
                max_age=settings.SESSION_COOKIE_AGE,
                secure=settings.SECURE,
                samesite="None" if settings.SECURE else "Lax",
            )
        return response


class Whereabouts:
    """What the journal may note of where a request comes from: worked out only when an event of it wants to know."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with coming_from(lambda: self._place(request)):
            return self.get_response(request)

    def _place(self, request: HttpRequest) -> dict[str, str]:
        try:
            return {"network": browser.place_of(request), "browser": browser.label_of(request)}
        except (ImproperlyConfigured, PermissionDenied):
            # No address behind these proxies: where somebody was is not worth refusing what they do.
            return {}


class FormAction:
    """Browsers apply ``form-action`` to the redirects after a form: while a tool waits, its origin is allowed."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html") and not hasattr(response, "_csp_update"):
            origin = pending.redirect_origin(request)
            if origin:
                response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]
        return response
