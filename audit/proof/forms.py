"""What is said of a witness."""

from django import forms
from django.utils.translation import gettext_lazy as _


class WitnessForm(forms.Form):
    """A witness's public key, as its program prints it, and whose it is."""

    owner = forms.CharField(
        label=_("Qui est ce témoin"), max_length=120, help_text=_("Par exemple : Coopérative Garance, Béziers.")
    )
    key = forms.CharField(
        label=_("Sa clé publique"),
        max_length=3000,
        help_text=_("La ligne que son programme affiche en créant la clé. Elle commence par un nom et un +."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def said(self, code: str) -> str:
        return str(WITNESS_KEYS[code])


WITNESS_KEYS = {
    "witness_key": _("Ce n’est pas une clé. Copiez la ligne entière, sans rien changer."),
    "witness_key_kind": _("Cette sorte de clé ne date pas ce qu’elle signe. Il faut une clé de témoin (C2SP)."),
    "witness_is_log": _("C’est la clé d’un registre d’ici : il ne peut pas être son propre témoin."),
    "witness_known": _("Ce témoin est déjà là."),
    "witness_name_taken": _("Le nom de cette clé est déjà pris. Il faut une clé d’un autre nom."),
    "witness_name_unseen": _("Le nom de cette clé contient des signes invisibles. Il faut une clé d’un autre nom."),
}
