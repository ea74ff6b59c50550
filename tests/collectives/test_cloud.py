"""Documents and agenda of a collective, read in a cloud that answers over a real connection, or does not."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from audit.models import Event as Line
from audit.types import Action
from collectives.cloud import dav, selectors
from collectives.cloud.dav import Unreadable
from collectives.models import CollectivePage
from directory.models import Collective, Membership, RoleGrant
from directory.types import Role
from idp import outgoing
from tests.support.cast import MONDAY, browser_of

PARIS = ZoneInfo("Europe/Paris")
FOLDER = """<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">
<d:response><d:href>/remote.php/dav/files/hub/Collectifs/Reliure/</d:href><d:propstat><d:prop>
<d:resourcetype><d:collection/></d:resourcetype></d:prop></d:propstat></d:response>
<d:response><d:href>/remote.php/dav/files/hub/Collectifs/Reliure/Devis%20canari.pdf</d:href><d:propstat><d:prop>
<d:resourcetype/><d:getcontentlength>2048</d:getcontentlength>
<d:getlastmodified>Mon, 16 Nov 2026 08:00:00 GMT</d:getlastmodified></d:prop></d:propstat></d:response>
<d:response><d:href>/remote.php/dav/files/hub/Collectifs/Reliure/Photos/</d:href><d:propstat><d:prop>
<d:resourcetype><d:collection/></d:resourcetype></d:prop></d:propstat></d:response>
</d:multistatus>"""
AGENDA = """<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response>
<d:href>/remote.php/dav/calendars/hub/reliure/1.ics</d:href><d:propstat><d:prop><c:calendar-data>BEGIN:VCALENDAR
{events}END:VCALENDAR
</c:calendar-data></d:prop></d:propstat></d:response></d:multistatus>"""


def agenda(*events: str) -> bytes:
    return AGENDA.format(events="".join(f"BEGIN:VEVENT\n{each}\nEND:VEVENT\n" for each in events)).encode()


class Cloud(ThreadingHTTPServer):
    """What it answers to each method, and what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, str, str]] = []
        self.bodies: dict[str, tuple[int, bytes]] = {
            "PROPFIND": (207, FOLDER.encode()),
            "REPORT": (207, agenda("SUMMARY:Atelier canari\nDTSTART:29991120T180000Z\nLOCATION:Lodève")),
        }


class Answering(BaseHTTPRequestHandler):
    server: Cloud

    def answer(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        status, body = self.server.bodies[self.command]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ailleurs")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PROPFIND = do_REPORT = do_GET = answer

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def cloud(db, settings) -> Iterator[Cloud]:
    server = Cloud()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.CLOUD_URL = f"http://127.0.0.1:{server.server_address[1]}"
    settings.CLOUD_USER, settings.CLOUD_PASSWORD = "hub", "mot-de-passe-canari"
    settings.OUTGOING_NETWORKS = [ip_network("127.0.0.0/8")]
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def bindery(db) -> Collective:
    found = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    CollectivePage.objects.create(collective=found, folder="Collectifs/Reliure", calendar="reliure", updated_at=MONDAY)
    return found


@pytest.fixture
def insider(member, bindery):
    Membership.objects.create(member=member, collective=bindery)
    return member


def held(collective, now=MONDAY):
    return selectors.held(CollectivePage.objects.get(pk=collective.pk), now)


# Over the wire -------------------------------------------------------------------------------------------------


def test_folder_and_agenda_are_read_as_the_hubs_own_account(cloud, bindery):
    found = held(bindery)

    assert [(each.name, each.is_folder, each.size) for each in found.documents] == [
        ("Photos", True, 0),
        ("Devis canari.pdf", False, 2048),
    ]
    assert [(each.title, each.place) for each in found.events] == [("Atelier canari", "Lodève")]
    assert not found.is_silent
    assert [(method, path) for method, path, _word in cloud.asked] == [
        ("PROPFIND", "/remote.php/dav/files/hub/Collectifs/Reliure/"),
        ("REPORT", "/remote.php/dav/calendars/hub/reliure/"),
    ]
    assert {word for _method, _path, word in cloud.asked} == {"Basic aHViOm1vdC1kZS1wYXNzZS1jYW5hcmk="}


def test_it_is_asked_once_in_some_minutes(cloud, bindery):
    for _ in range(3):
        held(bindery)

    assert len(cloud.asked) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (404, b""),
        (500, b""),
        (200, FOLDER.encode()),
        (302, b""),
        (207, b"<d:multistatus"),
        (207, b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>"),
        (207, b" " * (dav.MOST_BYTES + 1)),
    ],
)
def test_an_answer_that_is_none_is_said_and_the_rest_is_shown(cloud, insider, bindery, status, body):
    cloud.bodies["PROPFIND"] = (status, body)

    page = browser_of(insider).get(reverse("collectives:cloud", args=["reliure"])).text

    assert 'id="silent"' in page
    assert 'id="documents"' not in page
    assert "Atelier canari" in page
    # No redirect is followed, and the silence is kept for a minute.
    assert len(cloud.asked) == 2
    held(bindery)
    assert len(cloud.asked) == 2


