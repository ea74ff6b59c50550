"""What members take with them: all of it, nothing of others, and no secret."""

import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import pdf
from audit.models import Event
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from collectives.models import Follow
from consent import services, taking
from consent.directions import services as directions
from consent.models import HubNotice
from consent.own import exporting, sources
from consent.own.exporting import json_of
from consent.requests import services as requests
from consent.requests.models import SubjectRequest
from consent.requests.types import Kind
from directory import corrections
from directory.models import Collective
from directory.services.showing import Page, show
from idp.models import Admission, Browser, HubSession, ToolSession
from launcher.models import Arrangement, Favourite
from news.models import Brief, Dismissal, FeedLink, Letter, Mute, Subscription
from tests.consent.ledger.leaving import leave
from tests.consent.receipts.test_pages import signed
from tests.consent.test_pages import go_on, send, text_of
from tests.support.cast import TUESDAY, WEDNESDAY, browser_of

pytestmark = pytest.mark.django_db
TAKE, ALL, CARD, GIVEN, PDF, DATA = (
    reverse(f"consent:{each}") for each in ("take", "take_all", "take_card", "take_given", "take_pdf", "download")
)
NOW = WEDNESDAY


@pytest.fixture(autouse=True)
def lived(settings, tmp_path, member, other_member, formation, louty):
    """A bit of everything that the hub holds."""
    settings.AUDIT_DIR = tmp_path / "audit"
    go_on(member, formation, "phone")
    send(member, formation)
    corrections.note([(member.pk, "phone")], now=NOW, within=corrections.ONE_ENTRY)
    directions.leave(member_id=member.pk, text="Tout effacer.", contact="", actor=Actor(member.pk), now=NOW)
    session = HubSession.objects.create(
        member=member, label="Firefox, Linux", network="82.64.0.0/16", started_at=NOW, auth_time=NOW,
        last_seen_at=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    ToolSession.objects.create(hub_session=session, tool=formation, first_at=NOW, last_at=NOW)
    Browser.objects.create(
        member=member, label="Firefox, Linux", digest="secret-digest", fingerprint="secret-print", first_seen_at=NOW,
        last_seen_at=NOW, expires_at=NOW,
    )  # fmt: skip
    key = {"name": "Ma clé", "credential": {"secret": "secret-credential"}}
    Authenticator.objects.create(user=member, type=Authenticator.Type.WEBAUTHN, data=key)
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "secret-seed"})
    Favourite.objects.create(member=member, tool=louty)
    show(member_id=member.pk, page=Page(skills=["dorure"]), actor=Actor(member.pk), now=NOW)
    Arrangement.objects.create(member=member, order=[louty.pk])
    followed = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    Follow.objects.create(member=member, collective=followed, since=NOW)
    HubNotice.objects.create(member=member, version="v", language="fr", digest="d", at=NOW)
    brief = Brief.objects.create(
        collective=followed, author=member, title="Séchoir", text="x", written_at=NOW, changed_at=NOW,
        is_draft=False, since=NOW - timedelta(days=400),
    )  # fmt: skip
    Dismissal.objects.create(member=member, brief=brief)
    FeedLink.objects.create(member=member, collective=followed, digest="secret-feed", made_at=NOW)
    Subscription.objects.create(member=member, rhythm="daily", told_at=NOW)
    Letter.objects.create(
        collective=followed, author=member, subject="Assemblée", text="x", written_at=NOW, changed_at=NOW
    )
    Mute.objects.create(member=member, collective=followed)
    Admission.objects.create(member=member, tool=louty, reason="Pour mes factures", asked_at=NOW)
    record(Entry(Action.MEMBER_CONSULTED, Actor(other_member.pk), member.pk))
    services.fill_register(now=NOW)
    requests.make(
        member_id=member.pk, kind=Kind.ACCESS, text="Qui a reçu mon adresse ?", tool_id=None,
        actor=Actor(member.pk), language="fr", now=NOW,
    )  # fmt: skip


def record_of(member):
    return json.loads("".join(json_of(member.pk, now=NOW)))


