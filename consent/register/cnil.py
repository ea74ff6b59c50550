"""The register in the CNIL's layout: a sheet that lists, then one for each record, with the headings in their order.

What is ours and not the model's stands in columns and rows that begin with « Trousseau ».  Reading is the reverse, also
of a file that somebody else filled in.  Rows of text in, rows of text out; no file, no database.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import Choices

from audit.letters import without_accents
from consent.register import policy
from consent.register.types import (
    SENSITIVE,
    Assessment,
    Content,
    Data,
    Kind,
    Listed,
    Parties,
    Party,
    People,
    Purpose,
    Recipient,
    Register,
    RegisterInvalid,
    Rubric,
    Transfer,
)
from consent.types import LegalBasis, RecipientRole, Safeguard

Rows = list[list[str]]
LIST = "Liste des traitements"
OURS = "Trousseau : "
DESCRIPTION = "Description"
LIST_HEADINGS = [
    "Nom / sigle",
    "N° / réf.",
    "Date de création",
    "Mise à jour",
    "Responsable de traitement",
    "Responsable conjoint",
    "Représentant",
    "Délégué à la protection des données",
    "Finalité principale",
    "Transferts hors UE",
    "Données sensibles",
    OURS + "registre",
]
ACTORS = ["Acteurs", "Nom", "Adresse", "Code postal", "Commune", "Pays", "Téléphone", "Adresse de messagerie"]
PARTIES = {
    "controller": "Responsable de traitement",
    "officer": "Délégué à la protection des données",
    "representative": "Représentant",
    "joint": "Responsable conjoint",
}
PURPOSES = [
    *("Finalités", DESCRIPTION),
    *(OURS + said for said in ("base légale", "mise en balance", "mise en balance faite le")),
]
MEASURES = ["Mesures de sécurité", DESCRIPTION]
TECHNICAL, ORGANISATIONAL = "Mesures de sécurité techniques", "Mesures de sécurité organisationnelles"
DATA = ["Catégories de données personnelles", DESCRIPTION, "Délai d’effacement"]
SENSITIVE_DATA = ["Données sensibles", DESCRIPTION, "Délai d’effacement", OURS + "fondement"]
PEOPLE = ["Personnes concernées", "Catégorie", "Précisions"]
RECIPIENTS = [
    *("Destinataires", "Type de destinataire", "Précisions"),
    *(OURS + said for said in ("rôle", "contact", "contrat", "fin du contrat", "pays")),
]
TRANSFERS = ["Transferts hors UE", "Organisme destinataire", "Pays", "Type de garanties", "Lien vers le document"]
MORE = ["Compléments", "Valeur"]
MORE_ROWS = {
    "clients": OURS + "responsables servis",
    "source": OURS + "origine des données",
    "assessment": OURS + "analyse d’impact",
    "assessment_note": OURS + "analyse d’impact, précisions",
    "reviewed": OURS + "dernier examen",
    "notice": OURS + "information des personnes",
}
KIND_ROW = OURS + "registre"
RECIPIENT_TYPES = {RecipientRole.INTERNAL: "Interne", RecipientRole.PROCESSOR: "Sous-traitant"}
EXTERNAL = "Externe"


# Writing --------------------------------------------------------------------------------------------------------


def sheets_of(register: Register) -> list[tuple[str, Rows]]:
    """The workbook: names of sheets are references, which stay what they are."""
    listed: Rows = [LIST_HEADINGS, *(_list_row(each, register.parties) for each in register.records)]
    return [(LIST, listed), *((each.reference, _record(each, register.parties)) for each in register.records)]


def table_of(register: Register) -> Rows:
    """The whole of it as one table, a line for each thing that a record says."""
    found: Rows = [["N° / réf.", "Nom / sigle", "Rubrique", "Ligne", "Colonne", "Valeur"]]
    for each in register.records:
        for section in sections_of(each, register.parties):
            for row, said in section.rows:
                found += [[each.reference, each.content.name, section.title, row, *pair] for pair in said]
    return found


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a record; each row has what it says, by the names of its columns."""

    title: str
    rows: list[tuple[str, list[tuple[str, str]]]]


