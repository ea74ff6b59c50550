"""The rules of the register: what may be saved, what is still missing, what a sheet says, what changed.

Values in, values out; no database, no clock.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import date
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from audit.letters import without_accents
from consent.register.types import (
    SENSITIVE,
    Content,
    Data,
    Difference,
    Kind,
    Parties,
    People,
    Purpose,
    Recipient,
    RegisterInvalid,
    Rubric,
    Transfer,
)
from consent.types import (
    ALWAYS,
    ITEMS,
    DataCategory,
    Ending,
    Face,
    LegalBasis,
    RecipientRole,
    Safeguard,
    Sheet,
    SheetInvalid,
    face_of,
)

T = TypeVar("T")
_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)
_PARTIES: TypeAdapter[Parties] = TypeAdapter(Parties)

MOST_CHARACTERS, MOST_ROWS, MOST_MARKS = 4000, 30, 30
# One line each: what stands in a heading, in an address, or in the delay of erasure, whose parts ``;`` parts.
SHORT = frozenset(
    {
        *("name", "software", "period", "start", "category", "contact", "contract", "country", "organisation", "link"),
        *("notice", "postcode", "town", "phone", "mail", "ground"),
    }
)
ROWS = ("purposes", "data", "people", "recipients", "transfers")
NEEDED = {
    "purposes": ("text",),
    "data": ("description", "period", "start", "ending"),
    "people": ("category",),
    "recipients": ("name",),
    "transfers": ("organisation", "country"),
}
# As a sheet may write them: the names in French, and ISO 3166 codes.
EEA = frozenset(
    {
        *("allemagne", "autriche", "belgique", "bulgarie", "chypre", "croatie", "danemark", "espagne", "estonie"),
        *("finlande", "france", "grece", "hongrie", "irlande", "islande", "italie", "lettonie", "liechtenstein"),
        *("lituanie", "luxembourg", "malte", "norvege", "pays-bas", "pologne", "portugal", "roumanie", "slovaquie"),
        *("slovenie", "suede", "tchequie", "at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr"),
        *("hr", "hu", "ie", "is", "it", "li", "lt", "lu", "lv", "mt", "nl", "no", "pl", "pt", "ro", "se", "si", "sk"),
    }
)
_UNSAYABLE = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# « dix ans après la clôture de l’exercice », « 6 mois à compter de la collecte »; of other words, none of it.
_SINCE = re.compile(
    r"^(?P<period>.{1,80}?)\s+(?:après|à (?:compter|partir) (?P<of>du\b|des\b|de\b|d['’]))\s*(?P<start>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_OF = {"du": "le ", "des": "les "}
# The parties have the first, the hub’s own processings the next; series are counted within so many digits.
PARTIES, LONGEST_NUMBER = "ORGANISME", 6
_RESERVED = re.compile(rf"{PARTIES}|HUB-.*|[OT]-[0-9]{{{LONGEST_NUMBER + 1},}}", re.IGNORECASE | re.DOTALL)
_JOIN, _THEN = " ; à partir de : ", " ; ensuite : "

RUBRICS = {
    DataCategory.IDENTITY: Rubric.IDENTITY,
    DataCategory.CONTACT: Rubric.IDENTITY,
    DataCategory.PROFESSIONAL: Rubric.PROFESSIONAL,
    DataCategory.CONNECTION: Rubric.CONNECTION,
}
# Without these answers a tool is not switched on.  That nothing protects a transfer is an answer: it stays a hole.
# "balancing" is the officer's, all others are the sheet's.
BLOCKING = frozenset(
    {
        *(
            "purpose",
            "basis",
            "balancing",
            "data",
            "period",
            "recipient",
            "role",
            "contract",
            "contract_over",
            "contact",
        ),
        *("country", "safeguard"),
    }
)


# JSON -----------------------------------------------------------------------------------------------------------


def to_json(value: Content | Parties) -> dict[str, Any]:
    adapter: TypeAdapter[Any] = _CONTENT if isinstance(value, Content) else _PARTIES
    found: dict[str, Any] = adapter.dump_python(value, mode="json")
    return found


def content_of(stored: Any) -> Content:
    return _parsed(_CONTENT, stored)


def parties_of(stored: Any) -> Parties:
    return _parsed(_PARTIES, stored)


def _parsed(adapter: TypeAdapter[T], stored: Any) -> T:
    try:
        return adapter.validate_python(stored)
    except ValidationError as error:
        raise RegisterInvalid({".".join(map(str, each["loc"])): "unreadable" for each in error.errors()}) from error


def ordered(content: Content) -> Content:
    """Data by rubric, as the model lists it: the order in which a spreadsheet gives it back."""
    rubrics = list(Rubric)
    return replace(content, data=tuple(sorted(content.data, key=lambda row: rubrics.index(row.rubric))))


def tidy(value: T) -> T:
    """Text as it can be kept and comes back from a spreadsheet: composed, without blanks at its ends."""
    tidied: T = _tidied(value, "")
    return tidied


def _tidied(value: Any, name: str) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _tidied(getattr(value, each.name), each.name) for each in fields(value)})
    if isinstance(value, tuple):
        return tuple(_tidied(each, name) for each in value)
    if type(value) is not str:  # an enum is text too, and already what it should be
        return value
    said = _UNSAYABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if not said.isascii():
        said = _few_marks(unicodedata.normalize("NFC", _few_marks(said)))
    lines = [" ".join(line.split()) for line in said.split("\n")]
    return " ".join(" ".join(lines).split()) if name in SHORT else "\n".join(lines).strip()


def _few_marks(text: str) -> str:
    """UAX #15 §13: no letter has more than 30 marks; the time to order them grows with their square."""
    kept, marks = [], 0
    for each in text:
        marks = marks + 1 if unicodedata.combining(each) else 0
        if marks <= MOST_MARKS:
            kept.append(each)
    return "".join(kept)


