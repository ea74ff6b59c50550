"""Contracts with processors: eight points, who is further down, the text; what is missing is a hole of the register."""

from dataclasses import replace
from hashlib import sha256

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from audit.models import Event
from audit.types import Action, Actor, AppendOnlyError
from consent.contracts import policy, selectors, services
from consent.contracts.types import ContractChanged, ContractInvalid, Further, Point, Terms, Text
from consent.models import ContractFile, ContractVersion
from consent.register import selectors as register
from consent.register.policy import content_of
from consent.types import RecipientRole
from tests.consent.register.conftest import engaged  # noqa: F401  (fixture)
from tests.consent.register.test_policy import FULL
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of
from tests.support.cost import counted

pytestmark = pytest.mark.django_db
FURTHER = Further("Serveurs du Canal", "France", "Hébergement")
WHOLE = Terms(held=tuple(Point), explained={}, further=(FURTHER,))
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
CANARY = "Canari Zéphyrin"
LIST = "/contrats/"


@pytest.fixture
def officer(dpo) -> Actor:
    return Actor(dpo.pk)


@pytest.fixture
def row(engaged):  # noqa: F811
    return engaged.register_record


@pytest.fixture
def recipient(row):
    (name,) = policy.processors(content_of(register.last(row).content))
    return name


def keep(row, recipient, officer, **said):
    told = {"terms": WHOLE, "text": Text("contrat.pdf", PDF), "version": 0, "now": TUESDAY, **said}
    return services.keep(of=row, recipient=recipient, actor=officer, **told)


def lines():
    return list(Event.objects.filter(action=Action.CONTRACT_KEPT).order_by("pk"))


@pytest.mark.gdpr("G26")
@pytest.mark.parametrize(
    ("terms", "has_text", "missing"),
    [
        (None, False, ["contract_points", "contract_further", "contract_file"]),
        (WHOLE, False, ["contract_file"]),
        (WHOLE, True, []),
        (replace(WHOLE, further=(), alone=True), True, []),
        (replace(WHOLE, further=()), True, ["contract_further"]),
        (replace(WHOLE, held=tuple(Point)[1:]), True, ["contract_points"]),
        (replace(WHOLE, held=tuple(Point)[1:], explained={Point.INSTRUCTIONS: "Par avenant."}), True, []),
    ],
)
def test_each_point_is_ticked_or_explained_and_the_rest_is_a_hole(terms, has_text, missing):
    assert policy.holes(terms, has_text=has_text) == missing


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"explained": {Point.END: "x" * 2001}}, {"why_g": "too_long"}),
        ({"further": (replace(FURTHER, country=" "),)}, {"further": "further_unreadable"}),
        ({"further": (replace(FURTHER, name="x" * 201),)}, {"further": "further_unreadable"}),
        ({"further": (FURTHER,) * 51}, {"further": "further_unreadable"}),
        ({"alone": True}, {"alone": "alone_with_others"}),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(said, wrong):
    with pytest.raises(ContractInvalid) as refused:
        policy.checked(replace(WHOLE, **said))

    assert refused.value.problems == wrong


def test_what_was_read_comes_back_the_same():
    explained = replace(WHOLE, held=(Point.END,), explained={Point.AUDIT: "Rapport annuel."})

    assert policy.terms_of(policy.to_json(policy.checked(explained))) == explained
    assert policy.further_read(policy.further_said(WHOLE.further)) == WHOLE.further


@pytest.mark.parametrize("text", ["Serveurs du Canal", "Serveurs ; France"])
def test_a_line_without_its_three_parts_is_not_guessed(text):
    with pytest.raises(ContractInvalid):
        policy.further_read(text)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"MZ\x90\x00%PDF-%%EOF", "file_no_pdf"),
        (PDF[:-7], "file_no_pdf"),
        (b"<html>%PDF-", "file_no_pdf"),
        (b"", "file_no_pdf"),
        (PDF + b" " * policy.MOST_BYTES, "file_too_big"),
    ],
)
def test_only_a_whole_pdf_of_ten_megabytes_at_most_is_a_contract(content, wrong):
    with pytest.raises(ContractInvalid) as refused:
        policy.check_text(Text("contrat.pdf", content))

    assert refused.value.problems == {"file": wrong}


@pytest.mark.gdpr("G26")
def test_it_is_kept_by_version_with_the_digest_of_the_text_in_the_journal(row, recipient, officer):
    keep(row, recipient, officer)
    explained = replace(WHOLE, held=(), explained={Point.END: CANARY})
    keep(row, recipient, officer, terms=explained, text=None, version=1, now=WEDNESDAY)

    second, first = selectors.versions(row, recipient)
    assert (first.terms, second.terms) == (WHOLE, explained)
    assert second.row.file == first.row.file, "the text stays until another one comes"
    assert bytes(first.row.file.content) == PDF
    assert [each.facts["files"] for each in lines()] == [[sha256(PDF).hexdigest()]] * 2
    assert [each.facts["version"] for each in lines()] == [1, 2]
    assert CANARY not in str([each.facts for each in lines()])


