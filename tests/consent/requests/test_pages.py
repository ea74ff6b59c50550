"""The pages of requests: whose they are, what they say, and what the forms do without a script."""

import json
import re
import zipfile
from datetime import timedelta
from html import unescape
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from consent.erasures.models import ErasureRun
from consent.erasures.types import Ground
from consent.requests import services
from consent.requests.models import RequestFile, SubjectRequest
from consent.requests.types import Came, Identity, Kind, Letter, State, Upload
from directory.models import RoleGrant
from directory.types import Role
from tests.support.cast import browser_of, make_member

pytestmark = pytest.mark.django_db
MINE, INBOX, ENTER, LETTERS = "/mes-donnees/demandes/", "/demandes/", "/demandes/saisir/", "/demandes/lettres/"


@pytest.fixture
def officer(dpo):
    return browser_of(dpo)


@pytest.fixture
def browser(member):
    return browser_of(member)


@pytest.fixture
def request_now(ask):
    return ask(now=timezone.now())


def text_of(response):
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def refusals():
    found = Event.objects.filter(action=Action.ACCESS_REFUSED).order_by("pk")
    return [(each.facts["page"], each.reason) for each in found]


def letter_in(page, act):
    """The letter as the workbench starts it."""
    form = page.split(f'id="{act}-form"')[1].split("</form>")[0]
    return re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)[1].strip()


# One's own ----------------------------------------------------------------------------------------------------


def test_the_way_there_and_an_empty_page(filled, browser):
    assert f'href="{MINE}"' in text_of(browser.get("/mes-donnees/"))
    assert 'id="requests-empty"' in text_of(browser.get(MINE))


