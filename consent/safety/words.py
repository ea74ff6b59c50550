"""Names for what the codes of security stand for, on their page and in the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.safety.types import Kind, Result

Text = str | Promise

PROBLEMS: dict[str, Text] = {
    "missing": _("Ce champ manque."),
    "too_long": _("Ce texte est trop long."),
    "future": _("Ce jour n’est pas encore venu."),
    "unexplained": _("Dites ce qui n’a pas réussi, et ce qui sera fait."),
}
KINDS: dict[str, Text] = dict(Kind.choices)
RESULTS: dict[str, Text] = dict(Result.choices)
REFUSALS: dict[str, Text] = {"safety_invalid": _("ligne de sécurité incomplète")}
PAGES: dict[str, Text] = {"safety:page": _("mesures de sécurité")}
# What is to be done again.
DUE: dict[str, Text] = {
    Kind.RESTORE: _("Aucun essai de restauration n’a réussi depuis un an."),
    Kind.REVIEW: _("Les mesures n’ont pas été contrôlées depuis un an."),
}


def problem(code: str) -> str:
    return str(PROBLEMS.get(code, code))
