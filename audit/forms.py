"""What the reader of the journal says and asks for."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit import selectors, words
from audit.days import DayField
from audit.kinds import ACTIONS, Retention
from audit.models import Event
from audit.reading import sentences
from audit.reading.people import CHOSEN, PSEUDONYM, People
from audit.types import TO_READ_THE_JOURNAL, By, Cursor, EventFilter, Ground, Purpose

PERIODS = {"day": 1, "week": 7, "month": 30, "half": 183}


def purpose_field(label: Any, purposes: Iterable[Purpose]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[(each.value, each.label) for each in purposes],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez une raison : elle s’inscrit au journal.")},
    )


class PurposeForm(forms.Form):
    """``again``: the form that was on its way is sent once more, by whoever reads the answer to this one."""

    next = forms.CharField(required=False, max_length=3000, widget=forms.HiddenInput)
    again = forms.BooleanField(required=False, widget=forms.HiddenInput)


class ReadingForm(PurposeForm):
    """Why the journal is read."""

    purpose = purpose_field(_("Pourquoi consultez-vous le journal ?"), TO_READ_THE_JOURNAL)
    case = forms.RegexField(
        # A number, so that it can stand in the journal: words could hold a name.
        r"^(?=.*[0-9])(?!.*[A-Za-z]{4})[A-Za-z0-9][A-Za-z0-9./_-]*\Z",
        label=_("Numéro du dossier"),
        required=False,
        max_length=30,
        help_text=_("S’il y en a un. Exemple : 2026-17. Jamais un nom."),
        error_messages={
            "invalid": _("Un numéro, sans espace ni nom, trois lettres de suite au plus. Exemple : 2026-17.")
        },
    )


class RevealForm(forms.Form):
    """Why a name is needed; ``next`` is the page that asked."""

    ground = forms.ChoiceField(
        label=_("Pourquoi vous faut-il ce nom ?"),
        choices=[(each.value, each.label) for each in Ground if each is not Ground.SEARCHED],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choisissez une raison : elle s’inscrit au journal.")},
    )
    next = forms.CharField(required=False, max_length=3000, widget=forms.HiddenInput)


class SearchForm(forms.Form):
    """What a search is to be called."""

    name = forms.CharField(
        label=_("Garder ces critères sous le nom"),
        max_length=60,
        help_text=_("Pour les retrouver ici. Sans nom de personne ; le membre cherché n’est pas gardé."),
    )


def action_choices() -> list[tuple[Any, Any]]:
    families = [(each.label, [(action.value, action.label) for action in ACTIONS[each]]) for each in Retention]
    return [("", _("Toutes")), *families]


class JournalForm(forms.Form):
    """The criteria; a value that cannot be read is said and kept.

    In an address people are pseudonyms.  Where ``typed`` they may be names too, which go no further than this form.
    """

    member = forms.CharField(
        label=_("Membre"),
        required=False,
        max_length=100,
        help_text=_("Un pseudonyme, ou un nom : chercher par nom s’inscrit au journal"),
    )
    words = forms.CharField(
        label=_("Mots ou référence"),
        required=False,
        max_length=200,
        help_text=_("Le code que cite un membre est le début d’une référence"),
    )
    period = forms.ChoiceField(
        label=_("Période"),
        required=False,
        choices=[
            ("", _("Tout")),
            ("day", _("Aujourd’hui")),
            ("week", _("7 derniers jours")),
            ("month", _("30 derniers jours")),
            ("half", _("6 derniers mois")),
        ],
    )
    tool = forms.ChoiceField(label=_("Outil"), required=False)
    result = forms.ChoiceField(
        label=_("Résultat"),
        required=False,
        choices=[("", _("Tous")), (selectors.ACCEPTED, _("Accepté")), (selectors.REFUSED, _("Refusé"))],
    )
    family = forms.ChoiceField(label=_("Famille"), required=False, choices=[("", _("Toutes")), *Retention.choices])
    action = forms.ChoiceField(label=_("Action"), required=False, choices=action_choices)
    by = forms.ChoiceField(label=_("Fait par"), required=False, choices=[("", _("Tous")), *By.choices])
    reason = forms.ChoiceField(label=_("Motif"), required=False)
    since = DayField(label=_("Du"), required=False)
    until = DayField(label=_("Au"), required=False)
    hour = forms.IntegerField(required=False, min_value=0, max_value=23, widget=forms.HiddenInput)
    before = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, people: People, *, typed: bool = False) -> None:
        super().__init__(data)
        self.people, self.typed = people, typed
        # Who was found under the name that was typed, as (name, login); nothing where none was looked for.
        self.found: dict[UUID, tuple[str, str]] | None = None
        # Whether the reader knows by now what the one person they look for is called.
        self.by_name = False
        self._conditions: list[Q] = []
        self._mentioned: list[UUID] = []
        self._tools, self._reasons = selectors.tool_choices(), selectors.reasons()
        said = sorted(((code, words.name("reason", code)) for code in self._reasons), key=lambda each: each[1])
        choices = {"tool": self._tools, "reason": said}
        for name, some in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101
            field.choices = [("", _("Tous")), *some]
        self.fields["tool"].error_messages["invalid_choice"] = _("Aucun outil « %(value)s ».")
        self.fields["action"].error_messages["invalid_choice"] = _("Aucune action « %(value)s ».")
        for name in ("since", "until"):
            self.fields[name].error_messages["invalid"] = _("Cette date n’existe pas. Exemple : 2026-03-12.")

    @property
    def more(self) -> bool:
        """Whether a criterion is in use, or wrong, that stands behind the first ones."""
        aside = ("family", "action", "by", "reason", "since", "until")
        return any(self.data.get(name) for name in aside)

    def clean_member(self) -> UUID | None:
        text: str = self.cleaned_data["member"].strip()
        if not text:
            return None
        if PSEUDONYM.fullmatch(text.upper()):
            person = self.people.find(text.upper())
            if person is None:
                raise forms.ValidationError(
                    _("Personne n’a ce pseudonyme ici : ils changent avec la raison de consulter et le dossier.")
                )
            return person
        if not self.typed:
            raise forms.ValidationError(
                _("Un nom ne va pas dans une adresse. Tapez-le dans le champ, puis « Chercher ».")
            )
        self.by_name = True
        if CHOSEN.fullmatch(text):
            person = self.people.chosen(text)
            if person is None:
                raise forms.ValidationError(_("Cette liste a trop attendu : tapez le nom de nouveau."))
            return person
        self.found = selectors.matching_members(text)
        if not self.found:
            raise forms.ValidationError(_("Aucun membre de ce nom."))
        return next(iter(self.found)) if len(self.found) == 1 else None

    def clean_words(self) -> str:
        text: str = self.cleaned_data["words"]
        try:
            found = sentences.conditions(text, self.people, self._tools, self._reasons)
        except sentences.UnknownWord as error:
            raise forms.ValidationError(
                _(
                    "Aucune phrase du journal ne contient « %(word)s ». Se cherchent ici : les mots d’une phrase, "
                    "un outil, un motif, un pseudonyme, une référence. Un nom va dans le champ « Membre »."
                ),
                params={"word": str(error)},
            ) from None
        self._conditions, self._mentioned = found
        return text

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", _("La fin vient avant le début."))
        for name in {"since", "until"} & self.errors.keys():
            # A date input shows nothing for what it cannot read, and the reader would lose what they typed.
            self.fields[name].widget = forms.TextInput()
        return values

    @property
    def wanted(self) -> EventFilter:
        values = self.cleaned_data
        since, until = self._days()
        return EventFilter(
            member=values["member"],
            words=values["words"],
            mentioned=tuple(self._mentioned),
            tool=values["tool"],
            family=values["family"],
            action=values["action"],
            by=values["by"],
            result=values["result"],
            reason=values["reason"],
            since=since,
            until=until,
            # One hour is one of one day.
            hour=values["hour"] if since and since == until else None,
        )

    def _days(self) -> tuple[date | None, date | None]:
        """Days that were given go before a period by its name."""
        since, until, period = (self.cleaned_data[name] for name in ("since", "until", "period"))
        if period and not (since or until):
            since = timezone.localdate() - timedelta(days=PERIODS[period] - 1)
        return since, until

    @property
    def rows(self) -> QuerySet[Event]:
        """The lines that meet the criteria."""
        return selectors.events(self.wanted).filter(*self._conditions)

    @property
    def cursor(self) -> Cursor:
        return Cursor(before=self.cleaned_data["before"], after=self.cleaned_data["after"])

    def query(self, others: Mapping[str, object] | None = None, *, without: tuple[str, ...] = ()) -> str:
        """The criteria as an address says them: whom they are about by a pseudonym.

        ``without`` leaves some out, ``others`` puts some in the place of these.
        """
        said = {name: self.cleaned_data[name] for name in self.fields if name not in ("before", "after", *without)}
        if said.get("member"):
            said["member"] = self.people.pseudonym(said["member"])
        said |= others or {}
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in said.items() if value not in (None, "")})
        return query.urlencode()
