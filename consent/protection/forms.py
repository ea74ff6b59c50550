"""What the officer types."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class DecisionForm(forms.Form):
    """Why a finding is settled, or accepted and until when."""

    reason = forms.CharField(
        min_length=10,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Sans nom ni coordonnées. Reste ici, et n’entre pas au journal."),
    )
    until = forms.DateField(
        label=_("Accepté jusqu’au"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("Un an au plus. Le constat revient alors, ou plus tôt s’il y a davantage."),
    )

    def __init__(self, *args: Any, settles: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Ce qui s’est passé, et ce qui a été fait") if settles else _("Pourquoi")
        if settles:
            del self.fields["until"]
