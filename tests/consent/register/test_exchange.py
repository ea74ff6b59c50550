"""The register leaves as files and comes in from one: at any day, on the record, and never before it was shown."""

import io
import json
import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit import pdf
from audit.models import Event
from audit.reading import ods
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.register import cnil, exports, incoming, policy, selectors, services
from consent.register.models import RegisterRecord, RegisterVersion
from consent.register.spreadsheet import sheets_in
from consent.register.types import Kind, Parties, Party, Register
from directory.models import RoleGrant
from directory.types import Role
from tests.consent.register.test_cnil import broken, in_encoding, package, repeated, tables
from tests.consent.register.test_policy import FULL
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of, make_member
from tests.support.pdf import opened

pytestmark = pytest.mark.django_db
IMPORT = "/registre/importer/"


@pytest.fixture
def officer(dpo):
    return browser_of(dpo)


def exported(officer, kind="ods", day="") -> bytes:
    response = officer.get(f"/registre/export.{kind}", {"on": day} if day else {})
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def rows_of(content: bytes) -> dict[str, cnil.Rows]:
    return dict(sheets_in(io.BytesIO(content), size=len(content)))


def outline_of(document: bytes) -> str:
    """The headings of a PDF, by which readers find their way."""
    titles = re.findall(r"/Title <feff([0-9a-f]+)>", opened(document), re.IGNORECASE)
    return "\n".join(bytes.fromhex(each).decode("utf-16-be") for each in titles)


def sent(officer, sheets) -> object:
    content = sheets if isinstance(sheets, bytes) else b"".join(ods.workbook("Registre", sheets.items()))
    return officer.post(IMPORT, {"file": SimpleUploadedFile("registre.ods", content)})


def confirm(officer, page) -> object:
    plan = re.search(r'name="plan" value="([^"]+)"', page.content.decode())
    assert plan, page.content.decode()
    return officer.post(IMPORT, {"plan": plan[1]})


def with_cell(sheets, name, title, value):
    rows = [[row[0], value, *row[2:]] if row and row[0] == title else row for row in sheets[name]]
    return {**sheets, name: rows}


def refused_imports():
    found = Event.objects.filter(action=Action.REGISTER_IMPORTED, refused=True)
    return list(found.order_by("pk").values_list("reason", flat=True))


def content_of(reference):
    return policy.content_of(selectors.last(selectors.record(reference)).content)


def forget_everything():
    RegisterVersion.objects.all()._raw_delete("default")
    RegisterRecord.objects.all().delete()


# Exports --------------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G11", "G29")
@pytest.mark.parametrize("kind", ["ods", "csv", "json", "pdf"])
def test_each_export_is_of_a_day_and_on_the_record(officer, dpo, paie, kind):
    services.change(
        of=paie, content=replace(FULL, name="Paie et congés"), version=1, actor=SYSTEM, note="", now=TUESDAY
    )

    before, after = exported(officer, kind, "2026-11-16"), exported(officer, kind, "2026-11-17")

    if kind == "ods":
        before, after = (json.dumps(rows_of(each), ensure_ascii=False).encode() for each in (before, after))
    if kind == "pdf":
        before, after = (outline_of(each).encode() for each in (before, after))
    assert "congés".encode() not in before
    assert "congés".encode() in after
    line = Event.objects.filter(action=Action.REGISTER_EXPORTED).latest("pk")
    assert line.actor_id == dpo.pk
    assert line.facts == {"export": kind, "register_day": "2026-11-17", "lines": 1}


@pytest.mark.parametrize("role", [None, Role.OFFICE, Role.TECHNICIAN])
@pytest.mark.parametrize("address", ["/registre/export.ods", "/registre/export.json", IMPORT])
def test_nobody_else_takes_the_register_out_or_in(paie, role, address):
    person = make_member("quelqu.un", "Quelqu Un")
    if role:
        RoleGrant.objects.create(member=person, role=role)

    assert browser_of(person).get(address).status_code == 403

    assert not Event.objects.filter(action=Action.REGISTER_EXPORTED).exists()


