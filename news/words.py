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
    "news:letters": _("lettres d’un collectif"),
    "news:letter": _("lettre d’un collectif"),
    "news:letter_write": _("écriture d’une lettre"),
    "news:letter_change": _("modification d’une lettre"),
    "news:letter_try": _("essai d’une lettre"),
    "news:letter_send": _("envoi d’une lettre"),
    "news:letter_drop": _("suppression d’une lettre"),
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
    "letter_sent": _("la lettre est déjà partie"),
    "too_many_letters": _("trop de lettres en un jour"),
    "too_many_trials": _("trop d’essais en un jour"),
    "no_address": _("pas d’adresse"),
    "others_than_shown": _("les destinataires ont changé"),
    "by_mail_link": _("par le lien d’un courrier"),
    "feed_not_yours": _("le collectif n’est pas de ceux de cette personne"),
    "brief_not_restored": _("la brève ne peut plus être remise"),
}
# Why a letter does not leave, to whoever sends it.
LETTERS: dict[str, str | Promise] = {
    "letter_sent": _("Cette lettre est déjà partie."),
    "too_many_letters": _("Trois lettres par jour au plus pour un collectif : envoyez celle-ci demain."),
    "too_many_trials": _("Dix essais par jour au plus : revenez demain."),
    "no_address": _("Nous n’avons pas d’adresse à vous : rien ne pourra partir."),
    "others_than_shown": _("Le nombre de destinataires vient de changer. Relisez-le, puis envoyez."),
}
# What is wrong with a picture, to whoever brings it.
PICTURES: dict[str, str | Promise] = {
    "too_heavy": _("Cette image pèse plus de 15 Mo. Choisissez-en une plus légère."),
    "too_large": _("Cette image a de trop grandes dimensions. Choisissez-en une plus petite."),
    "unreadable": _("Ce fichier n’est pas une image lisible. Choisissez un fichier PNG, JPEG ou WebP."),
}
STANDINGS = dict(Standing.choices)
