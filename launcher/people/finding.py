"""What somebody looks for among the members: typed in one line, or by criteria; all of it stands in the address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.models import Collective
from directory.people.cards import Reader, may_be_named
from directory.people.index import Wanted
from directory.places import communes
from directory.types import Kind
from launcher.people import towns

FACES, LIST, MAP = "visages", "liste", "carte"
VIEWS = {FACES: gettext_lazy("Visages"), LIST: gettext_lazy("Liste"), MAP: gettext_lazy("Carte")}
DISTANCES = (5, 10, 20, 50, 100)
USUAL_KM = 20
# « relieuse à moins de 20 km de Lodève »
SPOKEN = re.compile(
    r"\s*(?:\bà|\ba|\bau)?\s*\b(?:moins de|within)\s+(\d{1,3})\s*km\s+(?:de\s+|d['’]\s*|of\s+)?(.+)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; ``commune`` and ``km`` together, or ``department``, or neither."""

    text: str = ""
    collective: Collective | None = None
    commune: communes.Commune | None = None
    km: int = USUAL_KM
    department: communes.Department | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.text, self.collective.pk if self.collective else None, self.places)

    @property
    def places(self) -> Mapping[str, float] | None:
        """Where to look, with how many km away each place is; a department is looked through as a whole."""
        if self.commune is not None:
            return communes.within(self.commune, self.km)
        if self.department is not None:
            return dict.fromkeys(communes.of_department(self.department.code), 0.0)
        return None

    def address(self, **other: object) -> str:
        """The same with another view, page or department; ``?`` and what follows."""
        said: dict[str, object] = {
            "q": self.text,
            "collectif": self.collective.slug if self.collective else "",
            "pres": self.commune.label if self.commune else "",
            "km": self.km if self.commune else "",
            "departement": self.department.code if self.department else "",
            **other,
        }
        return "?" + urlencode({name: value for name, value in said.items() if value not in ("", None)})


class FindForm(forms.Form):
    """The criteria, read from the address; a value that cannot be read is said and kept."""

    q = forms.CharField(
        label=gettext_lazy("Nom, métier, savoir-faire, lieu"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    collectif = forms.ChoiceField(label=gettext_lazy("Collectif"), required=False)
    pres = forms.CharField(
        label=gettext_lazy("Près de"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs=towns.SUGGESTED | {"placeholder": gettext_lazy("Commune ou code postal")}),
    )
    km = forms.TypedChoiceField(
        label=gettext_lazy("À moins de"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[(each, f"{each} km") for each in DISTANCES],
        initial=USUAL_KM,
    )
    departement = forms.CharField(required=False, max_length=3, widget=forms.HiddenInput)
    vue = forms.ChoiceField(required=False, choices=VIEWS.items(), widget=forms.HiddenInput)

    def __init__(self, *args: Any, who: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = Collective.objects.filter(present=True).exclude(kind=Kind.STATUS).order_by("order_key", "pk")
        self._collectives = {each.slug: each for each in offered if may_be_named(each, who)}
        collectif = self.fields["collectif"]
        assert isinstance(collectif, forms.ChoiceField)  # noqa: S101
        collectif.choices = [("", _("Tous")), *((slug, each.name) for slug, each in self._collectives.items())]
        collectif.error_messages["invalid_choice"] = _("Ce collectif n’existe pas, ou ne se cherche pas.")

    def clean_departement(self) -> communes.Department | None:
        """An unknown one is none: it comes from a link, not from a person."""
        return communes.departments().get(self.cleaned_data["departement"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        typed, near, km = given.get("q", "").replace("\x00", ""), given.get("pres", ""), given.get("km") or USUAL_KM
        if not near and (spoken := SPOKEN.search(typed)):
            typed, km, near = typed[: spoken.start()].strip(), max(1, min(int(spoken[1]), DISTANCES[-1])), spoken[2]
        commune = communes.meant(near) if near else None
        if near and commune is None:
            self.add_error("pres", _("Cette commune n’est pas connue. Écrivez son code postal ou son nom."))
        given["query"] = Query(
            text=typed,
            collective=self._collectives.get(given.get("collectif", "")),
            commune=commune,
            km=km,
            department=None if commune else given.get("departement"),
        )
        return given

    @property
    def query(self) -> Query:
        found: Query = self.cleaned_data["query"]
        return found

    @property
    def has_criteria(self) -> bool:
        """Whether anything besides the words is asked for, or cannot be read: it is seen then."""
        return any(self[name].value() or self[name].errors for name in ("collectif", "pres"))

    @property
    def view(self) -> str:
        return self.cleaned_data.get("vue") or FACES
