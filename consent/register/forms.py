"""What the officer writes in the register: one form for a record, a form for each row, rows added by a button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from consent.register import policy, words
from consent.register.types import (
    Assessment,
    Content,
    Data,
    Kind,
    Parties,
    Party,
    People,
    Purpose,
    Recipient,
    RegisterInvalid,
    Rubric,
    Transfer,
)
from consent.types import Ending, LegalBasis, RecipientRole, Safeguard

# What a sheet says is shown beside the form and is no field of it.
FED_FIELDS = ("name", "software", "notice")
# What the form says about the change, not about the processing.
UNWRITTEN = ("version", "reopens", "note")


def _day(label: Any) -> DayField:
    return DayField(label=label, required=False)


def _line(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=300, **more)


def _text(label: Any, **more: Any) -> forms.CharField:
    widget = forms.Textarea({"rows": 3})
    return forms.CharField(label=label, required=False, max_length=policy.MOST_CHARACTERS, widget=widget, **more)


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *choices])


class PurposeForm(forms.Form):
    text = _text(_("Finalité"))
    basis = _choice(_("Base légale"), LegalBasis.choices)
    balancing = _text(_("Mise en balance (intérêt légitime)"))
    balanced_on = _day(_("Mise en balance faite le"))

    def clean(self) -> None:
        # A basis may be missing in what was imported; whoever writes it down here says it.
        values = self.cleaned_data
        if values.get("text") and not values.get("basis"):
            self.add_error("basis", words.problem("missing"))
        if values.get("basis") == LegalBasis.LEGITIMATE_INTEREST and not values.get("balancing"):
            self.add_error("balancing", words.problem("missing"))


class BalancingForm(forms.Form):
    """What the officer says of a purpose that a sheet has."""

    balancing = _text(_("Mise en balance (intérêt légitime)"))
    balanced_on = _day(_("Mise en balance faite le"))


class DataForm(forms.Form):
    rubric = _choice(_("Catégorie"), Rubric.choices)
    description = _text(_("Description"))
    period = _line(_("Durée"), help_text=_("Par exemple : 5 ans"))
    start = _line(_("À partir de"), help_text=_("Par exemple : la fin du contrat"))
    ending = _choice(_("Ensuite"), Ending.choices)
    ground = _line(_("Données sensibles : ce qui les autorise (article 9 ou 10)"))

    def clean(self) -> None:
        if self.cleaned_data.get("rubric") == "":
            self.add_error("rubric", words.problem("missing"))


class PeopleForm(forms.Form):
    category = _line(_("Personnes concernées"))
    precision = _text(_("Précisions"))


class RecipientForm(forms.Form):
    name = _line(_("Destinataire"))
    role = _choice(_("Rôle"), RecipientRole.choices)
    contact = _line(_("Contact"))
    contract = _line(_("Contrat (référence)"))
    contract_end = _day(_("Fin du contrat"))
    country = _line(_("Pays"))


class TransferForm(forms.Form):
    organisation = _line(_("Organisme destinataire"))
    country = _line(_("Pays"))
    safeguard = _choice(_("Garantie"), [each for each in Safeguard.choices if each[0] != Safeguard.EEA])
    link = _line(_("Lien vers le document"))


ROW_TYPES: dict[str, tuple[type[forms.Form], type[Any]]] = {
    "purposes": (PurposeForm, Purpose),
    "data": (DataForm, Data),
    "people": (PeopleForm, People),
    "recipients": (RecipientForm, Recipient),
    "transfers": (TransferForm, Transfer),
}
TITLES = {
    "purposes": (_("Finalités"), _("Ajouter une finalité")),
    "data": (_("Données et durées"), _("Ajouter des données")),
    "people": (_("Personnes concernées"), _("Ajouter des personnes")),
    "recipients": (_("Destinataires"), _("Ajouter un destinataire")),
    "transfers": (_("Transferts hors de l’Espace économique européen"), _("Ajouter un transfert")),
}
FORMSETS = {
    name: formset_factory(form, extra=0, can_delete=True, max_num=policy.MOST_ROWS, absolute_max=policy.MOST_ROWS)
    for name, (form, _row) in ROW_TYPES.items()
}


class RecordForm(forms.Form):
    """What is said once in a record."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reopens = forms.BooleanField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label=_("La coopérative est"), choices=[each for each in Kind.choices if each[0] != Kind.PARTIES]
    )
    name = forms.CharField(label=_("Nom du traitement"), max_length=200)
    created = DayField(label=_("Traitement commencé le"))
    software = _line(_("Logiciel utilisé"))
    clients = _text(
        _("Responsables de traitement servis"), help_text=_("Si la coopérative est sous-traitante : noms et contacts.")
    )
    technical = _text(_("Mesures de sécurité techniques"))
    organisational = _text(_("Mesures de sécurité organisationnelles"))
    source = _text(_("Origine des données"))
    assessment = _choice(_("Analyse d’impact"), Assessment.choices)
    assessment_note = _text(_("Analyse d’impact : précisions"))
    reviewed = _day(_("Dernier examen de la fiche"))
    notice = _line(_("Information des personnes (version)"))
    note = forms.CharField(label=_("Pourquoi ce changement"), max_length=300, required=False)