# What may be saved ----------------------------------------------------------------------------------------------


def check(content: Content) -> None:
    """G10, G12.  Raises ``RegisterInvalid`` with every place that is wrong; what a sheet said is not looked at.

    A basis that nobody has named yet is a hole, not an error: registers that come from elsewhere have none.
    """
    problems: dict[str, str] = {}
    if not content.name:
        problems["name"] = "missing"
    if not content.purposes:
        problems["purposes.0.text"] = "missing"
    for group in ROWS:
        rows = getattr(content, group)
        if len(rows) > MOST_ROWS:
            problems[group] = "too_many"
        for number, row in enumerate(rows):
            if not getattr(row, "fed", False):
                problems |= {f"{group}.{number}.{name}": why for name, why in _wrong(group, row).items()}
    problems |= {place: "too_long" for place, text in _texts(content) if len(text) > MOST_CHARACTERS}
    for number, row in enumerate(content.purposes):
        if bool(row.balancing) != bool(row.balanced_on):
            problems[f"purposes.{number}.balanced_on"] = "balancing_undated"
    if problems:
        raise RegisterInvalid(problems)


def check_new(reference: str, kind: Kind) -> None:
    """What comes with its own reference takes none that the hub gives.  Raises ``RegisterInvalid``."""
    if _RESERVED.fullmatch(reference):
        raise RegisterInvalid({"reference": "reserved"})
    if kind is Kind.PARTIES:
        raise RegisterInvalid({"kind": "unreadable"})


def check_parties(parties: Parties) -> None:
    problems = {place: "too_long" for place, text in _texts(parties) if len(text) > MOST_CHARACTERS}
    if not parties.controller.name:
        problems["controller.name"] = "missing"
    if problems:
        raise RegisterInvalid(problems)


def _wrong(group: str, row: Any) -> dict[str, str]:
    found = {name: "missing" for name in NEEDED[group] if not getattr(row, name)}
    if isinstance(row, Data):
        found |= {name: "semicolon" for name in ("period", "start") if ";" in getattr(row, name)}
    if isinstance(row, Transfer) and row.link and not re.match(r"https?://[^\s]+$", row.link):
        # A register is read with trust: no link in it does anything but lead somewhere.
        found["link"] = "no_link"
    return found


