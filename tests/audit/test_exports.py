"""The lines of a search as files: all of them, people as on the page, safe to open, each export on the record."""

import csv
import io
import json
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from os import urandom
from xml.etree import ElementTree

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from audit import signer
from audit.models import Event, Log
from audit.reading import ods
from audit.reading.exports import safe_cell
from audit.reading.people import PSEUDONYM
from audit.sequencer import sequence
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from consent.ledger import services as ledger
from consent.types import Channel, Disclosed, Release
from tests.support.cast import make_member, reader_of

pytestmark = pytest.mark.django_db
EXPORT = reverse("audit:export", args=["csv"])


def content_of(response):
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def table_of(response):
    """Its lines, and what it says at the end."""
    text = content_of(response).decode()
    assert text.startswith("\ufeff")
    *rows, last = csv.DictReader(io.StringIO(text[1:]), delimiter=";")
    return rows, last["Référence"]


def test_the_export_holds_the_lines_that_were_looked_for_and_no_others(dpo, happened):
    rows, end = table_of(reader_of(dpo).get(EXPORT, {"tool": "louty"}))

    assert [row["Action"] for row in rows] == [Action.DISCLOSED.value]
    assert rows[0]["Phrase"].startswith("Louty reçoit des données sur Membre ")
    assert end == "Fin. Nombre de lignes\u00a0: 1"
    facts = Event.objects.get(action=Action.JOURNAL_READ).facts
    assert (facts["filters"], facts["export"], facts["lines"]) == (["tool"], "csv", 1)
    assert facts["purpose"] == "internal_control"


def test_nobody_can_be_found_in_an_export_whose_name_was_not_asked_for(dpo, member, other_member, happened):
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "bachir"})

    content = content_of(browser.get(EXPORT)).decode()

    for personal in (str(member.pk), member.login, member.display_name):
        assert personal not in content
    assert other_member.display_name in content
    assert str(other_member.pk) in content


def test_the_export_has_no_ceiling(dpo, member):
    record_all([Entry(Action.SIGN_IN, Actor(member=member.pk), member.pk)] * 2500)

    response = reader_of(dpo).get(EXPORT, {"action": Action.SIGN_IN.value})

    rows, end = table_of(response)
    assert len(rows) == 2500
    assert end == "Fin. Nombre de lignes\u00a0: 2500"
    assert "-2500.csv" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]


def test_a_bad_criterion_exports_nothing(dpo, happened):
    response = reader_of(dpo).get(EXPORT, {"since": "hier"})

    assert response.status_code == 400
    assert "Content-Disposition" not in response
    assert not Event.objects.filter(action=Action.JOURNAL_READ).exists()


@pytest.mark.parametrize(
    "start",
    [
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
        " =",
        "\u00a0@",
        " \t -",
        "\u3000\uff1d",
    ],
)
def test_a_cell_is_never_a_formula(start):
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"
    for plain in ("plain = text", " plain", "", " "):
        assert safe_cell(plain) == plain


def test_a_name_made_for_spreadsheets_is_exported_as_text(dpo):
    person = make_member("eve", '=HYPERLINK("http://evil.example")')
    record(Entry(Action.SIGN_IN, Actor(member=person.pk), person.pk))
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "eve"})

    rows, _ = table_of(browser.get(EXPORT, {"action": Action.SIGN_IN.value}))

    assert rows[0]["Phrase"].startswith("'=HYPERLINK")


@pytest.mark.parametrize("kind", ["csv", "ods", "jsonl"])
def test_every_export_is_on_the_record_with_its_kind_and_length(dpo, happened, kind):
    browser = reader_of(dpo, case="2026-17")

    response = browser.get(reverse("audit:export", args=[kind]), {"result": "refused"})

    assert content_of(response)
    facts = Event.objects.get(action=Action.JOURNAL_READ).facts
    assert (facts["export"], facts["lines"], facts["case"]) == (kind, 1, "2026-17")


def test_a_kind_that_there_is_not_is_not_found(dpo):
    assert reader_of(dpo).get("/journal/export.pdf").status_code == 404


# Spreadsheets

SPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
}


