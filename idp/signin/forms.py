"""The forms of sign-in, confirmation and second factors."""

import logging
from contextlib import suppress
from typing import Any, NoReturn, cast

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base import forms as allauth_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from directory.models import Member
from idp.services import refusals
from idp.services.accounts import recovery_codes
from idp.services.accounts.attempts import account_of
from idp.signin import allauth_parts, journal, passkeys, secrets
from idp.signin.browser import ask_trust, take
from idp.signin.passkeys import Purpose

log = logging.getLogger("idp.signin")

MAX_PASSWORD_LENGTH = 1024
MAX_CODE_LENGTH = 40
MAX_NAME_LENGTH = 60
# From one network: an office may share an address.  A passkey cannot be guessed; each answer costs a signature's check.
PASSKEYS_A_MINUTE = 60


def password_field(*, required: bool) -> forms.CharField:
    """Never stripped: a space may be part of a password.  Pasting and managers are welcome (ASVS 6.2.7)."""
    return forms.CharField(
        label=_("Mot de passe"),
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        required=required,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "required": True}),
    )


def code_field(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=MAX_CODE_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )


class SignInForm(LoginForm):
    """Login or mail, and the directory's password.  Whatever is wrong with either, one sentence comes back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Not ``required`` for Django: an empty field would get a sentence of its own; the browser still asks for it.
        self.fields["login"] = forms.CharField(
            label=_("Identifiant ou e-mail"),
            max_length=254,
            required=False,
            widget=forms.TextInput(
                attrs={
                    # Browsers offer passkeys in the same list as names.
                    "autocomplete": "username webauthn",
                    "autocapitalize": "none",
                    "spellcheck": "false",
                    "autofocus": True,
                    "required": True,
                }
            ),
        )
        self.fields["password"] = password_field(required=False)
        if self.initial.get("login"):
            # Written already by what the tool said: the next thing to type is the password.
            del self.fields["login"].widget.attrs["autofocus"]
            self.fields["password"].widget.attrs["autofocus"] = True
        self.order_fields(["login", "password"])

    def clean(self) -> dict[str, Any] | None:
        # RFC 4513 §5.1.2: a bind with an empty password succeeds as nobody; it never gets as far as the directory.
        if self.errors or not self.cleaned_data.get("login") or not self.cleaned_data.get("password"):
            self.errors.clear()
            journal.refused(self.request, member_id=None, reason="blank", step="sign_in")
            raise get_adapter().validation_error("invalid_login")
        return cast("dict[str, Any] | None", super().clean())  # type: ignore[no-untyped-call]


class ConfirmIdentityForm(ReauthenticateForm):
    """The password again, from somebody who is signed in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = password_field(required=True)


class CodeCounted:
    """Counting codes with the person's passwords, and letting each code serve once.

    allauth's own count is cleared on success together with the network's, so that one good account would reset the
    limit for a whole network; and it remembers a used code for one period, where the tolerance accepts it for three.
    """

    user: Member
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        attempt = take(context.request, account_of(self.user.pk), member_id=self.user.pk)
        if attempt is None:
            raise self.refused("throttled", get_adapter().validation_error("too_many_login_attempts"))
        if not self.accept(code):
            raise self.refused("code", get_factor_adapter().validation_error("incorrect_code"))
        attempt.give_back()
        return code

    def refused(self, reason: str, error: forms.ValidationError) -> forms.ValidationError:
        """The journal tells why; the page what ``error`` says."""
        journal.refused(context.request, member_id=self.user.pk, reason=reason, step="code")
        return error

    def accept(self, code: str) -> bool:
        raise NotImplementedError

    def first_use(self, code: str) -> bool:
        """RFC 6238 §5.2: the verifier must not accept the second attempt of a code."""
        digits = "".join(character for character in code if character.isalnum())
        periods = 2 * settings.MFA_TOTP_TOLERANCE + 1
        return bool(cache.add(f"signin:code:{self.user.pk}:{digits}", 1, timeout=30 * (periods + 1)))


class _AnyFactor(CodeCounted):
    """A code of the application, or a recovery code."""

    fields: dict[str, forms.Field]
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = code_field(_("Code"))

    def accept(self, code: str) -> bool:
        factor = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).first()
        if factor is not None and self.matches(factor, code):
            self.authenticator = factor
            return self.first_use(code)
        return self.is_recovery_code(code)

    def is_recovery_code(self, code: str) -> bool:
        try:
            factor = recovery_codes.use(member_id=self.user.pk, typed=code)
        except secrets.InvalidToken:
            log.error("recovery codes of %s cannot be checked: has the key encryption key changed?", self.user.pk)
            return False
        if factor is None:
            return False
        factor.user = self.user
        self.authenticator = factor
        return True

    @staticmethod
    def matches(factor: Authenticator, code: str) -> bool:
        try:
            return bool(factor.wrap().validate_code(code))  # type: ignore[no-untyped-call]
        except secrets.InvalidToken:
            log.error("factor %s cannot be decrypted: has the key encryption key changed?", factor.pk)
            return False