def test_a_cloud_that_is_down_is_said(cloud, insider, bindery):
    cloud.shutdown()
    cloud.server_close()

    answer = browser_of(insider).get(reverse("collectives:cloud", args=["reliure"]))

    assert answer.status_code == 200
    assert 'id="silent"' in answer.text


def test_a_cloud_that_says_nothing_is_waited_for_no_longer_than_any_other(cloud, bindery, monkeypatch):
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(Answering, "do_PROPFIND", lambda _self: time.sleep(2))

    assert held(bindery).documents is None


def test_a_private_address_is_not_called_unless_the_operator_allowed_it(cloud, bindery, settings):
    settings.OUTGOING_NETWORKS = []

    assert held(bindery).is_silent
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("url", "user", "password", "is_one"),
    [
        ("https://nuage.example", "hub", "x", True),
        ("http://127.0.0.1:8080", "hub", "x", True),
        ("http://nuage.example", "hub", "x", False),
        ("https://nuage.example", "", "x", False),
        ("https://nuage.example", "hub", "", False),
        ("", "hub", "x", False),
    ],
)
def test_the_password_goes_over_tls_or_stays_on_this_machine(settings, url, user, password, is_one):
    settings.CLOUD_URL, settings.CLOUD_USER, settings.CLOUD_PASSWORD = url, user, password

    assert selectors.is_configured() is is_one


# Who sees it, and who says where -------------------------------------------------------------------------------


def test_whoever_is_not_in_it_sees_no_name_of_a_file(cloud, other_member, bindery):
    browser = browser_of(other_member)

    assert browser.get(reverse("collectives:cloud", args=["reliure"])).status_code == 404
    assert 'id="cloud"' not in browser.get(reverse("collectives:one", args=["reliure"])).text
    assert cloud.asked == []


def test_the_collectives_own_page_asks_no_cloud(cloud, insider, bindery):
    assert 'id="cloud"' in browser_of(insider).get(reverse("collectives:one", args=["reliure"])).text
    assert cloud.asked == []


def test_without_a_cloud_there_is_no_such_page(insider, bindery, settings):
    settings.CLOUD_URL = ""

    assert browser_of(insider).get(reverse("collectives:cloud", args=["reliure"])).status_code == 404


def describe(person, **typed):
    form = {"presentation": "", "joining": "", "links": "", **typed}
    return browser_of(person).post(reverse("collectives:describe", args=["reliure"]), form)


def test_a_lead_does_not_point_the_hub_at_another_folder(cloud, member, bindery):
    bindery.leads.add(member)

    assert describe(member, folder="Direction", calendar="direction").status_code == 303

    page = CollectivePage.objects.get()
    assert (page.folder, page.calendar) == ("Collectifs/Reliure", "reliure")


def test_the_office_says_where_and_the_journal_that_it_did(cloud, member, bindery):
    RoleGrant.objects.create(member=member, role=Role.OFFICE)

    assert describe(member, folder=" /Collectifs//Reliure 2/ ", calendar="").status_code == 303

    page = CollectivePage.objects.get()
    assert (page.folder, page.calendar) == ("Collectifs/Reliure 2", "")
    assert Line.objects.get(action=Action.COLLECTIVE_DESCRIBED).told["properties"] == ["calendar", "folder"]


