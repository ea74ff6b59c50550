"""What the officer answers about one processing."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from consent.screening import policy, words
from consent.screening.types import Criterion, Outcome, Screening, ScreeningInvalid


def _text(label: Any, *, required: bool = False, **more: Any) -> forms.CharField:
    widget = forms.Textarea({"rows": 3})
    return forms.CharField(label=label, required=required, max_length=policy.MOST_CHARACTERS, widget=widget, **more)


class ScreeningForm(forms.Form):
    """``version``: the one that was shown."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    criteria = forms.MultipleChoiceField(
        label=_("Ce traitement consiste-t-il à…"),
        choices=Criterion.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    outcome = forms.ChoiceField(
        label=_("Conclusion"),
        choices=Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez une conclusion.")},
    )
    advice = _text(_("Avis de la personne déléguée à la protection des données"), required=True)
    reason = _text(_("Pourquoi pas d’analyse, si les critères en demandent une"))
    document = _text(_("Où se trouve l’analyse"), help_text=_("Si elle est faite : titre, date, classement."))
    on = DayField(label=_("Examen fait le"))

    def screening(self) -> Screening:
        said = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        chosen = tuple(each for each in Criterion if each.value in said["criteria"])
        return Screening(**said | {"criteria": chosen, "outcome": Outcome(said["outcome"])})

    def tell(self, error: ScreeningInvalid) -> None:
        """Each problem beside the field it is about."""
        for place, code in error.problems.items():
            self.add_error(place, words.problem(code))


def first(standing: Screening | None, seen: tuple[Criterion, ...]) -> dict[str, Any]:
    """What the form starts with: the last answers; before any, what the register says already."""
    today = timezone.localdate()
    if standing is None:
        return {"criteria": [each.value for each in seen], "on": today}
    return {
        "criteria": [each.value for each in standing.criteria],
        "outcome": standing.outcome.value,
        "advice": standing.advice,
        "reason": standing.reason,
        "document": standing.document,
        "on": today,
    }
