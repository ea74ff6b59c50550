"""Rows and words of the pages: what is declared and agreed, said to the member."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock

from cachetools import TTLCache, cached
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from consent import policy
from consent.models import Objection, Processing, ProcessingPurpose
from consent.selectors import Relation
from consent.types import ALWAYS, ITEMS, Channel, DataCategory, Face, Holds, LegalBasis
from directory.models import Member, StatusPeriod
from directory.types import Kind, MailState

Text = str | Promise

HOLDS: dict[Holds, Text] = {
    Holds.CONDITIONAL: _("effacement si la loi n’impose pas de garder"),
    Holds.BY_WITHDRAWAL: _("retrait de votre accord à tout moment"),
}
BASES: dict[str, Text] = {
    LegalBasis.CONSENT: _("Votre accord. Vous pouvez le retirer à tout moment dans « Mes données »."),
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
# Why every tool gets its own identifiers, with or without a sheet.
ALWAYS_WHY: dict[str, Text] = {
    "identifier": _("Reconnaître votre compte sans donner votre nom."),
    "session": _("Vous déconnecter de partout en une fois."),
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
# Why an erasure is not asked for, agreed to, answered or closed.
ERASURES: dict[str, Text] = {
    "erasure_open": _("un effacement de ces données est déjà en cours"),
    "erasure_over": _("cet effacement est terminé"),
    "erasure_elsewhere": _("cet effacement n’en est plus là"),
    "erasure_unknown": _("effacement inconnu"),
    "erasure_answered": _("l’outil a déjà répondu"),
    "nothing_held": _("cet outil ne détient rien sur cette personne"),
    "hold_person": _("un effacement est suspendu pour cette personne : la suspension se lève d’abord"),
    "holders_waited_for": _("des outils ont encore le temps de répondre"),
    "holders_to_call": _("des outils sont encore à joindre"),
    "asker_gone": _("la personne qui l’a demandé n’est plus là"),
}
LANGUAGES: dict[str, Text] = {"fr": _("français"), "en": _("anglais")}


@dataclass(frozen=True, slots=True)
class Row:
    """One data item on the page shown before a tool opens."""

    item: str
    label: Text
    why: str
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """A purpose on that page, with the items that are wanted for it and what the member can do about them."""

    purpose: ProcessingPurpose
    face: Face
    rows: list[Row]
    objected: bool


@dataclass(frozen=True, slots=True)
class CardItem:
    """One data item on a tool's card: why it is wanted, and what became of it.

    ``current`` is true for an item that was part of the last day's transmissions, whose time the card tells once.
    """

    code: str
    label: Text
    why: Text
    last: datetime | None
    current: bool
    refused: bool = False
    declared: bool = True


@dataclass(frozen=True, slots=True)
class CardGroup:
    """A purpose on a tool's card; none for what no purpose of today's sheet covers."""

    purpose: ProcessingPurpose | None
    items: list[CardItem]
    objection: Objection | None = None
    may_object: bool = False
    may_choose: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Something the hub knows of the member, and where it comes from."""

    label: Text
    value: str
    source: Text


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


def groups(processing: Processing | None, values: Mapping[str, str], objected: Collection[str] = ()) -> list[Group]:
    """The purposes of a sheet in its order, each with its items and today's values."""
    return [
        Group(
            purpose=purpose,
            face=purpose.face,
            rows=[
                Row(each.item, item_label(each.item), each.shown_why, _shown(each.item, values.get(each.item, "")))
                for each in purpose.items.all()
            ],
            objected=all(each.item in objected for each in purpose.items.all()) and bool(objected),
        )
        for purpose in (processing.purposes.all() if processing else ())
    ]


def _shown(code: str, value: str) -> str:
    return language_name(value) if code == "language" else value


