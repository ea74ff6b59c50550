"""What a member gave of themself, to hand to somebody else: an open format with a published schema (GDPR art. 20).

It is no excerpt of the access answer.  What the cooperative assigned, what others wrote and what was noted from use
were not given; and what was given for a legal duty or a legitimate interest is not portable.  Bases are those of the
register today: where an officer changes one, the file follows.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from audit.bundle import Sink
from audit.exporting import hub_name
from consent import policy, selectors
from consent.own import sources
from consent.own.sections import text_of
from consent.own.types import Part
from consent.own.vcard import Given, card_of
from consent.register import selectors as register
from consent.types import Holds, LegalBasis, Right
from directory import photos
from directory.models import Member, Profile
from directory.places.communes import label_of
from directory.types import Shown

FORMAT = "trousseau/portability/1"
SCHEMA = "portability-1.schema.json"
DATA, CARD, PHOTO = "donnees-fournies.json", "coordonnees.vcf", "photo.webp"
# Of what stands in a card, what its holder wrote there alone; all else is in the other parts.
WRITTEN = (Shown.SKILLS, Shown.PRESENTATION, Shown.LINKS, Shown.PLACE)


@cache
def schema() -> str:
    return (Path(__file__).parent / SCHEMA).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A processing of the hub of which nothing is portable, and on what it rests."""

    name: str
    bases: tuple[LegalBasis, ...]


@dataclass(frozen=True, slots=True)
class Portable:
    """The parts that may be taken, with the bases that let them; and the processings that have none."""

    parts: tuple[tuple[Part, tuple[LegalBasis, ...]], ...]
    left_out: tuple[LeftOut, ...]


def portable() -> Portable:
    """A part whose processing is not in the register, or is closed, has no basis.  One statement."""
    found = register.own_bases()
    parts = []
    for part in sources.given():
        bases = found[part.processing][1] if part.processing in found else ()
        lets = _letting(bases if part.processing else (LegalBasis.CONSENT,))
        if lets:
            parts.append((part, lets))
    left_out = [LeftOut(name, bases) for name, bases in found.values() if bases and not _letting(bases)]
    return Portable(tuple(parts), tuple(left_out))


def _letting(bases: tuple[LegalBasis, ...]) -> tuple[LegalBasis, ...]:
    return tuple(each for each in bases if policy.rights(each)[Right.PORTABILITY] == Holds.YES)


def export(sink: Sink, person: UUID, *, now: datetime) -> None:
    """The data, its schema, the photo, and the details as a card where they may be taken."""
    found = portable()
    told: dict[str, Any] = {
        "format": FORMAT,
        "schema": SCHEMA,
        "generated_at": now.isoformat(),
        "issuer": hub_name(),
        "parts": {
            part.name: {"bases": [each.value for each in bases], "data": data}
            for part, bases in found.parts
            if (data := part.read(person))
        },
        "left_out": [
            {"processing": each.name, "bases": [basis.value for basis in each.bases]} for each in found.left_out
        ],
    }
    sink.put(DATA, [json.dumps(told, ensure_ascii=False, indent=1).encode(), b"\n"])
    sink.put(SCHEMA, [schema().encode()])
    if "photo" in told["parts"]:
        sink.put(PHOTO, [_photo_of(person)])
    if "details" in told["parts"]:
        sink.put(CARD, [card_of(details_of(Member.objects.get(pk=person))).encode()])


def details_of(member: Member) -> Given:
    """What they told the cooperative of themselves: no number, no login and no group that it gave them."""
    return Given(
        name=member.display_name,
        given_name=member.given_name,
        family_name=member.family_name,
        email=member.email,
        phone=member.phone,
        mobile=member.mobile,
        street=member.postal_address,
        postal_code=member.postal_code,
        town=member.town,
        trade=member.trade,
        business=member.business_name,
        language=member.language,
    )


def _details(person: UUID) -> dict[str, str]:
    return {name: value for name, value in asdict(details_of(Member.objects.get(pk=person))).items() if value}


def _photo(person: UUID) -> dict[str, str]:
    content = _photo_of(person)
    if not content:
        return {}
    return {"file": PHOTO, "media_type": "image/webp", "sha256": hashlib.sha256(content).hexdigest()}


def _photo_of(person: UUID) -> bytes:
    return photos.content_of(person, photos.digest_of(person))


def _profile(person: UUID) -> dict[str, Any]:
    profile = Profile.objects.filter(pk=person).first()
    if profile is None:
        return {}
    place = {"code": profile.place, "name": label_of(profile.place)} if profile.place else None
    said = {
        Shown.SKILLS: list(profile.skills),
        Shown.PRESENTATION: profile.presentation,
        Shown.LINKS: list(profile.links),
        Shown.PLACE: place,
    }
    told: dict[str, Any] = {item.value: said[item] for item in WRITTEN if said[item]}
    opened = {item.value: profile.audiences[item.value] for item in Shown if profile.audiences.get(item.value)}
    return told | ({"open_to": opened} if opened else {})


def _choices(person: UUID) -> list[dict[str, Any]]:
    """Of each tool the last word, about what it could only have by agreement."""
    return list(_last_words(person))


def _last_words(person: UUID) -> Iterator[dict[str, Any]]:
    seen: set[int] = set()
    for row in selectors.decisions(person):
        asked = policy.agreeable(row.notice.content)
        if row.tool_id in seen or not asked:
            continue
        seen.add(row.tool_id)
        agreed = asked.intersection(row.items) if row.ended_at is None else frozenset[str]()
        yield {
            "tool": row.tool.slug,
            "tool_name": row.tool.name,
            "at": text_of(row.ended_at or row.at),
            "notice_version": row.notice.version,
            "agreed": sorted(agreed),
            "refused": sorted(asked - agreed),
        }


PARTS = (
    Part("details", _("Vos coordonnées"), "hub-annuaire", _details, place=10),
    Part("photo", _("Votre photo"), "hub-annuaire", _photo, place=11),
    Part(
        "profile",
        _("Votre fiche : savoir-faire, présentation, liens, lieu, et à qui chaque chose est ouverte"),
        "hub-trombinoscope",
        _profile,
        place=20,
    ),
    Part("choices", _("Vos choix, outil par outil"), "", _choices, place=30),
)
