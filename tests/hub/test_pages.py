"""Language, mailbox, health and error pages."""

import json
import logging
import re
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from audit.models import Log, Pending
from audit.types import Trouble
from directory.models import DirectorySource
from directory.types import DirectoryUnavailable, SourceState
from hub import logs, views
from hub.mailbox import mails
from hub.middleware import Errors, NoStore, RequestLog
from idp.middleware import STATE_COOKIE
from idp.services.accounts import letters
from tests.hub.access import TABLE, Answer, Who
from tests.support.oidc import sign_in


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/secret-path/", {"code": "secret-code"})
    request.request_id = "abc123"  # type: ignore[attr-defined]
    return request


# Errors ----------------------------------------------------------------------------------------------------

PAGES = [
    (lambda request: views.csrf_failure(request, reason="x"), 403),
    (lambda request: views.bad_request(request, ValueError("secret")), 400),
    (lambda request: views.forbidden(request, PermissionError("secret")), 403),
    (lambda request: views.not_found(request, LookupError("secret")), 404),
    (views.too_many_requests, 429),
    (views.server_error, 500),
    (views.directory_unavailable, 503),
]


@pytest.mark.parametrize(("view", "status"), PAGES)
def test_an_error_page_needs_neither_database_nor_session(view, status, request_) -> None:
    # pytest-django refuses database access to this test, and the request has no session at all.
    response = view(request_)

    html = response.content.decode()
    assert response.status_code == status
    assert 'id="error-page"' in html
    assert "abc123" in html
    assert "structure@alizarine.example" in html
    assert "Que faire" in html
    assert "secret" not in html
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("view", "status"), PAGES)
def test_error_pages_speak_the_language_of_the_request(view, status, request_) -> None:
    with translation.override("en"):
        html = view(request_).content.decode()

    assert '<html lang="en">' in html


def test_a_silent_directory_becomes_a_calm_page(request_) -> None:
    response = Errors(lambda request: HttpResponse()).process_exception(request_, DirectoryUnavailable("ldap down"))

    assert response is not None
    assert response.status_code == 503
    assert "mot de passe n’est pas en cause" in response.content.decode()
    assert "ldap down" not in response.content.decode()


def test_other_exceptions_are_left_alone(request_) -> None:
    assert Errors(lambda request: HttpResponse()).process_exception(request_, ValueError("x")) is None