def test_a_member_asks_and_sees_until_when_an_answer_is_due(filled, browser):
    answer = browser.post(MINE, {"kind": "access", "tool": "", "text": "Tout, s’il vous plaît"}, follow=True)

    made = SubjectRequest.objects.get()
    page = text_of(answer)
    assert answer.redirect_chain[-1][0] == f"{MINE}{made.reference}/"
    assert "une réponse vous est due le" in page
    assert "Tout, s’il vous plaît" in page
    assert "Encore" in text_of(browser.get(MINE))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"kind": "", "text": "x"}, "Choisissez ce que vous demandez."),
        ({"kind": "rectification", "text": ""}, "Écrivez quelques mots"),
        ({"kind": "access", "text": "x" * 5001}, "5001"),
        ({"kind": "access", "text": "gardé", "tool": "999"}, "999"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(filled, browser, sent, said):
    answer = browser.post(MINE, sent)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert sent["text"] in text_of(answer)
    assert not SubjectRequest.objects.exists()


def test_a_refusal_of_the_service_has_its_line(filled, browser):
    browser.post(MINE, {"kind": "complaint", "text": " "})

    assert refusals() == [("requests:mine", "text_missing")]


def test_what_belongs_to_somebody_else_is_not_there_and_the_attempt_is_recorded(request_now, other_member):
    stranger = browser_of(other_member)

    answers = [
        stranger.get(f"{MINE}{request_now.reference}/"),
        stranger.post(f"{MINE}{request_now.reference}/", {"text": "Bonjour"}),
        stranger.post(f"{MINE}{request_now.reference}/reprendre/"),
        stranger.get(f"{MINE}{request_now.reference}/piece/1/"),
    ]

    assert [each.status_code for each in answers] == [404] * 4
    assert {reason for _page, reason in refusals()} == {"not_yours"}
    assert SubjectRequest.objects.get().state == State.OPEN


def test_a_member_adds_a_message_and_takes_the_request_back(request_now, browser):
    address = f"{MINE}{request_now.reference}/"

    assert "Et aussi mon adresse" in text_of(browser.post(address, {"text": "Et aussi mon adresse"}, follow=True))
    page = text_of(browser.post(f"{address}reprendre/", follow=True))

    assert SubjectRequest.objects.get().state == State.WITHDRAWN
    assert 'id="reply-form"' not in page
    assert browser.post(f"{address}reprendre/").status_code == 302
    assert refusals() == [("requests:withdraw", "request_over")]


def test_an_answer_is_read_and_its_file_taken_but_no_note(request_now, browser, dpo):
    said = {"of": request_now, "actor": Actor(member=dpo.pk), "now": timezone.now()}
    services.note(text="Vérifié avec la paie", files=[Upload("paie.pdf", "application/pdf", b"%PDF")], **said)
    services.answer(text="Voici vos données.", files=[Upload("relevé.json", "text/html", b"<b>{}</b>")], **said)
    note, answered = (each.pk for each in RequestFile.objects.order_by("pk"))

    page = text_of(browser.get(f"{MINE}{request_now.reference}/"))
    file = browser.get(f"{MINE}{request_now.reference}/piece/{answered}/")

    assert "Voici vos données." in page
    assert "Vérifié avec la paie" not in page
    assert file.content == b"<b>{}</b>"
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Disposition"].startswith("attachment")
    assert browser.get(f"{MINE}{request_now.reference}/piece/{note}/").status_code == 404


# The officers' --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, Role.OFFICE, Role.TECHNICIAN])
@pytest.mark.parametrize("address", [INBOX, ENTER, LETTERS, f"{LETTERS}refusal/fr/", "/demandes/D-2026-001/"])
def test_requests_are_read_by_the_officer_alone_and_a_refusal_is_recorded(ask, role, address):
    ask()
    person = make_member("quelqu.un", "Quelqu Un")
    if role:
        RoleGrant.objects.create(member=person, role=role)

    assert browser_of(person).get(address).status_code == 403

    assert refusals()[0][0].startswith("requests:")


def test_an_empty_inbox_says_so(filled, officer):
    assert 'id="inbox-empty"' in text_of(officer.get(INBOX))
    assert 'id="inbox-empty"' in text_of(officer.get(INBOX, {"liste": "closes"}))
    assert officer.get(INBOX, {"liste": "x"}).status_code == 404


def test_the_inbox_has_the_most_pressing_first_in_words(ask, officer, member, dpo):
    now = timezone.now()
    ask(now=now)
    services.enter(
        member_id=member.pk,
        kind=Kind.ERASURE,
        text="",
        tool_id=None,
        came=Came.PAPER,
        received_on=timezone.localdate() - timedelta(days=60),
        actor=Actor(member=dpo.pk),
        language="fr",
        now=now,
    )

    page = text_of(officer.get(INBOX))

    assert page.index("En retard de") < page.index("Encore")
    assert page.count("Amélie Roux") == 2
    assert "identité à vérifier" in page


def test_the_inbox_takes_as_many_statements_for_ten_as_for_one(ask, officer):
    ask()
    officer.get(INBOX)
    with CaptureQueriesContext(connection) as one:
        officer.get(INBOX)
    for _ in range(9):
        ask()

    with CaptureQueriesContext(connection) as ten:
        officer.get(INBOX)

    assert len(ten) == len(one)


def test_the_workbench_says_what_is_asked_and_looking_is_recorded(request_now, officer, browser):
    page = text_of(officer.get(f"{INBOX}{request_now.reference}/"))

    assert "Qui a reçu mon adresse ?" in page
    assert "prouvée par la session" in page
    assert 'id="settle-form"' not in page, "nothing to check"
    assert Event.objects.filter(action=Action.REQUEST_READ).count() == 1
    assert "ouvre votre demande" in text_of(browser.get("/mes-donnees/activite/"))


def test_a_letter_starts_filled_in_and_does_not_leave_before_it_is_complete(request_now, officer):
    address = f"{INBOX}{request_now.reference}/"
    letter = letter_in(text_of(officer.get(address)), "refuse")
    assert letter.startswith("Bonjour Amélie Roux,")
    assert f"la demande {request_now.reference} : « Consulter mes données »." in letter

    answer = officer.post(address, {"act": "refuse", "refuse-text": letter})

    assert answer.status_code == 422
    assert "Complétez ce qui est entre crochets." in text_of(answer)
    assert ("requests:case", "blank_left") in refusals()
    done = officer.post(address, {"act": "refuse", "refuse-text": letter.replace("[dites pourquoi]", "rien")})
    assert done.status_code == 302
    assert SubjectRequest.objects.get().state == State.REFUSED


def test_an_answer_leaves_with_its_file(request_now, officer, browser):
    address = f"{INBOX}{request_now.reference}/"
    letter = letter_in(text_of(officer.get(address)), "answer")
    file = SimpleUploadedFile("relevé.json", b"{}", content_type="application/json")

    done = officer.post(address, {"act": "answer", "answer-text": letter, "answer-file": file})

    assert done.status_code == 302
    assert RequestFile.objects.get().name == "relevé.json"
    page = text_of(browser.get(f"{MINE}{request_now.reference}/"))
    assert "relevé.json" in page
    assert "répondue" in page
    assert 'id="note-form"' in text_of(officer.get(address)), "evidence can still be added"
    assert 'id="refuse-form"' not in text_of(officer.get(address))


@pytest.mark.parametrize("size", [services.MOST_FILE_BYTES + 1, 16_000_000], ids=["read", "above what is read"])
def test_nothing_leaves_without_the_file_that_was_joined_where_that_is_too_large(request_now, officer, size):
    address = f"{INBOX}{request_now.reference}/"
    letter = letter_in(text_of(officer.get(address)), "answer")
    file = SimpleUploadedFile("relevé.pdf", b"x" * size)

    page = officer.post(address, {"act": "answer", "answer-text": letter, "answer-file": file})

    assert page.status_code == 422
    assert "Ce fichier est trop gros" in text_of(page)
    assert SubjectRequest.objects.get().state == State.OPEN
    assert refusals() == [("requests:case", "file_big")]


def test_the_record_goes_with_an_answer_without_being_read_on_the_way(request_now, officer, browser, dpo):
    services.note(of=request_now, text="Entre nous", files=(), actor=Actor(member=dpo.pk), now=timezone.now())
    address = f"{INBOX}{request_now.reference}/"
    letter = letter_in(text_of(officer.get(address)), "answer")

    officer.post(address, {"act": "answer", "answer-text": letter, "answer-record": "on"})

    read, kept = RequestFile.objects.order_by("pk")
    page = browser.get(f"{MINE}{request_now.reference}/piece/{read.pk}/")
    record = json.loads(browser.get(f"{MINE}{request_now.reference}/piece/{kept.pk}/").content)
    assert "Relieuse" in text_of(page)
    assert "attachment" in page["Content-Disposition"]
    assert "Entre nous" not in text_of(page)
    assert any(each["value"] == "Relieuse" for each in record["known"])
    assert record["requests"][0]["reference"] == request_now.reference
    assert "Entre nous" not in json.dumps(record)


def test_a_record_is_offered_to_whoever_asks_for_access_alone(ask, officer):
    made = ask(Kind.ERASURE, now=timezone.now())

    assert "answer-record" not in text_of(officer.get(f"{INBOX}{made.reference}/"))


def test_the_letters_of_somebody_who_reads_english_are_english(filled, officer, member):
    made = services.make(
        member_id=member.pk,
        kind=Kind.ACCESS,
        text="",
        tool_id=None,
        actor=Actor(member=member.pk),
        language="en",
        now=timezone.now(),
    )

    assert letter_in(text_of(officer.get(f"{INBOX}{made.reference}/")), "answer").startswith("Hello Amélie Roux,")


def test_the_letter_of_an_extension_names_the_new_date(ask, officer):
    today = timezone.localdate()
    made = ask(now=timezone.now())

    letter = letter_in(text_of(officer.get(f"{INBOX}{made.reference}/")), "extend")

    assert f"réponse le {services.policy.due(today, months=3).day} " in letter


def test_an_act_that_is_none_changes_nothing(request_now, officer):
    assert officer.post(f"{INBOX}{request_now.reference}/", {"act": "burn"}).status_code == 422
    assert SubjectRequest.objects.get().state == State.OPEN


def test_ones_own_request_is_better_answered_by_somebody_else(ask, officer, dpo):
    made = ask(by=dpo, now=timezone.now())

    assert "C’est votre propre demande" in text_of(officer.get(f"{INBOX}{made.reference}/"))


def test_a_letter_by_post_is_entered_for_whom_a_search_finds(filled, officer, member):
    found = text_of(officer.post(ENTER, {"name": "roux"}))
    choice = re.search(r'name="member" value="([^"]+)"', found)[1]
    assert str(member.pk) not in found
    form = text_of(officer.post(ENTER, {"member": choice}))
    assert "Amélie Roux" in form
    looked = Event.objects.about(member.pk).get(action=Action.MEMBER_CONSULTED)
    searched = Event.objects.get(action=Action.MEMBERS_SEARCHED)
    assert {**looked.facts, "results": 1} == searched.facts

    day = timezone.localdate() - timedelta(days=3)
    sent = {"member": choice, "kind": "erasure", "came": "paper", "received_on": day.isoformat(), "text": "Lettre"}
    answer = officer.post(ENTER, sent)

    made = SubjectRequest.objects.get()
    assert answer["Location"] == f"{INBOX}{made.reference}/"
    assert (made.member, made.received_on, made.identity) == (member, day, Identity.UNCHECKED)
    line = Event.objects.get(action=Action.MEMBERS_SEARCHED)
    assert (line.facts["results"], line.facts["purpose"]) == (1, "member_request")
    assert 'id="settle-form"' in text_of(officer.get(answer["Location"]))
    assert 'id="answer-form"' not in text_of(officer.get(answer["Location"]))


def test_a_wrong_day_is_said_beside_its_field_and_the_rest_is_kept(filled, officer, member):
    choice = re.search(r'name="member" value="([^"]+)"', text_of(officer.post(ENTER, {"name": "roux"})))[1]
    day = timezone.localdate() + timedelta(days=1)

    sent = {"member": choice, "kind": "access", "came": "mail", "received_on": day.isoformat(), "text": "Gardé"}
    answer = officer.post(ENTER, sent)

    assert answer.status_code == 422
    assert 'id="id_received_on_error"' in text_of(answer)
    assert "Gardé" in text_of(answer)


def test_nobody_is_chosen_by_a_number_that_was_not_shown(filled, officer, member):
    answer = officer.post(ENTER, {"member": str(member.pk), "kind": "access", "came": "mail"})

    assert answer.status_code == 302
    assert not SubjectRequest.objects.exists()
    assert refusals() == [("requests:enter", "member_unknown")]


def test_a_name_that_nobody_has(filled, officer):
    answer = officer.post(ENTER, {"name": "zzz"})

    assert answer.status_code == 422
    assert "Personne ne porte ce nom." in text_of(answer)
    assert Event.objects.get(action=Action.MEMBERS_SEARCHED).facts["results"] == 0


def test_a_letter_is_edited_and_its_versions_are_shown(filled, officer):
    address = f"{LETTERS}refusal/fr/"
    assert "texte fourni" in text_of(officer.get(LETTERS))

    bad = officer.post(address, {"version": 0, "text": "Non, {nom}."})
    good = officer.post(address, {"version": 0, "text": "Non, {nom}. Voyez la CNIL ou le tribunal."})

    assert bad.status_code == 422
    assert "Un refus nomme la CNIL et le tribunal" in text_of(bad)
    assert good.status_code == 302
    assert "Voyez la CNIL" in text_of(officer.get(address))
    stale = officer.post(address, {"version": 0, "text": "Encore : CNIL, tribunal."})
    assert "Une autre version a été enregistrée entre-temps" in text_of(stale)
    assert officer.get(f"{LETTERS}{Letter.REFUSAL}x/fr/").status_code == 404


@pytest.mark.parametrize("address", [MINE, INBOX, ENTER, LETTERS, f"{LETTERS}refusal/en/"])
def test_pages_speak_english_too(filled, dpo, address):
    english = browser_of(dpo)
    english.cookies["django_language"] = "en"

    assert english.get(address).status_code == 200


def test_a_request_is_shown_as_late_once_its_day_is_over(ask, member, browser):
    made = ask(now=timezone.now() - timedelta(days=60))

    page = text_of(browser.get(f"{MINE}{made.reference}/"))

    assert made.due_on < timezone.localdate()
    assert "En retard de" in page


def test_an_erasure_leads_to_the_sheet_that_carries_it_out(ask, officer, member):
    made = ask(Kind.ERASURE, now=timezone.now())
    address = f"{INBOX}{made.reference}/"
    assert "/effacements/nouveau/" in text_of(officer.get(address)).partition('id="sheet"')[2].partition("</div>")[0]

    run = ErasureRun.objects.create(member=member, ground=Ground.WITHDRAWN, asked_at=timezone.now())

    told = text_of(officer.get(address)).partition('id="sheet"')[2].partition("</div>")[0]
    assert f"/effacements/{run.pk}/" in told
    assert "attend une seconde personne" in told


@pytest.mark.gdpr("G22")
def test_the_answer_to_taking_data_elsewhere_carries_what_was_given_and_no_more(ask, officer, browser):
    found = ask(Kind.PORTABILITY, now=timezone.now())
    address = f"{INBOX}{found.reference}/"
    page = officer.get(address)
    assert "Joindre ce que la personne a fourni" in text_of(page)
    assert "take-now" in browser.get(f"{MINE}{found.reference}/").content.decode()
    letter = letter_in(page.content.decode(), "answer")

    officer.post(address, {"act": "answer", "answer-text": letter, "answer-record": "on"})

    (file,) = RequestFile.objects.all()
    assert file.media_type == "application/zip"
    told = json.loads(zipfile.ZipFile(BytesIO(bytes(file.content))).read("donnees-fournies.json"))
    assert told["parts"]["details"]["data"]["name"] == "Amélie Roux"
    assert "lines" not in told