@pytest.mark.parametrize(
    "typed",
    [{"folder": "../Direction"}, {"folder": "a/./b"}, {"folder": "a\\b"}, {"calendar": ".."}, {"calendar": "a/b"}],
)
def test_a_place_never_leads_out_of_the_account(cloud, member, bindery, typed):
    RoleGrant.objects.create(member=member, role=Role.OFFICE)

    assert describe(member, **{"folder": "", "calendar": "", **typed}).status_code == 422


# What answers mean ---------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 5545", "3.1")
@pytest.mark.parametrize(
    ("lines", "title", "begins", "whole_day"),
    [
        ("SUMMARY:A\nDTSTART:20261120T180000Z", "A", datetime(2026, 11, 20, 18, tzinfo=UTC), False),
        ("SUMMARY:A\nDTSTART;TZID=Europe/Paris:20261120T180000", "A", datetime(2026, 11, 20, 17, tzinfo=UTC), False),
        ("SUMMARY:A\nDTSTART:20261120T180000", "A", datetime(2026, 11, 20, 17, tzinfo=UTC), False),
        ("SUMMARY:A\nDTSTART;VALUE=DATE:20261120", "A", datetime(2026, 11, 20, tzinfo=PARIS), True),
        (
            "SUMMARY:A\\, b\\; c\\n d\nDTSTART:20261120T180000Z",
            "A, b; c d",
            datetime(2026, 11, 20, 18, tzinfo=UTC),
            False,
        ),
        ("SUMMARY:Long\n er\nDTSTART:20261120T180000Z", "Longer", datetime(2026, 11, 20, 18, tzinfo=UTC), False),
        (
            "BEGIN:VALARM\nSUMMARY:Alarme\nEND:VALARM\nSUMMARY:A\nDTSTART:20261120T180000Z",
            "A",
            datetime(2026, 11, 20, 18, tzinfo=UTC),
            False,
        ),
    ],
)
def test_an_entry_is_read_as_calendars_write_them(lines, title, begins, whole_day):
    (event,) = dav.events(agenda(lines), now=MONDAY, zone=PARIS)

    assert (event.title, event.begins, event.is_whole_day) == (title, begins, whole_day)


@pytest.mark.parametrize(
    "lines",
    [
        "SUMMARY:A",
        "SUMMARY:A\nDTSTART:demain",
        "SUMMARY:A\nDTSTART:20261120T180000Z\nSTATUS:CANCELLED",
        "SUMMARY:Hier\nDTSTART:20261115T180000Z",
        # Of a year that has no other time zone.
        "SUMMARY:A\nDTSTART:99991231T235959Z",
        "SUMMARY:A\nDTSTART:99991231",
    ],
)
def test_what_is_no_entry_or_is_over_is_left_out(lines):
    assert dav.events(agenda(lines), now=MONDAY, zone=PARIS) == []


@pytest.mark.parametrize("said", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 2024 00:00:00 +9999999999"])
def test_a_file_of_no_time_that_there_is_stands_without_one(said):
    assert dav._changed(said) is None


@pytest.mark.spec("RFC 4918", "20.6")
def test_a_document_type_is_refused_before_anything_of_it_is_read():
    bomb = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><x>&b;</x>"

    with pytest.raises(Unreadable):
        dav.documents(bomb, "/")


def test_more_than_two_hundred_are_not_kept():
    one = "<d:response><d:href>/f/{}</d:href></d:response>"
    body = f'<d:multistatus xmlns:d="DAV:">{"".join(one.format(n) for n in range(300))}</d:multistatus>'

    assert len(dav.documents(body.encode(), "/f/")) == dav.MOST_ENTRIES


def test_it_asks_for_two_months_and_no_more():
    asked = dav.report(MONDAY)

    assert '<c:time-range start="20261116T090000Z" end="20270115T090000Z"/>' in asked
    assert timedelta(days=60) == dav.AHEAD