class RecordForms:
    """The form of a record with its rows; ``shown`` is what stands, ``fed`` whether a sheet has its say in it.

    ``closed`` tells that what is shown has ended: saving it opens it again.
    """

    def __init__(
        self, data: Mapping[str, Any] | None, *, shown: Content | None, version: int, fed: bool, closed: bool = False
    ) -> None:
        self.shown, self.fed = shown, fed
        adding = data.get("add", "") if data else ""
        self.is_adding = adding in ROW_TYPES
        sent = None if self.is_adding else data
        first: dict[str, Any] = {
            "version": version,
            "reopens": closed,
            "created": timezone.localdate(),
            "kind": Kind.CONTROLLER,
        }
        if shown is not None:
            first |= policy.as_plain(shown)
        if self.is_adding and data is not None:
            first = {name: data.get(name, "") for name in RecordForm.base_fields}
        self.form = RecordForm(sent, initial=first)
        for name in (*(FED_FIELDS if fed else ()), *(("kind",) if shown is not None else ())):
            del self.form.fields[name]
        self.rows = {name: self._rows(name, data, adding) for name in ROW_TYPES if not (fed and name == "purposes")}
        self.balancing = [
            (row, BalancingForm(sent, prefix=f"balancing-{number}", initial=policy.as_plain(row)))
            for number, row in enumerate(shown.purposes if fed and shown else ())
        ]
        if self.is_adding and data is not None:
            for number, (_row, form) in enumerate(self.balancing):
                form.initial = {name: data.get(f"balancing-{number}-{name}", "") for name in form.fields}

    def _rows(self, name: str, data: Mapping[str, Any] | None, adding: str) -> BaseFormSet[Any]:
        kind = FORMSETS[name]
        how: Any = {"prefix": name, "form_kwargs": {"empty_permitted": True, "use_required_attribute": False}}
        if data is not None:
            sent = kind(data, **how)
            if not self.is_adding:
                return sent
            typed = [{field: form[field].value() for field in form.fields} for form in sent.forms]
            return kind(initial=[*typed, {}] if adding == name else typed, **how)
        rows = [policy.as_plain(row) for row in getattr(self.shown, name, ()) if not getattr(row, "fed", False)]
        # A new record begins with a row of each that must be there.
        return kind(initial=rows or ([{}] if self.shown is None else []), **how)

    def groups(self) -> list[tuple[str, Any, Any, BaseFormSet[Any]]]:
        return [(name, *TITLES[name], formset) for name, formset in self.rows.items()]

    def fed_rows(self) -> list[tuple[Any, list[str]]]:
        """What the sheet says of each group, in words."""
        found = []
        for name in ROW_TYPES:
            rows = [policy.line(row) for row in getattr(self.shown, name, ()) if getattr(row, "fed", False)]
            if rows and name != "purposes":
                found.append((TITLES[name][0], rows))
        return found

    def is_valid(self) -> bool:
        """Every part is asked, so that everything wrong is told at once."""
        parts: list[Any] = [self.form, *self.rows.values(), *(form for _row, form in self.balancing)]
        answers = [each.is_valid() for each in parts]
        return all(answers)

    def content(self) -> Content:
        """What was written; of what the sheet says, what stands."""
        values = {name: value for name, value in self.form.cleaned_data.items() if name not in UNWRITTEN}
        values.pop("kind", None)
        if self.fed and self.shown is not None:
            values |= {name: getattr(self.shown, name) for name in FED_FIELDS}
        for name in self.rows:
            values[name] = [form.cleaned_data for form in self._written(name)]
            for row in values[name]:
                row.pop("DELETE", None)
        if self.fed:
            values["purposes"] = [policy.as_plain(row) | form.cleaned_data for row, form in self.balancing]
        return policy.content_of(values)

    def _written(self, name: str) -> list[forms.Form]:
        return [form for form in self.rows[name].forms if form.has_changed() and not form.cleaned_data.get("DELETE")]

    def tell(self, error: RegisterInvalid) -> None:
        """Each problem beside the field it is about."""
        for place, code in error.problems.items():
            group, _, rest = place.partition(".")
            number, _, field = rest.partition(".")
            fed = [row for row in getattr(self.shown, group, ()) if getattr(row, "fed", False)] if self.fed else []
            if group == "purposes" and self.fed:
                self.balancing[int(number)][1].add_error(field, words.problem(code))
            elif group in self.rows and number and int(number) - len(fed) < len(self._written(group)):
                self._written(group)[int(number) - len(fed)].add_error(field, words.problem(code))
            elif group in self.form.fields:
                self.form.add_error(group, words.problem(code))
            else:
                self.form.add_error(None, f"{words.field(group)} : {words.problem(code)}")


class CloseForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    note = forms.CharField(label=_("Pourquoi ce traitement est terminé"), max_length=300)
    sure = forms.BooleanField(label=_("Le traitement est bien terminé"))


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Fichier ODS"),
        help_text=_("Le modèle de registre de la CNIL, ou un export de cette page. 2 Mo au plus."),
        widget=forms.FileInput({"accept": ".ods,application/vnd.oasis.opendocument.spreadsheet"}),
    )


class DayForm(forms.Form):
    on = _day(_("Le registre au"))

    def clean_on(self) -> date | None:
        day: date | None = self.cleaned_data["on"]
        if day is not None and not date(2018, 1, 1) <= day <= date(2200, 1, 1):
            raise forms.ValidationError(_("Cette date est hors du registre."))
        if day is not None and day > timezone.localdate():
            raise forms.ValidationError(_("Ce jour n’est pas encore venu."))
        return day


PARTY_NAMES = tuple(each.name for each in fields(Parties))
PARTY_FIELDS: dict[str, Any] = {
    "name": _("Nom"),
    "address": _("Adresse"),
    "postcode": _("Code postal"),
    "town": _("Commune"),
    "country": _("Pays"),
    "phone": _("Téléphone"),
    "mail": _("Adresse e-mail"),
}


class PartiesForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, shown: Parties, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shown = shown
        for party in PARTY_NAMES:
            for name, label in PARTY_FIELDS.items():
                field = _line(label, initial=getattr(getattr(shown, party), name))
                field.required = (party, name) == ("controller", "name")
                self.fields[f"{party}_{name}"] = field
        self.fields["note"] = _line(_("Pourquoi ce changement"))

    def groups(self) -> list[tuple[words.Text, list[forms.BoundField]]]:
        return [(words.field(party), [self[f"{party}_{name}"] for name in PARTY_FIELDS]) for party in PARTY_NAMES]

    def parties(self) -> Parties:
        values = self.cleaned_data
        return Parties(
            **{party: Party(**{name: values[f"{party}_{name}"] for name in PARTY_FIELDS}) for party in PARTY_NAMES}
        )