def page(member):
    """As the archive has it, beside the data."""
    written = BytesIO()
    for _piece in json_of(member.pk, now=NOW, page=written):
        pass
    return written.getvalue().decode()


def zip_of(response):
    return zipfile.ZipFile(BytesIO(b"".join(response.streaming_content)))


def test_every_section_that_there_is_has_something_to_tell_of_whoever_lived_here(member):
    told = record_of(member)

    names = [section.name for section in sources.sections()]
    assert names == [
        *("known", "profile", "directions", "decisions", "asked", "objections", "requests", "hub_notice"),
        *("held", "corrections", "disclosures"),
        *("sessions", "factors", "browsers", "identifiers", "admissions", "favourites", "own_order"),
        *("followed_collectives", "briefs", "briefs_put_aside", "news_feeds", "news_by_mail"),
        *("letters_written", "letters_muted"),
        "lines",
    ]
    assert [name for name in names if not told[name]] == ["asked", "objections"]
    assert told["sessions"][0]["tools"][0]["tool"] == "formation"
    assert {each["name"] for each in told["factors"]} == {"Ma clé", ""}
    assert told["requests"][0]["steps"][0]["text"] == "Qui a reçu mon adresse ?"
    assert told["profile"] == [{"listed": True}, {"item": "skills", "value": ["dorure"], "open_to": ""}]
    assert told["directions"][0]["text"] == "Tout effacer."
    assert told["favourites"][0]["tool"] == "louty"
    assert told["own_order"][0]["order"] == ["louty"]
    assert told["followed_collectives"][0]["collective"] == "reliure"
    assert (told["briefs"][0]["title"], told["briefs_put_aside"][0]["title"]) == ("Séchoir", "Séchoir")
    assert told["letters_written"][0]["subject"] == "Assemblée"
    assert told["news_by_mail"] == [{"rhythm": "daily"}]
    assert {told[each][0]["collective"] for each in ("news_feeds", "letters_muted")} == {"reliure"}
    assert told["admissions"][0]["reason"] == "Pour mes factures"
    assert {each["item"] for each in told["held"]} >= {"name", "email", "phone"}


def test_the_page_says_the_same_in_sentences_and_asks_nobody_for_anything(member):
    told = page(member)

    for said in (
        "12 rue du Canari",
        "Formation a reçu",
        "Accord donné",
        "Quelqu’un de la structure ouvre votre fiche.",
        "Firefox, Linux",
        "Ma clé",
    ):
        assert said in told, said
    assert not any(word in told for word in ("<script", 'src="http', "stylesheet"))


def test_no_secret_and_nobody_else_is_in_it(member, other_member):
    told = page(member) + json.dumps(record_of(member), ensure_ascii=False)

    assert "secret-" not in told
    for personal in (str(other_member.pk), other_member.login, other_member.display_name):
        assert personal not in told


def test_markup_in_a_value_stays_text(member):
    type(member).objects.filter(pk=member.pk).update(trade="<script>alert(1)</script>")

    assert "<script>" not in page(member)


def test_an_objection_is_there_once_it_was_made(member, formation):
    from audit.types import SYSTEM
    from tests.support.cast import AGENDA, make_tool

    tool = make_tool("agenda", "Agenda")
    services.declare(tool_id=tool.pk, sheet=AGENDA, actor=SYSTEM, now=TUESDAY)
    purpose = tool.processings.get().purposes.get(legal_basis="legitimate_interest")
    leave(member, tool, now=TUESDAY)
    services.object_to(member_id=member.pk, purpose_id=purpose.pk, actor=Actor(member.pk), now=WEDNESDAY)

    assert record_of(member)["objections"][0]["items"] == ["email", "phone"]


def test_one_file_holds_data_page_and_proofs_that_are_checked_without_the_hub(member, tmp_path):
    signed()

    response = browser_of(member).post(ALL)

    assert "no-store" in response["Cache-Control"]
    archive, folder = zip_of(response), tmp_path / "mine"
    assert {"mes-donnees.json", "mes-donnees.html", "mes-lignes.html", "verify.py"} <= set(archive.namelist())
    archive.extractall(folder)
    keys = tmp_path / "keys.txt"
    keys.write_bytes(Client().get(reverse("log_keys")).content)
    command = [sys.executable, "-I", str(folder / "verify.py"), str(folder), "--keys", str(keys), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)
    assert told["verdict"] == "sound", told
    assert Event.objects.get(action=Action.OWN_DATA_DOWNLOADED).facts == {"download": "all"}


