"""What those who lead a collective type about it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collectives import labels
from collectives.cloud import dav
from collectives.models import LONGEST_JOINING, LONGEST_PRESENTATION, CollectivePage
from collectives.services import Described
from directory.people import links

MOST_LINKS = 12


class PageForm(forms.Form):
    """The page of one collective."""

    presentation = forms.CharField(
        label=gettext_lazy("Présentation du collectif"),
        required=False,
        max_length=LONGEST_PRESENTATION,
        help_text=gettext_lazy(
            "Ce que vous faites ensemble. **gras**, *italique*, une liste avec des tirets, [un lien](https://…)."
        ),
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    joining = forms.CharField(
        label=gettext_lazy("Comment rejoindre"),
        required=False,
        max_length=LONGEST_JOINING,
        help_text=gettext_lazy("Quand vous vous retrouvez, à qui parler, ce qui est demandé."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    links = forms.CharField(
        label=gettext_lazy("Liens et dossiers"),
        required=False,
        max_length=MOST_LINKS * (links.LONGEST + labels.LONGEST_NAME + 5),
        help_text=gettext_lazy("Un par ligne, douze au plus. Exemple : Dossier partagé | https://nuage.exemple/f/12"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, page: CollectivePage | None, data: Any = None, *, places: bool = False) -> None:
        """``places``: with those in the cloud, for whoever may say them."""
        said = page or CollectivePage()
        initial = {"presentation": said.presentation, "joining": said.joining, "links": "\n".join(said.links)}
        super().__init__(data, initial=initial)
        if places:
            self.fields["folder"] = forms.CharField(
                label=_("Dossier dans le nuage"),
                required=False,
                max_length=dav.LONGEST_PLACE,
                initial=said.folder,
                help_text=_("Ses membres en voient les noms de fichiers. Partagez-le avec le compte de Trousseau."),
            )
            self.fields["calendar"] = forms.CharField(
                label=_("Agenda dans le nuage"),
                required=False,
                max_length=dav.LONGEST_PLACE,
                initial=said.calendar,
                help_text=_("Son nom court, à la fin de son adresse. Exemple : reliure_shared_by_claire"),
            )

    def clean_presentation(self) -> str:
        return _plain(self.cleaned_data["presentation"])

    def clean_joining(self) -> str:
        return _plain(self.cleaned_data["joining"])

    def clean_links(self) -> tuple[str, ...]:
        typed = [each for each in self.cleaned_data["links"].split("\n") if each.strip()]
        if len(typed) > MOST_LINKS:
            raise forms.ValidationError(_("Douze liens au plus."))
        found = [(each, labels.kept(each)) for each in typed]
        if wrong := [each.strip() for each, line in found if not line]:
            raise forms.ValidationError(_("Ce lien ne s’ouvre pas : %(wrong)s") % {"wrong": wrong[0]})
        return tuple(dict.fromkeys(line for _typed, line in found))

    def clean_folder(self) -> str:
        found = dav.folder_of(self.cleaned_data["folder"])
        if found is None:
            raise forms.ValidationError(_("Ce n’est pas un dossier. Exemple : Collectifs/Reliure"))
        return found

    def clean_calendar(self) -> str:
        found = dav.calendar_of(self.cleaned_data["calendar"])
        if found is None:
            raise forms.ValidationError(_("Ce n’est pas le nom court d’un agenda."))
        return found

    @property
    def page(self) -> Described:
        given = self.cleaned_data
        return Described(
            given["presentation"], given["joining"], given["links"], given.get("folder"), given.get("calendar")
        )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "").strip()
