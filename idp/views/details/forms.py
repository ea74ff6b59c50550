"""What a member types to correct their entry.

Beside each field goes what it was when it was shown: what is sent is compared with that, and so is the directory.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.display import language_name
from directory.ldap.mapping import LIMITS
from directory.normalise import clean, e164
from directory.pictures import USUAL, Frame
from directory.services.profile import TOGETHER

SEEN, CHOICE = "seen_", "choice_"
THEIRS, MINE = "theirs", "mine"

# In the order in which they are read.
LABELS: dict[str, Any] = {
    "display_name": gettext_lazy("Nom affiché"),
    "given_name": gettext_lazy("Prénom"),
    "family_name": gettext_lazy("Nom de famille"),
    "login": gettext_lazy("Identifiant de connexion"),
    "email": gettext_lazy("Adresse e-mail"),
    "mobile": gettext_lazy("Téléphone mobile"),
    "phone": gettext_lazy("Téléphone fixe"),
    "trade": gettext_lazy("Métier"),
    "business_name": gettext_lazy("Nom d’activité"),
    "postal_address": gettext_lazy("Adresse postale"),
    "postal_code": gettext_lazy("Code postal"),
    "town": gettext_lazy("Commune"),
    "language": gettext_lazy("Langue"),
    "employee_number": gettext_lazy("Numéro de membre"),
    "employee_type": gettext_lazy("Statut dans la coopérative"),
}
# Which square of a photo is kept, without a script: most faces are found by these.
ALONG = [
    ("", gettext_lazy("vers le visage")),
    ("0", gettext_lazy("le haut, ou la gauche")),
    ("0.5", gettext_lazy("le milieu")),
    ("1", gettext_lazy("le bas, ou la droite")),
]
SHARES = [
    ("", gettext_lazy("toute la largeur")),
    ("0.75", gettext_lazy("plus près")),
    ("0.5", gettext_lazy("très près")),
]
PHONES = ("mobile", "phone")
# HTML, autofill: a browser knows most of it already.
AUTOCOMPLETE = {
    "given_name": "given-name",
    "family_name": "family-name",
    "mobile": "tel",
    "phone": "home tel",
    "trade": "organization-title",
    "business_name": "organization",
    "postal_address": "street-address",
    "postal_code": "postal-code",
    "town": "address-level2",
}


@dataclass(frozen=True, slots=True)
class Clash:
    """One thing that somebody else changed meanwhile: both ways of putting it, one of which is chosen."""

    first: str
    label: str
    choice: forms.BoundField
    theirs: str
    mine: str
    errors: list[str]


def unit_of(item: str) -> tuple[str, ...]:
    """The items that stand and fall together, in order."""
    together = next((group for group in TOGETHER if item in group), frozenset({item}))
    return tuple(each for each in LABELS if each in together)


def same(item: str, one: str, other: str) -> bool:
    return _compared(item, one) == _compared(item, other)


def at_home(number: str) -> str:
    """A French number as people write it there; any other as it is."""
    kept = e164(number)
    if not (kept.startswith("+33") and len(kept) == 12):
        return number
    digits = "0" + kept[3:]
    return " ".join(digits[place : place + 2] for place in range(0, 10, 2))


def _read(item: str, text: str) -> str:
    return at_home(text) if item in PHONES else language_name(text) if item == "language" else text


def _compared(item: str, text: str) -> str:
    kept = clean(text, lines=item == "postal_address")
    return (e164(kept) or kept) if item in PHONES else kept


class DetailsForm(forms.Form):
    """``items``: what may be corrected; ``values``: what stands in the fields; ``seen``: what is in the directory.

    ``clashes``: the units, by their first item, of which one version is to be chosen.
    """

    def __init__(
        self,
        items: Collection[str],
        values: Mapping[str, str],
        seen: Mapping[str, str],
        *,
        clashes: Collection[str] = (),
        data: Any = None,
        files: Any = None,
    ) -> None:
        self.items = tuple(item for item in LABELS if item in items)
        self.clashing = tuple(item for item in self.items if item in clashes and unit_of(item)[0] == item)
        initial = {**values, **{SEEN + item: seen.get(item, "") for item in self.items}}
        super().__init__(data, files, initial=initial)
        hidden = {item for first in self.clashing for item in unit_of(first)}
        for item in self.items:
            self.fields[item] = _field(item, values.get(item, ""))
            self.fields[SEEN + item] = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
            if item in hidden:
                self.fields[item].widget = forms.HiddenInput()
        for first in self.clashing:
            self.fields[CHOICE + first] = forms.ChoiceField(
                choices=[(THEIRS, ""), (MINE, "")],
                widget=forms.RadioSelect,
                error_messages={"required": _("Choisissez l’une des deux versions.")},
            )
        if "photo" in items:
            self.fields["photo"] = forms.FileField(
                label=_("Choisir une photo"),
                required=False,
                allow_empty_file=True,
                help_text=_(
                    "JPEG, PNG ou WebP, 15 Mo au plus. Elle est recadrée en carré ; "
                    "le lieu et la date de la prise de vue n’y restent pas."
                ),
                widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
            )
            self.fields["photo_along"] = forms.ChoiceField(
                label=_("Garder"),
                required=False,
                choices=ALONG,
                widget=forms.Select(attrs={"data-usual": str(USUAL.along)}),
            )
            self.fields["photo_share"] = forms.ChoiceField(
                label=_("Cadrage"),
                required=False,
                choices=SHARES,
                widget=forms.Select(attrs={"data-usual": str(USUAL.share)}),
            )
            self.fields["remove_photo"] = forms.BooleanField(label=_("Retirer ma photo"), required=False)

    @property
    def shown_fields(self) -> Iterator[forms.BoundField]:
        """What is typed, in order."""
        return (self[item] for item in self.items if not self[item].is_hidden)

    @property
    def wrong(self) -> list[forms.BoundField]:
        """What is wrong, said at the top of a long page too."""
        return [self[name] for name in self.fields if name in self.errors and not name.startswith(CHOICE)]

    @property
    def clashes(self) -> list[Clash]:
        return [
            Clash(
                first=first,
                label=_("Adresse postale") if len(unit_of(first)) > 1 else str(LABELS[first]),
                choice=self[CHOICE + first],
                theirs=self._said(SEEN, first),
                mine=self._said("", first),
                # Of what is carried along unseen too.
                errors=[
                    str(error)
                    for name in (CHOICE + first, *unit_of(first))
                    if name in self.fields
                    for error in self[name].errors
                ],
            )
            for first in self.clashing
        ]

    def _said(self, prefix: str, first: str) -> str:
        values = [str(self[prefix + item].value() or "") for item in unit_of(first) if item in self.items]
        return "\n".join(_read(first, value) for value in values if value)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for item in PHONES:
            # What is there already may be odd; what is new can be dialled.
            if item in self.wanted and self.wanted[item] and not e164(self.wanted[item]):
                self.add_error(
                    item,
                    _(
                        "Ce numéro ne se lit pas. Écrivez ses dix chiffres, "
                        "ou l’indicatif du pays d’abord : +32 470 12 34 56."
                    ),
                )
        return given

    @property
    def frame(self) -> Frame:
        """How the photo is cropped."""
        along, share = (self.cleaned_data.get(name, "") for name in ("photo_along", "photo_share"))
        return Frame(float(along or USUAL.along), float(share or USUAL.share))

    @property
    def seen(self) -> dict[str, str]:
        return {item: _kept(item, self.cleaned_data.get(SEEN + item, "")) for item in self.items}

    @property
    def typed(self) -> dict[str, str]:
        return {item: _kept(item, self.cleaned_data[item]) for item in self.items if item in self.cleaned_data}

    @property
    def wanted(self) -> dict[str, str]:
        """What is to change: what was typed otherwise, less what somebody else's version was chosen of."""
        given_up = {
            item
            for first in self.clashing
            if self.cleaned_data.get(CHOICE + first) == THEIRS
            for item in unit_of(first)
        }
        seen = self.seen
        return {
            item: text for item, text in self.typed.items() if item not in given_up and not same(item, text, seen[item])
        }


def _kept(item: str, text: str) -> str:
    return clean(text, lines=item == "postal_address")


def _field(item: str, value: str) -> forms.Field:
    label = LABELS[item]
    if item == "language":
        known = [("", _("Non précisée")), *((code, language_name(code)) for code, _name in settings.LANGUAGES)]
        if value and value not in dict(known):
            known.append((value, language_name(value)))
        return forms.ChoiceField(label=label, required=False, choices=known)
    widget: forms.Widget = forms.TextInput()
    if item == "postal_address":
        widget = forms.Textarea(attrs={"rows": 3})
    if item in PHONES:
        widget = forms.TextInput(attrs={"type": "tel"})
    if item in AUTOCOMPLETE:
        widget.attrs["autocomplete"] = AUTOCOMPLETE[item]
    return forms.CharField(label=label, required=item == "family_name", max_length=LIMITS.get(item, 254), widget=widget)
