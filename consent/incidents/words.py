"""Names for what the codes of breaches stand for, on their pages and in the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.incidents.types import StepKind
from consent.register.types import Rubric
from consent.types import ITEMS, DataCategory

Text = str | Promise

PROBLEMS: dict[str, Text] = {
    "missing": _("Ce champ manque."),
    "too_long": _("Ce texte est trop long."),
    "future": _("Ce moment n’est pas encore venu."),
    "before_it_began": _("La fin vient avant le début."),
    "aware_too_early": _("Personne ne peut en avoir connaissance avant que la violation commence ou soit remarquée."),
    "before_aware": _("C’est avant que la coopérative en ait eu connaissance."),
    "notified_already": _("La notification initiale est déjà faite : ceci est un complément."),
    "not_notified": _("La CNIL n’est pas encore avertie."),
    "late_why": _("Le délai est dépassé : dites pourquoi (article 33, paragraphe 1)."),
    "undecided": _("Le risque n’est pas encore apprécié."),
    "not_told": _("Le risque est élevé et personne n’est averti : dites pourquoi (article 34, paragraphe 3)."),
    "no_tool": _("Choisissez un outil."),
    "no_count": _("Ce comptage n’est pas au dossier."),
}
DUE: dict[str, Text] = {
    "decide": _("Apprécier le risque"),
    "notify": _("Avertir la CNIL"),
    "tell": _("Avertir les personnes"),
}
# Headings of the CNIL's online form, as we know them.
HEADINGS: dict[str, Text] = {
    "controller": _("Responsable du traitement"),
    "contact": _("Personne à contacter"),
    "dates": _("Dates de la violation"),
    "nature": _("Nature de la violation"),
    "circumstances": _("Circonstances"),
    "data": _("Catégories de données"),
    "people": _("Catégories de personnes"),
    "numbers": _("Nombre de personnes et d’enregistrements"),
    "consequences": _("Conséquences probables"),
    "measures": _("Mesures prises ou prévues"),
    "telling": _("Information des personnes"),
}
# Why something was not written, for those who read the journal.
REFUSALS: dict[str, Text] = {
    "incident_changed": _("violation modifiée entre-temps"),
    "incident_invalid": _("étape incomplète ou contradictoire"),
}
STEPS: dict[str, Text] = dict(StepKind.choices)
PAGES: dict[str, Text] = {
    "incidents:list": _("registre des violations"),
    "incidents:new": _("nouvelle violation"),
    "incidents:incident": _("violation de données"),
    "incidents:people": _("personnes concernées par une violation"),
    "incidents:purpose": _("raison de voir qui est concerné par une violation"),
    "incidents:export": _("export des violations"),
}


def problem(code: str) -> str:
    return str(PROBLEMS.get(code, code))


def item(code: str) -> str:
    return str(ITEMS[code].label) if code in ITEMS else code


def category(code: str) -> str:
    return str(DataCategory(code).label) if code in DataCategory.values else code


def sensitive(code: str) -> str:
    return str(Rubric(code).label) if code in Rubric.values else item(code)