def test_a_form_that_there_is_not_is_not_found(officer):
    assert officer.get("/registre/export.docx").status_code == 404
    assert officer.get("/registre/export.ods", {"on": "hier"}).status_code == 404


def test_an_export_is_french_whoever_asks(officer, paie, engaged):
    officer.post("/langue/", {"language": "en", "next": "/"})

    assert "Finalités" in [row[0] for row in rows_of(exported(officer))["O-001"] if row]
    assert "suppression" in str(rows_of(exported(officer))["O-001"])


# Imports --------------------------------------------------------------------------------------------------------


def test_what_was_exported_changes_nothing_when_it_comes_back(officer, paie, engaged):
    services.change_parties(
        parties=Parties(controller=Party("Alizarine", town="Montpellier")), version=0, actor=SYSTEM, note="", now=MONDAY
    )

    page = sent(officer, exported(officer))

    assert page.status_code == 200
    assert "Ce fichier ne changerait rien" in page.content.decode()
    assert 'id="import-confirm"' not in page.content.decode()


def test_an_empty_register_is_filled_from_an_export_and_says_the_same(officer, dpo, paie, engaged):
    services.change_parties(
        parties=Parties(controller=Party("Alizarine")), version=0, actor=SYSTEM, note="", now=MONDAY
    )
    before = {name: policy.unfed(content_of(name)) for name in ("T-001", "O-001")}
    file = exported(officer)
    forget_everything()

    page = sent(officer, file)
    assert not RegisterRecord.objects.exists(), "shown, and not done"
    assert confirm(officer, page).status_code == 302

    assert {name: content_of(name) for name in before} == before
    assert selectors.parties()[0].controller.name == "Alizarine"
    assert selectors.last(selectors.record("T-001")).author == dpo
    line = Event.objects.get(action=Action.REGISTER_IMPORTED)
    assert (line.refused, line.facts) == (False, {"created": 2, "changed": 0})


def test_a_change_is_shown_with_its_difference_and_then_made(officer, paie):
    sheets = with_cell(rows_of(exported(officer)), "T-001", cnil.TECHNICAL, "Chiffrement et sauvegarde")

    page = sent(officer, sheets)
    assert "<ins>Chiffrement et sauvegarde</ins>" in page.content.decode()
    assert content_of("T-001").technical == "Chiffrement"
    confirm(officer, page)

    assert content_of("T-001").technical == "Chiffrement et sauvegarde"
    assert selectors.last(paie).note == "import"


def test_errors_are_shown_by_cell_and_nothing_can_be_confirmed(officer, paie):
    sheets = rows_of(exported(officer))
    sheets["T-001"] = [row if row[:1] != ["Date de création"] else [row[0], "hier"] for row in sheets["T-001"]]

    page = sent(officer, sheets)

    assert page.status_code == 422
    text = page.content.decode()
    assert "B3" in text
    assert 'id="import-confirm"' not in text
    line = Event.objects.get(action=Action.REGISTER_IMPORTED)
    assert (line.refused, line.reason, line.facts) == (True, "cells_wrong", {"problems": 1})


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Finalité principale", "Autre chose"),
        ("Logiciel utilisé", "Autre"),
        ("Données de connexion", "Rien"),
        ("Destinataire 1", "Interne"),
    ],
)
def test_what_a_sheet_says_is_not_changed_by_a_file(officer, engaged, title, value):
    sheets = rows_of(exported(officer))
    rows = [
        [row[0], value, *(["Autre", ""] if title == "Destinataire 1" else row[2:])] if row[:1] == [title] else row
        for row in sheets["O-001"]
    ]

    page = sent(officer, {**sheets, "O-001": rows})

    assert page.status_code == 422
    assert "fiche de l’outil" in page.content.decode()


def test_the_officers_part_of_a_tools_record_comes_from_a_file(officer, engaged):
    sheets = with_cell(rows_of(exported(officer)), "O-001", cnil.TECHNICAL, "Chiffrement")

    confirm(officer, sent(officer, sheets))

    content = content_of("O-001")
    assert content.technical == "Chiffrement"
    assert all(row.fed for row in content.data)


