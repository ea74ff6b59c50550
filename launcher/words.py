"""Words for the codes that the launcher writes to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: dict[str, str | Promise] = {
    "launcher:arrange": _("réglage de la page des outils"),
    "launcher:section_add": _("ajout d’une rubrique"),
    "launcher:section": _("réglage d’une rubrique"),
    "launcher:section_move": _("place d’une rubrique"),
    "launcher:section_remove": _("retrait d’une rubrique"),
    "launcher:tool": _("réglage d’un outil sur la page"),
    "launcher:tool_move": _("place d’un outil sur la page"),
}
PROPERTIES: dict[str, str | Promise] = {
    "section": _("rubrique"),
    "tagline": _("ligne de présentation"),
    "tagline_en": _("ligne de présentation en anglais"),
    "keywords": _("autres mots"),
    "monogram": _("lettres"),
    "order": _("ordre"),
    "icon": _("dessin"),
    "name_en": _("nom en anglais"),
    "collective": _("collectif"),
}
