"""What the directory, consent, the ledger and the journal hold of somebody."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.own import selectors as own
from audit.own.types import OwnFilter
from consent import activity, display, history, selectors
from consent.corrections import selectors as corrections
from consent.directions import selectors as directions
from consent.models import Holding, HubNotice, Objection
from consent.own.types import Row, Section
from consent.receipts.selectors import state_of
from consent.receipts.words import state_words
from consent.requests import selectors as requests
from consent.requests.types import Kind
from directory.models import Profile
from directory.places.communes import label_of
from directory.types import Audience, Shown

AT_ONCE = 500
Read = TypeVar("Read")


def moment(at: datetime | None) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT") if at else ""


def text_of(at: datetime | date | None) -> str | None:
    return at.isoformat() if at else None


def _known(person: UUID) -> Iterator[Row]:
    for each in display.known(selectors.known_member(person)):
        if each.value:
            told = {"field": str(each.label), "value": each.value, "source": str(each.source)}
            yield Row(told, gettext("{label} : {value} ({source})").format(**{**told, "label": told["field"]}))


def _profile(person: UUID) -> Iterator[Row]:
    """What they wrote of themselves and to whom each thing is open, whether it is or not."""
    profile = Profile.objects.filter(pk=person).first()
    if profile is None:
        return
    label, audiences = dict(Shown.choices), dict(Audience.choices)
    yield Row(
        {"listed": profile.listed}, gettext("Dans la liste des membres : {said}").format(said=_yes(profile.listed))
    )
    said = {
        Shown.SKILLS: list(profile.skills),
        Shown.PRESENTATION: profile.presentation,
        Shown.LINKS: list(profile.links),
        Shown.PLACE: label_of(profile.place),
    }
    for item in Shown:
        value, audience = said.get(item, ""), profile.audiences.get(item.value, "")
        if not value and not audience:
            continue
        told = {"item": item.value, "value": value, "open_to": audience}
        text = ", ".join(value) if isinstance(value, list) else value
        words = gettext("{label}, ouvert à : {audience}").format(
            label=label[item], audience=audiences[audience].lower()
        )
        yield Row(told, f"{words}. {text}" if text else f"{words}.")


def _yes(answer: bool) -> str:
    return gettext("oui") if answer else gettext("non")


def _directions(person: UUID) -> Iterator[Row]:
    said = directions.own(person)
    if said is not None:
        told = {
            "text": said.text,
            "contact": said.contact,
            "left_at": text_of(said.left_at),
            "changed_at": text_of(said.changed_at),
        }
        words = gettext("Enregistrées le {day}. {text}").format(day=moment(said.changed_at), text=said.text)
        contact = gettext("Personne à joindre : {contact}").format(contact=said.contact)
        yield Row(told, f"{words} {contact}" if said.contact else words)


def _decisions(person: UUID) -> Iterator[Row]:
    told = selectors.export_decisions(person)
    for row, data in zip(selectors.decisions(person), told, strict=True):
        names = ", ".join(str(display.item_label(code)) for code in row.items)
        said = gettext("{day}, {tool} : {state}, information version {version}.").format(
            day=moment(row.at), tool=row.tool.name, state=state_words(state_of(row)), version=row.notice.version
        )
        yield Row(data, f"{said} {names}." if names else said)


def _asked(person: UUID) -> Iterator[Row]:
    for row in selectors.unanswered(person):
        tool, version = row.notice.processing.tool, row.notice.version
        told = {"at": text_of(row.at), "tool": tool.slug, "notice_version": version, "language": row.language}
        said = gettext("{day}, {tool} : question sans réponse, information version {version}.")
        yield Row(told, said.format(day=moment(row.at), tool=tool.name, version=version))


def _hub_notice(person: UUID) -> Iterator[Row]:
    for row in HubNotice.objects.filter(pk=person):
        told = {"at": text_of(row.at), "language": row.language, "digest": row.digest}
        yield Row(told, gettext("Lue le {day}.").format(day=moment(row.at)))


def _objections(person: UUID) -> Iterator[Row]:
    rows = Objection.objects.filter(member_id=person).select_related("tool", "purpose", "request").order_by("-pk")
    for row in rows:
        told = {
            "at": text_of(row.at),
            "ended_at": text_of(row.ended_at),
            "tool": row.tool.slug,
            "purpose": row.purpose.text,
            "items": row.items,
            "request": row.request.reference if row.request else None,
        }
        said = gettext("{day}, {tool} : {purpose}").format(
            day=moment(row.at), tool=row.tool.name, purpose=row.purpose.shown_text
        )
        over = gettext(" Levée le {day}.").format(day=moment(row.ended_at)) if row.ended_at else ""
        yield Row(told, said + over)


def _disclosures(person: UUID) -> Iterator[Row]:
    ledger = selectors.ledger(person).prefetch_related("processing__purposes__items").iterator(chunk_size=1000)
    return (Row(selectors.told(row), history.sentence(row)) for row in ledger)


def _requests(person: UUID) -> Iterator[Row]:
    for told in requests.exported(person):
        kind, received = dict(Kind.choices)[told["kind"]], date.fromisoformat(told["received_on"])
        said = gettext("{reference} : {kind}, reçue le {day}.").format(
            reference=told["reference"], kind=kind, day=date_format(received, "SHORT_DATE_FORMAT")
        )
        yield Row(told, " ".join([said, *(step["text"] for step in told["steps"] if step["text"])]))


def _held(person: UUID) -> Iterator[Row]:
    for row in Holding.objects.filter(member_id=person).select_related("tool").order_by("tool__name", "item", "pk"):
        told = {
            "tool": row.tool.slug,
            "item": row.item,
            "since": text_of(row.since),
            "last": text_of(row.last),
            "erased_at": text_of(row.ended_at),
        }
        said = gettext("{tool} : {item}, depuis le {day}.").format(
            tool=row.tool.name, item=display.item_label(row.item), day=moment(row.since)
        )
        over = gettext(" Effacement confirmé le {day}.").format(day=moment(row.ended_at)) if row.ended_at else ""
        yield Row(told, said + over)


def _corrections(person: UUID) -> Iterator[Row]:
    """What changed last, and which tools have the value of before or of now; no value."""
    tools = dict(Holding.objects.filter(member_id=person, ended_at=None).values_list("tool_id", "tool__slug"))
    for tool, changed in corrections.by_tool(person).items():
        for each in changed:
            told = {
                "tool": tools[tool],
                "item": each.item,
                "at": text_of(each.at),
                "received_at": text_of(each.received_at),
            }
            said = gettext("{tool} : {item}, modifié le {day}.").format(
                tool=tools[tool], item=display.item_label(each.item), day=moment(each.at)
            )
            state = gettext("Reçu depuis.") if each.is_delivered else gettext("Pas encore reçu.")
            yield Row(told, f"{said} {state}")


def _lines(person: UUID) -> Iterator[Row]:
    """Told as in « Mon activité »: whoever else did it stays unnamed (GDPR art. 15(4))."""
    events = own.lines(own.keys_of(person), OwnFilter()).iterator(AT_ONCE)
    for some in _in_batches(events):
        for line in activity.tell(some, person):
            facts = [gettext("%(label)s : %(value)s") % {"label": label, "value": value} for label, value in line.facts]
            told = {
                "id": str(line.event.reference),
                "code": line.code,
                "at": text_of(line.event.at),
                "action": line.event.action,
                "sentence": line.sentence,
                "by": line.by,
                "refused": line.event.refused,
                "reason": line.reason,
                "facts": dict(line.facts),
            }
            reason = [line.reason] if line.reason else []
            said = " · ".join([moment(line.event.at), line.code, line.sentence, *reason, *facts])
            yield Row(told, said)


def _in_batches(rows: Iterable[Read]) -> Iterator[Sequence[Read]]:
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some


SECTIONS = (
    Section("known", _("Ce que Trousseau sait de moi"), _known, place=10),
    Section("profile", _("Ma fiche du trombinoscope"), _profile, place=15),
    Section("directions", _("Mes directives pour après mon décès"), _directions, place=16),
    Section("decisions", _("Mes accords"), _decisions, place=20),
    Section("asked", _("Les questions restées sans réponse"), _asked, place=20),
    Section("objections", _("Mes oppositions"), _objections, place=21),
    Section("requests", _("Mes demandes"), _requests, place=22),
    Section("hub_notice", _("L’information sur Trousseau lui-même"), _hub_notice, place=23),
    Section("held", _("Ce que les outils ont reçu et gardent"), _held, place=30),
    Section("corrections", _("Ce qui a changé de ce que les outils gardent"), _corrections, place=30),
    Section("disclosures", _("Toutes les transmissions"), _disclosures, place=31),
    Section("lines", _("Mes lignes du journal"), _lines, place=90),
)
