"""« Mon historique »: every transmission in a sentence, month by month."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format, time_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.days import DayField
from audit.models import Event
from audit.own.words import code_of
from audit.types import Action
from consent.models import Disclosure
from consent.types import ALWAYS, LegalBasis

Text = str | Promise

# What left, as its owner says it.
YOURS: dict[str, Text] = {
    "identifier": _("un identifiant propre à cet outil"),
    "session": _("un numéro de session propre à cet outil"),
    "name": _("votre nom"),
    "given_name": _("votre prénom"),
    "family_name": _("votre nom de famille"),
    "login": _("votre identifiant de connexion"),
    "language": _("votre langue"),
    "email": _("votre adresse e-mail"),
    "phone": _("votre numéro de téléphone"),
    "address": _("votre adresse postale"),
    "town": _("votre commune"),
    "trade": _("votre métier"),
    "business_name": _("votre nom d’activité"),
    "employee_number": _("votre numéro de membre"),
    "groups": _("vos collectifs"),
}
GROUNDS: dict[str, Text] = {
    LegalBasis.CONSENT: _("de votre accord"),
    LegalBasis.CONTRACT: _("de votre contrat"),
    LegalBasis.LEGAL_DUTY: _("d’une obligation légale"),
    LegalBasis.VITAL_INTEREST: _("de la protection d’une vie"),
    LegalBasis.PUBLIC_TASK: _("d’une mission d’intérêt public"),
    LegalBasis.LEGITIMATE_INTEREST: _("de l’intérêt légitime de la coopérative"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A transmission as it is told; ``code`` is what to quote when something is wrong with it, if its line is kept."""

    row: Disclosure
    sentence: str
    code: str


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    count: int


class HistoryForm(forms.Form):
    """The criteria, read from the address."""

    tool = forms.ChoiceField(label=_("Outil"), required=False)
    month = DayField(required=False, input_formats=["%Y-%m"], widget=forms.HiddenInput)

    def __init__(self, *args: Any, tools: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tool = self.fields["tool"]
        assert isinstance(tool, forms.ChoiceField)  # noqa: S101
        tool.choices = [("", _("Tous")), *tools]
        tool.error_messages["invalid_choice"] = _("Rien n’est parti vers cet outil.")
        self.fields["month"].error_messages["invalid"] = _("Ce mois n’existe pas : repartez du plus récent.")


def tools_in(member_id: UUID) -> list[tuple[str, str]]:
    """The tools that anything left for, as (slug, name)."""
    rows = Disclosure.objects.filter(member_id=member_id).order_by("tool__name")
    return list(rows.values_list("tool__slug", "tool__name").distinct())


def months(rows: QuerySet[Disclosure]) -> list[Month]:
    """Those in which anything left, the newest first.  One statement."""
    counted = rows.select_related(None).order_by().annotate(month=TruncMonth("day")).values("month")
    return [Month(each["month"], each["total"]) for each in counted.annotate(total=Sum("count")).order_by("-month")]


def of_month(rows: QuerySet[Disclosure], first: date) -> QuerySet[Disclosure]:
    following = (first + timedelta(days=31)).replace(day=1)
    return rows.filter(day__gte=first, day__lt=following)


def tell(rows: Iterable[Disclosure], member_id: UUID) -> list[Sent]:
    """The transmissions in words, each with the code of its line.  One statement beside the rows themselves."""
    found = list(rows)
    codes = _codes(found, member_id)
    return [Sent(row, sentence(row), codes.get((row.at, row.profile), "")) for row in found]


def sentence(row: Disclosure) -> str:
    """« Le 12 mars 2026, Louty a reçu votre adresse e-mail, pour « Paie », sur la base de votre contrat. »"""
    day = date_format(localtime(row.at), "DATE_FORMAT")
    said = gettext("Le {day}, {tool} a reçu {items}").format(day=day, tool=row.tool.name, items=_listed(row.items))
    if row.processing:
        said += gettext(", pour « {processing} »").format(processing=row.processing.shown_name)
    if grounds := [str(GROUNDS[each]) for each in row.legal_basis.split() if each in GROUNDS]:
        said += gettext(", sur la base {grounds}").format(grounds=_and(grounds))
    said += "."
    if row.count > 1:
        last = time_format(localtime(row.last_at), "TIME_FORMAT")
        times = gettext("{times} fois ce jour-là, la dernière à {last}.")
        said += " " + times.format(times=row.count, last=last)
    return said


def _listed(items: Collection[str]) -> str:
    """The tool's own identifiers are told where nothing else left."""
    wanted = [code for code in YOURS if code in items and code not in ALWAYS]
    wanted = wanted or [code for code in YOURS if code in items]
    unknown = [code for code in items if code not in YOURS]
    return _and([*(str(YOURS[code]) for code in wanted), *unknown])


def _and(words: Collection[str]) -> str:
    *first, last = words or ("",)
    return gettext("{first} et {last}").format(first=", ".join(first), last=last) if first else last


def _codes(rows: Collection[Disclosure], member_id: UUID) -> Mapping[tuple[datetime, str], str]:
    """A line has the moment and the profile of the transmission that it is about."""
    lines = Event.objects.about(member_id).filter(action=Action.DISCLOSED, at__in={row.at for row in rows})
    return {(line.at, str(line.facts.get("profile", ""))): code_of(line) for line in lines}