def card_groups(relation: Relation) -> list[CardGroup]:
    """What a tool gets, by what it is for; then what it received beyond its sheet, identifiers last."""
    last = {each.item: each.last for each in relation.received}
    consent = relation.consent
    refused = frozenset(consent.refused_items) if consent and consent.ended_at is None else frozenset[str]()
    objected = {item: each for each in relation.objections for item in each.items}

    def row(code: str, why: Text, *, declared: bool = True) -> CardItem:
        at = last.get(code)
        current = at is not None and relation.last is not None and at.date() == relation.last.date()
        return CardItem(code, item_label(code), why, at, current, code in refused, declared)

    may_choose = relation.stands and not relation.outdated
    found, on_the_sheet = [], set(ALWAYS)
    for purpose in relation.purposes:
        codes = {each.item: each.shown_why for each in purpose.items.all()}
        on_the_sheet |= codes.keys()
        # What was never sent under an agreement that is over will not be: nothing to tell.
        rows = [row(code, why) for code, why in codes.items() if code in last or not relation.ended]
        objections = [objected.get(code) for code in codes]
        objection = objections[0] if objections and all(objections) else None
        may_object = purpose.face == Face.OBJECTION and objection is None and bool(codes)
        if rows or not relation.ended:
            found.append(CardGroup(purpose, rows, objection, may_object, may_choose and purpose.face == Face.CONSENT))
    beyond = [row(code, "", declared=False) for code in last if code not in on_the_sheet]
    beyond += [row(code, why) for code, why in ALWAYS_WHY.items() if code in last]
    return [*found, CardGroup(None, beyond)] if beyond or not found else found


def known(member: Member) -> list[Known]:
    """Every field the hub can hold about a member, with its source; empty where it holds nothing."""
    directory: Text = _("annuaire de la coopérative")
    mail = member.email
    if mail and member.email_state != MailState.OK:
        mail = f"{mail} ({member.get_email_state_display()})"
    fields: list[tuple[Text, str]] = [
        (_("Nom affiché"), member.display_name),
        (_("Prénom"), member.given_name),
        (_("Nom de famille"), member.family_name),
        (_("Identifiant de connexion"), member.login),
        (_("Adresse e-mail"), mail),
        (_("Téléphone fixe"), member.phone),
        (_("Téléphone mobile"), member.mobile),
        (_("Métier"), member.trade),
        (_("Nom d’activité"), member.business_name),
        (_("Numéro de membre"), member.employee_number),
        (_("Statut dans la coopérative"), member.employee_type),
        (_("Adresse postale"), member.postal_address),
        (_("Code postal"), member.postal_code),
        (_("Commune"), member.town),
        (_("Langue"), language_name(member.language)),
        (_("Photo"), gettext("enregistrée") if getattr(member, "has_photo", False) else ""),
        (_("Collectifs"), ", ".join(sorted(_collectives(member)))),
        (_("État du compte"), str(member.get_state_display())),
    ]
    rows = [Known(label, value, directory) for label, value in fields]
    office: Text = _("décidé par la structure")
    held = str(member.get_hold_display()) if member.hold else ""
    planned = [each for each in member.departures.all() if each.done_at is None and each.cancelled_at is None]
    rows.append(Known(_("Suspension ou départ"), held, office))
    rows.append(Known(_("Dernier jour prévu"), ", ".join(_day(each.last_day) for each in planned), office))
    path = ", ".join(_stretch(period) for period in member.status_periods.all())
    rows.append(Known(_("Parcours dans la coopérative"), path, _("tenu par Trousseau d’après l’annuaire")))
    roles = ", ".join(sorted(str(role.label) for role in member.roles))
    rows.append(Known(_("Rôles dans Trousseau"), roles, _("attribués dans Trousseau")))
    rows.append(Known(_("Identifiant interne"), str(member.pk), _("créé par Trousseau")))
    return rows


def _collectives(member: Member) -> list[str]:
    """A status is told apart from the groups somebody works in."""
    found = [each.collective for each in member.memberships.all()]
    return [collective.name for collective in found if collective.kind != Kind.STATUS]


def _stretch(period: StatusPeriod) -> str:
    label = str(period.get_status_display())
    if period.until is None:
        return gettext("{status} depuis le {since}").format(status=label, since=_day(period.since))
    since, until = _day(period.since), _day(period.until)
    return gettext("{status} du {since} au {until}").format(status=label, since=since, until=until)


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
