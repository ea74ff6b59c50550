"""What the officer writes about a breach, one form for each kind of step."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import MomentField
from audit.forms import PurposeForm, purpose_field
from audit.types import Purpose
from consent.incidents import policy, selectors, words
from consent.incidents.types import (
    Closing,
    Content,
    Decision,
    Facts,
    Form,
    IncidentInvalid,
    Letter,
    Nature,
    Notice,
    Phase,
    Risk,
    Standing,
    Telling,
)

PURPOSES = (Purpose.SECURITY_INCIDENT, Purpose.AUTHORITY_REQUEST, Purpose.INTERNAL_CONTROL)
CHARACTERS_A_LINE = 90


def _text(label: Any, *, rows: int = 3, required: bool = False, most: int = policy.MOST_CHARACTERS, **more: Any) -> Any:
    widget = forms.Textarea({"rows": rows})
    return forms.CharField(label=label, required=required, max_length=most, widget=widget, **more)


class ListingForm(PurposeForm):
    """Why those concerned are looked at by their names."""

    purpose = purpose_field(_("Pourquoi vous faut-il ces noms ?"), PURPOSES)


class StepForm(forms.Form):
    """``version``: the step that was shown; ``content`` is what is written."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def content(self) -> Content:
        raise NotImplementedError

    def said(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}

    def tell(self, error: IncidentInvalid) -> None:
        """Each problem beside the field it is about."""
        for place, code in error.problems.items():
            self.add_error(place if place in self.fields else None, words.problem(code))


class FactsForm(StepForm):
    title = forms.CharField(
        label=_("Titre"), max_length=200, help_text=_("Quelques mots, sans nom. Exemple : ordinateur volé à Sète.")
    )
    natures = forms.MultipleChoiceField(
        label=_("Ce qui est touché"), choices=Nature.choices, widget=forms.CheckboxSelectMultiple
    )
    aware = MomentField(
        label=_("La coopérative en a eu connaissance le"),
        help_text=_("Le délai court à partir d’ici : quand quelqu’un sait, avec une certitude raisonnable."),
    )
    began = MomentField(label=_("La violation a commencé le"), required=False, help_text=_("Si vous le savez."))
    ended = MomentField(
        label=_("Elle a pris fin le"), required=False, help_text=_("Vide, si elle dure ou si vous ne le savez pas.")
    )
    noticed = MomentField(label=_("Quelqu’un l’a remarquée le"), required=False)
    happened = _text(_("Ce qui s’est passé"), rows=4)
    people = forms.IntegerField(
        label=_("Personnes concernées, à peu près"),
        required=False,
        min_value=0,
        help_text=_("Pour ce que Trousseau ne peut pas compter. Sinon, laissez vide."),
    )
    entries = forms.IntegerField(label=_("Enregistrements concernés, à peu près"), required=False, min_value=0)
    consequences = _text(_("Conséquences probables pour ces personnes"))
    measures = _text(_("Mesures prises ou prévues"))

    def content(self) -> Facts:
        said = self.said()
        return Facts(**said | {"natures": tuple(Nature(each) for each in said["natures"]), "hours": 0})


class CountForm(StepForm):
    tool = forms.TypedChoiceField(label=_("Outil"), coerce=int)
    since = MomentField(label=_("Depuis"))
    until = MomentField(label=_("Jusqu’au"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["tool"]
        field.choices = [("", "–"), *selectors.tools()]

    def clean_until(self) -> datetime:
        """The whole of that minute: what left within it is concerned."""
        until: datetime = self.cleaned_data["until"]
        return until.replace(second=59, microsecond=999_999)


class DecisionForm(StepForm):
    risk = forms.ChoiceField(
        label=_("Risque pour les personnes"),
        choices=Risk.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez un niveau de risque.")},
    )
    reason = _text(
        _("Pourquoi"),
        required=True,
        help_text=_("Sorte de données, nombre, qui les a vues, ce qui peut arriver, ce qui protège déjà."),
    )

    def content(self) -> Decision:
        return Decision(Risk(self.cleaned_data["risk"]), self.cleaned_data["reason"])


class NoticeForm(StepForm):
    phase = forms.ChoiceField(label=_("C’est"), choices=Phase.choices)
    at = MomentField(label=_("Envoyée à la CNIL le"))
    number = forms.CharField(label=_("Numéro de l’accusé de réception"), required=False, max_length=60)
    late = _text(_("Motif du retard"), help_text=_("Seulement si le délai est dépassé."))

    def content(self) -> Notice:
        said = self.said()
        return Notice(**said | {"phase": Phase(said["phase"])})


class TellingForm(StepForm):
    at = MomentField(label=_("Averties le"))
    how = forms.CharField(label=_("Comment"), max_length=200, help_text=_("Exemple : par courriel, lettre version 2."))
    people = forms.IntegerField(label=_("Combien de personnes"), min_value=0)

    def content(self) -> Telling:
        return Telling(**self.said())


class DraftForm(StepForm):
    """The notice, heading by heading."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in words.HEADINGS.items():
            text = str(self.initial.get(name) or "")
            self.fields[name] = _text(label, rows=2 + text.count("\n") + len(text) // CHARACTERS_A_LINE)

    def content(self) -> Form:
        return Form(**self.said())


class LetterForm(StepForm):
    fr = _text(_("En français"), rows=18, required=True, most=policy.MOST_LETTER)
    en = _text(_("En anglais"), rows=18, required=True, most=policy.MOST_LETTER)

    def content(self) -> Letter:
        return Letter(**self.said())


class ClosingForm(StepForm):
    reason = _text(_("Pour finir"), help_text=_("Nécessaire si le risque est élevé et que personne n’a été averti."))

    def content(self) -> Closing:
        return Closing(**self.said())


def first_facts(standing: Standing | None) -> dict[str, Any]:
    """What the form of the facts starts with."""
    if standing is None:
        return {"aware": timezone.localtime().replace(second=0, microsecond=0)}
    facts = standing.facts
    return {name: getattr(facts, name) for name in FactsForm.base_fields if name not in ("version", "natures")} | {
        "natures": [each.value for each in facts.natures]
    }
