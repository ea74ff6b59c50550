"""Names for what the codes of contracts stand for, on their pages and in the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

PROBLEMS: dict[str, Text] = {
    "too_long": _("Ce texte est trop long."),
    "further_unreadable": _("Une ligne par sous-traitant, en trois parties : nom ; pays ; pour quoi faire."),
    "alone_with_others": _("Décochez : vous nommez d’autres sous-traitants."),
    "file_too_big": _("Ce fichier est trop gros : 10 Mo au plus."),
    "file_no_pdf": _("Ce fichier n’est pas un PDF complet."),
}
# What is missing of one contract, beside its name.
HOLES: dict[str, Text] = {
    "contract_points": _("des points"),
    "contract_further": _("ses sous-traitants"),
    "contract_file": _("le texte"),
}
REFUSALS: dict[str, Text] = {
    "contract_changed": _("contrat relu entre-temps"),
    "contract_invalid": _("lecture d’un contrat incomplète"),
}
PAGES: dict[str, Text] = {
    "contracts:list": _("contrats de sous-traitance"),
    "contracts:contract": _("contrat d’un sous-traitant"),
    "contracts:file": _("texte d’un contrat"),
}


def problem(code: str) -> str:
    return str(PROBLEMS.get(code, code))