def test_a_record_of_another_kind_and_a_closed_one_are_not_overwritten(officer, paie):
    sheets = rows_of(exported(officer))
    other = with_cell(sheets, "T-001", cnil.KIND_ROW, "sous-traitant")
    assert "même rôle" in sent(officer, other).content.decode()

    services.close(of=paie, version=1, actor=SYSTEM, note="", now=TUESDAY)
    assert "close au registre" in sent(officer, with_cell(sheets, "T-001", cnil.TECHNICAL, "X")).content.decode()


def test_the_register_that_changed_meanwhile_is_left_alone(officer, paie):
    page = sent(officer, with_cell(rows_of(exported(officer)), "T-001", cnil.TECHNICAL, "Du fichier"))
    services.change(
        of=paie, content=replace(FULL, technical="Entre-temps"), version=1, actor=SYSTEM, note="", now=TUESDAY
    )

    answer = officer.post(
        IMPORT, {"plan": re.search(r'name="plan" value="([^"]+)"', page.content.decode())[1]}, follow=True
    )

    assert "entre-temps" in answer.content.decode()
    assert content_of("T-001").technical == "Entre-temps"
    assert refused_imports() == ["register_changed"]


def test_a_record_that_was_closed_meanwhile_stays_closed(officer, paie):
    page = sent(officer, with_cell(rows_of(exported(officer)), "T-001", cnil.TECHNICAL, "Du fichier"))
    services.close(of=paie, version=1, actor=SYSTEM, note="", now=TUESDAY)

    confirm(officer, page)

    assert selectors.current(paie) is None
    assert refused_imports() == ["register_changed"]


def test_a_plan_that_was_not_shown_to_this_reader_is_not_carried_out(officer, dpo, paie):
    page = sent(officer, with_cell(rows_of(exported(officer)), "T-001", cnil.TECHNICAL, "X"))
    other = make_member("autre.dpo", "Autre Dpo")
    RoleGrant.objects.create(member=other, role=Role.DPO)

    confirm(browser_of(other), page)
    officer.post(IMPORT, {"plan": "eyJyZWFkZXIi:forged"})

    assert content_of("T-001").technical == "Chiffrement"
    assert refused_imports() == ["plan_not_shown", "plan_not_shown"]
    assert [each.actor_id for each in Event.objects.filter(reason="plan_not_shown").order_by("pk")] == [
        other.pk,
        dpo.pk,
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x", "file_no_spreadsheet"),
        (broken(package(b"<x>" + b"abc" * 2000)), "file_no_spreadsheet"),
        (package(in_encoding("foo")), "file_no_spreadsheet"),
        (package(in_encoding("gb2312")), "file_no_spreadsheet"),
        (package(tables(repeated("x" * 3000, rows=1900))), "file_too_big"),
        (package(b"<x>" + b" " * 40_000_000), "file_too_big"),
        (package(b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "file_entities"),
        (b"x" * 16_000_000, "file_too_big"),
        (package(b"<x>" * 5_000_000), "file_too_big"),
    ],
)
def test_a_file_that_is_not_taken_is_on_the_record(officer, content, reason):
    page = sent(officer, content)

    assert page.status_code == 422
    assert 'id="id_file_error"' in page.content.decode()
    line = Event.objects.get(action=Action.REGISTER_IMPORTED)
    assert (line.refused, line.reason) == (True, reason)


def test_what_could_not_be_confirmed_is_not_shown(officer, paie, monkeypatch):
    """A form sends back so much and no more."""
    sheets = with_cell(rows_of(exported(officer)), "T-001", cnil.TECHNICAL, "Autre chose")
    monkeypatch.setattr(incoming, "MOST_SIGNED", 100)

    page = sent(officer, sheets)

    assert page.status_code == 422
    assert 'name="plan"' not in page.content.decode()
    assert refused_imports() == ["file_too_big"]


def test_nothing_but_a_file_is_nothing(officer):
    assert officer.post(IMPORT, {}).status_code == 422
    assert sent(officer, b"").status_code == 422

    assert refused_imports() == ["file_missing", "file_missing"]


