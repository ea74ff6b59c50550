"""Forms for arranging the page of tools."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from directory.models import Collective, Member
from directory.selectors import find_for_sign_in
from idp.protocol.redirects import why_not_registrable
from launcher.conditions.policy import is_plain_address
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


class LinkForm(forms.Form):
    """A tool that signs its members in itself: where it is, and who sees its tile."""

    name = forms.CharField(label=_("Nom"), max_length=60)
    launch_url = forms.CharField(
        label=_("Adresse"), max_length=500, help_text=_("Celle que les membres ouvrent, en https.")
    )
    everyone = forms.BooleanField(label=_("Tous les membres le voient"), required=False)
    collectives = forms.ModelMultipleChoiceField(
        Collective.objects.filter(present=True),
        label=_("Sinon, les membres de ces collectifs"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_launch_url(self) -> str:
        url = str(self.cleaned_data["launch_url"])
        if why_not_registrable(url) is not None:
            raise forms.ValidationError(_("Une adresse entière, en https, sans nom ni mot de passe."))
        return url

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("everyone"):
            given["collectives"] = Collective.objects.none()
        elif "collectives" in given and not given["collectives"]:
            self.add_error("everyone", _("Personne ne verrait ce lien : choisissez qui."))


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
        help_text=_("Ce que les membres taperont : « notes de frais », « congés »…"),
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


class ConditionForm(forms.Form):
    """Where to look whether the tool is there, and what to say of it until a day."""

    check_url = forms.CharField(
        label=_("Adresse à vérifier (facultatif)"),
        max_length=500,
        required=False,
        help_text=_("Trousseau la demande toutes les deux minutes, sans rien y envoyer. Une réponse suffit."),
    )
    said = forms.CharField(
        label=_("Annonce aux membres (facultatif)"),
        max_length=160,
        required=False,
        help_text=_("Par exemple : en travaux samedi matin."),
    )
    said_en = forms.CharField(label=_("Cette annonce en anglais (facultatif)"), max_length=160, required=False)
    said_until = DayField(label=_("Dernier jour de l’annonce"), required=False)

    def clean_check_url(self) -> str:
        url = str(self.cleaned_data["check_url"])
        if url and not is_plain_address(url):
            raise forms.ValidationError(_("Une adresse entière, en https, sans nom ni mot de passe."))
        return url

    def clean(self) -> None:
        day = self.cleaned_data.get("said_until")
        if not self.cleaned_data.get("said"):
            self.cleaned_data |= {"said_en": "", "said_until": None}
        elif "said_until" not in self.errors and (day is None or day < timezone.localdate()):
            self.add_error("said_until", _("Une annonce a une fin : choisissez un jour à venir."))
        elif day is not None:
            self.cleaned_data["said_until"] = timezone.make_aware(datetime.combine(day, time.max))


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
