"""Words for what became of a logout notice."""

import re

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

register = template.Library()

RESULTS: dict[str, str | Promise] = {
    "": _("pas encore essayé"),
    "http_200": _("reçu par l’outil"),
    "http_204": _("reçu par l’outil"),
    "http_400": _("session déjà fermée dans l’outil"),
    "timeout": _("l’outil n’a pas répondu à temps"),
    "unreachable": _("l’outil est injoignable"),
    "unknown_host": _("l’adresse de l’outil n’existe pas"),
    "address": _("l’adresse de l’outil est dans un réseau interdit"),
}


@register.filter
def result_words(code: str) -> str:
    """A result code of the outbox, for a technician."""
    if code in RESULTS:
        return str(RESULTS[code])
    status = re.fullmatch(r"http_(\d{3})", code)
    if status is None:
        return gettext("erreur dans Trousseau : %(code)s") % {"code": code}
    if status[1].startswith("3"):
        return gettext("l’outil renvoie à une autre adresse (réponse %(status)s)") % {"status": status[1]}
    if status[1].startswith("5"):
        return gettext("l’outil est en panne (réponse %(status)s)") % {"status": status[1]}
    return gettext("l’outil refuse l’avis (réponse %(status)s)") % {"status": status[1]}
