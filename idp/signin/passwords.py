"""Pages of passwords: forgotten, by a link, to be replaced at sign-in, and changed by somebody signed in."""

import time
from http import HTTPStatus
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from allauth.account.internal.decorators import login_stage_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from directory.models import Member
from directory.types import ChangeUncertain, DirectoryUnavailable
from idp import passwords as rule
from idp.models import AccountLink
from idp.selectors import live_session
from idp.services import refusals, sessions
from idp.services.accounts import links, passwords, resets
from idp.services.accounts.attempts import account_of
from idp.services.accounts.passwords import PasswordRefused
from idp.signin import allauth_parts, journal, reauth, stages, standing
from idp.signin.adapter import TOO_MANY
from idp.signin.browser import take
from idp.signin.password_forms import ChangePasswordForm, ForgottenForm, NewPasswordForm
from idp.signin.pending import carried, restore
from idp.signin.stages import BY_LINK, ChoosePasswordStage
from idp.types import LinkKind

# The link that this browser has shown, by its number: the secret stays in no session and in no address.
LINK = "account_link"
ASKS_A_MINUTE = 10
RETRY_AFTER_SECONDS = 15
secret_fields = method_decorator(sensitive_post_parameters("current", "new", "again"), name="dispatch")
not_kept = method_decorator(never_cache, name="dispatch")


# Forgotten -----------------------------------------------------------------------------------------------------


