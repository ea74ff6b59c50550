"""Sign-in, confirmation and factors: allauth's pages with what the hub adds to them, and the hub's own."""

import json
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.views import BaseReauthenticateView, LoginView, ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST
from django.views.generic.edit import FormView

from audit.types import Action
from directory.models import Member
from directory.types import DirectoryUnavailable, PartlyUnavailable
from idp.models import Tool
from idp.selectors import has_second_factor, live_session, must_enrol, tool_by_client_id
from idp.services import refusals, sessions
from idp.services.accounts import recovery_codes
from idp.services.accounts.factors import rename, summary
from idp.services.accounts.recovery_codes import FEW
from idp.signin import allauth_parts, journal, passkeys, reauth, shown_codes, standing
from idp.signin.allauth_parts import network_of
from idp.signin.forms import (
    AddPasskeyForm,
    CodeForm,
    EnterByPasskeyForm,
    PasskeyForm,
    PasskeyStepForm,
    RenamePasskeyForm,
)
from idp.signin.passkey_names import default_name
from idp.signin.passkeys import Purpose
from idp.signin.pending import carried, page_after, pending, restore

# From one network: the sign-in page of everybody in an office asks once, and again after some minutes.
OPTIONS_A_MINUTE = 120
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
        except DirectoryUnavailable as error:
            partly = isinstance(error, PartlyUnavailable)
            page: HttpResponse = self.render_to_response(  # type: ignore[attr-defined]
                self.get_context_data(directory_down=True, directory_partly_down=partly),  # type: ignore[attr-defined]
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


class EnterByPasskey(View):
    """A passkey instead of name and password: what to ask the browser, and its answer."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and live_session(request.session.get(sessions.SESSION_FIELD)) is not None:
            return HttpResponseRedirect(allauth_parts.next_url(request) or resolve_url(settings.LOGIN_REDIRECT_URL))
        form = EnterByPasskeyForm(request.POST)
        if form.is_valid():
            return allauth_parts.enter_by_passkey(request, form.authenticator)
        for said in form.non_field_errors():
            messages.error(request, str(said))
        back = allauth_parts.next_url(request)
        return reauth.must_sign_in(back) if back else redirect("account_login")

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # A reloaded page: the form is where it came from.
        return redirect("account_login")


@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """A new challenge for the sign-in page.  By post, so that no page of another site fills the table of sessions."""
    now = timezone.now()
    if not refusals.allowed("passkey_options", network=network_of(request), limit=OPTIONS_A_MINUTE, now=now):
        return JsonResponse({}, status=HTTPStatus.TOO_MANY_REQUESTS)
    return JsonResponse(passkeys.options_to_use(request, purpose=Purpose.ENTER, member=None, now=now))


class EnterCode(AuthenticateView):
    """The second step: a passkey, a code of the application, or a recovery code."""

    def _build_forms(self) -> Any:
        posted = self.request.POST if self.request.method == "POST" else None
        by_passkey = posted is not None and "credential" in posted
        member = self.stage.login.user
        self.passkey_form = PasskeyStepForm(posted if by_passkey else None, user=member)
        self.auth_form = CodeForm(data=None if by_passkey else posted, user=member)
        self.webauthn_form = None
        return self.passkey_form if by_passkey else self.auth_form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data: dict[str, Any] = super().get_context_data(**kwargs)
        kept = pending(self.request)
        if kept is not None and kept.url == self.stage.login.redirect_url:
            data["opening_tool"] = waiting_tool(self.request)
        return data | passkey_context(self.request, self.stage.login.user, self.passkey_form)


def passkey_context(request: HttpRequest, member: Member, form: PasskeyForm) -> dict[str, Any]:
    """What a page needs to ask for a passkey of this member: nothing where there is none."""
    found = summary(member)
    data: dict[str, Any] = {"has_app": found.totp, "passkey_form": form}
    if found.passkeys:
        options = passkeys.options_to_use(request, purpose=Purpose.CONFIRM, member=member, now=timezone.now())
        data["passkey_options"] = json.dumps(options)
    return data


class ConfirmIdentity(SilentDirectory, ReauthenticateView):
    pass


@method_decorator(login_required, name="dispatch")
class ConfirmByPasskey(BaseReauthenticateView):
    form_class = PasskeyForm
    template_name = "mfa/webauthn/reauthenticate.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data: dict[str, Any] = super().get_context_data(**kwargs)
        return data | passkey_context(self.request, signed_in(self.request), data["form"])

    def form_valid(self, form: PasskeyForm) -> HttpResponse:
        allauth_parts.post_authentication(self.request, form.authenticator, reauthenticated=True)
        answer: HttpResponse = super().form_valid(form)
        return answer


# Factors: what there is, adding, naming, removing ----------------------------------------------------------------


def security(request: HttpRequest) -> HttpResponse:
    """What a member may prove themselves with."""
    member = signed_in(request)
    found = summary(member)
    context = {"factors": found, "few_codes": found.recovery_codes is not None and found.recovery_codes <= FEW}
    return render(request, "mfa/index.html", context)


def choose_factor(request: HttpRequest) -> HttpResponse:
    """The first second factor: a passkey or an application, why it is asked for, and what comes after."""
    member = signed_in(request)
    if has_second_factor(member):
        return redirect(going_on(request) or "mfa_index")
    late = must_enrol(member, timezone.now())
    context = {"by": member.second_factor_by, "late": late, "opening_tool": waiting_tool(request)}
    return render(request, "mfa/choose.html", context)


class ActivateApp(ActivateTOTPView):
    def get_success_url(self) -> str:
        return after_enrolment(self.request)


class RemoveApp(DeactivateTOTPView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        data: dict[str, Any] = super().get_context_data(**kwargs)
        return data | {"last": not summary(signed_in(self.request)).passkeys}


class AddPasskey(FormView):  # type: ignore[type-arg]
    form_class = AddPasskeyForm
    template_name = "mfa/webauthn/add_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"user": signed_in(self.request)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        options = passkeys.options_to_add(self.request, member=signed_in(self.request), now=timezone.now())
        return super().get_context_data(**kwargs) | {"passkey_options": json.dumps(options)}

    def form_valid(self, form: AddPasskeyForm) -> HttpResponse:
        member = signed_in(self.request)
        name = form.cleaned_data["name"] or default_name(
            model=passkeys.model_of(form.kept),
            user_agent=self.request.headers.get("User-Agent", ""),
            taken=[each.name for each in summary(member).passkeys],
        )
        data = {"name": name, "credential": form.kept, **passkeys.facts_of(form.kept)}
        allauth_parts.add_passkey(self.request, member, data)
        return HttpResponseRedirect(after_enrolment(self.request))


def rename_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    factor = _own_passkey(request, pk)
    form = RenamePasskeyForm(request.POST or None, initial={"name": factor.data["name"]})
    if request.method == "POST" and form.is_valid():
        rename(factor_id=factor.pk, member_id=signed_in(request).pk, name=form.cleaned_data["name"], now=timezone.now())
        messages.success(request, _("Le nouveau nom est enregistré."))
        return redirect("mfa_index")
    return render(request, "mfa/webauthn/edit_form.html", {"form": form})


def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    factor = _own_passkey(request, pk)
    member = signed_in(request)
    if request.method != "POST":
        found = summary(member)
        context = {"passkey": factor.data["name"], "last": len(found.passkeys) == 1 and not found.totp}
        return render(request, "mfa/webauthn/authenticator_confirm_delete.html", context)
    allauth_parts.remove_passkey(request, factor)
    if standing.proves_nothing(request, member):
        # It had opened this very session, without a password.
        sessions.end_current(request, now=timezone.now(), reason="factor_removed")
        messages.success(
            request, _("La clé d’accès qui avait ouvert cette session est retirée : connectez-vous de nouveau.")
        )
        return redirect("account_login")
    return redirect("mfa_index")


def _own_passkey(request: HttpRequest, pk: int) -> Authenticator:
    own = Authenticator.objects.filter(user=signed_in(request).pk, type=Authenticator.Type.WEBAUTHN)
    factor: Authenticator = get_object_or_404(own, pk=pk)
    return factor


def recovery_codes_page(request: HttpRequest) -> HttpResponse:
    """New codes, the first time; afterwards how many are left.  Then on to where the member was going."""
    member, now = signed_in(request), timezone.now()
    left = recovery_codes.left(member.pk)
    if left is None:
        raise Http404
    context = {
        "unused_codes": shown_codes.show(request, now=now),
        "can_save": shown_codes.can_hand_over(request, now=now),
        "left": left,
        "few": left <= FEW,
        "continue_url": going_on(request),
        "opening_tool": waiting_tool(request),
    }
    return render(request, "mfa/recovery_codes/index.html", context)


def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    member, now = signed_in(request), timezone.now()
    if not has_second_factor(member):
        return redirect("mfa_choose")
    if request.method != "POST":
        return render(request, "mfa/recovery_codes/generate.html", {"left": recovery_codes.left(member.pk)})
    _row, codes = recovery_codes.make(member_id=member.pk, now=now)
    shown_codes.keep(request, codes)
    journal.factor_changed(request, action=Action.FACTOR_ADDED, member_id=member.pk, kind="recovery_codes")
    get_adapter().send_notification_mail("mfa/email/recovery_codes_generated", member)
    return redirect("mfa_view_recovery_codes")


def download_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Once, by a form: a link would be followed by whatever reads ahead."""
    codes = shown_codes.hand_over(request, now=timezone.now()) if request.method == "POST" else []
    if not codes:
        return redirect("mfa_view_recovery_codes")
    response = render(request, "mfa/recovery_codes/download.txt", {"codes": codes}, content_type="text/plain")
    response["Content-Disposition"] = 'attachment; filename="trousseau-codes.txt"'
    return response


def signed_in(request: HttpRequest) -> Member:
    """The addresses ask for somebody before they come here."""
    return cast(Member, request.user)


def after_enrolment(request: HttpRequest) -> str:
    """New recovery codes are shown first; then on."""
    if shown_codes.can_hand_over(request, now=timezone.now()):
        return reverse("mfa_view_recovery_codes")
    return going_on(request) or reverse("mfa_index")


def going_on(request: HttpRequest) -> str:
    """The tool's request that waits, or the page that asked for a second factor."""
    kept = pending(request)
    return kept.url if kept is not None else page_after(request)
