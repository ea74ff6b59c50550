"""What the technician says of a tool that still gets more than its sheet."""

from django import forms
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from consent.types import Mode


class ModeForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Que faire de ce qui n’est pas sur la fiche ?"),
        choices=[(mode.value, mode.label) for mode in (Mode.WARN, Mode.OBSERVE)],
        widget=forms.RadioSelect,
    )
    until = DayField(
        label=_("Jusqu’au"),
        help_text=_("90 jours au plus. Ensuite l’outil s’en tient à sa fiche, sans que personne n’ait rien à faire."),
    )
    reason = forms.CharField(
        label=_("Pourquoi"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Sans nom ni coordonnées. La protection des données le lit ; cela n’entre pas au journal."),
    )
