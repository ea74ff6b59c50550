"""Register → spreadsheet → register loses nothing, and a file that somebody sends is read within limits."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.reading import ods
from consent.register import cnil, exports, policy, spreadsheet
from consent.register.spreadsheet import MOST_BYTES, Unreadable, sheets_in
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
    Rubric,
    Transfer,
)
from consent.types import Ending, LegalBasis, RecipientRole, Safeguard
from tests.consent.register.test_policy import FULL, TODAY

ALIZARINE = Parties(controller=Party("Alizarine", "12 rue X", "34000", "Montpellier", "France", "+33 4", "a@x.example"))

# Text that a hostile or careless hand may type: formulas, entities, line breaks, headings of the model itself.
WORDS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.sampled_from(
        [
            "=1+1",
            "<b>&amp;",
            "a\n\nb",
            "  x  ",
            "Finalités",
            "Destinataires",
            "Transfert 1",
            "–",
            "'x",
            "Données sensibles",
        ]
    ),
)
SAID = WORDS.filter(lambda text: bool(policy.tidy(People(text)).category))
SHORT = SAID.map(lambda text: text.replace(";", ",")).filter(lambda text: policy.tidy(People(text)).category != "–")
DAYS = st.dates(date(1990, 1, 1), date(2099, 12, 31))
OPTIONAL_DAY = st.none() | DAYS
BALANCING = st.tuples(st.just(""), st.none()) | st.tuples(SAID, DAYS)
PURPOSES = st.builds(
    lambda text, basis, pair: Purpose(text, basis, *pair), SAID, st.sampled_from(["", *LegalBasis]), BALANCING
)
DATA = st.builds(
    lambda rubric, text, period, start, ending, ground: Data(
        rubric, text, period, start, ending, ground if rubric in SENSITIVE else ""
    ),
    st.sampled_from(Rubric),
    SAID,
    SHORT,
    SHORT,
    st.sampled_from(Ending),
    WORDS,
)
LINKS = st.sampled_from(["", "https://x.example/doc?a=1&b=2"])
CONTENTS = st.builds(
    Content,
    name=SAID,
    created=DAYS,
    software=WORDS,
    clients=WORDS,
    purposes=st.lists(PURPOSES, min_size=1, max_size=4).map(tuple),
    technical=WORDS,
    organisational=WORDS,
    data=st.lists(DATA, max_size=4).map(tuple),
    people=st.lists(st.builds(People, SAID, WORDS), max_size=3).map(tuple),
    recipients=st.lists(
        st.builds(Recipient, SAID, st.sampled_from(["", *RecipientRole]), WORDS, WORDS, OPTIONAL_DAY, WORDS), max_size=3
    ).map(tuple),
    transfers=st.lists(st.builds(Transfer, SAID, SAID, st.sampled_from(["", *Safeguard]), LINKS), max_size=3).map(
        tuple
    ),
    source=WORDS,
    assessment=st.sampled_from(["", *Assessment]),
    assessment_note=WORDS,
    reviewed=OPTIONAL_DAY,
    notice=WORDS,
).map(lambda content: policy.ordered(policy.tidy(content)))
REGISTERS = st.lists(CONTENTS, max_size=3).map(
    lambda contents: Register(
        TODAY,
        ALIZARINE,
        tuple(
            Listed(f"T-{n:03d}", Kind.PROCESSOR if n % 2 else Kind.CONTROLLER, 1, TODAY, content)
            for n, content in enumerate(contents)
        ),
    )
)


def file_of(register: Register) -> bytes:
    return b"".join(exports.ods_of(register))


def read(content: bytes) -> cnil.File:
    return cnil.read(sheets_in(io.BytesIO(content), size=len(content)), today=TODAY)


def registered(*contents: Content) -> Register:
    return Register(
        TODAY, ALIZARINE, tuple(Listed(f"T-{n}", Kind.CONTROLLER, 1, TODAY, each) for n, each in enumerate(contents))
    )


@pytest.mark.gdpr("G27")
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(REGISTERS)
def test_register_to_spreadsheet_to_register_loses_nothing(register):
    found = read(file_of(register))

    assert found.errors == []
    assert [(each.reference, each.kind, each.content) for each in found.records] == [
        (each.reference, each.kind, each.content) for each in register.records
    ]
    assert found.parties == (ALIZARINE if register.records else None)


def sheets(content: bytes) -> list[tuple[str, cnil.Rows]]:
    return sheets_in(io.BytesIO(content), size=len(content))


@pytest.mark.gdpr("G27")
def test_the_workbook_has_the_models_sheets_and_headings_in_its_order():
    (list_name, listed), (name, rows) = sheets(file_of(registered(replace(FULL, data=(*FULL.data, HEALTH)))))

    assert (list_name, name) == ("Liste des traitements", "T-0")
    assert listed[0][:11] == [
        *("Nom / sigle", "N° / réf.", "Date de création", "Mise à jour", "Responsable de traitement"),
        *("Responsable conjoint", "Représentant", "Délégué à la protection des données", "Finalité principale"),
        *("Transferts hors UE", "Données sensibles"),
    ]
    assert listed[1][:5] == ["Paie", "T-0", "16/11/2026", "16/11/2026", "Alizarine"]
    assert listed[1][8:11] == ["Établir les bulletins de paie.", "Non", "Oui"]
    assert [row[0] for row in rows if row and row[0] in cnil._SECTIONS] == [
        *("Acteurs", "Finalités", "Mesures de sécurité", "Catégories de données personnelles", "Données sensibles"),
        *("Personnes concernées", "Destinataires", "Transferts hors UE", "Compléments"),
    ]
    ours = {cell for row in [*listed, *rows] for cell in row if cell.startswith(cnil.OURS)}
    assert len(ours) > 10, "what is ours is marked so"
    assert ["Données de santé", "Arrêts", "1 an ; à partir de : la reprise ; ensuite : suppression", "9(2)(b)"] in rows


HEALTH = Data(Rubric.HEALTH, "Arrêts", "1 an", "la reprise", Ending.DELETE, "9(2)(b)")


def test_the_workbook_is_an_open_document_and_holds_no_formula():
    content = file_of(registered(replace(FULL, name="=HYPERLINK(1)", technical="a  b\nc")))
    archive = zipfile.ZipFile(io.BytesIO(content))
    tree = ElementTree.fromstring(archive.read("content.xml"))  # noqa: S314 (our own file)

    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, archive.read("mimetype").decode()) == ("mimetype", 0, ods.TYPE)
    assert archive.testzip() is None
    manifest = ElementTree.fromstring(archive.read("META-INF/manifest.xml"))  # noqa: S314
    space = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
    assert {each.get(f"{space}full-path") for each in manifest} == {"/", "content.xml", "meta.xml", "styles.xml"}
    table, office = (f"{{urn:oasis:names:tc:opendocument:xmlns:{each}:1.0}}" for each in ("table", "office"))
    assert tree.tag == f"{office}document-content"
    cells = [each for each in tree.iter(f"{table}table-cell") if len(each)]
    assert {each.get(f"{office}value-type") for each in cells} == {"string"}
    assert not [each for each in tree.iter() if f"{table}formula" in each.attrib]
    # Strict readers want every row to stand in a table that has said its columns first.
    for each in tree.iter(f"{table}table"):
        assert each[0].tag == f"{table}table-column"
        assert {child.tag for child in each} == {f"{table}table-column", f"{table}table-row"}
        assert all(len(row) for row in each.iter(f"{table}table-row"))
    names = [each.get(f"{table}name") for each in tree.iter(f"{table}table")]
    assert len(names) == len(set(names))


# A file that somebody else filled in --------------------------------------------------------------------------------


FOREIGN = [
    ("Tutoriel", [["Comment remplir ce registre"]]),
    ("Liste des traitements", [["Nom / sigle"], ["Recrutement"]]),
    (
        "Fiche 1",
        [
            ["Nom / sigle", "Recrutement"],
            ["N° / REF", "RH-01"],
            ["Date de création", "2019-05-25"],
            ["Logiciel utilisé", "Tableur"],
            [],
            ["Acteurs", "Nom", "Adresse", "CP", "Ville", "Pays", "Tél", "E-mail"],
            ["Responsable de traitement", "Alizarine", "", "", "", "France"],
            [],
            ["FINALITES", "Description"],
            ["Finalité principale", "Choisir un candidat"],
            ["Sous-finalité 1", "Garder une liste"],
            ["Sous-finalité 2", ""],
            [],
            ["Catégories de données personnelles", "Description", "Délai d'effacement"],
            ["Etat civil, identité, données d'identification, images…", "Nom", "2 ans après le dernier contact"],
            ["Vie personnelle (habitudes de vie)", ""],
            [],
            ["Destinataires", "Type de destinataire", "Précisions"],
            ["Destinataire 1", "Interne", "Service RH"],
            ["Destinataire 2", "Externe", "Cabinet"],
        ],
    ),
]


def changed(row: int, *cells: str) -> list[tuple[str, cnil.Rows]]:
    name, rows = FOREIGN[2]
    return [*FOREIGN[:2], (name, [*rows[:row], list(cells), *rows[row + 1 :]])]


def test_a_file_of_somebody_else_is_read_as_far_as_it_goes():
    found = cnil.read(FOREIGN, today=TODAY)

    assert found.errors == []
    assert found.ignored == ["Tutoriel"]
    (each,) = found.records
    assert (each.reference, each.kind, each.content.created) == ("RH-01", Kind.CONTROLLER, date(2019, 5, 25))
    assert [row.text for row in each.content.purposes] == ["Choisir un candidat", "Garder une liste"]
    assert each.content.data == (Data(Rubric.IDENTITY, "Nom", "2 ans", "le dernier contact", Ending.DELETE),)
    assert [(row.name, row.role) for row in each.content.recipients] == [
        *(("Service RH", RecipientRole.INTERNAL), ("Cabinet", "")),
    ]
    assert found.parties.controller.country == "France"
    assert policy.holes(each.content, each.kind, today=TODAY)[:2] == ["basis", "role"], "holes, not errors"


@pytest.mark.parametrize(
    ("sheets", "errors"),
    [
        (changed(14, "Etat civil, identité", "Nom", "2 ans"), [("B15", "")]),
        (changed(14, "Etat civil, identité", "", "2 ans après le départ"), [("B15", "missing")]),
        (changed(14, "Couleur des yeux", "Bleu", "2 ans après le départ"), [("A15", "no_category")]),
        (changed(2, "Date de création", "hier"), [("B3", "no_day")]),
        (changed(2, "Date de création", "31/02/2020"), [("B3", "no_day")]),
        (changed(1, "N° / REF", "../x"), [("B2", "no_reference")]),
        (changed(18, "Destinataire 1", "Interne", "", "x"), [("C19", "missing")]),
        ([*FOREIGN, ("Fiche 2", FOREIGN[2][1])], [("B2", "twice")]),
    ],
)
def test_an_error_is_told_by_its_sheet_and_cell(sheets, errors):
    found = cnil.read(sheets, today=TODAY)

    told = [(each.cell, each.code) for each in found.errors]
    if errors == [("B15", "")]:
        errors = [("C15", "missing")]
    assert told == errors
    assert found.errors[0].sheet in {"Fiche 1", "Fiche 2"}


# Limits ---------------------------------------------------------------------------------------------------------


def package(
    content: bytes,
    *,
    mimetype: bytes = ods.TYPE.encode(),
    name: str = "content.xml",
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("mimetype", mimetype)
        archive.writestr(name, content)
    return out.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        sheets_in(io.BytesIO(content), size=len(content))
    return str(refused.value)


SPACES = "".join(
    f' xmlns:{each}="urn:oasis:names:tc:opendocument:xmlns:{each}:1.0"' for each in ("office", "table", "text")
)


def document(inside: str, doctype: str = "") -> bytes:
    return f'<?xml version="1.0"?>{doctype}<office:document-content{SPACES}>{inside}</office:document-content>'.encode()


def broken(content: bytes) -> bytes:
    """The first bytes of what is deflated are none of deflate (RFC 1951 §3.2.3: block type 11)."""
    start = content.index(b"content.xml") + len(b"content.xml")
    return content[:start] + b"\xff" * 5 + content[start + 5 :]


def in_encoding(name: str) -> bytes:
    return document("<table:table/>").replace(b'"1.0"?', f'"1.0" encoding="{name}"?'.encode())


def test_a_bomb_is_not_unpacked():
    assert refusal(package(b"<x>" + b" " * 40_000_000)) == "file_too_big"


def test_a_file_that_is_too_big_is_not_opened():
    with pytest.raises(Unreadable, match="file_too_big"):
        sheets_in(io.BytesIO(b""), size=MOST_BYTES + 1)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_no_entity_is_expanded_and_nothing_is_fetched(doctype):
    assert refusal(package(document("<table:table/>", doctype))) == "file_entities"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 nothing",
        package(b"<x/>", mimetype=b"application/zip"),
        package(b"<x/>", name="other.xml"),
        package(b"<x><y></x>"),
        package(b"\xff\xfe not xml"),
        broken(package(b"<x>" + b"abc" * 2000)),
        package(document("<table:table/>"), method=zipfile.ZIP_LZMA),
        *(package(in_encoding(name)) for name in ("foo", "gb2312", "rot13", "undefined", "utf-7", "idna", "base64")),
    ],
)
def test_what_is_no_spreadsheet_is_said_to_be_none(content):
    assert refusal(content) == "file_no_spreadsheet"


def test_text_outside_of_any_cell_is_no_trouble():
    inside = "<text:p><table:table-cell>x<text:s/></table:table-cell></text:p>"

    assert sheets(package(document(f'<table:table table:name="a">{inside}</table:table>'))) == [("a", [])]


CELL = "<table:table-cell{0}><text:p>x</text:p></table:table-cell>"


def repeated(text: str, *, rows: int = 1, cells: int = 1) -> str:
    inside = CELL.format(f' table:number-columns-repeated="{cells}"').replace(">x<", f">{text}<")
    return f'<table:table-row table:number-rows-repeated="{rows}">{inside}</table:table-row>'


EMPTY_ROWS = '<table:table-row table:number-rows-repeated="{0}"><table:table-cell/></table:table-row>'


def tables(rows: str, *, times: int = 1) -> bytes:
    return document(f'<table:table table:name="a">{rows}</table:table>' * times)


@pytest.mark.parametrize(
    "content",
    [
        tables(repeated("x", rows=99_999_999)),
        tables(repeated("x", cells=99_999_999)),
        tables(repeated("x", rows=2000) + repeated("y")),
        tables(EMPTY_ROWS.format(2000) + repeated("y")),
        tables(repeated("x", rows=2000, cells=30), times=5),
        tables(EMPTY_ROWS.format(1900) + repeated("y"), times=200),
        tables(repeated("x" * 3000, rows=1900)),
        tables(repeated("x" * 3000, rows=60, cells=29)),
        tables(repeated("x" * 200_000, cells=29)),
        tables(repeated("<text:s text:c='100'/>" * 50_000)),
        document(f'<table:table table:name="{"x" * 10_000}"/>' * 450),
    ],
)
def test_what_repeats_is_counted_over_the_whole_file_before_it_is_made(content):
    assert refusal(package(content)) == "file_too_big"


def test_what_a_count_says_does_not_make_room():
    none = '<table:table-row table:number-rows-repeated="0">' + CELL.format(' table:number-columns-repeated="0"')
    less = f"{none}</table:table-row>".replace(">x<", f">{'x' * 100_000}<") * 20

    assert refusal(package(tables(less + repeated("x" * 3000, rows=900)))) == "file_too_big"


def test_a_cell_of_many_pieces_is_joined_once():
    """Text that grew piece by piece would be copied each time: the pieces are kept as they came."""
    reader = spreadsheet._Reader()
    reader._start(f"{spreadsheet._TABLE}table-cell", {})
    reader._start(f"{spreadsheet._TEXT}p", {})

    for _ in range(1000):
        reader._start(f"{spreadsheet._TEXT}s", {f"{spreadsheet._TEXT}c": "99999999"})
        reader._end(f"{spreadsheet._TEXT}s")

    assert reader.pieces == ["\n", *[" " * spreadsheet.MOST_SPACES] * 1000]


@pytest.mark.parametrize(
    ("section", "row"),
    [
        (cnil.PURPOSES, ["Sous-finalité", "x"]),
        (cnil.DATA, ["État civil", "x", "5 ans"]),
        (cnil.DATA, ["Rien du modèle", "x", "5 ans"]),
        (cnil.TRANSFERS, ["Transfert", "x", "Chine"]),
    ],
)
def test_a_section_is_read_as_far_as_a_record_may_have_rows(monkeypatch, section, row):
    tidied = []
    tidy = policy.tidy
    monkeypatch.setattr(policy, "tidy", lambda value: tidied.append(value) or tidy(value))
    purposes = [cnil.PURPOSES, ["Finalité principale", "x"], []] if section is not cnil.PURPOSES else []
    rows = [["Nom / sigle", "x"], ["N° / réf.", "T-1"], *purposes, section, *[row] * 1900]

    found = cnil.read([("T-1", rows)], today=TODAY)

    assert "too_many" in [each.code for each in found.errors]
    assert found.records == []
    lengths = [len(getattr(content, group)) for content in tidied for group in policy.ROWS if hasattr(content, group)]
    assert max(lengths) <= policy.MOST_ROWS


def test_errors_are_told_up_to_a_number_of_them():
    rows = [["Nom / sigle", "x"], cnil.PURPOSES, *[["Finalité", "x", "Rien de tel"]] * 20]

    found = cnil.read([(f"T-{n}", rows) for n in range(400)], today=TODAY)

    assert cnil.MOST_ERRORS <= len(found.errors) < cnil.MOST_ERRORS + 30


def test_a_cell_longer_than_can_be_kept_is_told_before_it_is_composed():
    rows = [["Nom / sigle", "x"], cnil.PURPOSES, ["Finalité", "̖́" * 1_000_000]]

    found = cnil.read([("T-1", rows)], today=TODAY)

    assert [(each.cell, each.code) for each in found.errors] == [("B3", "too_long")]


def test_empty_rows_and_cells_that_repeat_are_no_trouble_and_comments_no_text():
    rows = (
        "<table:table-row>"
        + "<table:table-cell><office:annotation><text:p>note</text:p></office:annotation>"
        + "<text:p>a<text:s text:c='2'/>b</text:p><text:p>c</text:p></table:table-cell>"
        + '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        + '<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>'
    )

    found = sheets(package(document(f'<table:table table:name="s">{rows}</table:table>')))

    assert found[0][0] == "s"
    assert found[0][1] == [["a  b\nc"]]


def test_empty_rows_between_others_keep_them_where_they_are():
    found = sheets(package(tables(repeated("a") + EMPTY_ROWS.format(3) + EMPTY_ROWS.format(2) + repeated("b"))))

    assert found == [("a", [["a"], [], [], [], [], [], ["b"]])]


# The other forms --------------------------------------------------------------------------------------------------


def test_the_table_is_safe_to_open():
    text = b"".join(exports.csv_of(registered(replace(FULL, name="=1+1")))).decode()

    assert text.startswith("\ufeff")
    assert ";'=1+1;" in text
    assert "T-0;'=1+1;Finalités;Finalité principale;Description;Établir les bulletins de paie." in text


def test_json_has_the_terms_of_the_vocabulary_and_the_record_itself():
    told = json.loads(b"".join(exports.json_of(registered(replace(FULL, data=(*FULL.data, HEALTH))))))

    (process,) = told["dpv:hasProcess"]
    assert process["dpv:hasPurpose"][0]["dpv:hasLegalBasis"] == {"@id": "eu-gdpr:A6-1-b"}
    assert "dpv:SpecialCategoryPersonalData" in process["dpv:hasPersonalData"][1]["@type"]
    assert told["dpv:hasDataController"]["dpv:hasName"] == "Alizarine"
    content = {name: value for name, value in process["record"].items() if name not in ("kind", "version")}
    assert policy.content_of(content) == replace(FULL, data=(*FULL.data, HEALTH))


def test_every_basis_has_its_letter_of_article_6():
    assert sorted(exports.BASES.values()) == [f"eu-gdpr:A6-1-{letter}" for letter in "abcdef"]
    assert set(exports.BASES) == set(LegalBasis)
