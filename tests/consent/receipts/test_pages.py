"""« Mes accords » and the receipts that members take."""

import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit import signer
from audit.models import Event
from audit.sequencer import sequence
from audit.types import SYSTEM, Action, Actor, AppendOnlyError
from consent import selectors, services, taking
from consent.models import Consent, ConsentAsked
from consent.types import ALWAYS, SheetItem
from idp import claims
from idp.services import withdrawal
from tests.consent.test_pages import go_on, text_of
from tests.support.cast import FORMATION, TUESDAY, WEDNESDAY, browser_of, make_tool, with_items

pytestmark = pytest.mark.django_db
LIST = reverse("consent:agreements")


@pytest.fixture(autouse=True)
def log(settings, tmp_path):
    settings.AUDIT_DIR = tmp_path / "audit"


def signed():
    for _ in range(3):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())


def take(member, consent, form, **extra):
    return browser_of(member).post(reverse("consent:take_receipt", args=[consent.pk]), {"form": form}, **extra)


def content(response):
    return b"".join(response.streaming_content)


def verified(folder, keys):
    command = [sys.executable, "-I", str(folder / "verify.py"), str(folder), "--keys", str(keys), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)


def named(told):
    return [each["file"] for each in told["findings"] if each["code"] == "named"]


def withdraw(member, tool):
    withdrawal.withdraw(member_id=member.pk, tool=tool, actor=Actor(member.pk), now=WEDNESDAY)


def test_the_list_has_every_decision_with_its_text_its_date_and_its_state(member, formation, louty):
    go_on(member, louty)
    go_on(member, formation, "phone")
    withdraw(member, formation)
    again = go_on(member, formation, now=WEDNESDAY)

    page = text_of(browser_of(member).get(LIST))

    assert page.count("<article") == 3
    for said in ("Information lue", "Accord retiré", "Rien de facultatif accordé", "17 novembre 2026", "version 1"):
        assert said in page, said
    assert reverse("consent:receipt", args=[again.pk]) in page
    assert reverse("consent:notice", args=[again.notice_id]) in page


def test_an_agreement_that_stands_is_withdrawn_from_its_place_in_one_click(member, formation):
    go_on(member, formation, "phone")
    browser = browser_of(member)
    address = reverse("idp:withdraw", args=[formation.slug])
    assert f'action="{address}"' in text_of(browser.get(LIST))

    browser.post(address)

    assert f'action="{address}"' not in text_of(browser.get(LIST))


def test_nobody_decided_anything_yet(member):
    assert "Aucun accord" in text_of(browser_of(member).get(LIST))


def test_the_list_takes_as_many_statements_however_long_it_is(member, formation, django_assert_max_num_queries):
    browser = browser_of(member)
    for number in range(12):
        tool = make_tool(f"outil-{number}", f"Outil {number}")
        services.declare(tool_id=tool.pk, sheet=FORMATION, actor=SYSTEM, now=TUESDAY)
        go_on(member, tool, "phone")

    with django_assert_max_num_queries(8):
        browser.get(LIST)


def test_the_page_of_a_receipt_says_what_was_agreed_to_and_by_whom_it_is_known(member, formation):
    consent = go_on(member, formation, "phone")

    page = text_of(browser_of(member).get(reverse("consent:receipt", args=[consent.pk])))

    for said in (
        "Vous joindre vite et vous proposer d’autres formations.",
        "Six mois après la dernière formation.",
        "Atelier Savoirs, Montpellier",
        "Commission nationale de l’informatique et des libertés",
        consent.notice.digest,
        claims.subject(member, formation),
    ):
        assert said in page, said


@pytest.mark.parametrize("form", ["json", "jsonld"])
def test_a_receipt_is_a_file_with_the_proof_of_the_log(member, formation, form):
    consent = go_on(member, formation, "phone")
    withdraw(member, formation)
    signed()

    told = json.loads(content(take(member, consent, form)))

    record = told if form == "json" else told["record"]
    assert [each["event_state"] for each in record["events"]] == ["consent given", "consent withdrawn"]
    lines = Event.objects.about(member).filter(action__in=(Action.CONSENT_GIVEN, Action.CONSENT_WITHDRAWN))
    assert {each["log_entry"] for each in record["events"]} == {str(line.reference) for line in lines}
    (log,) = record["log_proof"]
    assert len(log["proofs"]) == 2
    assert {json.loads(each["entry"])["id"] for each in log["proofs"]} == {str(line.reference) for line in lines}
    taken = Event.objects.get(action=Action.OWN_DATA_DOWNLOADED)
    assert (taken.facts, taken.subject_id) == ({"download": "receipt"}, member.pk)


