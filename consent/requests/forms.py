"""What members and officers write about a request."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from consent.requests import letters, services, words
from consent.requests.types import Came, Kind, RequestRefused, Upload


def _text(label: Any, *, most: int = services.MOST_CHARACTERS, rows: int = 5, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, widget=forms.Textarea({"rows": rows}), **more)


def _file(label: Any, **more: Any) -> forms.FileField:
    return forms.FileField(label=label, required=False, max_length=200, **more)


class RequestForm(forms.Form):
    """What somebody asks for, about one tool or the whole."""

    kind = forms.ChoiceField(label=_("Vous voulez"), error_messages={"required": _("Choisissez ce que vous demandez.")})
    tool = forms.ChoiceField(label=_("À propos de"), required=False)
    text = _text(
        _("Votre demande"),
        required=False,
        help_text=_(
            "Ce que vous voulez, et pourquoi si vous le souhaitez. Seules les personnes qui répondent le lisent."
        ),
    )

    def __init__(self, *args: Any, tools: Iterable[Any], kinds: Iterable[Kind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind, tool = self.fields["kind"], self.fields["tool"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101
        assert isinstance(tool, forms.ChoiceField)  # noqa: S101
        kind.choices = [("", "–"), *((each.value, each.label) for each in kinds)]
        tool.choices = [("", _("Toutes mes données")), *((str(each.pk), each.name) for each in tools)]

    @property
    def tool_id(self) -> int | None:
        return int(self.cleaned_data["tool"]) if self.cleaned_data["tool"] else None


class EntryForm(RequestForm):
    """A request that came another way, as an officer writes it down."""

    member = forms.CharField(widget=forms.HiddenInput)
    came = forms.ChoiceField(label=_("Arrivée par"), choices=[each for each in Came.choices if each[0] != Came.PAGE])
    received_on = DayField(
        label=_("Reçue le"), help_text=_("Le délai court depuis ce jour."), initial=timezone.localdate
    )
    field_order = ("member", "came", "received_on", "kind", "tool", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101
        kind.label = _("La personne veut")
        kind.choices = [("", "–"), *((each.value, words.ASKED[each]) for each in kwargs["kinds"])]
        self.fields["text"].label = _("Ce qu’elle écrit ou dit")
        self.fields["text"].help_text = ""


class SearchForm(forms.Form):
    name = forms.CharField(
        label=_("Qui fait la demande ?"),
        max_length=100,
        help_text=_("Un nom ou un identifiant. Chercher s’inscrit au journal."),
    )


class WordsForm(forms.Form):
    """A message, a note, a letter, or how an identity is known; ``act`` says which."""

    text = _text(_("Message"))

    def __init__(
        self,
        *args: Any,
        label: Any = None,
        help_text: Any = "",
        rows: int = 4,
        letter: bool = False,
        words_needed: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["text"]
        field.label, field.help_text = label or field.label, help_text
        field.widget.attrs["rows"] = rows
        if letter:
            self.fields["text"] = _text(field.label, most=letters.MOST_CHARACTERS, rows=rows, help_text=help_text)
        self.fields["text"].required = words_needed


RECORDS: dict[Kind | None, tuple[Any, Any]] = {
    Kind.ACCESS: (
        _("Joindre le relevé de ses données (JSON)"),
        _("Ce que Trousseau sait de la personne, fait à l’envoi : vous n’avez pas à le lire."),
    ),
    Kind.PORTABILITY: (
        _("Joindre ce que la personne a fourni (.zip)"),
        _("Seulement ce qui repose sur un contrat ou son accord, fait à l’envoi : vous n’avez pas à le lire."),
    ),
}


class WordsAndFileForm(WordsForm):
    file = _file(_("Fichier"), help_text=_("10 Mo au plus. Son empreinte s’inscrit au journal."))

    def __init__(self, *args: Any, offers: Kind | None = None, **kwargs: Any) -> None:
        """``offers``: what the hub makes itself for an answer of this kind."""
        super().__init__(*args, **kwargs)
        if offers in RECORDS:
            label, help_text = RECORDS[offers]
            self.fields["record"] = forms.BooleanField(label=label, help_text=help_text, required=False, initial=True)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """Raises ``RequestRefused`` before it reads what is too large."""
        file = self.cleaned_data.get("file")
        if file is None:
            return ()
        if file.size > services.MOST_FILE_BYTES:
            raise RequestRefused("file_big")
        return (Upload(file.name, file.content_type or "application/octet-stream", file.read()),)


class LetterForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    text = _text(_("Texte"), most=letters.MOST_CHARACTERS, rows=18)
