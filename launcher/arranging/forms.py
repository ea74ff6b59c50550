"""Forms for arranging the page of tools."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from directory.models import Collective, Member
from directory.selectors import find_for_sign_in
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


class RuleForm(forms.Form):
    """Whether members may ask for a tool, and who answers."""

    requestable = forms.BooleanField(
        label=_("Les autres membres le voient sous « À demander »"),
        required=False,
        help_text=_("Ils lisent son nom et sa ligne, et peuvent écrire pourquoi ils en ont besoin."),
    )
    owners = forms.CharField(
        label=_("Qui répond"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Un identifiant ou un e-mail par ligne. Sans personne ici, la structure répond."),
    )

    def clean_owners(self) -> list[Member]:
        wanted = self.cleaned_data["owners"].split()
        found = {login: find_for_sign_in(login) for login in wanted}
        unknown = [login for login, member in found.items() if member is None]
        if unknown:
            raise forms.ValidationError(_("Aucun membre actif ne s’appelle ainsi : %s") % ", ".join(unknown))
        return [member for member in found.values() if member is not None]
