"""News in words, for pages and for the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from news.types import Standing

PAGES: dict[str, str | Promise] = {
    "news:written": _("brèves écrites"),
    "news:write": _("écriture d’une brève"),
    "news:change": _("modification d’une brève"),
    "news:remove": _("retrait d’une brève"),
    "news:restore": _("remise d’une brève"),
}
PROPERTIES: dict[str, str | Promise] = {
    "title": _("titre"),
    "text": _("texte"),
    "picture": _("image"),
    "picture_alt": _("description de l’image"),
    "audience": _("pour"),
    "draft": _("brouillon"),
    "since": _("à partir du"),
    "until": _("jusqu’au"),
}
REASONS: dict[str, str | Promise] = {
    "brief_removed": _("la brève est retirée"),
    "by_mail_link": _("par le lien d’un courrier"),
    "feed_not_yours": _("le collectif n’est pas de ceux de cette personne"),
    "brief_not_restored": _("la brève ne peut plus être remise"),
}
# What is wrong with a picture, to whoever brings it.
PICTURES: dict[str, str | Promise] = {
    "too_heavy": _("Cette image pèse plus de 15 Mo. Choisissez-en une plus légère."),
    "too_large": _("Cette image a de trop grandes dimensions. Choisissez-en une plus petite."),
    "unreadable": _("Ce fichier n’est pas une image lisible. Choisissez un fichier PNG, JPEG ou WebP."),
}
STANDINGS = dict(Standing.choices)
