"""Names for what the codes of screenings stand for, on their pages and in the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.screening.types import Criterion, Outcome

Text = str | Promise

PROBLEMS: dict[str, Text] = {
    "missing": _("Ce champ manque."),
    "too_long": _("Ce texte est trop long."),
    "future": _("Ce jour n’est pas encore venu."),
    "against_criteria": _("Deux critères ou plus demandent une analyse : dites pourquoi il n’en faut pas."),
}
CRITERIA: dict[str, Text] = dict(Criterion.choices)
OUTCOMES: dict[str, Text] = dict(Outcome.choices)
REFUSALS: dict[str, Text] = {
    "screening_changed": _("examen refait entre-temps"),
    "screening_invalid": _("examen incomplet"),
}
PAGES: dict[str, Text] = {
    "screening:list": _("analyses d’impact"),
    "screening:record": _("examen d’un traitement"),
}


def problem(code: str) -> str:
    return str(PROBLEMS.get(code, code))
