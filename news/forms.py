"""What somebody writes."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField, MomentField
from directory.models import Collective
from news.letters import Content
from news.models import Brief, Letter
from news.policy import SHOWN
from news.types import Audience, Rhythm

OF_ALL = ""
LONGEST = 4_000
LONGEST_LETTER = 10_000


class BriefForm(forms.Form):
    """A piece of news, with when and for whom."""

    collective = forms.ChoiceField(label=_("De la part de"), required=False)
    title = forms.CharField(label=_("Titre"), max_length=120)
    text = forms.CharField(
        label=_("Texte"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Quelques phrases. **gras**, *italique*, une liste avec des tirets, [un lien](https://…)."),
    )
    picture = forms.FileField(
        label=_("Image (facultatif)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_("PNG, JPEG ou WebP. Le lieu et l’appareil de la prise de vue en sont effacés."),
    )
    drop_picture = forms.BooleanField(label=_("Retirer l’image"), required=False)
    picture_alt = forms.CharField(
        label=_("Ce que montre l’image (facultatif)"),
        max_length=200,
        required=False,
        help_text=_("Lu à voix haute aux personnes qui ne la voient pas."),
    )
    audience = forms.ChoiceField(label=_("Pour"), choices=Audience.choices, required=False)
    since = MomentField(
        label=_("À partir du (facultatif)"), required=False, help_text=_("Sans date : dès la publication.")
    )
    until = DayField(
        label=_("Jusqu’au (facultatif)"),
        required=False,
        help_text=_("Dernier jour où on la lit. Sans date : toujours."),
    )

    def __init__(self, data: Any = None, files: Any = None, *, collectives: Sequence[Collective], of_all: bool) -> None:
        super().__init__(data, files)
        self.known = {each.slug: each for each in collectives}
        choices: list[tuple[str, Any]] = [(OF_ALL, _("Toute la coopérative"))] if of_all else []
        choices += [(each.slug, each.name) for each in collectives]
        cast(forms.ChoiceField, self.fields["collective"]).choices = choices
        self.fields["collective"].required = not of_all
        self.initial.update({"audience": Audience.NEAR, "until": timezone.localdate() + SHOWN})
        # Whose it is, where there is nothing to choose.
        self.only = choices[0][1] if len(choices) == 1 else ""
        if len(choices) == 1:
            self.fields["collective"].widget = forms.HiddenInput()
            self.initial["collective"] = choices[0][0]
        if choices == [(OF_ALL, choices[0][1])] or (collectives and all(each.sensitive for each in collectives)):
            # Nothing to choose.
            del self.fields["audience"]
        elif of_all and collectives:
            self.fields["audience"].help_text = _("Ce qui vient de toute la coopérative est lu par tout le monde.")
        del self.fields["drop_picture"]

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()

    def clean(self) -> None:
        day, since = self.cleaned_data.get("until"), self.cleaned_data.get("since")
        if day is None:
            return
        end = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
        self.cleaned_data["until"] = end
        if end <= (since or timezone.now()):
            self.add_error("until", _("Choisissez un jour à venir, après le début."))

    @property
    def may_be_sensitive(self) -> bool:
        return any(each.sensitive for each in self.known.values())

    @property
    def chosen(self) -> Collective | None:
        return self.known.get(self.cleaned_data.get("collective", OF_ALL))

    @property
    def wanted_audience(self) -> Audience:
        return Audience(self.cleaned_data.get("audience") or Audience.NEAR)


class RhythmForm(forms.Form):
    """How often somebody wants the news by mail."""

    rhythm = forms.ChoiceField(label=_("Un courrier avec les brèves"), choices=Rhythm.choices)


class LetterForm(forms.Form):
    """A letter to the members of a collective."""

    collective = forms.ChoiceField(label=_("De la part de"))
    subject = forms.CharField(label=_("Objet"), max_length=120)
    text = forms.CharField(
        label=_("Texte"),
        max_length=LONGEST_LETTER,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=_("Du texte simple : il se lit dans toutes les messageries."),
    )
    to_followers = forms.BooleanField(label=_("Écrire aussi à qui suit le collectif"), required=False)
    gives_address = forms.BooleanField(label=_("Recevoir les réponses à mon adresse"), required=False)

    def __init__(self, data: Any = None, *, collectives: Sequence[Collective], letter: Letter | None = None) -> None:
        super().__init__(data)
        self.known = {each.slug: each for each in collectives}
        self.only = collectives[0].name if len(collectives) == 1 else ""
        field = cast(forms.ChoiceField, self.fields["collective"])
        field.choices = [(each.slug, each.name) for each in collectives]
        if self.only:
            field.widget = forms.HiddenInput()
            self.initial["collective"] = collectives[0].slug
        if letter is not None:
            names = ("subject", "text", "to_followers", "gives_address")
            self.initial.update({name: getattr(letter, name) for name in names})

    def clean_subject(self) -> str:
        return " ".join(str(self.cleaned_data["subject"]).split())

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()

    @property
    def chosen(self) -> Collective:
        return self.known[self.cleaned_data["collective"]]

    @property
    def content(self) -> Content:
        given = self.cleaned_data
        return Content(given["subject"], given["text"], given["to_followers"], given["gives_address"])


class ChangeForm(BriefForm):
    """One that is there already: whose it is stays."""

    def __init__(self, brief: Brief, data: Any = None, files: Any = None) -> None:
        of = brief.collective
        super().__init__(data, files, collectives=[of] if of else [], of_all=of is None)
        if brief.picture_digest:
            self.fields["drop_picture"] = self.base_fields["drop_picture"]
            self.order_fields(list(self.base_fields))
        self.initial.update(
            {name: getattr(brief, name) for name in ("title", "text", "picture_alt", "audience", "since")}
        )
        self.initial["until"] = brief.last_day
