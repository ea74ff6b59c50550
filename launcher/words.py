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
    "launcher:tool_logo": _("logo d’un outil"),
    "launcher:tool_rule": _("accès à demander, et qui répond"),
    "launcher:tool_condition": _("état d’un outil"),
    "launcher:tool_move": _("place d’un outil sur la page"),
}
PROPERTIES: dict[str, str | Promise] = {
    "section": _("rubrique"),
    "tagline": _("ligne de présentation"),
    "tagline_en": _("ligne de présentation en anglais"),
    "keywords": _("autres mots"),
    "logo": _("logo"),
    "requestable": _("accès à demander"),
    "owners": _("qui répond"),
    "check_url": _("adresse à vérifier"),
    "said": _("annonce"),
    "said_en": _("annonce en anglais"),
    "said_until": _("dernier jour de l’annonce"),
    "by_collective": _("vue par collectif"),
    "monogram": _("lettres"),
    "order": _("ordre"),
    "one_key": _("touches du clavier"),
    "icon": _("dessin"),
    "name_en": _("nom en anglais"),
    "collective": _("collectif"),
}
# What is wrong with a logo, to whoever brings it.
LOGOS: dict[str, str | Promise] = {
    "too_heavy": _("Ce logo pèse plus de 2 Mo. Choisissez-en un plus léger."),
    "too_large": _("Ce logo a de trop grandes dimensions. Choisissez-en un plus petit."),
    "unreadable": _("Ce fichier n’est pas un logo lisible. Choisissez un fichier PNG, JPEG ou WebP."),
}
