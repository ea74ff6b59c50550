"""Forms for arranging the page of tools."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from directory.models import Collective
from launcher.types import Icon


class SectionForm(forms.Form):
    """What a section is called, and who sees it."""

    name = forms.CharField(label=_("Nom"), max_length=60)
    name_en = forms.CharField(label=_("Nom en anglais (facultatif)"), max_length=60, required=False)
    icon = forms.ChoiceField(label=_("Dessin"), choices=Icon.choices)
    collective = forms.ModelChoiceField(
        Collective.objects.filter(present=True),
        label=_("Visible pour"),
        empty_label=_("tout le monde"),
        required=False,
        help_text=_(
            "Les outils restent ouverts aux mêmes personnes. Les autres membres les voient à la fin de la page."
        ),
    )


class ShownForm(forms.Form):
    """What members see of a tool."""

    section = forms.ChoiceField(label=_("Rubrique"))
    tagline = forms.CharField(
        label=_("Une ligne sur l’outil"), max_length=120, required=False, help_text=_("Huit mots suffisent.")
    )
    tagline_en = forms.CharField(label=_("Cette ligne en anglais (facultatif)"), max_length=120, required=False)
    keywords = forms.CharField(
        label=_("Autres mots pour le trouver"),
        max_length=300,
        required=False,
        help_text=_("Ce que les membres taperont : « notes de frais », « congés »…"),
    )
    monogram = forms.CharField(
        label=_("Lettres sans logo (facultatif)"),
        max_length=3,
        required=False,
        help_text=_("Trois au plus. Sans elles, ce sont celles du nom."),
    )

    def __init__(self, *args: Any, sections: Sequence[tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        cast(forms.ChoiceField, self.fields["section"]).choices = sections
