"""allauth's pages with what the hub adds to them: the tool that waits, and a calm word when the directory is silent."""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from directory.types import DirectoryUnavailable
from idp.models import Tool
from idp.selectors import live_session, tool_by_client_id
from idp.services import sessions
from idp.signin.pending import carried, pending, restore

# As long as the hub itself leaves a silent directory alone.
RETRY_AFTER_SECONDS = 15


def waiting_tool(request: HttpRequest) -> Tool | None:
    """The tool whose request waits in this session."""
    kept = pending(request)
    if kept is None:
        return None
    named = parse_qs(urlsplit(kept.url).query).get("client_id", [""])
    return tool_by_client_id(named[0])


def _forget_cookie(request: HttpRequest) -> None:
    """Sign this browser out, but keep the requests that brought it here."""
    kept = carried(request)
    sessions.end_current(request, now=timezone.now(), reason="ended_elsewhere")
    request.user = AnonymousUser()
    restore(request, kept)


class SilentDirectory:
    """A directory that does not answer is not a wrong password: the form stays, and the page says so."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            answer: HttpResponse = super().post(request, *args, **kwargs)  # type: ignore[misc]
        except DirectoryUnavailable:
            page: HttpResponse = self.render_to_response(  # type: ignore[attr-defined]
                self.get_context_data(directory_down=True),  # type: ignore[attr-defined]
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                headers={"Retry-After": RETRY_AFTER_SECONDS},
            )
            return page
        return answer


class SignIn(SilentDirectory, LoginView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A cookie whose hub session was ended elsewhere would be sent to the tool, and from there back here, for ever.
        if request.user.is_authenticated and live_session(request.session.get(sessions.SESSION_FIELD)) is None:
            _forget_cookie(request)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def get_initial(self) -> dict[str, Any]:
        """OpenID Connect Core §3.1.2.1, ``login_hint``: who the tool expects is written already, and may be changed."""
        data: dict[str, Any] = super().get_initial()
        kept = pending(self.request)
        if kept is not None and kept.hint and kept.url == self.request.GET.get(REDIRECT_FIELD_NAME):
            data["login"] = kept.hint
        return data

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data: dict[str, Any] = super().get_context_data(**kwargs)
        kept = pending(self.request)
        if kept is not None and kept.url == data.get("redirect_field_value"):
            data["opening_tool"] = waiting_tool(self.request)
        return data


class EnterCode(AuthenticateView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data: dict[str, Any] = super().get_context_data(**kwargs)
        kept = pending(self.request)
        if kept is not None and kept.url == self.stage.login.redirect_url:
            data["opening_tool"] = waiting_tool(self.request)
        return data


class ConfirmIdentity(SilentDirectory, ReauthenticateView):
    pass


class RecoveryCodes(ViewRecoveryCodesView):
    """After enrolment the member goes on to where they were going: the request has waited in the session."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data: dict[str, Any] = super().get_context_data(**kwargs)
        kept = pending(self.request)
        if kept is not None:
            data |= {"continue_url": kept.url, "opening_tool": waiting_tool(self.request)}
        return data