@pytest.mark.parametrize("reference", ["ORGANISME", "HUB-CONNEXION", "O-" + "9" * 22, "T-1000000"])
def test_a_reference_that_the_hub_gives_is_no_new_record(officer, paie, reference):
    sheets = rows_of(exported(officer))
    sheets = {reference: with_cell(sheets, "T-001", "N° / réf.", reference)["T-001"]}

    page = sent(officer, sheets)

    assert page.status_code == 422
    assert "réservée" in page.content.decode()
    assert Event.objects.get(action=Action.REGISTER_IMPORTED).reason == "cells_wrong"


def test_the_hubs_own_processings_are_changed_by_a_file_once_they_are_there(officer):
    consent_services.fill_register(now=MONDAY)
    sheets = with_cell(rows_of(exported(officer)), "HUB-JOURNAL", cnil.TECHNICAL, "Autre")

    confirm(officer, sent(officer, sheets))

    assert content_of("HUB-JOURNAL").technical == "Autre"


def test_a_file_makes_no_second_organisation(officer, paie):
    sheets = rows_of(exported(officer))
    sheets = {"S-1": with_cell(sheets, "T-001", "N° / réf.", "S-1")["T-001"]}

    page = sent(officer, with_cell(sheets, "S-1", cnil.KIND_ROW, "organisme"))

    assert page.status_code == 422
    assert "Valeur inconnue" in page.content.decode()


@pytest.mark.gdpr("G28")
def test_two_kinds_of_register_come_in(officer, paie):
    services.add(
        kind=Kind.PROCESSOR,
        content=replace(FULL, clients="Coop X"),
        actor=Actor(),
        note="",
        now=MONDAY,
        reference="S-1",
    )
    file = exported(officer)
    forget_everything()

    confirm(officer, sent(officer, file))

    assert selectors.record("S-1").kind == Kind.PROCESSOR
    assert content_of("S-1").clients == "Coop X"


@pytest.fixture
def written(db):
    consent_services.fill_register(now=MONDAY)


def many(register, times):
    """The same records again and again, under other references."""
    records = [replace(each, reference=f"{each.reference}-{n:02d}") for n in range(times) for each in register.records]
    return replace(register, records=tuple(records))


def test_a_long_register_is_printed_in_parts_that_hold_each_record_once(written):
    register = many(selectors.register_on(WEDNESDAY.date()), 20)

    parts = exports.volumes(register)

    assert len(parts) > 1
    assert [each for part in parts for each in part.records] == list(register.records)
    for part in parts:
        assert sum(len(str(each.content)) for each in part.records) <= exports.MOST_PRINTED


def test_a_record_that_is_longer_than_a_part_is_one_by_itself(written, monkeypatch):
    monkeypatch.setattr(exports, "MOST_PRINTED", 10)
    register = selectors.register_on(WEDNESDAY.date())

    assert [len(part.records) for part in exports.volumes(register)] == [1] * len(register.records)


def test_an_empty_register_is_one_document():
    assert len(exports.volumes(Register(date.min, Parties(), ()))) == 1


def test_a_part_is_asked_for_by_its_number_and_says_which_it_is(written, dpo, monkeypatch):
    monkeypatch.setattr(exports, "MOST_PRINTED", 10)
    records = len(selectors.register_on(WEDNESDAY.date()).records)
    drawn = []
    monkeypatch.setattr(pdf, "written", lambda html, _accent: drawn.append(html) or b"%PDF-")
    browser, address = browser_of(dpo), "/registre/export.pdf"

    whole = browser.get(address, {"on": "2026-11-18"}, follow=True)
    part = browser.get(address, {"on": "2026-11-18", "partie": "2"})

    assert whole.redirect_chain[0][1] == 302
    told = unescape(whole.content.decode())
    assert "en plusieurs parties" in told
    assert told.count("&partie=") == records
    assert b"".join(part.streaming_content) == b"%PDF-"
    assert "-2.pdf" in part["Content-Disposition"]
    assert f"partie 2 sur {records}" in drawn[0]
    assert Event.objects.get(action=Action.REGISTER_EXPORTED).facts["lines"] == 1
    for wrong in ("0", str(records + 1), "x", "-1"):
        assert browser.get(address, {"on": "2026-11-18", "partie": wrong}).status_code == 404
