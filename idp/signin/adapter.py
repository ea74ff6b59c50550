"""What allauth asks the hub: who may try, what is said when it fails, where to go next, how factors are kept."""

from time import monotonic
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from branding import selectors as branding
from directory import backends
from directory.backends import forms_of, wait_for_refusal
from directory.models import Member
from directory.types import DirectoryUnavailable, PartlyUnavailable
from idp.services.accounts import mails
from idp.services.accounts.attempts import Try
from idp.signin import journal, secrets, standing
from idp.signin.addresses import is_own_path
from idp.signin.browser import take, take_look
from idp.signin.people import Attempt, attempt_by, identifier_of
from idp.types import MailKind
from idp.user_agents import label_of

# ANSSI R14, OWASP ASVS 6.3.8: one sentence for every failure, or the page tells who is a member.
SIGN_IN_FAILED = _(
    "Ces identifiants ne permettent pas d’entrer. Vérifiez-les ; après plusieurs essais, patientez dix minutes "
    "ou écrivez à la structure."
)
TOO_MANY = _("Trop d’essais. Patientez dix minutes, puis recommencez.")


class AccountAdapter(DefaultAccountAdapter):
    """Accounts come from the directory: nothing is opened, changed or recovered here."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": SIGN_IN_FAILED,
        "invalid_login": SIGN_IN_FAILED,
        "account_inactive": SIGN_IN_FAILED,
        "incorrect_password": _("Ce mot de passe ne convient pas. Après plusieurs essais, patientez dix minutes."),
        "too_many_login_attempts": TOO_MANY,
        "rate_limited": TOO_MANY,
        "incorrect_code": _("Ce code ne convient pas. Attendez le suivant et recommencez."),
        # One sentence for every failure: a closed account and an unknown passkey are answered alike.
        # To somebody whose passkey is right: it tells nobody anything.
        "directory_old": _(
            "L’annuaire n’a pas pu être lu depuis trop longtemps pour ouvrir par une clé d’accès. "
            "Entrez avec votre mot de passe, ou écrivez à la structure."
        ),
        "passkey": _("Cette clé d’accès ne convient pas. Essayez-en une autre, ou un autre moyen."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages only: allauth's JSON answers would hand the posted fields back."""
        return False

    # Trying ------------------------------------------------------------------------------------------------

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Member | None:
        """Count, bind, and give the attempt back unless the password was wrong.

        Raises ``DirectoryUnavailable``, which says nothing about the password.
        """
        began = monotonic()
        attempt = attempt_by(str(credentials.get("username") or ""))
        steps = len(forms_of(str(credentials.get("password") or "")))
        tries: list[Try] = []
        # While the directory is away no try is counted, for nobody's password is looked at but those of the hub's own
        # accounts: they have a count of their own, and whoever has used it up hears what everybody hears.
        looks: list[Try] = []

        def again() -> bool:
            return _kept(tries, take(request, attempt.budget, member_id=attempt.member_id))

        def local() -> bool:
            return _kept(looks, take_look(request, attempt.budget, member_id=attempt.member_id))

        if not again():
            self._refused(request, attempt, "throttled", began, steps)
            raise self.validation_error(self._failure_code(request))
        try:
            found = authenticate(request, local=local, again=again, **credentials)
        except PartlyUnavailable as error:
            if self._goes_on_waiting(request, attempt, error, tries, counted=bool(looks) or error.looked or local()):
                raise
            return None
        except DirectoryUnavailable:
            # Nobody's password was looked at: the attempt does not count.  An earlier form of it was.
            tries[-1].give_back()
            self._refused(request, attempt, "directory_down", None)
            raise
        if found is None:
            self._refused(request, attempt, attempt.reason, began, steps)
            return None
        for each in (*tries, *looks):
            each.give_back()
        return found

    def _goes_on_waiting(
        self, request: HttpRequest, attempt: Attempt, error: PartlyUnavailable, tries: list[Try], *, counted: bool
    ) -> bool:
        """One of several directories is away, and no other said yes: whose member this is must not show.

        A wrong password and a directory that is away are answered alike, as often, and count on the network alike; but
        what nobody looked at counts on no account once that directory is back.  Somebody who is signed in is no
        stranger, and is told that the password is wrong.
        """
        if error.looked:
            self._refused(request, attempt, attempt.reason, None)
            return not request.user.is_authenticated
        for each in tries:
            each.give_back(of_network=False)
        self._refused(request, attempt, "directory_down" if counted else "throttled", None)
        return counted

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """The bind is the proof, by a name that leads to this very member."""
        identifier = identifier_of(cast(Member, user))
        if not identifier:
            journal.refused(context.request, member_id=user.pk, reason="ambiguous", step="confirmation")
            return False
        found = self.authenticate(context.request, username=identifier, password=password)
        return found is not None and found.pk == user.pk

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": _("Avec mon mot de passe"),
            "mfa_reauthenticate": _("Avec un code"),
            "mfa_reauthenticate:webauthn": _("Avec ma clé d’accès"),
        }
        return [
            method | {"description": words.get(method["id"], method["description"])}
            for method in super().get_reauthentication_methods(user)
        ]

    def _refused(
        self, request: HttpRequest, attempt: Attempt, reason: str, began: float | None, steps: int = 1
    ) -> None:
        step = "confirmation" if request.user.is_authenticated else "sign_in"
        journal.refused(request, member_id=attempt.member_id, reason=reason, step=step)
        if began is not None:
            # One moment for every no, that of a count used up included: a quicker one would tell that this address and
            # that login share a budget, that they are one member's.  Later than the backend's own, whose clock starts
            # once the name was looked up, so that what the look-up took is not seen either.
            wait_for_refusal(began + backends.REFUSAL_SECONDS / 5, steps)

    @staticmethod
    def _failure_code(request: HttpRequest) -> str:
        return "too_many_login_attempts" if request.user.is_authenticated else "username_password_mismatch"

    # Entering ----------------------------------------------------------------------------------------------

    def get_login_stages(self) -> list[str]:
        """A new password is chosen last: who has a second factor has shown it by then."""
        ours = {"allauth.mfa.stages.AuthenticateStage": "idp.signin.stages.SecondFactorStage"}
        stages = [ours.get(path, path) for path in super().get_login_stages()]
        return [*stages, "idp.signin.stages.ChoosePasswordStage"]

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """The state is read again: somebody may have left between the password and the code."""
        member = Member.objects.filter(pk=user.pk).first()
        if member is None or not member.is_active:
            journal.refused(request, member_id=user.pk, reason="left", step="code")
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        if standing.is_overtaken(request, member):
            journal.refused(request, member_id=user.pk, reason="password_changed", step="code")
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        super().login(request, user)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        request.session.flush()
        return HttpResponseRedirect(reverse("account_login"))

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url) and is_own_path(str(url))

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    # Telling -----------------------------------------------------------------------------------------------

    def format_email_subject(self, subject: str) -> str:
        # The sender says whose it is.
        return subject

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """To the directory's address, where it is one person's.  A silent mail server stops nothing."""
        member = cast(Member, user)
        if email or mails.address_of(member):
            told = {**(context or {}), "user": member}
            super().send_notification_mail(template_prefix, member, told, email or mails.address_of(member))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Into the outbox: the page does not wait for the mail server, and nothing is lost while it is away."""
        spoken = mails.language_of(cast(Member, context["user"]))
        facts = {"office_contact": settings.OFFICE_CONTACT, "browser": label_of(context.get("user_agent") or "")}
        # In the member's language, whatever that of the page: the office or another browser may have caused it.
        with translation.override(spoken):
            message = self.render_mail(template_prefix, email, context | facts)
        mails.queue_text(
            kind=MailKind.SECURITY,
            member=context["user"],
            subject=str(message.subject),
            body=mails.signed(str(message.body), "security", {}, language=spoken),
            now=timezone.now(),
            address=email,
        )


def _kept(tries: list[Try], taken: Try | None) -> bool:
    if taken is not None:
        tries.append(taken)
    return taken is not None


class FactorAdapter(DefaultMFAAdapter):
    """How second factors are kept and named."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "cannot_delete_authenticator": _("Cette double vérification ne peut pas être retirée."),
        "cannot_generate_recovery_codes": _("Ajoutez d’abord une clé d’accès ou l’application de codes."),
    }

    def get_totp_issuer(self) -> str:
        return branding.cooperative()

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        member = cast(Member, user)
        return member.login or member.display_name

    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(encrypted_text)