def sections_of(each: Listed, parties: Parties) -> list[Section]:
    """A record in the model's order; what it does not say is left out, its section stays."""
    parts = [list(rows) for is_empty, rows in groupby(_record(each, parties), lambda row: not row) if not is_empty]
    return [_section([""], parts[0]), *(_section(heading, rows) for heading, *rows in parts[1:])]


def actors_of(parties: Parties) -> Section:
    """Who article 30(1)(a) names: the same in every record."""
    return _section(ACTORS, _actors(parties))


def _section(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> Section:
    columns = heading[1:] or [""]
    told = [(row[0], [pair for pair in zip(columns, row[1:], strict=False) if pair[1]]) for row in rows]
    return Section(heading[0], [(row, said) for row, said in told if said])


def _list_row(each: Listed, parties: Parties) -> list[str]:
    content = each.content
    return [
        content.name,
        each.reference,
        _day(content.created),
        _day(each.updated),
        *(party.name for party in (parties.controller, parties.joint, parties.representative, parties.officer)),
        content.purposes[0].text if content.purposes else "",
        _yes(content.transfers),
        _yes([row for row in content.data if row.rubric in SENSITIVE]),
        str(each.kind.label),
    ]


def _record(each: Listed, parties: Parties) -> Rows:
    content = each.content
    people = [[f"Personnes concernées {n}", row.category, row.precision] for n, row in _numbered(content.people)]
    return [
        ["Nom / sigle", content.name],
        ["N° / réf.", each.reference],
        ["Date de création", _day(content.created)],
        ["Mise à jour", _day(each.updated)],
        ["Logiciel utilisé", content.software],
        [],
        ACTORS,
        *_actors(parties),
        [],
        PURPOSES,
        *(
            [_purpose_title(n), row.text, _label(row.basis), row.balancing, _day(row.balanced_on)]
            for n, row in _numbered(content.purposes)
        ),
        [],
        MEASURES,
        [TECHNICAL, content.technical],
        [ORGANISATIONAL, content.organisational],
        [],
        DATA,
        *_data(content, [rubric for rubric in Rubric if rubric not in SENSITIVE]),
        [],
        SENSITIVE_DATA,
        *_data(content, [rubric for rubric in Rubric if rubric in SENSITIVE]),
        [],
        PEOPLE,
        *people,
        [],
        RECIPIENTS,
        *(
            [
                *(f"Destinataire {n}", _recipient_type(row), row.name, _label(row.role), row.contact, row.contract),
                *(_day(row.contract_end), row.country),
            ]
            for n, row in _numbered(content.recipients)
        ),
        [],
        TRANSFERS,
        *(
            [f"Transfert {n}", row.organisation, row.country, _label(row.safeguard), row.link]
            for n, row in _numbered(content.transfers)
        ),
        [],
        MORE,
        [KIND_ROW, str(each.kind.label)],
        *([said, _value(getattr(content, name))] for name, said in MORE_ROWS.items()),
    ]


_SECTIONS = {
    each[0] for each in (ACTORS, PURPOSES, MEASURES, DATA, SENSITIVE_DATA, PEOPLE, RECIPIENTS, TRANSFERS, MORE)
}


def _actors(parties: Parties) -> Rows:
    return [[said, *_party(getattr(parties, name))] for name, said in PARTIES.items()]


def _data(content: Content, rubrics: Iterable[Rubric]) -> Iterable[list[str]]:
    """A row for each category of the model, empty where a record has none; more where it has several periods."""
    for rubric in rubrics:
        rows = [row for row in content.data if row.rubric == rubric]
        for row in rows:
            ground = [row.ground] if rubric in SENSITIVE else []
            yield [str(rubric.label), row.description, policy.delay_said(row), *ground]
        if not rows:
            yield [str(rubric.label), "", ""]


def _numbered(rows: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    return enumerate(rows, start=1)


def _purpose_title(number: int) -> str:
    return "Finalité principale" if number == 1 else f"Sous-finalité {number - 1}"


def _recipient_type(row: Recipient) -> str:
    return RECIPIENT_TYPES.get(RecipientRole(row.role), EXTERNAL) if row.role else EXTERNAL


def _party(party: Party) -> list[str]:
    return [getattr(party, each.name) for each in fields(party)]


def _label(value: Any) -> str:
    return str(value.label) if isinstance(value, Choices) else ""


def _day(day: date | None) -> str:
    return day.strftime("%d/%m/%Y") if day else ""


def _value(value: Any) -> str:
    return _day(value) if isinstance(value, date) else _label(value) or str(value or "")


def _yes(found: Any) -> str:
    return "Oui" if found else "Non"


# Reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellError:
    sheet: str
    cell: str
    code: str


@dataclass(frozen=True, slots=True)
class Read:
    """One record of a file."""

    sheet: str
    reference: str
    kind: Kind
    content: Content


@dataclass(slots=True)
class File:
    """What a workbook says, what is wrong in it, and which sheets are no records."""

    records: list[Read] = field(default_factory=list)
    parties: Parties | None = None
    errors: list[CellError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


# Who has that many mends them in several goes.
MOST_ERRORS = 500
LONGEST_HEADING = 120
REFERENCE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,22}[A-Z0-9])?")


def read(sheets: Iterable[tuple[str, Rows]], *, today: date) -> File:
    """Every record, and every error by its sheet and cell."""
    found = File()
    seen: dict[str, str] = {}
    for name, rows in sheets:
        if len(found.errors) >= MOST_ERRORS:
            break
        if _plain(name).startswith("liste"):
            continue
        sheet = _Sheet(name, rows, found)
        if not sheet.is_record():
            found.ignored.append(name)
            continue
        if not sheet.is_of_our_size():
            continue
        each, parties = sheet.record(today), sheet.parties()
        if each is None:
            continue
        if each.reference in seen:
            sheet.wrong("reference", "twice")
            continue
        seen[each.reference] = name
        found.records.append(each)
        if parties != Parties():
            if found.parties is not None and found.parties != parties:
                sheet.wrong("actors", "other_parties")
            found.parties = found.parties or parties
    return found


def _plain(text: str) -> str:
    """Headings are the same whatever their accents, apostrophes, numbers and colons."""
    letters = without_accents(text[:LONGEST_HEADING].replace("’", "'").casefold())[:LONGEST_HEADING]
    return " ".join(re.sub(r"[^a-z']+", " ", letters).split())


class _Sheet:
    """The sheet of one record: sections by the heading in their first column, up to the next heading."""

    def __init__(self, name: str, rows: Rows, found: File) -> None:
        self.name, self.rows, self.found = name, rows, found
        self.cells: dict[str, str] = {}
        self.starts: dict[str, int] = {}
        self.titles = [_plain(row[0]) if row else "" for row in rows]
        headings = {_plain(each): each for each in _SECTIONS}
        for number, written in enumerate(self.titles):
            title = headings.get(written)
            # The model names « Données sensibles » in its list too; a section has its heading alone, once.
            if title and title not in self.starts:
                self.starts[title] = number

    def is_record(self) -> bool:
        return bool(self._said("nom sigle", "nom")) and PURPOSES[0] in self.starts

    def is_of_our_size(self) -> bool:
        """Asked before the text is composed, which takes its time; whatever is longer could not be kept."""
        for number, row in enumerate(self.rows):
            for column, text in enumerate(row):
                if len(text) > policy.MOST_CHARACTERS:
                    self.found.errors.append(CellError(self.name, _cell(number, column), "too_long"))
                    return False
        return True

    def wrong(self, place: str, code: str) -> None:
        self.found.errors.append(CellError(self.name, self.cells.get(place, ""), code))

    def record(self, today: date) -> Read | None:
        before = len(self.found.errors)
        reference = self._said("n ref", "n", "reference", "numero", place="reference") or self.name
        if REFERENCE.fullmatch(reference) is None:
            self.wrong("reference", "no_reference")
        kind = self._choice(Kind, self._more(KIND_ROW, "kind"), "kind") or Kind.CONTROLLER
        more = {name: self._more(said, name) for name, said in MORE_ROWS.items()}
        content = Content(
            name=self._said("nom sigle", "nom", place="name"),
            created=self._date(self._said("date de creation", "creation", place="created"), "created") or today,
            software=self._said("logiciel utilise", "logiciel", place="software"),
            clients=more["clients"],
            purposes=self._rows(PURPOSES, "purposes", self._purpose),
            technical=self._measure(TECHNICAL, "technical"),
            organisational=self._measure(ORGANISATIONAL, "organisational"),
            data=(
                *self._rows(DATA, "data", self._datum(lambda each: each not in SENSITIVE)),
                *self._rows(SENSITIVE_DATA, "data", self._datum(lambda each: each in SENSITIVE)),
            ),
            people=self._rows(PEOPLE, "people", lambda row, _place: People(row(1), row(2))),
            recipients=self._rows(RECIPIENTS, "recipients", self._recipient),
            transfers=self._rows(TRANSFERS, "transfers", self._transfer),
            source=more["source"],
            assessment=self._choice(Assessment, more["assessment"], "assessment") or "",
            assessment_note=more["assessment_note"],
            reviewed=self._date(more["reviewed"], "reviewed"),
            notice=more["notice"],
        )
        content = policy.tidy(content)
        try:
            policy.check(content)
        except RegisterInvalid as error:
            for place, code in error.problems.items():
                row, _, name = place.rpartition(".")
                # A delay has its three parts in one cell.
                cell = f"{row}.period" if name in ("start", "ending") else place
                self.wrong(cell if cell in self.cells else row or place, code)
        if len(self.found.errors) > before:
            return None
        return Read(self.name, reference, Kind(kind), content)

    def parties(self) -> Parties:
        """Who is named here: a file says the same on every sheet."""
        named = {_plain(said): name for name, said in PARTIES.items()}
        found = {}
        for number, row in self._section(ACTORS):
            self.cells.setdefault("actors", _cell(number, 0))
            name = named.get(self.titles[number])
            if name:
                values = [*row[1:], *[""] * len(fields(Party))]
                found[name] = Party(*values[: len(fields(Party))])
        return policy.tidy(Parties(**found))

    # Rows of a section

    def _section(self, headings: Sequence[str]) -> Iterable[tuple[int, list[str]]]:
        start = self.starts.get(headings[0])
        if start is None:
            return
        ends = [each for each in self.starts.values() if each > start]
        for number in range(start + 1, min(ends, default=len(self.rows))):
            row = self.rows[number]
            if row and row[0] and any(row[1:]):
                yield number, row

    def _columns(self, headings: Sequence[str]) -> dict[int, int]:
        """Where each column stands in this file: by its heading, and in the model's place where that is not there."""
        if headings[0] not in self.starts:
            return {}
        written = [_plain(each) for each in self.rows[self.starts[headings[0]]]]
        places: dict[int, int] = {}
        for number, heading in enumerate(headings):
            if _plain(heading) in written:
                places[number] = written.index(_plain(heading))
            elif not heading.startswith(OURS):
                places[number] = number
        return places

    def _rows(self, headings: Sequence[str], group: str, make: Callable[..., Any]) -> tuple[Any, ...]:
        made: list[Any] = []
        offset = sum(place.startswith(f"{group}.") and place.count(".") == 1 for place in self.cells)
        columns = self._columns(headings)
        for seen, (number, row) in enumerate(self._section(headings)):
            if seen == policy.MOST_ROWS:
                self.cells[group] = _cell(number, 0)
                self.wrong(group, "too_many")
                break

            def said(column: int, row: list[str] = row) -> str:
                place = columns.get(column)
                return row[place] if place is not None and place < len(row) else ""

            place = f"{group}.{offset + len(made)}"
            self.cells[place] = _cell(number, 0)
            for column, name in enumerate(_FIELDS[headings[0]], start=1):
                if column in columns:
                    self.cells[f"{place}.{name}"] = _cell(number, columns[column])
            each = make(said, place)
            if each is None:
                # No row of ours: its place is the next one's.
                self.cells = {name: cell for name, cell in self.cells.items() if not name.startswith(place)}
            else:
                made.append(each)
        return tuple(made)

    def _purpose(self, row: Callable[[int], str], place: str) -> Purpose:
        basis: Any = self._choice(LegalBasis, row(2), f"{place}.basis") or ""
        return Purpose(row(1), basis, row(3), self._date(row(4), f"{place}.balanced_on"))

    def _datum(self, wanted: Callable[[Rubric], bool]) -> Callable[[Callable[[int], str], str], Data | None]:
        named = {_plain(str(each.label)): each for each in Rubric if wanted(each)}

        def make(row: Callable[[int], str], place: str) -> Data | None:
            title = _plain(row(0))
            # The model explains its categories in brackets.
            rubric = named.get(title) or next(
                (each for name, each in named.items() if title.startswith(name[:14])), None
            )
            if rubric is None:
                self.wrong(place, "no_category")
                return None
            period, start, ending = policy.delay_read(row(2))
            return Data(rubric, row(1), period, start, ending, row(3))  # type: ignore[arg-type]

        return make

    def _recipient(self, row: Callable[[int], str], place: str) -> Recipient:
        role: Any = self._choice(RecipientRole, row(3), f"{place}.role")
        if role is None and OURS + "rôle" not in self.rows[self.starts[RECIPIENTS[0]]]:
            role = {_plain(said): each for each, said in RECIPIENT_TYPES.items()}.get(_plain(row(1)))
        end = self._date(row(6), f"{place}.contract_end")
        return Recipient(row(2), role or "", row(4), row(5), end, row(7))

    def _transfer(self, row: Callable[[int], str], place: str) -> Transfer:
        safeguard: Any = self._choice(Safeguard, row(3), f"{place}.safeguard") or ""
        return Transfer(row(1), row(2), safeguard, row(4))

    # Single cells

    def _said(self, *titles: str, place: str = "") -> str:
        """The value beside a title above the first section."""
        end = min(self.starts.values(), default=len(self.rows))
        for number, row in enumerate(self.rows[:end]):
            if self.titles[number] in titles:
                if place:
                    self.cells[place] = _cell(number, 1)
                return row[1] if len(row) > 1 else ""
        return ""

    def _measure(self, title: str, place: str) -> str:
        return self._beside(MEASURES, title, place)

    def _more(self, title: str, place: str) -> str:
        return self._beside(MORE, title, place)

    def _beside(self, headings: Sequence[str], title: str, place: str) -> str:
        for number, row in self._section(headings):
            if self.titles[number] == _plain(title):
                self.cells[place] = _cell(number, 1)
                return row[1]
        return ""

    def _choice(self, choices: Any, text: str, place: str) -> Any:
        if not text.strip():
            return None
        found = {_plain(str(each.label)): each for each in choices}.get(_plain(text))
        if found is None:
            self.wrong(place, "unreadable")
        return found

    def _date(self, text: str, place: str) -> date | None:
        text = text.strip()
        if not text:
            return None
        parts = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:T.*)?", text)
        french = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
        numbers = [*map(int, parts.groups())] if parts else [*map(int, french.groups())][::-1] if french else []
        try:
            return date(*numbers)
        except (TypeError, ValueError):
            self.wrong(place, "no_day")
            return None


# By the first heading of its section, the field of each column; a place of the policy is found by it.
_FIELDS = {
    PURPOSES[0]: ("text", "basis", "balancing", "balanced_on"),
    DATA[0]: ("description", "period"),
    SENSITIVE_DATA[0]: ("description", "period", "ground"),
    PEOPLE[0]: ("category", "precision"),
    RECIPIENTS[0]: ("type", "name", "role", "contact", "contract", "contract_end", "country"),
    TRANSFERS[0]: ("organisation", "country", "safeguard", "link"),
}


def _cell(row: int, column: int) -> str:
    return f"{chr(ord('A') + column)}{row + 1}"