def sheets_of(content):
    """The rows of each sheet."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    root = ElementTree.fromstring(archive.read("content.xml"))  # noqa: S314 what we wrote
    return {
        sheet.get(f"{{{SPACES['table']}}}name"): [
            ["".join(cell.itertext()) for cell in row.findall("table:table-cell", SPACES)]
            for row in sheet.iter(f"{{{SPACES['table']}}}table-row")
        ]
        for sheet in root.iter(f"{{{SPACES['table']}}}table")
    }


def test_a_spreadsheet_has_the_lines_of_the_table(dpo, happened):
    browser = reader_of(dpo)
    content = content_of(browser.get(reverse("audit:export", args=["ods"]), {"tool": "louty"}))
    table, _ = table_of(browser.get(EXPORT, {"tool": "louty"}))

    ((name, (heading, line, end)),) = sheets_of(content).items()

    assert (name, heading) == ("Journal", list(table[0]))
    assert line == list(table[0].values())
    assert end == ["Fin. Nombre de lignes\u00a0: 1"]


def test_a_spreadsheet_is_an_office_document_from_its_first_bytes():
    content = b"".join(ods.ods("Feuille", ["a"], []))

    # OpenDocument 1.3, part 2, 3.3: first, not compressed, without an extra field, its length in its header.
    flags, method = struct.unpack("<HH", content[6:10])
    size, name, extra = struct.unpack("<LHH", content[22:30])
    assert (flags & 8, method, size, name, extra) == (0, 0, len(ods.TYPE), 8, 0)
    assert content[30:].startswith(b"mimetype" + ods.TYPE.encode())
    manifest = zipfile.ZipFile(io.BytesIO(content)).read("META-INF/manifest.xml").decode()
    assert ods.TYPE in manifest
    assert sheets_of(content) == {"Feuille": [["a"]]}


@pytest.mark.parametrize(("language", "country"), [("fr", "FR"), ("en", "GB")])
def test_a_spreadsheet_says_its_title_and_its_language_and_which_row_is_the_heading(language, country):
    """RGAA 13.3: what a screen reader says first, and in which voice."""
    with override(language):
        whole = b"".join(ods.ods("Feuille <1>", ["a"], [["b"]]))

    archive = zipfile.ZipFile(io.BytesIO(whole))
    meta, styles, content = (
        ElementTree.fromstring(archive.read(name))  # noqa: S314
        for name in ("meta.xml", "styles.xml", "content.xml")
    )
    dc, fo = "{http://purl.org/dc/elements/1.1/}", "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
    assert [meta.findtext(f".//{dc}{name}") for name in ("title", "language")] == ["Feuille <1>", language]
    (text,) = (each for each in styles.iter() if each.tag.endswith("text-properties"))
    assert (text.get(f"{fo}language"), text.get(f"{fo}country")) == (language, country)
    assert sum(each.tag.endswith("table-header-rows") for each in content.iter()) == 1
    told = archive.read("META-INF/manifest.xml").decode()
    assert all(f'"{name}"' in told for name in archive.namelist() if name.endswith(".xml") and "/" not in name)


def test_whatever_is_in_a_cell_is_text_of_a_well_formed_document():
    odd = ["=1+1", "<&>\"'", "a\x00b\x0b\ufffe", "« été » 🗝", "\ud800"]

    ((_, (_, row)),) = sheets_of(b"".join(ods.ods("Feuille", ["x"] * 5, [odd]))).items()

    assert row == ["=1+1", "<&>\"'", "a\ufffdb\ufffd\ufffd", "« été » 🗝", "\ufffd"]


def test_rows_that_one_sheet_cannot_hold_are_on_the_next(monkeypatch):
    monkeypatch.setattr(ods, "ROWS_OF_A_SHEET", 3)

    found = sheets_of(b"".join(ods.ods("F", ["n"], [[str(n)] for n in range(5)])))

    assert found == {"F": [["n"], ["0"], ["1"]], "F 2": [["n"], ["2"], ["3"]], "F 3": [["n"], ["4"]]}


def test_a_long_spreadsheet_takes_no_more_memory_than_a_short_one():
    def peak(rows):
        tracemalloc.start()
        length = sum(map(len, ods.ods("F", ["n"], ([urandom(50).hex()] for _ in range(rows)))))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return length, most

    (short, before), (long, after) = peak(2_000), peak(40_000)

    assert long > 15 * short
    assert after < before + 500_000


# Lines for programs


def test_lines_for_programs_say_the_same_and_how_many_they_are(dpo, member, happened):
    browser = reader_of(dpo)
    content = content_of(browser.get(reverse("audit:export", args=["jsonl"]), {"tool": "louty"})).decode()

    line, end = map(json.loads, content.splitlines())

    assert end == {"lines": 1}
    assert line["action"] == Action.DISCLOSED
    assert line["sentence"].startswith("Louty reçoit des données sur Membre ")
    assert line["at"] == "2026-11-16T09:00:00.000000+00:00"
    assert (line["by"], line["refused"], line["facts"]) == ("tool", False, {"items": ["email"]})
    assert PSEUDONYM.fullmatch(line["subject"])
    assert str(member.pk) not in content


# With proof


@pytest.fixture
def signed(settings, tmp_path, happened):
    settings.AUDIT_DIR = tmp_path / "audit"
    for _ in range(3):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())


def checked(path):
    """By the program that came with it, in a Python that sees nothing but itself."""
    archive = zipfile.ZipFile(path)
    program = path.with_suffix(".py")
    program.write_bytes(archive.read("verify.py"))
    logs = {name.split("/")[1] for name in archive.namelist() if name.startswith("log/")}
    keys = [word for log in Log.objects.filter(name__in=logs) for word in ("--key", log.key)]
    command = [sys.executable, "-I", str(program), str(path), *keys, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return ended.returncode, json.loads(ended.stdout)


def proof_of(browser, tmp_path, **criteria):
    path = tmp_path / "journal.zip"
    path.write_bytes(content_of(browser.get(reverse("audit:export", args=["zip"]), criteria)))
    return path


@pytest.mark.gdpr("G11")
def test_what_was_looked_for_can_be_checked_by_somebody_else(dpo, signed, tmp_path):
    path = proof_of(reader_of(dpo), tmp_path, tool="louty")

    code, told = checked(path)

    assert (code, told["verdict"]) == (0, "sound"), told
    assert [log["entries"] for log in told["logs"]] == [1]
    assert "rest_selected" in [each["code"] for each in told["not_proved"]]


def test_a_proof_says_who_somebody_is_only_where_their_name_was_asked_for(dpo, member, other_member, signed, tmp_path):
    browser = reader_of(dpo)
    browser.post(reverse("audit:search"), {"member": "bachir"})

    path = proof_of(browser, tmp_path, action=Action.DISCLOSED.value)
    archive = zipfile.ZipFile(path)
    content = b"".join(archive.read(name) for name in archive.namelist() if name != "verify.py").decode()

    assert checked(path)[0] == 0
    assert str(other_member.pk) in content
    for personal in (str(member.pk), member.login, member.display_name):
        assert personal not in content
    (withheld,) = json.loads(archive.read("manifest.json"))["withheld"].values()
    assert withheld == {"s": 1}
    assert "Bachir Haddad" in archive.read("journal.csv").decode()


def test_what_a_line_says_by_a_name_is_proved_beside_it(dpo, member, formation, signed, tmp_path):
    sent = Disclosed(member.pk, formation.pk, Channel.ID_TOKEN, frozenset({"phone"}), Release())
    with transaction.atomic():
        ledger.disclose([sent], now=timezone.now())
    for _ in range(2):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())

    path = proof_of(reader_of(dpo), tmp_path, action=Action.DISCLOSED.value, tool="formation")
    archive = zipfile.ZipFile(path)

    code, told = checked(path)
    assert code == 0, told
    assert sorted(log["entries"] for log in told["logs"]) == [1, 2], "one of the ledger, two of the other"
    parts = [archive.read(name).decode() for name in archive.namelist() if name.endswith("parts.jsonl")]
    assert sum("phone" in each for each in parts) == 1


def test_a_line_that_was_changed_does_not_pass(dpo, signed, tmp_path):
    QuerySet.update(Event.objects.filter(action=Action.DISCLOSED), reason="other")

    assert checked(proof_of(reader_of(dpo), tmp_path, action=Action.DISCLOSED.value))[0] == 1


def test_a_proof_of_many_lines_has_all_that_are_signed(dpo, member, signed, tmp_path):
    record_all([Entry(Action.FAVOURITE_CHANGED, Actor(member.pk), member.pk)] * 1500)
    for _ in range(2):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())
    record(Entry(Action.FAVOURITE_CHANGED, Actor(member.pk), member.pk))

    code, told = checked(proof_of(reader_of(dpo), tmp_path, action=Action.FAVOURITE_CHANGED.value))

    assert code == 0, told
    assert [log["entries"] for log in told["logs"]] == [1500]


def test_lines_that_nobody_signed_yet_have_no_proof_and_that_is_said(dpo, happened):
    answer = reader_of(dpo).get(reverse("audit:export", args=["zip"]), {"tool": "louty"}, follow=True)

    assert answer.redirect_chain == [("/journal/?tool=louty", 302)]
    assert "Aucune de ces lignes n’est encore signée" in answer.content.decode()
    read = Event.objects.filter(action=Action.JOURNAL_READ).order_by("pk")
    assert [(line.facts.get("export"), line.facts.get("lines")) for line in read] == [("zip", 0), (None, None)]
