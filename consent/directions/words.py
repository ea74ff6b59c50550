"""What the codes of directions are called."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "directions_empty": _("rien n’est écrit"),
    "directions_none": _("aucune directive"),
    "directions_not_own": _("directives d’une autre personne"),
    "directions_still_there": _("personne encore là : ses directives restent fermées"),
}
