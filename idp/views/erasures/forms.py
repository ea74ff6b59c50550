"""What is asked of those who ask for an erasure, and of the holder who answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.forms import PurposeForm, purpose_field
from audit.keeping.forms import NamingForm
from audit.types import Purpose
from consent.erasures.types import Ground, Refusal
from idp.models import Tool

PURPOSES = (
    Purpose.MEMBER_REQUEST,
    Purpose.ARRIVAL_OR_DEPARTURE,
    Purpose.INTERNAL_CONTROL,
    Purpose.AUTHORITY_REQUEST,
)


class WhyForm(PurposeForm):
    purpose = purpose_field(_("Pourquoi ouvrez-vous cet effacement ?"), PURPOSES)


class AskForm(NamingForm):
    """Whom, where, and on which ground of article 17."""

    member = forms.CharField(label=_("Membre"), max_length=100, help_text=_("Nom, identifiant de connexion ou interne"))
    tool = forms.ModelChoiceField(
        Tool.objects.none(),
        label=_("Où effacer"),
        required=False,
        empty_label=_("Partout : le compte entier"),
    )
    ground = forms.ChoiceField(label=_("Pourquoi"), choices=Ground.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["tool"]
        choice.queryset = Tool.objects.order_by("name")
        choice.label_from_instance = lambda tool: gettext("Chez %(tool)s seulement") % {"tool": tool.name}

    def clean_member(self) -> Any:
        return self.only(self.cleaned_data["member"])


class AnswerForm(forms.Form):
    """What a holder says; why not is asked of whoever does not erase."""

    answer = forms.ChoiceField(
        label=_("Votre réponse"),
        choices=[
            ("erased", _("Oui, ces données sont effacées")),
            ("refused", _("Non, elles ne peuvent pas être effacées")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez l’une des deux réponses.")},
    )
    refusal = forms.ChoiceField(label=_("Si non, pourquoi"), required=False, choices=[("", "–"), *Refusal.choices])
    note = forms.CharField(
        label=_("Précision (facultatif)"),
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("La personne concernée peut la lire : elle figure dans la lettre de clôture."),
    )

    def clean(self) -> None:
        values = self.cleaned_data
        if values.get("answer") == "refused" and not values.get("refusal"):
            self.add_error("refusal", _("Dites pourquoi : la personne a le droit de le savoir."))

    @property
    def said(self) -> dict[str, Any]:
        values = self.cleaned_data
        confirmed = values["answer"] == "erased"
        return {
            "confirmed": confirmed,
            "refusal": "" if confirmed else values["refusal"],
            "note": values["note"],
        }