@not_kept
class Forgotten(View):
    """One answer for everybody, after the same time; what is true is in the mail."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "account/forgotten.html", {"form": ForgottenForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        began, now, network = monotonic(), timezone.now(), allauth_parts.network_of(request)
        form = ForgottenForm(request.POST)
        if not form.is_valid():
            return render(request, "account/forgotten.html", {"form": form})
        if not refusals.allowed("forgotten", network=network, limit=ASKS_A_MINUTE, now=now):
            # About this network, and so about nobody.
            form.add_error(None, str(TOO_MANY))
            return render(request, "account/forgotten.html", {"form": form}, status=HTTPStatus.TOO_MANY_REQUESTS)
        resets.ask(identifier=form.cleaned_data["identifier"], network=network, now=now)
        sleep(max(0.0, began + resets.ANSWER_SECONDS - monotonic()))
        return redirect("account_forgotten_sent")


@never_cache
def forgotten_sent(request: HttpRequest) -> HttpResponse:
    minutes = int(settings.RESET_LIFETIME.total_seconds() // 60)
    return render(request, "account/forgotten_sent.html", {"minutes": minutes})


# Links ---------------------------------------------------------------------------------------------------------


@never_cache
def open_link(request: HttpRequest, secret: str) -> HttpResponse:
    """From the mail to a clean address: what stays in histories and is told to other sites opens nothing.

    Reading changes nothing of the link: mail scanners read too.
    """
    try:
        link = links.find(secret, now=timezone.now())
    except links.LinkRefused as refused:
        return _refuse(request, refused)
    _keep_link(request, link)
    return redirect("account_link_page")


@not_kept
class LinkPage(View):
    """Whom the link is for and what comes next, with the button that goes on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.link = _link_of(request)
        except links.LinkRefused as refused:
            return _refuse(request, refused)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            own = request.user.pk == self.link.member_id
            return render(request, "account/link_signed_in.html", {"link": self.link, "own": own})
        template = "welcome" if self.link.kind == LinkKind.INVITATION else "link"
        return render(
            request, f"account/{template}.html", {"link": self.link, "first": self.link.kind == LinkKind.FIRST}
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            # Only who asked to be signed out is.
            if request.POST.get("sign_out"):
                sessions.end_current(request, now=timezone.now())
                _keep_link(request, self.link)
            return redirect("account_link_page")
        links.note_opened(self.link, now=timezone.now())
        return allauth_parts.begin_login(
            request,
            self.link.member,
            stage=stages.KEY,
            state=stages.by_link(self.link.pk),
            redirect_url=_after(self.link),
        )


def _after(link: AccountLink) -> str:
    names = {LinkKind.INVITATION: "account_notice", LinkKind.FIRST: "account_first"}
    return reverse(names.get(LinkKind(link.kind), "launcher:home"))


def _keep_link(request: HttpRequest, link: AccountLink) -> None:
    """In a session of its own: one that somebody planted in this browser never learns of the link."""
    if request.user.is_authenticated:
        sessions.renew_key(request)
    else:
        # A sign-in that was left half-way goes too; the tools' requests that wait go on.
        kept = carried(request)
        request.session.flush()
        request.user = AnonymousUser()
        restore(request, kept)
    request.session[LINK] = str(link.pk)


def _link_of(request: HttpRequest) -> AccountLink:
    kept = request.session.get(LINK)
    if kept is None:
        raise links.LinkRefused("link_unknown")
    return links.again(UUID(kept), now=timezone.now())


def _refuse(request: HttpRequest, refused: links.LinkRefused) -> HttpResponse:
    """To one page whatever is wrong with the link, at an address without it: pages name their own address."""
    links.note_refused(refused, network=allauth_parts.network_of(request), now=timezone.now())
    request.session.pop(LINK, None)
    return redirect("account_link_refused")


@never_cache
def link_refused(request: HttpRequest) -> HttpResponse:
    """What may have happened, and where to ask for another link."""
    return render(request, "account/link_refused.html", status=HTTPStatus.GONE)


# Choosing ------------------------------------------------------------------------------------------------------


class Choosing(View):
    """What the pages with a new password have in common: a phrase on request, a meter after a refusal, a calm word."""

    template_name = ""

    def proposes(self, request: HttpRequest) -> bool:
        return "propose" in request.POST

    def show(self, form: NewPasswordForm, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
        data = {
            "form": form,
            "minimum": settings.PASSWORD_MIN_LENGTH,
            "enough": int(ENOUGH_BITS),
            "half": int(ENOUGH_BITS) // 2,
            **self.context(),
            **more,
        }
        return render(self.request, self.template_name, data, status=status)

    def context(self) -> dict[str, Any]:
        return {}

    def refuse(self, form: NewPasswordForm, refused: PasswordRefused) -> HttpResponse:
        form.refuse(refused.reason)
        return self.show(form, bits=min(int(refused.bits), int(ENOUGH_BITS)) if refused.bits else None)

    def silent(self, form: NewPasswordForm, error: DirectoryUnavailable) -> HttpResponse:
        answer = self.show(
            form,
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            directory_down=True,
            uncertain=isinstance(error, ChangeUncertain),
        )
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer


ENOUGH_BITS = 50


@method_decorator(
    login_stage_required(stage=ChoosePasswordStage.key, redirect_urlname="account_login"), name="dispatch"
)
@secret_fields
class ChoosePassword(Choosing):
    template_name = "account/choose_password.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.stage: ChoosePasswordStage = request._login_stage  # type: ignore[attr-defined]
        self.member: Member = self.stage.login.user
        self.link: AccountLink | None = None
        if self.stage.why == BY_LINK:
            try:
                self.link = links.again(self.stage.link_id or UUID(int=0), now=timezone.now())
            except links.LinkRefused as refused:
                return self._lost(refused)
        elif standing.is_overtaken(request, self.member):
            # One that has expired is replaced without being asked for again: not over a newer one.
            journal.refused(request, member_id=self.member.pk, reason="password_changed", step="code")
            allauth_parts.forget_login(request)
            return redirect("account_login")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.proposes(request):
            return self.show(self._form(), proposed=rule.propose())
        form = self._form(request.POST)
        if not form.is_valid():
            return self.show(form)
        try:
            self._set(form)
        except PasswordRefused as refused:
            return self.refuse(form, refused)
        except links.LinkRefused as refused:
            return self._lost(refused)
        except DirectoryUnavailable as error:
            return self.silent(form, error)
        # Django ties a session to the hash there is: that of an account of the hub's own is another one now.
        self.member.refresh_from_db(fields=["password"])
        # From here on the sign-in has a password that its holder has just proved.
        allauth_parts.record_password(request, self.member)
        request.session.pop(LINK, None)
        answer: HttpResponse = self.stage.exit()  # type: ignore[no-untyped-call]
        messages.success(request, _("Votre mot de passe est enregistré."))
        return answer

    def context(self) -> dict[str, Any]:
        return {"member": self.member, "why": self.stage.why, "graces": self.stage.graces, "link": self.link}

    def _form(self, data: Any = None) -> NewPasswordForm:
        return NewPasswordForm(data, current=self.stage.why == "must_change")

    def _set(self, form: NewPasswordForm) -> None:
        typed, now = form.cleaned_data["new"], timezone.now()
        if self.link is not None:
            passwords.choose_by_link(member=self.member, link_id=self.link.pk, typed=typed, now=now)
        elif self.stage.why == "expired":
            passwords.replace_expired(member=self.member, typed=typed, now=now)
        else:
            with counted(self.request, self.member):
                passwords.replace(member=self.member, old=form.cleaned_data["current"], typed=typed, now=now)

    def _lost(self, refused: links.LinkRefused) -> HttpResponse:
        allauth_parts.forget_login(self.request)
        return _refuse(self.request, refused)


@not_kept
@secret_fields
@method_decorator(login_required, name="dispatch")
class ChangePassword(Choosing):
    """The password there is, asked here; the second factor, where there is one, on its own page just before."""

    template_name = "account/change_password.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        member = request.user
        if isinstance(member, Member) and allauth_parts.has_second_factor(member):
            since = time.time() - allauth_parts.second_factor_at(request, member)
            if since > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
                return reauth.must_prove_second_factor(member, request.path)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(ChangePasswordForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        member = request.user
        assert isinstance(member, Member)  # noqa: S101 (login_required)
        if self.proposes(request):
            return self.show(ChangePasswordForm(), proposed=rule.propose())
        form = ChangePasswordForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        here = live_session(request.session.get(sessions.SESSION_FIELD))
        try:
            with counted(request, member):
                passwords.change(
                    member=member,
                    old=form.cleaned_data["current"],
                    typed=form.cleaned_data["new"],
                    keep=here.pk if here else None,
                    end_others=form.cleaned_data["end_others"],
                    now=timezone.now(),
                )
        except PasswordRefused as refused:
            return self.refuse(form, refused)
        except DirectoryUnavailable as error:
            return self.silent(form, error)
        member.refresh_from_db()
        # An account of the hub's own: Django ends every session whose password was another one.
        update_session_auth_hash(request, member)
        allauth_parts.record_password(request, member)
        messages.success(request, _("Votre mot de passe est changé."))
        return HttpResponseRedirect(reverse("mfa_index"))


class counted:
    """One try at the password there is, in the same count as a sign-in; given back unless it was wrong."""

    def __init__(self, request: HttpRequest, member: Member) -> None:
        self.request, self.member = request, member

    def __enter__(self) -> None:
        self.attempt = take(self.request, account_of(self.member.pk), member_id=self.member.pk)
        if self.attempt is None:
            journal.refused(self.request, member_id=self.member.pk, reason="throttled", step="confirmation")
            raise PasswordRefused("throttled")

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PasswordRefused) and error.reason == "directory_wrong_old":
            journal.refused(self.request, member_id=self.member.pk, reason="wrong", step="confirmation")
        elif self.attempt is not None:
            self.attempt.give_back()