# Language --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "landing"),
    [
        ("/mes-donnees/?tool=louty", "/mes-donnees/?tool=louty"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_choosing_a_language_never_leads_elsewhere(client: Client, target: str, landing: str) -> None:
    response = client.post("/langue/", {"language": "en", "next": target})

    assert response.status_code == 302
    assert response["Location"] == landing
    assert response.cookies["trousseau_language"].value == "en"
    assert response.cookies["trousseau_language"]["httponly"]


def test_an_unknown_language_is_ignored(client: Client) -> None:
    response = client.post("/langue/", {"language": "../../x", "next": "/"})

    assert "trousseau_language" not in response.cookies


def test_a_link_does_not_change_the_language(client: Client) -> None:
    assert client.get("/langue/?language=en").status_code == 405


# Mailbox ---------------------------------------------------------------------------------------------------


def deliver(folder: Path, *messages: EmailMessage) -> None:
    EmailBackend(file_path=str(folder)).send_messages(list(messages))


def test_every_mail_of_a_file_is_read(tmp_path: Path) -> None:
    first = EmailMessage("Double vérification activée", "Bonjour,\n\nC’est fait.", "a@x.example", ["b@x.example"])
    second = EmailMessage("Deuxième", "-" * 79, "a@x.example", ["c@x.example"])

    deliver(tmp_path, first, second)

    read = mails(tmp_path)
    assert [mail.subject for mail in read] == ["Deuxième", "Double vérification activée"]
    assert read[1].body == "Bonjour,\n\nC’est fait."
    assert read[1].to == "b@x.example"
    assert read[1].at is not None
    assert read[1].at.tzinfo is not None


def test_no_folder_no_mail(tmp_path: Path) -> None:
    assert mails(tmp_path / "none") == []


def test_the_mailbox_shows_mails_escaped(client: Client, db: None, settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    deliver(
        tmp_path / "mail", EmailMessage("<b>Sujet</b>", "<script>alert(1)</script>", "a@x.example", ["b@x.example"])
    )

    listing = client.get("/courrier/").content.decode()
    link = re.search(r'href="(/courrier/[^"]+/)"', listing)

    assert link
    assert "&lt;b&gt;Sujet" in listing
    shown = client.get(link[1]).content.decode()
    assert "&lt;script&gt;" in shown


def test_the_page_of_a_mail_is_shown_as_a_page_that_can_do_nothing(
    client: Client, db: None, settings, tmp_path
) -> None:
    settings.DATA_DIR = tmp_path
    message = letters.letter(
        subject="Objet", body="Bonjour\n", language="fr", to="b@x.example", reply_to="", headers={}
    )
    deliver(tmp_path / "mail", message)
    key = mails(tmp_path / "mail")[0].key

    shown = client.get(reverse("mail_page", args=[key]))

    assert 'src="data:image/png;base64,' in shown.content.decode()
    assert "cid:" not in shown.content.decode()
    told = dict(each.strip().partition(" ")[::2] for each in shown["Content-Security-Policy"].split(";"))
    assert (told["default-src"], told["script-src"], told["img-src"]) == ("'none'", "'none'", "data:")
    assert "sandbox" in told
    settings.DEMO = False
    assert client.get(reverse("mail_page", args=[key])).status_code == 404


@pytest.mark.parametrize("path", ["/courrier/..%2F..%2Fetc/", "/courrier/none/"])
def test_only_listed_mails_are_shown(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/courrier/", "/style/"])
def test_pages_of_the_demonstration_do_not_exist_elsewhere(client: Client, db: None, settings, path: str) -> None:
    settings.DEMO = False

    assert client.get(path).status_code == 404


def test_the_style_page_opens_in_the_demonstration(client: Client, db: None) -> None:
    html = client.get("/style/").content.decode()

    assert 'data-hue="23"' in html
    assert "style=" not in html


# Health ----------------------------------------------------------------------------------------------------


def test_health_answers_when_the_database_does(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {
        "status": "ok",
        "database": "ok",
        "directory_age_seconds": None,
        "journal_late_seconds": 0,
        "journal_unsigned": [],
        "journal_contradicted": [],
        "journal_kept_outside": False,
        "journal_retention_stopped": False,
        "journal_gaps": 0,
    }


def test_health_tells_how_long_an_event_has_waited_and_which_log_is_not_signed(client: Client, db: None) -> None:
    now = timezone.now()
    for minutes in (1, 7, 3):
        Pending.objects.create(reference=uuid4(), action="x", commitments=b"", since=now - timedelta(minutes=minutes))
    Log.objects.create(name="access-2026h2", family="access", opened_at=now, trouble=Trouble.SHORTER)

    told = client.get("/healthz").json()

    assert 60 <= told["journal_late_seconds"] < 70
    assert told["journal_unsigned"] == ["access-2026h2"]


def test_health_tells_the_age_of_the_directory_that_was_read_longest_ago(client: Client, db: None) -> None:
    now = timezone.now()
    for number, minutes in enumerate((3, 40, 1)):
        read = now - timedelta(minutes=minutes)
        DirectorySource.objects.create(name=f"A{number}", state=SourceState.ACTIVE, read_at=read)
    DirectorySource.objects.create(name="Brouillon", state=SourceState.DRAFT)

    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert 2400 <= answer.json()["directory_age_seconds"] < 2460


def test_health_says_when_the_database_does_not(rf: RequestFactory, monkeypatch) -> None:
    def fail() -> None:
        raise DatabaseError("connection lost to host secret")

    monkeypatch.setattr(connection, "cursor", fail)

    response = views.healthz(rf.get("/healthz"))

    assert response.status_code == 503
    assert json.loads(response.content) == {"status": "failing", "database": "unavailable"}


@pytest.mark.gdpr("G36")
def test_no_cookie_is_set_but_those_that_a_visit_needs(client: Client, member, settings) -> None:
    needed = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME}
    needed |= {settings.BROWSER_COOKIE_NAME, STATE_COOKIE}

    for browser in (client, sign_in(member)):
        for row in TABLE:
            if not row.objects and row.get[Who.MEMBER] == Answer.PAGE:
                answer = browser.get(reverse(row.route), dict(row.query))
                assert set(answer.cookies) <= needed, row.route
        browser.post(reverse("set_language"), {"language": "en"})
        assert settings.LANGUAGE_COOKIE_NAME in browser.cookies
        assert set(browser.cookies) <= needed


# Around every request --------------------------------------------------------------------------------------


def test_the_log_names_the_route_and_nothing_of_the_request(client: Client, db: None, caplog) -> None:
    with caplog.at_level(logging.INFO, "hub.request"):
        response = client.get("/courrier/?token=secret", REMOTE_ADDR="203.0.113.9")

    line = json.loads(caplog.records[-1].getMessage())
    assert (line["method"], line["route"], line["status"]) == ("GET", "mailbox", 200)
    assert line["request"] == response["X-Request-Id"]
    assert line["ms"] >= 0
    assert not {"secret", "/courrier/", "203.0.113.9"} & set(re.split(r'[ ",?=]', caplog.text))


def test_an_invented_method_does_not_reach_the_log(rf: RequestFactory, caplog) -> None:
    request = rf.generic("X-AMELIE", "/")
    request.resolver_match = None

    with caplog.at_level(logging.INFO, "hub.request"):
        RequestLog(lambda request: HttpResponse())(request)

    assert json.loads(caplog.records[-1].getMessage())["method"] == "other"


def test_djangos_own_lines_lose_their_path(rf: RequestFactory) -> None:
    request = rf.get("/compte/cle/secret-key/")
    record = logging.LogRecord("django.request", logging.WARNING, "f", 1, "Not Found: %s", (request.path,), None)
    record.request, record.status_code = request, 404

    line = logs.Lines().format(record)

    assert "secret-key" not in line
    assert json.loads(line)["status"] == 404


def test_an_error_is_logged_by_kind_and_place_without_its_words() -> None:
    try:
        raise ValueError("amelie@alizarine.example")
    except ValueError as error:
        record = logging.LogRecord(
            "hub", logging.ERROR, "f", 1, "failed", None, (ValueError, error, error.__traceback__)
        )

    line = logs.Lines().format(record)

    assert "amelie" not in line
    assert json.loads(line)["error"] == "ValueError"
    assert "test_pages.py" in json.loads(line)["where"][0]


@pytest.mark.parametrize(
    ("cookie", "kind", "kept_out"),
    [("key", "text/html; charset=utf-8", True), ("", "text/html", False), ("key", "application/json", False)],
)
def test_pages_of_a_session_stay_out_of_caches(rf: RequestFactory, settings, cookie, kind, kept_out) -> None:
    request = rf.get("/")
    if cookie:
        request.COOKIES[settings.SESSION_COOKIE_NAME] = cookie

    response = NoStore(lambda request: HttpResponse(content_type=kind))(request)

    assert ("no-store" in response.get("Cache-Control", "")) is kept_out


@pytest.mark.parametrize(("language", "shown"), [("fr", "24/11/2026, 13\u00a0h\u00a018"), ("en", "24/11/2026, 13:18")])
def test_a_short_date_puts_the_day_first_in_both_languages(language, shown):
    with translation.override(language):
        assert date_format(datetime(2026, 11, 24, 13, 18), "SHORT_DATETIME_FORMAT") == shown
