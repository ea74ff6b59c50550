"""Codes of consent in the member's words."""

from threading import Lock

from cachetools import TTLCache, cached
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent import policy
from consent.models import Processing
from consent.types import ITEMS, Channel, DataCategory, Holds, LegalBasis

Text = str | Promise

HOLDS: dict[Holds, Text] = {
    Holds.CONDITIONAL: _("effacement si la loi n’impose pas de garder"),
    Holds.BY_WITHDRAWAL: _("retrait de votre accord à tout moment"),
}
BASES: dict[str, Text] = {
    LegalBasis.CONSENT: _("Votre accord. Vous pouvez le retirer à tout moment dans « Mes données »."),
    LegalBasis.CONTRACT: _("Votre contrat avec la coopérative : ces données sont nécessaires pour l’appliquer."),
    LegalBasis.LEGAL_DUTY: _("Une obligation légale de la coopérative."),
    LegalBasis.VITAL_INTEREST: _("La protection de la vie d’une personne."),
    LegalBasis.PUBLIC_TASK: _("Une mission d’intérêt public. Vous pouvez vous y opposer."),
    LegalBasis.LEGITIMATE_INTEREST: _("L’intérêt légitime de la coopérative. Vous pouvez vous y opposer."),
}
CHANNELS: dict[str, Text] = {
    Channel.ID_TOKEN: _("à l’ouverture de l’outil"),
    Channel.USERINFO: _("à la demande de l’outil, pendant votre visite"),
    Channel.LOGOUT_TOKEN: _("à la déconnexion"),
}
PARTS: dict[str, Text] = {
    "purpose": _("à quoi servent ces données"),
    "legal_basis": _("ce qui autorise leur transmission"),
    "retention": _("combien de temps elles sont gardées"),
    "recipient": _("qui les reçoit"),
    "items": _("pourquoi l’une des données est demandée"),
}
# Why an agreement ended, or something was refused, for those who read the journal.
ENDINGS: dict[str, Text] = {
    "withdrawn": _("retiré par le membre"),
    "downloads_enough": _("trop de téléchargements en une heure"),
    "basis_changed": _("la fiche de l’outil dit une autre base, à laquelle on ne s’oppose pas"),
    "notice_outdated": _("texte qui n’est plus celui de l’outil"),
    "nothing_to_object_to": _("usage auquel on ne peut pas, ou plus, s’opposer"),
}
LANGUAGES: dict[str, Text] = {"fr": _("français"), "en": _("anglais")}


def item_label(code: str) -> Text:
    """The item in words; a code that left the catalogue stays readable."""
    return ITEMS[code].label if code in ITEMS else code


def basis_words(code: str) -> Text:
    return BASES.get(code, "")


def basis_name(codes: str) -> str:
    """The name of each legal basis, as ``Release`` tells them."""
    return ", ".join(str(LegalBasis(code).label) if code in LegalBasis.values else code for code in codes.split())


def channel_words(code: str) -> Text:
    return CHANNELS.get(code, code)


def channel_name(code: str) -> Text:
    """The channel by its own name, for those who read the journal."""
    return Channel(code).label if code in Channel.values else code


def category_name(code: str) -> Text:
    return DataCategory(code).label if code in DataCategory.values else code


def part_words(code: str) -> Text:
    return PARTS.get(code, code)


@cached(TTLCache(maxsize=500, ttl=60), key=lambda code: (code, get_language() or "fr"), lock=Lock())
def processing_name(code: str) -> str:
    """What the sheet is called whose number a line has; its rows never change, so that they are kept for a while."""
    row = Processing.objects.filter(pk=int(code)).first() if code.isdecimal() else None
    return f"{row.shown_name} ({row.version})" if row else code


def language_name(code: str) -> str:
    """The language in words, its country left out."""
    return str(LANGUAGES.get(code.partition("-")[0], code))


def rights_words(basis: str) -> str:
    """The rights that hold on this basis, as a list."""
    found = policy.rights(LegalBasis(basis)).items()
    return ", ".join(str(HOLDS.get(holds, right.label)) for right, holds in found if holds != Holds.NO)