def test_before_anything_is_signed_the_data_come_all_the_same(member):
    names = zip_of(browser_of(member).post(ALL)).namelist()

    assert names == ["mes-donnees.json", "mes-donnees.html"]


@pytest.mark.gdpr("G22")
def test_the_card_is_a_file_of_its_own_and_has_what_was_given_alone(member):
    response = browser_of(member).post(CARD)

    card = b"".join(response.streaming_content).decode()
    assert "FN:Amélie Roux" in card
    assert "TITLE:Relieuse" in card
    assert "AL-00417" not in card, "the cooperative gave that number"
    assert Event.objects.get(action=Action.OWN_DATA_DOWNLOADED).facts == {"download": "card"}


def test_the_document_to_print_has_every_section_and_what_came_last_of_each(member, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_PRINTED", 2)
    drawn = []
    monkeypatch.setattr(pdf, "written", lambda html, _accent: drawn.append(html) or b"%PDF-")

    response = browser_of(member).post(PDF)

    assert b"".join(response.streaming_content) == b"%PDF-"
    (html,) = drawn
    assert all(f'<h2 id="{section.name}">' in html for section in sources.sections())
    lines = html.partition('<h2 id="lines">')[2]
    assert lines.count("<li>") == 2
    assert "fichier complet" in lines
    assert Event.objects.get(action=Action.OWN_DATA_DOWNLOADED).facts == {"download": "pdf"}


def test_the_document_to_print_is_ready_in_seconds_whatever_somebody_wrote(member, monkeypatch):
    """A day of messages to the officers, all that one may send, took the better part of a minute to set."""
    drawn = []
    monkeypatch.setattr(pdf, "written", lambda html, _accent: drawn.append(html) or b"%PDF-")
    (request,) = SubjectRequest.objects.all()
    for _ in range(requests.MOST_REPLIES_A_DAY):
        requests.reply(of=request, text="mot " * 1249, actor=Actor(member.pk), now=NOW)

    browser_of(member).post(PDF)

    told = drawn[0].partition('<h2 id="requests">')[2].partition("<h2")[0]
    assert len(told) < exporting.MOST_CHARACTERS + 1000
    assert "…</li>" in told
    assert "fichier complet" in told
    assert len(record_of(member)["requests"][0]["steps"]) == requests.MOST_REPLIES_A_DAY + 1


def test_the_document_to_print_is_one(member):
    response = browser_of(member).post(PDF)

    assert response["Content-Type"] == "application/pdf"
    assert b"".join(response.streaming_content).startswith(b"%PDF-")


@pytest.mark.parametrize("address", [ALL, CARD, GIVEN, PDF, DATA])
def test_so_many_in_an_hour_are_enough(member, address, monkeypatch):
    monkeypatch.setattr(taking, "DOWNLOADS_AN_HOUR", 1)
    browser = browser_of(member)
    take = browser.get if address == DATA else browser.post
    assert take(address).status_code == 200

    answer = take(address, follow=True)

    assert answer.redirect_chain == [(TAKE, 302)]
    assert "Assez pour cette heure" in text_of(answer)
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "downloads_enough"


def test_the_page_says_what_there_is_to_take(member):
    told = text_of(browser_of(member).get(TAKE))

    for said in ("Tout télécharger (.zip)", "Les données seules (JSON)", "Ce que j’ai fourni (.zip)", "Mes sessions"):
        assert said in told


def test_statements_do_not_grow_with_the_history(member, louty):
    def statements():
        with CaptureQueriesContext(connection) as counted:
            record_of(member)
            page(member)
        return len(counted)

    few = statements()
    record_all([Entry(Action.SIGN_IN, Actor(member.pk), member.pk)] * 400)
    send(member, louty, times=60)

    # Two readings, each with one batch of each more at most.
    assert statements() - few <= 6
