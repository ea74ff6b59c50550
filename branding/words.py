"""The look in words, for pages and for the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, str | Promise] = {
    "colour_unreadable": _("ce n’est pas une couleur"),
    "colour_weak": _("la couleur se lit mal"),
    "too_heavy": _("le fichier est trop lourd"),
    "too_large": _("l’image est trop grande"),
    "unreadable": _("l’image ne se lit pas"),
}
FIELDS: dict[str, str | Promise] = {
    "name_fr": _("nom en français"),
    "name_en": _("nom en anglais"),
    "short_name": _("nom court"),
    "accent": _("couleur principale"),
    "second": _("seconde couleur"),
    "logo": _("logo"),
}
USES: dict[str, str | Promise] = {
    "text": _("mots sur la page"),
    "label": _("mots sur un bouton"),
    "part": _("bouton sur la page"),
}
THEMES: dict[str, str | Promise] = {"light": _("Thème clair"), "dark": _("Thème sombre")}
