"""Which form of a receipt is wanted."""

from django import forms

from consent.receipts.types import Form


class ReceiptForm(forms.Form):
    form = forms.ChoiceField(choices=[(each.value, each.value) for each in Form])
