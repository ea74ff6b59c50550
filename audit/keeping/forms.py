"""What the data protection officer may say about what is kept."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit import selectors, words
from audit.days import DayField
from audit.keeping.data import MAX_DAYS, Category, holdable
from audit.keeping.rules import MAX_MONTHS, Period, Rules
from audit.kinds import Retention
from audit.parts import Role


def _why(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=300, help_text=_("Sans nom de personne : cette phrase reste."))


class RuleForm(forms.Form):
    """The periods of one class, as months; none is as long as the log."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, rules: Rules, retention: Retention, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = rules.version
        for role in Role:
            period = rules.of(retention, role)
            self.fields[f"months_{role}"] = forms.IntegerField(
                label=_("%(part)s, en mois") % {"part": str(words.ROLES[role]).capitalize()},
                min_value=0,
                max_value=MAX_MONTHS,
                initial=period.months,
            )
            if role in (Role.SUBJECT, Role.ACTOR):
                self.fields[f"after_end_{role}"] = forms.BooleanField(
                    label=_("Compter à partir du départ de la personne"), required=False, initial=period.after_end
                )
            if role is not Role.NETWORK:
                self.fields[f"outlives_{role}"] = forms.BooleanField(
                    label=_("Garder quand la personne est effacée (RGPD, article 17, 3)"),
                    required=False,
                    initial=period.outlives,
                )
        self.fields["why"] = _why(_("Pourquoi ce changement"))

    @property
    def periods(self) -> dict[Role, Period]:
        values = self.cleaned_data
        return {
            role: Period(
                values[f"months_{role}"],
                bool(values.get(f"after_end_{role}")),
                bool(values.get(f"outlives_{role}")),
            )
            for role in Role
        }


class DaysForm(forms.Form):
    """For how many days one category of what the hub holds is kept."""

    shown = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, category: Category, days: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shown"].initial = days
        self.fields["days"] = forms.IntegerField(
            label=_("Durée, en jours"),
            initial=days,
            min_value=category.least,
            max_value=MAX_DAYS,
            help_text=_("À partir de : %(trigger)s. Au moins %(least)s.")
            % {"trigger": category.trigger, "least": category.least},
        )
        self.fields["why"] = _why(_("Pourquoi ce changement"))


class NamingForm(forms.Form):
    """Somebody is looked for by what is typed."""

    # How many matched; nothing where nobody was looked for.
    results: int | None = None

    def only(self, text: str) -> Any:
        """The identifier of the only one who matches."""
        found = selectors.matching_members(text)
        self.results = len(found)
        if len(found) != 1:
            raise forms.ValidationError(
                _("Personne ne correspond.") if not found else _("Plusieurs personnes correspondent : précisez.")
            )
        return next(iter(found))


class PersonForm(NamingForm):
    """One person, by name, login or identifier."""

    member = forms.CharField(label=_("Membre"), max_length=100, help_text=_("Nom, identifiant de connexion ou interne"))

    def clean_member(self) -> Any:
        return self.only(self.cleaned_data["member"])


class HoldForm(NamingForm):
    """About a person or about a class."""

    member = forms.CharField(
        label=_("Une personne"),
        max_length=100,
        required=False,
        help_text=_("Nom, identifiant de connexion ou interne"),
    )
    retention = forms.ChoiceField(
        label=_("Ou toute une catégorie"), required=False, choices=lambda: [("", "–"), *Retention.choices, *holdable()]
    )
    until = DayField(label=_("Jusqu’au (facultatif)"), required=False)
    why = _why(_("Pourquoi"))

    def clean_member(self) -> Any:
        text = self.cleaned_data["member"]
        return self.only(text) if text else None


class LiftForm(forms.Form):
    why = _why(_("Pourquoi ne plus garder"))


class SureForm(forms.Form):
    """What cannot be taken back is asked twice."""

    sure = forms.BooleanField(label=_("J’ai compris que cela ne se défait pas"))


class DateForm(forms.Form):
    sure = forms.BooleanField(label=_("Cette date est la bonne"))
