"""The forms of new and forgotten passwords, and what a refusal says."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from idp.passwords import MAX_LENGTH
from idp.signin.adapter import TOO_MANY

Text = str | Promise

# Each says what to do next.  NIST SP 800-63B-4 §3.1.1.2: the reason of a refusal is told.
REFUSALS: dict[str, Text] = {
    "password_unreadable": _("Ce mot de passe contient un caractère invisible. Tapez-le au clavier."),
    "password_long": _("Ce mot de passe est trop long : mille caractères suffisent."),
    "password_common": _("Ce mot de passe est parmi les premiers que l’on essaie. Choisissez-en un autre."),
    "password_personal": _(
        "Ce mot de passe tient surtout à votre nom, à la coopérative ou à un outil : on le devinerait. "
        "Ajoutez des mots qui n’ont rien à voir."
    ),
    "password_weak": _("Ce mot de passe se devine trop vite. Ajoutez un ou deux mots sans rapport entre eux."),
    "throttled": TOO_MANY,
    "directory_wrong_old": _("Le mot de passe actuel ne convient pas."),
    "directory_too_short": _("L’annuaire demande un mot de passe plus long."),
    "directory_quality": _("L’annuaire n’accepte pas ce mot de passe. Essayez-en un autre, plus long."),
    "directory_in_history": _("Vous avez déjà utilisé ce mot de passe. Choisissez-en un nouveau."),
    "directory_too_young": _(
        "Votre mot de passe vient de changer, et l’annuaire demande d’attendre avant un autre changement."
    ),
    "directory_not_allowed": _(
        "L’annuaire ne permet pas à Trousseau de changer ce mot de passe. Écrivez à la structure."
    ),
    "directory_locked": _(
        "L’annuaire a verrouillé ce compte après trop d’essais. Patientez un quart d’heure, ou écrivez à la structure."
    ),
    "directory_closed": _("Ce compte est fermé ou verrouillé. Écrivez à la structure."),
}
TOO_SHORT = ngettext_lazy(
    "Il faut au moins %(minimum)d caractère. Plusieurs mots font l’affaire.",
    "Il faut au moins %(minimum)d caractères. Plusieurs mots font l’affaire.",
    "minimum",
)
DIFFERENT = _("Les deux saisies sont différentes.")
# Refusals that are about the password there was.
ABOUT_OLD = {"directory_wrong_old"}


def said(reason: str) -> Text:
    """What a refusal tells the person."""
    if reason == "password_short":
        return TOO_SHORT % {"minimum": settings.PASSWORD_MIN_LENGTH}
    return REFUSALS[reason]


def _secret(label: Any, autocomplete: str, **more: Any) -> forms.CharField:
    """Pasting and managers are welcome (ASVS 6.2.7); nothing is stripped (6.2.8); the length is judged by the rule."""
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, **more})
    return forms.CharField(label=label, strip=False, max_length=4 * MAX_LENGTH, widget=widget)


class NewPasswordForm(forms.Form):
    """One field and a button that shows it; a second one for whoever has no script to show it with."""

    def __init__(self, *args: Any, current: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if current:
            self.fields["current"] = _secret(_("Mot de passe actuel"), "current-password")
        minimum = settings.PASSWORD_MIN_LENGTH
        self.fields["new"] = _secret(
            _("Nouveau mot de passe"), "new-password", minlength=minimum, passwordrules=f"minlength: {minimum};"
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # Sent by pages without scripts only.
        if "again" in self.data and self.data["again"] != data.get("new") and "new" in data:
            self.add_error("new", ValidationError(DIFFERENT))
        return data

    def refuse(self, reason: str) -> None:
        field = "current" if reason in ABOUT_OLD and "current" in self.fields else "new"
        self.add_error(None if reason == "throttled" else field, str(said(reason)))


class ChangePasswordForm(NewPasswordForm):
    """From somebody signed in."""

    end_others = forms.BooleanField(label=_("Me déconnecter de mes autres appareils"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, current=True, **kwargs)
        self.order_fields(["current", "new", "end_others"])


class ForgottenForm(forms.Form):
    identifier = forms.CharField(
        label=_("Identifiant ou e-mail"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