def _texts(value: Any, place: str = "") -> Iterable[tuple[str, str]]:
    if is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name), f"{place}.{each.name}" if place else each.name)
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _texts(each, f"{place}.{number}")
    elif isinstance(value, str):
        yield place, value


# What is missing ------------------------------------------------------------------------------------------------


def holes(content: Content, kind: Kind, *, today: date) -> list[str]:
    """What article 30 and our own fields ask and the record does not say, in the order of the page."""
    found = [*_row_holes(content, today)]
    found += ["people"] if not content.people else []
    found += ["measures"] if not (content.technical and content.organisational) else []
    found += ["source"] if not content.source else []
    found += ["assessment"] if not content.assessment else []
    found += ["review"] if content.reviewed is None else []
    found += ["clients"] if kind is Kind.PROCESSOR and not content.clients else []
    return list(dict.fromkeys(found))


def missing_to_open(content: Content | None, *, today: date) -> list[str]:
    """What a tool's sheet must say before the tool is switched on (articles 5, 6, 28 and 30)."""
    if content is None:
        return ["processing"]
    fed: dict[str, Any] = {name: tuple(row for row in getattr(content, name) if _fed(row)) for name in ROWS}
    own = replace(content, **fed)
    return [hole for hole in dict.fromkeys(_row_holes(own, today)) if hole in BLOCKING]


def _fed(row: Any) -> bool:
    return bool(getattr(row, "fed", False))


def _row_holes(content: Content, today: date) -> Iterable[str]:
    rows: tuple[tuple[str, Sequence[Any], Callable[[Any], Iterable[str]]], ...] = (
        ("purpose", content.purposes, _purpose_holes),
        ("data", content.data, _data_holes),
        ("recipient", content.recipients, lambda row: _recipient_holes(row, content, today)),
        ("", content.transfers, _transfer_holes),
    )
    for name, each, look in rows:
        if name and not each:
            yield name
        for row in each:
            yield from look(row)


def _purpose_holes(row: Purpose) -> Iterable[str]:
    if not row.text:
        yield "purpose"
    if not row.basis:
        yield "basis"
    if row.basis == LegalBasis.LEGITIMATE_INTEREST and not row.balancing:
        yield "balancing"


def _data_holes(row: Data) -> Iterable[str]:
    if not (row.period and row.start and row.ending):
        yield "period"
    if row.rubric in SENSITIVE and not row.ground:
        yield "ground"


def _recipient_holes(row: Recipient, content: Content, today: date) -> Iterable[str]:
    if not row.role:
        yield "role"
    bound = row.role in (RecipientRole.PROCESSOR, RecipientRole.JOINT)
    endless = row.role == RecipientRole.PROCESSOR and row.contract_end is None
    if (bound and not row.contract) or endless:
        yield "contract"
    if row.contract_end is not None and row.contract_end < today:
        yield "contract_over"
    if not row.contact and (row.fed or row.role == RecipientRole.PROCESSOR):
        yield "contact"
    if row.fed and not row.country:
        yield "country"
    if row.fed and row.country and not is_in_eea(row.country):
        yield from () if any(each.fed for each in content.transfers) else ("safeguard",)


def _transfer_holes(row: Transfer) -> Iterable[str]:
    if not row.safeguard:
        yield "safeguard"
    elif row.safeguard == Safeguard.NONE:
        yield "no_safeguard"


def is_in_eea(country: str) -> bool:
    return without_accents(country.strip().casefold()) in EEA


# How long data is kept, in one cell -----------------------------------------------------------------------------


def split_retention(text: str) -> tuple[str, str]:
    """A period and from when on it counts, where the words say so."""
    found = _SINCE.match(text.strip().rstrip("."))
    if found is None:
        return text.strip().rstrip("."), ""
    return found["period"].rstrip(" ,"), _OF.get((found["of"] or "").lower(), "") + found["start"]


