"""What a member types about themselves, and to whom they open each of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.models import Member, Profile
from directory.people import links
from directory.places import communes
from directory.services.showing import Page
from directory.types import Audience, Shown
from launcher.people import towns

AUDIENCE = "audience_"
MOST_SKILLS, LONGEST_SKILL, MOST_LINKS, LONGEST_TEXT = 12, 40, 5, 1_500
COMMUNE, DEPARTMENT, NOWHERE = "commune", "department", ""
# What is written here, and what the directory says already; in the order of the page.
WRITTEN = (Shown.SKILLS, Shown.PRESENTATION, Shown.LINKS)
HELD = (Shown.PHOTO, Shown.TRADE, Shown.BUSINESS, Shown.EMAIL, Shown.MOBILE, Shown.PHONE)


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing to show: its own field where it is written here, what the directory says of it, and its audience."""

    label: str
    audience: forms.BoundField
    field: forms.BoundField | None = None
    value: str = ""


class PageForm(forms.Form):
    """« Ma fiche »."""

    listed = forms.BooleanField(label=gettext_lazy("Figurer dans la liste des membres"), required=False)
    skills = forms.CharField(
        label=Shown.SKILLS.label,
        required=False,
        max_length=MOST_SKILLS * (LONGEST_SKILL + 2),
        help_text=gettext_lazy("Un par ligne, ou séparés par des virgules. Exemple : reliure, vannerie."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    presentation = forms.CharField(
        label=Shown.PRESENTATION.label,
        required=False,
        max_length=LONGEST_TEXT,
        help_text=gettext_lazy(
            "Quelques phrases. **gras**, *italique*, une liste avec des tirets, [un lien](https://…)."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    links = forms.CharField(
        label=Shown.LINKS.label,
        required=False,
        max_length=MOST_LINKS * (links.LONGEST + 2),
        help_text=gettext_lazy("Une adresse par ligne, cinq au plus."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    town = forms.CharField(
        label=gettext_lazy("Votre commune"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Nom ou code postal. Exemple : 34700 Lodève."),
        widget=forms.TextInput(attrs=towns.SUGGESTED),
    )
    level = forms.ChoiceField(
        label=gettext_lazy("Sur la carte, me situer"),
        required=False,
        choices=[
            (NOWHERE, gettext_lazy("Nulle part")),
            (DEPARTMENT, gettext_lazy("Dans mon département")),
            (COMMUNE, gettext_lazy("Dans ma commune")),
        ],
    )

    def __init__(self, member: Member, profile: Profile | None, data: Any = None) -> None:
        self.member = member
        audiences = profile.audiences if profile else {}
        opened = {AUDIENCE + item.value: audiences.get(item.value, "") for item in Shown}
        super().__init__(data, initial={**_initial(member, profile), **opened})
        for item in Shown:
            self.fields[AUDIENCE + item.value] = forms.ChoiceField(
                label=_("Qui voit : %(item)s") % {"item": item.label}, required=False, choices=Audience.choices
            )

    def clean_skills(self) -> tuple[str, ...]:
        words = [" ".join(each.split()) for each in re.split(r"[\n,;]", self.cleaned_data["skills"])]
        skills = tuple(dict.fromkeys(word for word in words if word))
        if len(skills) > MOST_SKILLS:
            raise forms.ValidationError(_("Douze savoir-faire au plus."))
        if any(len(each) > LONGEST_SKILL for each in skills):
            raise forms.ValidationError(_("Quarante caractères au plus par savoir-faire."))
        return skills

    def clean_presentation(self) -> str:
        return str(self.cleaned_data["presentation"]).replace("\r\n", "\n").replace("\x00", "").strip()

    def clean_links(self) -> tuple[str, ...]:
        typed = [each for each in self.cleaned_data["links"].split("\n") if each.strip()]
        if len(typed) > MOST_LINKS:
            raise forms.ValidationError(_("Cinq liens au plus."))
        found = [(each, links.read(each)) for each in typed]
        if wrong := [each.strip() for each, address in found if not address]:
            raise forms.ValidationError(_("Cette adresse ne s’ouvre pas : %(wrong)s") % {"wrong": wrong[0]})
        return tuple(dict.fromkeys(address for _typed, address in found))

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        level, town = given.get("level", NOWHERE), given.get("town", "")
        commune = communes.meant(town)
        given["place"] = ""
        if level == NOWHERE:
            return given
        if commune is not None:
            given["place"] = commune.code if level == COMMUNE else commune.department
        elif level == DEPARTMENT and (department := communes.department_meant(town)) is not None:
            given["place"] = department.code
        else:
            self.add_error("town", _("Cette commune n’est pas connue. Écrivez son code postal et son nom."))
        return given

    @property
    def page(self) -> Page:
        given = self.cleaned_data
        return Page(
            listed=given["listed"],
            skills=given["skills"],
            presentation=given["presentation"],
            links=given["links"],
            place=given["place"],
            audiences={item.value: given[AUDIENCE + item.value] for item in Shown},
        )

    @property
    def written(self) -> Iterator[Thing]:
        return (Thing(str(item.label), self._audience(item), self[item.value]) for item in WRITTEN)

    @property
    def held(self) -> Iterator[Thing]:
        """What the directory says; of what it does not say nothing can be opened."""
        values = {
            Shown.TRADE: self.member.trade,
            Shown.BUSINESS: self.member.business_name,
            Shown.EMAIL: self.member.email,
            Shown.MOBILE: self.member.mobile,
            Shown.PHONE: self.member.phone,
        }
        return (Thing(str(item.label), self._audience(item), value=values.get(item, "")) for item in HELD)

    @property
    def place(self) -> Thing:
        return Thing(str(Shown.PLACE.label), self._audience(Shown.PLACE))

    @property
    def contact(self) -> Thing:
        return Thing(str(Shown.CONTACT.label), self._audience(Shown.CONTACT))

    def _audience(self, item: Shown) -> forms.BoundField:
        return self[AUDIENCE + item.value]


def _initial(member: Member, profile: Profile | None) -> dict[str, Any]:
    if profile is None:
        return {"listed": True, "town": _town_of(member)}
    place = profile.place
    return {
        "listed": profile.listed,
        "skills": "\n".join(profile.skills),
        "presentation": profile.presentation,
        "links": "\n".join(profile.links),
        "town": communes.label_of(place) or _town_of(member),
        "level": NOWHERE if not place else DEPARTMENT if place in communes.departments() else COMMUNE,
    }


def _town_of(member: Member) -> str:
    """What the directory says, as a beginning: it places nobody by itself."""
    found = communes.meant(f"{member.postal_code} {member.town}") or communes.meant(member.town)
    return found.label if found is not None else ""
