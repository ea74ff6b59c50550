"""What an inspection asks about."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from audit.forms import PurposeForm, purpose_field
from audit.types import Purpose
from consent.evidence import selectors
from consent.evidence.types import Scope

PURPOSES = (Purpose.AUTHORITY_REQUEST, Purpose.INTERNAL_CONTROL)
YEAR = timedelta(days=365)


class NamingForm(PurposeForm):
    """Why a pack has names in it."""

    purpose = purpose_field(_("Pourquoi faut-il des noms dans ce dossier ?"), PURPOSES)


class EvidenceForm(forms.Form):
    records = forms.MultipleChoiceField(
        label=_("Traitements"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Ne donnez que ce qui est demandé. Aucun coché : tous."),
    )
    since = DayField(label=_("Du"))
    until = DayField(label=_("Au"))
    named = forms.BooleanField(label=_("Avec les noms des personnes"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        today = timezone.localdate()
        kwargs["initial"] = {"since": today - YEAR, "until": today}
        super().__init__(*args, **kwargs)
        field: Any = self.fields["records"]
        field.choices = selectors.choices(today)

    def clean(self) -> None:
        said = self.cleaned_data
        since, until = said.get("since"), said.get("until")
        if since and until and until < since:
            self.add_error("until", _("La fin vient avant le début."))
        if until and until > timezone.localdate():
            self.add_error("until", _("Ce jour n’est pas encore venu."))

    def scope(self) -> Scope:
        said = self.cleaned_data
        return Scope(tuple(sorted(said["records"])), said["since"], said["until"])
