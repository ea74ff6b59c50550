"""What the officer writes down about security."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from consent.safety import policy, words
from consent.safety.types import Kind, Line, Result, SafetyInvalid


def _text(label: Any, **more: Any) -> forms.CharField:
    widget = forms.Textarea({"rows": 3})
    return forms.CharField(label=label, max_length=policy.MOST_CHARACTERS, widget=widget, **more)


class LineForm(forms.Form):
    kind = forms.ChoiceField(label=_("Quoi"), choices=Kind.choices)
    on = DayField(label=_("Fait le"), initial=timezone.localdate)
    who = forms.CharField(label=_("Par qui"), max_length=policy.MOST_LINE)
    what = _text(_("Ce qui a été mis en place, restauré ou contrôlé"))
    result = forms.ChoiceField(label=_("Résultat"), choices=Result.choices)
    note = _text(_("Ce qu’il en ressort"), required=False, help_text=_("À dire si tout n’a pas réussi."))

    def line(self) -> Line:
        said = self.cleaned_data
        return Line(**said | {"kind": Kind(said["kind"]), "result": Result(said["result"])})

    def tell(self, error: SafetyInvalid) -> None:
        """Each problem beside the field it is about."""
        for place, code in error.problems.items():
            self.add_error(place, words.problem(code))