def test_the_whole_receipt_is_checked_by_a_program_that_knows_nothing_of_the_hub(member, formation, tmp_path):
    consent = go_on(member, formation, "phone")
    signed()

    folder = tmp_path / "receipt"
    zipfile.ZipFile(BytesIO(content(take(member, consent, "zip")))).extractall(folder)

    keys = tmp_path / "keys.txt"
    keys.write_bytes(Client().get(reverse("log_keys")).content)
    told = verified(folder, keys)
    assert told["verdict"] == "sound", told
    assert [log["entries"] for log in told["logs"]] == [1]
    assert json.loads((folder / "accord.json").read_text())["record_id"] in (folder / "accord.html").read_text()
    assert json.loads((folder / "accord.jsonld").read_text())["@type"] == "dpv:ConsentReceipt"
    assert [log["log"] for log in json.loads((folder / "accord.json").read_text())["log_proof"]] == [
        log["log"] for log in told["logs"]
    ]
    assert not any(word in (folder / "accord.html").read_text() for word in ("<script", "src=", "stylesheet"))


def test_the_signed_line_vouches_for_the_text_that_was_shown(member, formation, tmp_path):
    consent = go_on(member, formation, "phone")
    signed()
    folder, keys = tmp_path / "receipt", tmp_path / "keys.txt"
    zipfile.ZipFile(BytesIO(content(take(member, consent, "zip")))).extractall(folder)
    keys.write_bytes(Client().get(reverse("log_keys")).content)

    told = verified(folder, keys)
    assert named(told) == ["information.html", "information.json"]
    assert {each["event"] for each in told["findings"] if each["code"] == "named"} == {"consent:grant:give"}
    text = folder / "information.html"
    text.write_text(text.read_text().replace("téléphone", "revenus").replace("Téléphone", "Revenus"))
    assert named(verified(folder, keys)) == ["information.json"]


def test_before_the_log_is_signed_the_record_comes_without_proof_and_the_archive_waits(member, formation):
    consent = go_on(member, formation, "phone")

    assert json.loads(content(take(member, consent, "json")))["log_proof"] == []
    assert "pas encore signé" in text_of(take(member, consent, "zip", follow=True))


def test_a_receipt_of_somebody_else_is_not_to_be_had_and_that_is_recorded(member, other_member, formation):
    consent = go_on(other_member, formation, "phone")

    assert browser_of(member).get(reverse("consent:receipt", args=[consent.pk])).status_code == 404
    assert take(member, consent, "json").status_code == 404
    assert {line.reason for line in Event.objects.filter(action=Action.ACCESS_REFUSED)} == {"not_yours"}


def test_a_form_that_there_is_not_is_refused(member, formation):
    assert take(member, go_on(member, formation, "phone"), "pdf").status_code == 404


def test_so_many_in_an_hour_are_enough(member, formation, monkeypatch):
    monkeypatch.setattr(taking, "DOWNLOADS_AN_HOUR", 1)
    consent = go_on(member, formation, "phone")
    assert take(member, consent, "json").status_code == 200

    assert "Assez pour cette heure" in text_of(take(member, consent, "json", follow=True))


def test_a_record_names_the_version_of_the_text_and_of_the_register_that_stood_then(member, formation):
    first = go_on(member, formation, "phone")
    later = with_items(FORMATION, retention="Dix ans.", purpose=1)
    services.declare(tool_id=formation.pk, sheet=later, actor=SYSTEM, now=WEDNESDAY)
    signed()

    record = json.loads(content(take(member, first, "json")))

    assert record["pii_processing"]["privacy_notice"]["version"] == 1
    assert record["pii_processing"]["register"]["version"] == 1
    assert record["pii_processing"]["purposes"][1]["retention_period"] == "Six mois après la dernière formation."


def test_a_decision_is_never_rewritten(member, formation):
    consent = go_on(member, formation, "phone")

    for change in (
        lambda: Consent.objects.filter(pk=consent.pk).update(items=["name"]),
        lambda: Consent.objects.filter(pk=consent.pk).delete(),
        consent.delete,
        consent.save,
    ):
        with pytest.raises(AppendOnlyError):
            change()
    assert "phone" in Consent.objects.get(pk=consent.pk).items


