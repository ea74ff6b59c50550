"""What a member writes."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.directions.types import MOST_CHARACTERS, MOST_OF_CONTACT


class DirectionsForm(forms.Form):
    """Both are optional; one at least is there."""

    text = forms.CharField(
        label=_("Ce que vous voulez pour vos données"),
        required=False,
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea({"rows": 8}),
        help_text=_("Par exemple : tout effacer, garder mes écrits, remettre mes fichiers à quelqu’un."),
    )
    contact = forms.CharField(
        label=_("Une personne à joindre"),
        required=False,
        max_length=MOST_OF_CONTACT,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Son nom, et comment la joindre. Dites-lui que vous la nommez ici."),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = self.cleaned_data
        if not self.errors and not values.get("text") and not values.get("contact"):
            raise forms.ValidationError(_("Écrivez vos directives, ou nommez une personne."), "directions_empty")
        return values
