"""The pages of the register: who sees them, what they say, and what the forms do without a script."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils.translation import override

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.contracts import services as contracts
from consent.contracts.types import Text
from consent.register import policy, selectors, services
from consent.register.models import RegisterRecord, RegisterVersion
from consent.register.types import Transfer
from consent.types import LegalBasis, Safeguard
from directory.models import RoleGrant
from directory.types import Role
from idp.models import Tool
from idp.types import ToolState
from tests.consent.contracts.test_contracts import PDF, WHOLE
from tests.consent.register.conftest import ENGAGED_LOUTY
from tests.consent.register.test_policy import FULL
from tests.support.cast import TUESDAY, WEDNESDAY, browser_of, make_member, make_tool, with_items

pytestmark = pytest.mark.django_db
LIST, NEW, PARTIES = "/registre/", "/registre/nouvelle/", "/registre/organisme/"


@pytest.fixture
def officer(dpo):
    return browser_of(dpo)


class _Form(HTMLParser):
    """What the form of the record would send as it stands, its buttons left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.inside, self.area, self.select = False, "", ""

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        name, value = said.get("name") or "", said.get("value") or ""
        if tag == "form":
            self.inside = said.get("id") in ("record-form", "close-form")
        elif not self.inside or said.get("type") == "checkbox":
            return
        elif tag in ("input", "textarea", "select"):
            self.found[name] = value
            self.area = name if tag == "textarea" else ""
            self.select = name if tag == "select" else ""
        elif tag == "option" and "selected" in said:
            self.found[self.select] = value

    def handle_data(self, data):
        if self.area:
            self.found[self.area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            # HTML: a line break right after the tag is no part of the text.
            self.found[self.area] = self.found[self.area].removeprefix("\r\n").removeprefix("\n")
            self.area = ""


def fields_of(page: str) -> dict[str, str]:
    form = _Form()
    form.feed(page)
    return form.found


def refusals() -> list[tuple[str, str]]:
    found = Event.objects.filter(action=Action.ACCESS_REFUSED).order_by("pk")
    return [(each.facts["page"], each.reason) for each in found]


def content_of(reference: str):
    return policy.content_of(selectors.last(selectors.record(reference)).content)


@pytest.mark.gdpr("G34")
@pytest.mark.parametrize("role", [None, Role.OFFICE, Role.TECHNICIAN])
@pytest.mark.parametrize("address", [LIST, NEW, PARTIES, "/registre/T-001/", "/registre/T-001/modifier/"])
def test_the_register_is_the_officers_and_a_refusal_is_recorded(paie, role, address):
    person = make_member("quelqu.un", "Quelqu Un")
    if role:
        RoleGrant.objects.create(member=person, role=role)

    assert browser_of(person).get(address).status_code == 403

    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert line.facts["page"].startswith("register:")


def test_the_list_says_what_is_there_and_what_is_missing(officer, paie, engaged, dpo):
    said = {"terms": WHOLE, "text": Text("contrat.pdf", PDF), "version": 0}
    contracts.keep(of=paie, recipient="Louty", **said, actor=Actor(dpo.pk), now=TUESDAY)

    page = officer.get(LIST).content.decode()

    paie_row, louty_row = page.split('data-reference="T-001"')[1], page.split('data-reference="O-001"')[1]
    assert "Établir les bulletins de paie." in paie_row
    assert "badge--ok" in paie_row.split("</tr>")[0]
    assert "badge--wait" in louty_row.split("</tr>")[0], "measures, assessment and review are the officer's to say"
    assert 'href="/registre/"' in officer.get("/protection/").content.decode(), "the way there"


@pytest.mark.gdpr("G29")
def test_the_register_of_a_past_day(officer, paie):
    services.change(
        of=paie,
        content=replace(content_of("T-001"), name="Paie et congés"),
        version=1,
        actor=SYSTEM,
        note="",
        now=TUESDAY,
    )

    before, after = (officer.get(LIST, {"on": day}).content.decode() for day in ("2026-11-16", "2026-11-17"))

    assert "Paie et congés" not in before
    assert "Paie et congés" in after
    assert "Paie et congés" not in officer.get("/registre/T-001/", {"on": "2026-11-16"}).content.decode()
    assert 'id="register-empty"' in officer.get(LIST, {"on": "2020-01-01"}).content.decode()
    assert officer.get("/registre/T-001/", {"on": "2020-01-01"}).status_code == 404


@pytest.mark.parametrize("day", ["hier", "1999-01-01", "2026-13-45", "9999-12-31"])
def test_a_day_that_is_none_is_said_to_be_none(officer, paie, day):
    assert officer.get(LIST, {"on": day}).status_code == 400
    assert officer.get("/registre/T-001/", {"on": day}).status_code == 404


def test_a_record_shows_every_part_and_its_holes(officer, engaged):
    page = officer.get("/registre/O-001/").content.decode()

    assert 'id="record-fed"' in page
    for said in ("exécution du contrat", "Nom affiché, Adresse e-mail", "C-17", "la fin du contrat", "suppression"):
        assert said in page, said
    assert "les mesures de sécurité" in page.split('id="record-holes"')[1]


def test_a_record_is_written_from_nothing_row_by_row(officer):
    form = fields_of(officer.get(NEW).content.decode())
    assert "purposes-0-text" in form

    added = officer.post(NEW, {**form, "name": "Vidéosurveillance", "data-0-period": "30 jours", "add": "data"})
    form = fields_of(added.content.decode())
    assert added.status_code == 200
    assert (form["name"], form["data-0-period"], form["data-1-period"]) == ("Vidéosurveillance", "30 jours", "")
    assert 'class="errorlist"' not in added.content.decode(), "adding a row is no time to complain"
    assert not RegisterVersion.objects.exists()

    form |= {
        "purposes-0-text": "Protéger les locaux.",
        "purposes-0-basis": "legitimate_interest",
        "purposes-0-balancing": "Pesé.",
        "purposes-0-balanced_on": "2026-11-01",
        "data-0-rubric": "other",
        "data-0-description": "Images",
        "data-0-start": "l’enregistrement",
        "data-0-ending": "delete",
        "note": "nouvelle caméra",
    }
    saved = officer.post(NEW, form)

    assert saved.status_code == 302, saved.content.decode()
    content = content_of("T-001")
    assert (content.name, content.purposes[0].balanced_on) == ("Vidéosurveillance", date(2026, 11, 1))
    assert [row.period for row in content.data] == ["30 jours"], "a row without a word is none"
    assert content.recipients == ()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"data-0-start": ""}, "data-0-start"),
        ({"data-0-ending": ""}, "data-0-ending"),
        ({"data-0-period": ""}, "data-0-period"),
        ({"data-0-period": "1 ; 2"}, "data-0-period"),
        ({"purposes-0-basis": ""}, "purposes-0-basis"),
        ({"purposes-0-basis": "legitimate_interest"}, "purposes-0-balancing"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_missing_is_told_beside_its_field_and_nothing_is_saved(officer, paie, wrong, field):
    address = "/registre/T-001/modifier/"
    form = fields_of(officer.get(address).content.decode())

    answer = officer.post(address, {**form, **wrong})

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert RegisterVersion.objects.count() == 1


def test_a_record_is_changed_and_a_row_taken_out(officer, dpo, paie):
    address = "/registre/T-001/modifier/"
    form = fields_of(officer.get(address).content.decode())

    answer = officer.post(address, {**form, "technical": "Chiffrement et sauvegarde", "recipients-0-DELETE": "on"})

    assert answer.status_code == 302
    row = selectors.current(paie)
    assert (row.version, row.author) == (2, dpo)
    assert (content_of("T-001").technical, content_of("T-001").recipients) == ("Chiffrement et sauvegarde", ())
    page = officer.get("/registre/T-001/versions/").content.decode()
    assert "<del>Chiffrement</del>" in page
    assert "<ins>Chiffrement et sauvegarde</ins>" in page


def test_the_largest_record_there_can_be_is_saved_by_its_form(officer, paie):
    most = {
        name: tuple(replace(row, **{next(iter(policy.NEEDED[name])): f"{n}"}) for n in range(policy.MOST_ROWS))
        for name, row in (
            *(("purposes", FULL.purposes[0]), ("data", FULL.data[0]), ("people", FULL.people[0])),
            *(("recipients", FULL.recipients[0]), ("transfers", Transfer("x", "Chine", Safeguard.CLAUSES))),
        )
    }
    services.change(of=paie, content=replace(FULL, **most), version=1, actor=SYSTEM, note="", now=TUESDAY)
    address = "/registre/T-001/modifier/"

    answer = officer.post(address, {**fields_of(officer.get(address).content.decode()), "technical": "X"})

    assert answer.status_code == 302
    assert content_of("T-001") == replace(FULL, **most, technical="X")


def test_a_form_that_is_sent_as_it_stood_changes_nothing(officer, paie, engaged):
    for reference in ("T-001", "O-001"):
        address = f"/registre/{reference}/modifier/"
        assert officer.post(address, fields_of(officer.get(address).content.decode())).status_code == 302

    assert RegisterVersion.objects.count() == 2


def test_a_form_from_before_another_change_is_not_taken(officer, paie):
    address = "/registre/T-001/modifier/"
    form = fields_of(officer.get(address).content.decode())
    services.change(
        of=paie, content=replace(content_of("T-001"), technical="X"), version=1, actor=SYSTEM, note="", now=TUESDAY
    )

    answer = officer.post(address, {**form, "technical": "Y"})

    assert answer.status_code == 422
    assert "entre-temps" in answer.content.decode()
    assert content_of("T-001").technical == "X"
    assert refusals() == [("register:edit", "register_changed")]


def test_what_the_sheet_says_has_no_field(officer, engaged):
    address = "/registre/O-001/modifier/"
    page = officer.get(address).content.decode()
    form = fields_of(page)
    assert not {"name", "software", "notice", "kind"} & form.keys()
    assert not [name for name in form if name.startswith("purposes")]

    officer.post(address, {**form, "name": "Autre", "technical": "Chiffrement", "purposes-0-text": "Autre"})

    content = content_of("O-001")
    assert (content.name, content.technical) == (ENGAGED_LOUTY.processing, "Chiffrement")
    assert content.purposes[0].text == ENGAGED_LOUTY.purposes[0].text


def test_the_officer_weighs_an_interest_that_a_sheet_names(officer):
    tool = make_tool("wiki", "Wiki")
    interest = replace(ENGAGED_LOUTY.purposes[0], legal_basis=LegalBasis.LEGITIMATE_INTEREST)
    sheet = replace(ENGAGED_LOUTY, purposes=(interest,))
    consent_services.declare(tool_id=tool.pk, sheet=sheet, actor=SYSTEM, now=TUESDAY)
    address = "/registre/O-001/modifier/"
    form = fields_of(officer.get(address).content.decode())

    answer = officer.post(address, {**form, "balancing-0-balancing": "Pesé.", "balancing-0-balanced_on": ""})
    assert 'id="id_balancing-0-balanced_on_error"' in answer.content.decode()

    officer.post(address, {**form, "balancing-0-balancing": "Pesé.", "balancing-0-balanced_on": "2026-11-17"})
    assert content_of("O-001").purposes[0].balancing == "Pesé."


def test_a_record_is_closed_once_somebody_is_sure(officer, paie):
    address = "/registre/T-001/clore/"

    form = fields_of(officer.get(address).content.decode())
    assert officer.post(address, {**form, "note": "fini"}).status_code == 422
    assert officer.post(address, {**form, "note": "fini", "sure": "on"}).status_code == 302

    assert selectors.current(paie) is None
    assert 'id="register-closed"' in officer.get(LIST).content.decode()
    assert officer.get("/registre/T-001/", follow=True).status_code == 200
    assert officer.get(address).status_code == 404
    form = fields_of(officer.get("/registre/T-001/modifier/").content.decode())
    assert officer.post("/registre/T-001/modifier/", form).status_code == 302
    assert selectors.current(paie).version == 2


def test_the_record_of_an_open_tool_stays(officer, engaged):
    form = {"version": "1", "note": "fini", "sure": "on"}

    answer = officer.post("/registre/O-001/clore/", form)

    assert answer.status_code == 422
    assert "outil est ouvert" in answer.content.decode()
    assert refusals() == [("register:close", "record_kept")]
    Tool.objects.filter(pk=engaged.pk).update(state=ToolState.CLOSED)
    assert officer.post("/registre/O-001/clore/", form).status_code == 302


def test_what_is_closed_on_the_page_is_what_it_showed(officer, paie):
    address = "/registre/T-001/clore/"
    form = {**fields_of(officer.get(address).content.decode()), "note": "fini", "sure": "on"}
    services.change(
        of=paie, content=replace(content_of("T-001"), technical="X"), version=1, actor=SYSTEM, note="", now=TUESDAY
    )

    answer = officer.post(address, form)

    assert answer.status_code == 422
    assert "entre-temps" in answer.content.decode()
    assert selectors.current(paie).version == 2
    assert refusals() == [("register:close", "register_changed")]


@pytest.mark.parametrize("added", [{}, {"add": "people"}])
def test_a_form_from_before_it_was_closed_does_not_open_it_again(officer, paie, added):
    address = "/registre/T-001/modifier/"
    form = fields_of(officer.get(address).content.decode())
    services.close(of=paie, version=1, actor=SYSTEM, note="", now=TUESDAY)
    if added:
        form = fields_of(officer.post(address, {**form, **added}).content.decode())

    answer = officer.post(address, {**form, "technical": "Y"})

    assert answer.status_code == 422
    assert selectors.current(paie) is None
    assert refusals() == [("register:edit", "register_changed")]


def test_the_parties_are_written_on_one_page(officer, paie):
    assert officer.post(PARTIES, {"version": "0", "controller_name": ""}).status_code == 422
    answer = officer.post(PARTIES, {"version": "0", "controller_name": "Alizarine", "officer_mail": "dpo@x.example"})

    assert answer.status_code == 302
    assert "dpo@x.example" in officer.get("/registre/T-001/").content.decode()
    assert officer.post(PARTIES, {"version": "0", "controller_name": "Autre"}).status_code == 422
    assert refusals() == [("register:parties", "register_changed")]
    nameless = officer.post(PARTIES, {"version": "1", "controller_name": "\x01"})
    assert 'id="id_controller_name_error"' in nameless.content.decode()
    assert 'data-version="1"' in officer.get("/registre/ORGANISME/versions/").content.decode()


@pytest.mark.parametrize("name", ["record", "versions", "edit", "close"])
def test_a_record_that_is_none_is_not_found(officer, name):
    assert officer.get(reverse(f"register:{name}", args=["X-999"])).status_code == 404


def test_what_was_written_is_shown_as_text(officer, paie):
    evil = '<script>alert("x")</script>'
    services.change(
        of=paie,
        content=replace(content_of("T-001"), name=evil, technical=evil, source=evil),
        version=1,
        actor=SYSTEM,
        note=evil,
        now=TUESDAY,
    )

    for address in (LIST, "/registre/T-001/", "/registre/T-001/versions/", "/registre/T-001/modifier/"):
        assert "<script>alert" not in officer.get(address).content.decode()


def test_the_officer_sees_what_members_see_and_saw(officer, engaged, paie):
    renewed = with_items(ENGAGED_LOUTY, text="Tenir vos comptes.")
    consent_services.declare(tool_id=engaged.pk, sheet=renewed, actor=SYSTEM, now=WEDNESDAY)
    reference = f"/registre/{engaged.register_record.reference}/"
    address = f"{reference}information/"
    assert address in officer.get(reference).content.decode()

    before, after = (officer.get(f"{address}?on={day}").content.decode() for day in ("2026-11-17", "2026-11-18"))

    assert ENGAGED_LOUTY.purposes[0].text in before
    assert "Tenir vos comptes." in after
    assert officer.get(f"{address}?on=2020-01-01").status_code == 404
    assert officer.get("/registre/T-001/information/").status_code == 404, "no tool, nothing shown"


# In English -------------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(dpo):
    type(dpo).objects.filter(pk=dpo.pk).update(language="en")
    browser = browser_of(dpo)
    # What a request speaks is not what the next test does.
    with override("fr"):
        browser.post(reverse("set_language"), {"language": "en"})
        yield browser


def in_french(page: str) -> list[str]:
    return re.findall(r'<span lang="fr">([^<]*)</span>', page)


def test_the_hubs_own_records_have_their_words_in_english(reader, db):
    with override("en"):
        consent_services.fill_register(now=TUESDAY)

    for record in RegisterRecord.objects.exclude(own=None):
        page = reader.get(f"/registre/{record.reference}/").content.decode()
        assert in_french(page) == [], record.reference
        assert policy.content_of(selectors.last(record).content).name not in page, "kept in French, whoever fills it"
    assert "To answer people’s requests about their data" in reader.get(LIST).content.decode()


def test_what_has_no_english_is_marked_as_french(reader, paie):
    page = reader.get(f"/registre/{paie.reference}/").content.decode()

    assert "The register is kept in French" in page
    assert {"Paie", "Établir les bulletins de paie.", "Salaire"} <= set(in_french(page))


def test_a_tools_record_has_the_english_of_its_sheet(reader, engaged):
    page = reader.get("/registre/O-001/").content.decode()

    assert "<h1>Running one’s business</h1>" in page
    assert "Make your invoices and your payslip." in page
    assert "Établir vos factures" not in page
    assert "those who open the tool" in page
    assert "Trousseau sends the data when the tool is opened." in page
    assert "Running one’s business</a>" in reader.get(LIST).content.decode()


def test_a_page_in_french_marks_nothing(officer, paie):
    page = officer.get(f"/registre/{paie.reference}/").content.decode()

    assert in_french(page) == []
    assert "record-french" not in page


def test_what_is_written_in_the_register_is_text_in_english_too(reader, paie):
    services.change(
        of=paie, content=replace(FULL, source="<script>x</script>"), version=1, actor=SYSTEM, note="", now=TUESDAY
    )

    page = reader.get(f"/registre/{paie.reference}/").content.decode()

    assert "&lt;script&gt;x" in page
    assert "<script>x" not in page