# What happened to it -------------------------------------------------------------------------------------------


def ask(member, tool, *, now=TUESDAY):
    notice = tool.processings.get(ended_at=None).notice
    services.note_asked(member_id=member.pk, tool_id=tool.pk, notice_id=notice.pk, language="fr", session=None, now=now)


def events(member, consent):
    return json.loads(content(take(member, consent, "json")))["events"]


def change(tool, now):
    sheet = with_items(FORMATION, SheetItem("town", "Proposer près de chez vous."), purpose=1)
    services.declare(tool_id=tool.pk, sheet=sheet, actor=SYSTEM, now=now)


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.7")
def test_a_question_that_was_shown_comes_before_its_answer_each_with_its_line(member, formation):
    ask(member, formation)
    consent = go_on(member, formation, "phone", now=WEDNESDAY)

    asked, given = events(member, consent)

    assert (asked["event_state"], given["event_state"]) == ("consent requested", "consent given")
    assert (asked["event_time"], asked["entity_id"]) == (TUESDAY.isoformat(), "controller")
    lines = [Event.objects.get(action=action) for action in (Action.CONSENT_ASKED, Action.CONSENT_GIVEN)]
    assert [asked["log_entry"], given["log_entry"]] == [str(line.reference) for line in lines]
    assert lines[0].subject_id == member.pk


@pytest.mark.gdpr("G1")
def test_a_question_nobody_answered_is_kept_as_that_and_lets_nothing_leave(member, formation):
    ask(member, formation)
    ask(member, formation, now=WEDNESDAY)

    page = text_of(browser_of(member).get(LIST))

    assert ConsentAsked.objects.get().at == TUESDAY, "one row until it is answered"
    assert Event.objects.filter(action=Action.CONSENT_ASKED).count() == 1
    assert 'id="unanswered"' in page
    assert selectors.release(member.pk, formation.pk, frozenset({"phone", "name"})).items == ALWAYS

    consent = go_on(member, formation)
    assert 'id="unanswered"' not in text_of(browser_of(member).get(LIST))
    assert ConsentAsked.objects.get().consent == consent


def test_a_question_that_was_asked_again_is_another_one(member, formation):
    ask(member, formation)
    first = go_on(member, formation, "phone")
    withdraw(member, formation)
    ask(member, formation, now=WEDNESDAY)
    second = go_on(member, formation, "phone", now=WEDNESDAY)

    assert [each["event_state"] for each in events(member, first)] == [
        "consent requested", "consent given", "consent withdrawn",
    ]  # fmt: skip
    assert events(member, second)[0]["event_time"] == WEDNESDAY.isoformat()


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.7")
def test_an_agreement_ends_when_its_text_is_no_longer_in_force(member, formation):
    consent = go_on(member, formation, "phone")
    change(formation, WEDNESDAY)

    told = events(member, consent)

    assert [each["event_state"] for each in told] == ["consent given", "consent expired"]
    assert told[1]["event_time"] == WEDNESDAY.isoformat()
    page = text_of(browser_of(member).get(LIST))
    assert "Échu : le texte a changé" in page
    assert reverse("idp:withdraw", args=[formation.slug]) in page, "it can be taken back all the same"
    linked = json.loads(content(take(member, consent, "jsonld")))["dpv:hasConsentStatus"]
    assert [each["@type"] for each in linked] == ["dpv:ConsentGiven", "dpv:ConsentExpired"]
    assert linked[1]["dpv:isIndicatedBy"] == {"@id": "dpv:DataController"}

    go_on(member, formation, "phone", now=WEDNESDAY + timedelta(days=1))
    assert [each["event_state"] for each in events(member, consent)] == [
        "consent given", "consent expired", "consent terminated",
    ]  # fmt: skip


def test_what_was_over_before_the_text_changed_and_what_was_refused_do_not_expire(member, formation):
    taken_back = go_on(member, formation, "phone")
    withdraw(member, formation)
    refused = go_on(member, formation, now=WEDNESDAY)
    change(formation, WEDNESDAY + timedelta(days=1))

    assert [each["event_state"] for each in events(member, taken_back)] == ["consent given", "consent withdrawn"]
    assert [each["event_state"] for each in events(member, refused)] == ["consent refused"]
