"""What the officer types."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from consent.display import item_label


class PreviewForm(forms.Form):
    """Which items a shorter sheet would leave out."""

    without = forms.MultipleChoiceField(
        label=_("Sans ces données"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, items: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["without"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101
        field.choices = [(item, item_label(item)) for item in items]


class DecisionForm(forms.Form):
    """Why a finding is settled, or accepted and until when."""

    reason = forms.CharField(
        min_length=10,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Sans nom ni coordonnées. Reste ici, et n’entre pas au journal."),
    )
    until = DayField(
        label=_("Accepté jusqu’au"),
        required=False,
        help_text=_("Un an au plus. Le constat revient alors, ou plus tôt s’il y a davantage."),
    )

    def __init__(self, *args: Any, settles: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Ce qui s’est passé, et ce qui a été fait") if settles else _("Pourquoi")
        if settles:
            del self.fields["until"]
