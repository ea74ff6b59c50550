"""Names for the pages of the evidence pack, in the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: dict[str, str | Promise] = {
    "evidence:page": _("dossier de contrôle"),
    "evidence:purpose": _("raison de nommer des personnes dans un dossier de contrôle"),
}
