"""What the officer read in one contract."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.contracts import policy, words
from consent.contracts.types import ContractInvalid, Point, Terms, Text


class ContractForm(forms.Form):
    """``version`` and ``recipient``: what was shown."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    recipient = forms.CharField(widget=forms.HiddenInput, max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for point in Point:
            self.fields[f"has_{point}"] = forms.BooleanField(label=f"({point.value}) {point.label}", required=False)
            self.fields[f"why_{point}"] = forms.CharField(
                label=_("Sinon, pourquoi le point (%(letter)s) est tenu quand même") % {"letter": point.value},
                required=False,
                max_length=policy.MOST_CHARACTERS,
                widget=forms.Textarea({"rows": 2}),
            )
        self.fields["further"] = forms.CharField(
            label=_("Ses propres sous-traitants"),
            help_text=_("Un par ligne : nom ; pays ; pour quoi faire."),
            required=False,
            max_length=policy.MOST_FURTHER * policy.MOST_LINE,
            widget=forms.Textarea({"rows": 4}),
        )
        self.fields["alone"] = forms.BooleanField(label=_("Il n’en a aucun"), required=False)
        self.fields["file"] = forms.FileField(
            label=_("Le contrat signé"),
            help_text=_("Un PDF, 10 Mo au plus. Son empreinte s’inscrit au journal."),
            required=False,
            max_length=200,
            widget=forms.FileInput({"accept": "application/pdf"}),
        )

    @property
    def points(self) -> list[tuple[Any, Any]]:
        return [(self[f"has_{point}"], self[f"why_{point}"]) for point in Point]

    def terms(self) -> Terms:
        """Raises ``ContractInvalid``."""
        said = self.cleaned_data
        return Terms(
            held=tuple(point for point in Point if said[f"has_{point}"]),
            explained={point: said[f"why_{point}"] for point in Point if said[f"why_{point}"]},
            further=policy.further_read(said["further"]),
            alone=said["alone"],
        )

    def text(self) -> Text | None:
        """Raises ``ContractInvalid`` before a file that is too big is read."""
        file = self.cleaned_data["file"]
        if file is None:
            return None
        if file.size > policy.MOST_BYTES:
            raise ContractInvalid({"file": "file_too_big"})
        return Text(file.name, file.read())

    def tell(self, error: ContractInvalid) -> None:
        """Each problem beside the field it is about."""
        for place, code in error.problems.items():
            self.add_error(place, words.problem(code))


def first(terms: Terms | None) -> dict[str, Any]:
    """What the form starts with: the last answers."""
    terms = terms or Terms()
    return {
        **{f"has_{point}": True for point in terms.held},
        **{f"why_{point}": said for point, said in (terms.explained or {}).items()},
        "further": policy.further_said(terms.further),
        "alone": terms.alone,
    }