def delay_said(row: Data) -> str:
    """The three parts as one cell of the CNIL's model has them; ``delay_read`` takes them apart again."""
    ending = str(Ending(row.ending).label) if row.ending else "–"
    return f"{row.period}{_JOIN}{row.start or '–'}{_THEN}{ending}"


def delay_read(text: str) -> tuple[str, str, Ending | str]:
    """Also of a cell that somebody else wrote, whose column says that what is over is erased."""
    if _JOIN in text and _THEN in text:
        period, _, rest = text.partition(_JOIN)
        start, _, ending = rest.partition(_THEN)
        known = {str(each.label): each for each in Ending}
        return period, "" if start == "–" else start, known.get(ending, "")
    period, start = split_retention(text)
    said = text.casefold()
    named = {"archiv": Ending.ARCHIVE, "anonym": Ending.ANONYMISE}
    return period, start, next((ending for word, ending in named.items() if word in said), Ending.DELETE)


# From a sheet ---------------------------------------------------------------------------------------------------


def from_sheet(
    sheet: Sheet,
    *,
    software: str,
    notice: str,
    today: date,
    before: Content | None = None,
) -> Content:
    """A tool's sheet as a record: its rows are the sheet's, what the officer wrote besides is kept.

    A balancing test holds for the purpose it was made for.
    """
    purposes = [(tidy(Purpose(purpose.text)).text, purpose.legal_basis) for purpose in sheet.purposes]
    known = {(row.text, row.basis): row for row in before.purposes} if before else {}
    weighed = [known.get((text, basis)) for text, basis in purposes]
    said = sheet.engagement
    name = sheet.recipient or software
    transfers = (
        (Transfer(name, said.country or "–", said.safeguard, fed=True),)
        if said.safeguard and said.safeguard != Safeguard.EEA
        else ()
    )
    own = before or Content(
        name=sheet.processing,
        created=today,
        people=(People("Membres de la coopérative", "celles et ceux qui ouvrent l’outil"),),
        source="Annuaire de la coopérative ; Trousseau transmet les données à l’ouverture de l’outil.",
    )
    return tidy(
        replace(
            own,
            name=sheet.processing,
            software=software,
            notice=notice,
            purposes=tuple(
                Purpose(text, basis, each.balancing if each else "", each.balanced_on if each else None, fed=True)
                for (text, basis), each in zip(purposes, weighed, strict=True)
            ),
            data=(*_sheet_data(sheet), *(row for row in own.data if not row.fed)),
            recipients=(
                Recipient(name, said.role, sheet.contact, said.contract, said.contract_end, said.country, fed=True),
                *(row for row in own.recipients if not row.fed),
            ),
            transfers=(*transfers, *(row for row in own.transfers if not row.fed)),
        )
    )


def _sheet_data(sheet: Sheet) -> Iterable[Data]:
    """A row for each kind and period; every tool gets its own identifiers, with or without a word about them."""
    named: dict[tuple[Rubric, str], list[str]] = {}
    always = [code for code in ITEMS if code in ALWAYS]
    for purpose in sheet.purposes:
        optional = " (facultatif)" if face_of(purpose.legal_basis) == Face.CONSENT else ""
        for code in dict.fromkeys([*always, *(each.item for each in purpose.items)]):
            label = f"{ITEMS[code].label}{'' if code in ALWAYS else optional}"
            named.setdefault((RUBRICS[ITEMS[code].category], purpose.retention), []).append(label)
        always = []
    for rubric in Rubric:
        for (about, retention), labels in named.items():
            if about == rubric:
                period, start = split_retention(retention)
                since = start or sheet.engagement.since
                yield Data(rubric, ", ".join(labels), period, since, sheet.engagement.ending, fed=True)