def test_the_same_text_is_kept_once(row, recipient, officer):
    keep(row, recipient, officer)
    keep(row, recipient, officer, version=1)

    assert ContractFile.objects.count() == 1


def test_nothing_of_it_is_ever_changed_or_removed(row, recipient, officer):
    made = keep(row, recipient, officer)

    for act in (
        made.save,
        made.delete,
        made.file.save,
        made.file.delete,
        ContractVersion.objects.all().delete,
        lambda: ContractFile.objects.update(name="autre.pdf"),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            act()


def test_who_writes_after_another_reading_or_about_a_stranger_is_told(row, recipient, officer):
    keep(row, recipient, officer)

    for said in ({"version": 0}, {"version": 0, "recipient": "Quelqu’un d’autre"}):
        with pytest.raises(ContractChanged):
            keep(row, **{"recipient": recipient, **said}, officer=officer)

    assert ContractVersion.objects.count() == 1


@pytest.mark.gdpr("G26")
def test_what_is_missing_is_a_hole_of_the_record_and_of_the_officers_day(row, recipient, officer, dpo):
    browser = browser_of(dpo)
    address = f"/registre/{row.reference}/"
    assert "le contrat signé d’un sous-traitant" in browser.get(address).content.decode()

    keep(row, recipient, officer, now=MONDAY)

    assert "d’un sous-traitant" not in browser.get(address).content.decode()
    listed = register.register_on(TUESDAY.date()).records
    assert selectors.holes(listed)[row.reference] == []
    before = register.end_of(MONDAY.date().replace(day=MONDAY.day - 1))
    assert "contract_file" in selectors.holes(listed, before)[row.reference], "as it was on that day"


def test_the_holes_take_one_statement_however_many_contracts_there_are(row, recipient, officer):
    keep(row, recipient, officer)
    listed = register.register_on(WEDNESDAY.date()).records

    with counted() as cost:
        selectors.holes(listed)

    assert len(cost.statements) == 1


@pytest.mark.gdpr("G26")
def test_the_page_reads_a_contract_and_gives_its_text_back(row, recipient, dpo):
    browser = browser_of(dpo)
    assert recipient in browser.get(LIST).content.decode()
    address = f"{LIST}{row.reference}/1/"
    said = {"version": 0, "recipient": recipient, "further": policy.further_said(WHOLE.further)}
    said |= {f"has_{point}": "on" for point in Point}

    answer = browser.post(address, said | {"file": SimpleUploadedFile("contrat.pdf", PDF, "application/pdf")})

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert "Chaque contrat est complet" in browser.get(LIST).content.decode()
    assert "Serveurs du Canal" in browser.get(address).content.decode()
    text = browser.get(f"{LIST}{row.reference}/texte/{sha256(PDF).hexdigest()}/")
    assert (text.content, text["Content-Type"]) == (PDF, "application/pdf")
    assert text["Content-Disposition"].startswith("attachment")
    assert "no-store" in text["Cache-Control"]


@pytest.mark.parametrize(
    ("said", "reason", "told"),
    [
        ({"further": "Serveurs"}, "contract_invalid", "en trois parties"),
        ({"file": SimpleUploadedFile("a.pdf", b"MZ")}, "contract_invalid", "pas un PDF complet"),
        ({"version": 7}, "contract_changed", "relu entre-temps"),
    ],
)
def test_what_is_not_kept_is_said_and_on_the_record(row, recipient, dpo, said, reason, told):
    answer = browser_of(dpo).post(f"{LIST}{row.reference}/1/", {"version": 0, "recipient": recipient, **said})

    assert answer.status_code == 422
    assert told in answer.content.decode()
    (line,) = lines()
    assert (line.refused, line.reason, line.facts) == (True, reason, {"record": row.reference})
    assert not ContractFile.objects.exists()


@pytest.mark.parametrize("place", ["0", "2"])
def test_a_place_where_no_processor_is_has_no_page(row, dpo, place):
    assert browser_of(dpo).get(f"{LIST}{row.reference}/{place}/").status_code == 404


def test_the_text_of_another_record_is_not_there(row, recipient, officer, dpo, formation):
    keep(row, recipient, officer)

    other = formation.register_record.reference
    assert browser_of(dpo).get(f"{LIST}{other}/texte/{sha256(PDF).hexdigest()}/").status_code == 404


def test_only_processors_have_one():
    separate = replace(FULL.recipients[0], name="Banque", role=RecipientRole.SEPARATE)

    assert policy.processors(replace(FULL, recipients=(*FULL.recipients, separate))) == ["Louty"]
