"""What the reader of the journal may ask for."""

from collections import defaultdict
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audit import selectors
from audit.types import Action, Cursor, EventFilter

GROUPS = {
    "idp": _("Connexions et outils"),
    "consent": _("Accords et transmissions"),
    "directory": _("Annuaire et rôles"),
    "launcher": _("Page des outils"),
    "audit": _("Journal"),
}


def action_choices() -> list[tuple[Any, Any]]:
    groups = defaultdict(list)
    for action in Action:
        groups[action.value.split(":")[0]].append((action.value, action.label))
    return [("", _("Toutes"))] + [(GROUPS.get(app, app), choices) for app, choices in groups.items()]


class JournalForm(forms.Form):
    """The criteria, read from the address; a value that cannot be read is said and kept."""

    member = forms.CharField(
        label=_("Membre"), required=False, max_length=100, help_text=_("Nom, identifiant de connexion ou interne")
    )
    tool = forms.ChoiceField(label=_("Outil"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False, choices=action_choices)
    since = forms.DateField(label=_("Du"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("Au"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    refused = forms.BooleanField(label=_("Refus seulement"), required=False)
    before = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tool = self.fields["tool"]
        assert isinstance(tool, forms.ChoiceField)  # noqa: S101
        tool.choices = [("", _("Tous")), *selectors.tool_choices()]
        tool.error_messages["invalid_choice"] = _("Aucun outil « %(value)s ».")
        self.fields["action"].error_messages["invalid_choice"] = _("Aucune action « %(value)s ».")
        for name in ("since", "until"):
            self.fields[name].error_messages["invalid"] = _("Cette date n’existe pas. Exemple : 2026-03-12.")

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("La fin vient avant le début."))
        for name in {"since", "until"} & self.errors.keys():
            # A date input shows nothing for what it cannot read, and the reader would lose what they typed.
            self.fields[name].widget = forms.TextInput()
        return values

    @property
    def wanted(self) -> EventFilter:
        values = self.cleaned_data
        return EventFilter(
            member=values["member"],
            tool=values["tool"],
            action=values["action"],
            since=values["since"],
            until=values["until"],
            refused=values["refused"],
        )

    @property
    def cursor(self) -> Cursor:
        return Cursor(before=self.cleaned_data["before"], after=self.cleaned_data["after"])
