"""Names and sentences of modes: on their pages and in the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.types import Mode

Text = str | Promise

# What each mode does, to whoever chooses one.
HELP: dict[str, Text] = {
    Mode.WARN: _("Cela part encore. Chaque membre et la protection des données le voient écrit."),
    Mode.OBSERVE: _("Cela part encore. Seuls la protection des données et le journal le savent."),
}
PROBLEMS: dict[str, Text] = {
    "not_imported": _("Cet outil ne vient pas d’un autre service : il s’en tient à sa fiche."),
    "no_sheet": _("Cet outil n’a pas de fiche : déclarez-en une d’abord."),
    "reason_missing": _("Dites pourquoi."),
    "until_missing": _("Dites jusqu’à quand."),
    "until_past": _("Ce jour est passé."),
    "until_far": _("90 jours au plus : vous y reviendrez alors."),
}
# Why one was not taken, for those who read the journal.
REFUSALS: dict[str, Text] = {
    "not_imported": _("outil qui ne vient pas d’ailleurs"),
    "no_sheet": _("outil sans fiche"),
    "reason_missing": _("sans raison donnée"),
    "until_missing": _("sans date de fin"),
    "until_past": _("jour passé"),
    "until_far": _("pour plus de 90 jours"),
}
