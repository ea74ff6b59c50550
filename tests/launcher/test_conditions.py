"""Whether tools are there: what is looked at, what is sent, what members read."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.models import RoleGrant
from directory.types import Role
from launcher.conditions import looking, policy, services
from launcher.models import Condition
from tests.launcher.test_home import new_tool, page
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
FORM = {"check_url": "", "said": "", "said_en": "", "said_until": ""}


class Asked:
    """A tool's own server, and what it was asked: path and headers."""

    def __init__(self, status: int, delay: float) -> None:
        asked, gone = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.gets.append((self.path, set(self.headers)))
                gone.wait(delay)
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self.gets: list[tuple[str, set[str]]] = []
        self.gone = gone
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def tool_server(*, status: int = 200, delay: float = 0.0) -> Iterator[Asked]:
    asked = Asked(status, delay)
    threading.Thread(target=asked.server.serve_forever, daemon=True).start()
    try:
        yield asked
    finally:
        asked.gone.set()
        asked.server.shutdown()
        asked.server.server_close()


@pytest.fixture
def technician(db) -> Client:
    person = make_member("lea.x", "Léa X")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return sign_in(person)


@pytest.fixture
def member_page(db) -> Client:
    return sign_in(make_member("amelie.x", "Amélie X"))


def looked(looker: looking.Looker, now: object = None) -> None:
    """Until what was begun is written down."""
    moment = now or timezone.now()
    looker.turn(now=moment)
    for _ in range(200):
        if not looker._going or (looker.turn(now=moment) == 0):
            return
        time.sleep(0.05)
    raise AssertionError("a look never came back")


def watched(url: str, **more: object) -> Condition:
    return Condition.objects.create(tool=new_tool("louty"), check_url=url, **more)


# What is said --------------------------------------------------------------------------------------------------


def test_what_people_say_shows_until_its_day_in_the_readers_language(technician: Client, member_page: Client) -> None:
    new_tool("louty")
    day = timezone.localdate() + timedelta(days=2)

    technician.post(
        "/accueil/outils/louty/etat/",
        FORM | {"said": "En travaux samedi", "said_en": "Under repair on Saturday", "said_until": day.isoformat()},
    )

    assert "En travaux samedi" in page(member_page)
    assert "Under repair on Saturday" in member_page.get("/", headers={"accept-language": "en"}).content.decode()
    Condition.objects.update(said_until=timezone.now() - timedelta(seconds=1))
    assert 'id="troubled"' not in page(member_page)
    line = Event.objects.get(action=Action.TOOL_CHANGED)
    assert line.reason == "condition"
    assert line.facts["properties"] == ["said", "said_en", "said_until"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"said": "En travaux"}, "said_until"),
        ({"said": "En travaux", "said_until": "2020-01-01"}, "said_until"),
        ({"check_url": "ftp://louty.example/"}, "check_url"),
        ({"check_url": "https://nom:mot@louty.example/"}, "check_url"),
        ({"check_url": "/etat"}, "check_url"),
        ({"check_url": "https://louty.example:99999/"}, "check_url"),
    ],
)
def test_what_does_not_fit_is_refused(technician: Client, form: dict[str, str], field: str) -> None:
    new_tool("louty")

    answer = technician.post("/accueil/outils/louty/etat/", FORM | form)

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert f'href="#id_{field}"' in answer.content.decode().partition('id="shown-form"')[0]
    assert not Condition.objects.exists()


def test_only_who_may_enter_reads_of_it(member_page: Client) -> None:
    tool = new_tool("reserve", everyone=False)
    Condition.objects.create(tool=tool, said="En panne", said_until=timezone.now() + timedelta(days=1))

    assert "En panne" not in page(member_page)


# Looking -------------------------------------------------------------------------------------------------------


def test_a_tool_that_answers_is_there_and_nothing_of_anybody_is_sent() -> None:
    with tool_server() as heard:
        watched(f"{heard.origin}/sante?x=1")
        looked(looking.Looker())

    row = Condition.objects.get()
    assert (row.result, row.failures, row.down_since) == ("", 0, None)
    assert row.checked_at is not None
    ((path, headers),) = heard.gets
    assert path == "/sante?x=1"
    assert {name.lower() for name in headers} <= {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.parametrize(("status", "result"), [(200, ""), (302, ""), (401, ""), (404, ""), (500, "http_500")])
def test_what_counts_as_an_answer(status: int, result: str) -> None:
    with tool_server(status=status) as heard:
        assert looking.look(heard.origin) == result


def test_an_address_in_a_forbidden_network_is_not_called(settings) -> None:
    settings.OUTGOING_NETWORKS = []
    with tool_server() as heard:
        assert looking.look(heard.origin) == "address"

    assert heard.gets == []


def test_two_looks_in_vain_are_told_and_one_answer_ends_it(member_page: Client) -> None:
    watched("http://127.0.0.1:9/")
    now = timezone.now()
    looker = looking.Looker()

    looked(looker, now)
    once = page(member_page)
    looked(looker, now + policy.EVERY)
    twice = page(member_page)

    assert 'id="troubled"' not in once
    assert "ne répond pas" in twice
    services.note_looked(tool_id=Condition.objects.get().pk, url="http://127.0.0.1:9/", result="", now=now)
    assert 'id="troubled"' not in page(member_page)


def test_nobody_is_asked_more_often_than_every_two_minutes() -> None:
    now = timezone.now()
    row = watched("https://louty.example/", checked_at=now)

    assert not looking.due(now + policy.EVERY - timedelta(seconds=1)).exists()
    assert looking.due(now + policy.EVERY).get() == row


def test_a_closed_tool_and_one_without_an_address_are_left_alone() -> None:
    Condition.objects.create(tool=new_tool("ferme", state="closed"), check_url="https://ferme.example/")
    Condition.objects.create(tool=new_tool("wiki"))

    assert not looking.due(timezone.now()).exists()


def test_four_at_a_time_and_the_worker_waits_for_none() -> None:
    with tool_server(delay=1.0) as heard:
        for number in range(6):
            Condition.objects.create(tool=new_tool(f"lent{number}"), check_url=heard.origin)
        looker, began = looking.Looker(), time.monotonic()

        going = looker.turn(now=timezone.now())

        assert going == 4
        assert time.monotonic() - began < 0.9
        looker.close()


def test_another_address_begins_anew(technician: Client) -> None:
    watched("http://127.0.0.1:9/", failures=5, result="unreachable", down_since=timezone.now())

    technician.post("/accueil/outils/louty/etat/", FORM | {"check_url": "https://louty.example/"})

    row = Condition.objects.get()
    assert (row.failures, row.result, row.down_since, row.checked_at) == (0, "", None, None)
    services.note_looked(tool_id=row.pk, url="http://127.0.0.1:9/", result="timeout", now=timezone.now())
    assert Condition.objects.get().failures == 0, "the old address says nothing of the new one"


def test_members_say_nothing_of_tools(member_page: Client) -> None:
    new_tool("louty")

    assert member_page.post("/accueil/outils/louty/etat/", FORM | {"said": "x"}).status_code == 403
    assert not Condition.objects.exists()