def check_engagement(sheet: Sheet) -> None:
    """What a sheet says of its recipient does not contradict itself.  Raises ``SheetInvalid``."""
    said = sheet.engagement
    if said.role == RecipientRole.PROCESSOR and not (said.contract.strip() and said.contract_end):
        raise SheetInvalid("a processor needs the reference of its contract and the day it ends (GDPR article 28)")
    if said.safeguard and not said.country.strip():
        raise SheetInvalid("the country is empty")
    if said.safeguard == Safeguard.EEA and not is_in_eea(said.country):
        raise SheetInvalid(
            f"{said.country} is outside the European Economic Area: name the safeguard, or say that there is none"
        )


# What changed ---------------------------------------------------------------------------------------------------


def differences(before: Content | Parties | None, after: Content | Parties) -> list[Difference]:
    """Field by field, rows by what went and what came; nothing of the first version."""
    if before is None:
        return []
    found = []
    for each in fields(after):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if unfed(old) == unfed(new):
            continue
        if isinstance(new, tuple):
            olds, news = [line(row) for row in old], [line(row) for row in new]
            gone, come = [row for row in olds if row not in news], [row for row in news if row not in olds]
            # The same rows in another order: all of them are told.
            old, new = ("\n".join(gone), "\n".join(come)) if gone or come else ("\n".join(olds), "\n".join(news))
        found.append(Difference(each.name, line(old), line(new)))
    return found


def unfed(value: Any) -> Any:
    """Whatever came from a sheet, as if it had been written by hand: for comparing what is said."""
    if isinstance(value, tuple):
        return tuple(unfed(each) for each in value)
    if hasattr(value, "fed"):
        return replace(value, fed=False)
    if isinstance(value, Content):
        return replace(value, **{name: unfed(getattr(value, name)) for name in ROWS})
    return value


def line(row: Any) -> str:
    """A row, or anything in it, as words on one line."""
    if is_dataclass(row) and not isinstance(row, type):
        told = (line(getattr(row, each.name)) for each in fields(row) if each.name != "fed")
        return " · ".join(each for each in told if each)
    if isinstance(row, date):
        return row.isoformat()
    if hasattr(row, "label"):
        return str(row.label)
    return "" if row is None else str(row)


def joined(shown: Content, own: Content) -> Content:
    """What the officer wrote, under what the sheet says: rows of the sheet first, as they are in force."""
    changed: dict[str, Any] = {
        name: (
            *(row for row in getattr(shown, name) if _fed(row)),
            *(row for row in getattr(own, name) if not _fed(row)),
        )
        for name in ROWS
    }
    # Purposes are all the sheet's; how an interest was weighed is the officer's.
    weighed = {(row.text, row.basis): row for row in own.purposes}
    changed["purposes"] = tuple(
        replace(row, balancing=found.balancing, balanced_on=found.balanced_on)
        if (found := weighed.get((row.text, row.basis)))
        else row
        for row in shown.purposes
    )
    return replace(own, name=shown.name, software=shown.software, notice=shown.notice, **changed)


def sheet_ignored(shown: Content, sent: Content) -> list[str]:
    """The fields in which a file says something else than the tool's sheet, which only the sheet may."""
    found = [name for name in ("name", "software", "notice") if getattr(shown, name) != getattr(sent, name)]
    for name in ROWS:
        said = [unfed(row) for row in getattr(sent, name)]
        fed = [unfed(row) for row in getattr(shown, name) if _fed(row)]
        if name == "purposes":
            said, fed = [(row.text, row.basis) for row in said], [(row.text, row.basis) for row in fed]
            found += [name] if said != fed else []
        elif any(row not in said for row in fed):
            found.append(name)
    return found


def without_fed(shown: Content, sent: Content) -> Content:
    """What a file says beyond the sheet of the tool; ``joined`` puts both together."""
    changed: dict[str, Any] = {}
    for name in ROWS:
        rows = list(getattr(sent, name))
        if name != "purposes":
            for row in getattr(shown, name):
                if _fed(row) and unfed(row) in rows:
                    rows.remove(unfed(row))
        changed[name] = tuple(rows)
    return replace(sent, **changed)


def as_plain(value: Any) -> dict[str, Any]:
    """For forms: a row as the values of its fields."""
    return {name: each for name, each in asdict(value).items() if name != "fed"}