class CodeForm(_AnyFactor, allauth_forms.AuthenticateForm):
    """The second step of sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = settings.BROWSER_TRUST.days
        if days:
            self.fields["trust"] = forms.BooleanField(
                label=ngettext(
                    "Ne plus demander sur ce navigateur pendant %(days)s jour",
                    "Ne plus demander sur ce navigateur pendant %(days)s jours",
                    days,
                )
                % {"days": days},
                required=False,
                help_text=_("À cocher seulement sur un appareil que vous êtes seul·e à utiliser."),
            )

    def refused(self, reason: str, error: forms.ValidationError) -> forms.ValidationError:
        """ANSSI R14: the sentence of a wrong password, of a wrong code and of a count used up is the same."""
        super().refused(reason, error)
        return get_adapter().validation_error("username_password_mismatch")

    def save(self) -> None:
        super().save()
        if self.cleaned_data.get("trust"):
            ask_trust(context.request, self.user)


class ConfirmCodeForm(_AnyFactor, allauth_forms.ReauthenticateForm):
    """A code again, from somebody who is signed in."""


class EnrolForm(CodeCounted, ActivateTOTPForm):
    """The first code of a new application.  The secret waits in the session encrypted, as it will be in its row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = code_field(_("Code à six chiffres"))
        if self.is_bound:
            # Where no secret was waiting, allauth has just made one in clear, which nobody has scanned.
            with suppress(secrets.InvalidToken):
                self.secret = secrets.decrypt(self.secret)
        context.request.session[allauth_parts.SECRET_SESSION_KEY] = secrets.encrypt(self.secret)

    def accept(self, code: str) -> bool:
        return allauth_parts.validate_totp_code(self.secret, code) and self.first_use(code)


# Passkeys ------------------------------------------------------------------------------------------------------


class PasskeyForm(forms.Form):
    """The answer of a passkey, put into a hidden field by the page's script."""

    purpose = Purpose.CONFIRM
    authenticator: Authenticator

    credential = forms.CharField(required=False, strip=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, user: Member | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any] | None:
        network = allauth_parts.network_of(context.request)
        # By network alone, and for the work it makes: nobody guesses a signature, and by whom it claims to be anybody
        # could keep anybody out.
        if not refusals.allowed("passkey", network=network, limit=PASSKEYS_A_MINUTE, now=timezone.now()):
            self.refuse("throttled", self.user.pk if self.user else None, "too_many_login_attempts")
        try:
            self.check(str(self.cleaned_data.get("credential") or ""))
        except passkeys.Refused as refused:
            said = passkeys.OUT_OF_DATE if refused.reason == passkeys.OUT_OF_DATE else "passkey"
            self.refuse(refused.reason, refused.member_id or (self.user.pk if self.user else None), said)
        return super().clean()

    def check(self, raw: str) -> None:
        self.authenticator = passkeys.check_use(
            context.request, raw, purpose=self.purpose, member=self.user, now=timezone.now()
        )

    def refuse(self, reason: str, member_id: Any, said: str) -> NoReturn:
        journal.refused(context.request, member_id=member_id, reason=reason, step="passkey")
        raise get_adapter().validation_error(said)


class PasskeyStepForm(PasskeyForm):
    """The second step of sign-in."""

    def save(self) -> None:
        allauth_parts.post_authentication(context.request, self.authenticator)


class EnterByPasskeyForm(PasskeyForm):
    """A passkey instead of name and password."""

    purpose = Purpose.ENTER


class AddPasskeyForm(PasskeyForm):
    """A new passkey, with the name its member gives it."""

    purpose = Purpose.ADD
    name = forms.CharField(
        label=_("Nom (facultatif)"),
        help_text=_("Par exemple « téléphone » ou « ordinateur du bureau ». Sans nom, nous en choisissons un."),
        required=False,
        max_length=MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def check(self, raw: str) -> None:
        self.kept = passkeys.check_new(context.request, raw, member=cast(Member, self.user), now=timezone.now())


class RenamePasskeyForm(forms.Form):
    name = forms.CharField(
        label=_("Nom de la clé d’accès"),
        max_length=MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
