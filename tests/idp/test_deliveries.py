"""The outbox of logout notices: sent side by side, never lost, and a silent tool costs the others nothing."""

import threading
from collections import Counter
from datetime import timedelta
from io import StringIO
from time import monotonic, sleep
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from joserfc import jws

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent.models import Disclosure
from directory.models import RoleGrant
from directory.types import Role
from hub.management.commands import run_worker
from idp import outgoing
from idp.models import HubSession, LogoutDelivery, SigningKey, Tool, ToolSession
from idp.services import deliveries, keys, purge
from idp.services.deliveries import PLACES, PLACES_FOR_FAILING, PLACES_PER_TOOL, Dispatcher, Due, Places
from idp.services.tools import close_tool
from idp.types import DeliveryState, SigningAlgorithm, SubjectType, ToolState
from tests.support.logout import deliver_due, tool_server
from tests.support.oidc import REDIRECT, connect, sign_in

NOW = timezone.now


def queued(tool: Tool, member, *, count: int = 1, now=None, **changes: object) -> list[LogoutDelivery]:
    """Notices of sessions that have just ended."""
    at = now or NOW()
    rows = []
    for _ in range(count):
        hub = HubSession.objects.create(
            member=member, started_at=at, auth_time=at, last_seen_at=at, expires_at=at, ended_at=at
        )
        session = ToolSession.objects.create(hub_session=hub, tool=tool, first_at=at, last_at=at, ended_at=at)
        rows.append(LogoutDelivery(tool_session=session, created_at=at, next_at=at, **changes))
    return LogoutDelivery.objects.bulk_create(rows)


def tool_at(slug: str, uri: str, **properties: object) -> Tool:
    return connect(slug, backchannel_logout_uri=uri, **properties).tool


def states() -> Counter[str]:
    return Counter(LogoutDelivery.objects.values_list("state", flat=True))


# Side by side ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_twenty_silent_tools_neither_delay_a_healthy_one_nor_outlast_the_lease(signing_key, member):
    now = NOW()
    with tool_server(delay=30) as silent, tool_server() as healthy:
        for number in range(20):
            queued(tool_at(f"silent-{number}", silent.url(f"/{number}", "127.0.0.1")), member, now=now)
        queued(tool_at("healthy", healthy.url("/bye", "127.0.0.1")), member, now=now)

        began = monotonic()
        deliver_due(now=now)
        took = monotonic() - began

    assert healthy.at[0] - began < 2
    assert took < deliveries.LEASE.total_seconds()
    assert len(silent.at) == 20
    assert max(silent.at) - min(silent.at) < outgoing.ANSWER_SECONDS, "they were asked side by side"
    assert states() == {DeliveryState.DONE: 1, DeliveryState.WAITING: 20}
    assert set(LogoutDelivery.objects.exclude(tool_session__tool__slug="healthy").values_list("last_result")) == {
        ("timeout",)
    }


@pytest.mark.django_db
def test_a_notice_that_comes_while_others_wait_for_an_answer_goes_at_once(signing_key, member):
    now = NOW()
    with tool_server(delay=30) as silent, tool_server() as healthy, Dispatcher() as dispatcher:
        queued(tool_at("silent", silent.url("/", "127.0.0.1")), member, count=40, now=now)
        dispatcher.turn(now=now)
        queued(tool_at("healthy", healthy.url("/bye", "127.0.0.1")), member, now=now)

        began = monotonic()
        assert dispatcher.turn(now=now) == 1
        dispatcher.wait(2)
        dispatcher.turn(now=now)

        assert monotonic() - began < 2
        assert len(healthy.at) == 1
        assert len(silent.at) == 1, "one place for a tool that has not answered yet"
        assert LogoutDelivery.objects.get(tool_session__tool__slug="healthy").state == DeliveryState.DONE
        dispatcher.close(now=now)


@pytest.mark.django_db
def test_a_look_up_that_hangs_is_over_at_the_deadline(signing_key, member, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(outgoing, "post_form", lambda *_: never.wait(60) or 200)
    monkeypatch.setattr(deliveries, "CALL_SECONDS", 0.3)
    (row,) = queued(tool_at("hangs", "http://localhost:9/bye"), member)

    began = monotonic()
    deliver_due(now=NOW())

    assert monotonic() - began < 2
    row.refresh_from_db()
    assert (row.state, row.last_result, row.attempts) == (DeliveryState.WAITING, "timeout", 1)
    never.set()


@pytest.mark.django_db
def test_a_fault_of_ours_is_written_down_and_stops_nobody(signing_key, member, monkeypatch):
    with tool_server() as healthy:
        (bad,) = queued(tool_at("bad", "http://localhost:9/"), member)
        Tool.objects.filter(slug="bad").update(algorithm=SigningAlgorithm.ES256)
        SigningKey.objects.filter(algorithm=SigningAlgorithm.ES256).delete()
        keys.forget_registry()
        (good,) = queued(tool_at("good", healthy.url("/bye", "127.0.0.1")), member)

        deliver_due(now=NOW())

    bad.refresh_from_db()
    good.refresh_from_db()
    assert bad.last_result == "fault_LookupError"
    assert good.state == DeliveryState.DONE


def test_places_go_to_the_tools_that_answer_first():
    failing = {tool: Due(tool, tool) for tool in range(100)}
    places = Places(failing=set(failing))

    chosen = places.choose([*failing.values(), Due(1000, 1000)])

    assert Due(1000, 1000) in chosen
    assert len(chosen) == PLACES_FOR_FAILING + 1


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (Places(), 1),
        (Places(answering={7}), PLACES_PER_TOOL),
        (Places(failing={7}), 1),
        (Places(busy=Counter({7: 1})), 0),
        (Places(busy=Counter({7: 2}), answering={7}), PLACES_PER_TOOL - 2),
        (Places(busy=Counter({8: PLACES})), 0),
        (Places(busy=Counter({8: PLACES_FOR_FAILING}), failing={7, 8}), 0),
    ],
)
def test_a_tool_has_so_many_places(places, expected):
    assert len(places.choose([Due(pk, 7) for pk in range(20)])) == expected


def test_a_tool_that_answers_again_has_its_places_back():
    places = Places(failing={7})

    places.note(7, answered=True)

    assert places == Places(answering={7})


# At least once -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.spec("OIDC Back-Channel Logout", "2.5")
def test_a_worker_that_dies_leaves_the_notice_to_the_next_after_the_lease(signing_key, member):
    now = NOW()
    with tool_server(delay=30) as silent, tool_server() as healthy:
        tool = tool_at("slow", silent.url("/", "127.0.0.1"))
        queued(tool, member, now=now)
        with Dispatcher() as killed:
            assert killed.turn(now=now) == 1
        Tool.objects.filter(pk=tool.pk).update(backchannel_logout_uri=healthy.url("/bye", "127.0.0.1"))

        assert deliver_due(now=now + deliveries.LEASE - timedelta(seconds=1)) == 0
        assert deliver_due(now=now + deliveries.LEASE) == 1

    assert states() == {DeliveryState.DONE: 1}


@pytest.mark.django_db
def test_what_was_answered_is_written_down_at_the_end(signing_key, member):
    with tool_server(delay=0.5) as slow:
        queued(tool_at("slow", slow.url("/bye", "127.0.0.1")), member)
        dispatcher = Dispatcher()
        dispatcher.turn(now=NOW())

        dispatcher.close(now=NOW())

    assert states() == {DeliveryState.DONE: 1}


@pytest.mark.django_db
def test_two_workers_do_not_send_one_notice_twice(signing_key, member):
    now = NOW()
    with tool_server() as healthy:
        queued(tool_at("tool", healthy.url("/bye", "127.0.0.1")), member, now=now)
        with Dispatcher() as one, Dispatcher() as other:
            assert [one.turn(now=now), other.turn(now=now)] == [1, 0]
            one.close(now=now)

    assert len(healthy.asked) == 1


@pytest.mark.django_db
def test_when_a_tool_answers_again_what_waited_for_it_goes_too(signing_key, member):
    now = NOW()
    with tool_server() as healthy:
        tool = tool_at("back", healthy.url("/bye", "127.0.0.1"))
        queued(tool, member, now=now, attempts=3)
        (later,) = queued(tool, member, now=now, attempts=6)
        LogoutDelivery.objects.filter(pk=later.pk).update(next_at=now + timedelta(hours=6))

        deliver_due(now=now)

    assert states() == {DeliveryState.DONE: 2}


@pytest.mark.django_db
def test_the_ledger_is_told_once_however_often_it_is_tried(signing_key, member):
    now = NOW()
    queued(tool_at("down", "http://127.0.0.1:9/"), member, now=now)

    for _ in range(3):
        deliver_due(now=now)
        now += timedelta(hours=1)

    assert LogoutDelivery.objects.get().attempts == 3
    assert Disclosure.objects.filter(channel="logout_token").count() == 1


@pytest.mark.django_db
@pytest.mark.spec("OIDC Back-Channel Logout", "2.6")
def test_the_notice_is_signed_as_the_tool_s_id_tokens_are(signing_key, member):
    keys.ensure_keys(now=NOW())
    with tool_server() as heard:
        queued(tool_at("modern", heard.url("/bye", "127.0.0.1"), algorithm=SigningAlgorithm.ES256), member)
        deliver_due(now=NOW())

    token = heard.of("/bye")[0]["logout_token"]
    assert keys.verify(token, types=frozenset({"logout+jwt"}))["sid"]
    published = {key["kid"]: key["alg"] for key in Client().get("/oidc/jwks").json()["keys"]}
    header = jws.extract_compact(token.encode()).headers()
    assert (header["alg"], published[header["kid"]]) == ("ES256", "ES256")


@pytest.mark.django_db
@pytest.mark.spec("OIDC Back-Channel Logout", "2.4")
def test_a_notice_about_somebody_the_tool_knows_no_name_of_carries_the_session_alone(signing_key, member):
    with tool_server() as heard:
        tool = tool_at("named", heard.url("/bye", "127.0.0.1"), subject_type=SubjectType.LOGIN)
        queued(tool, member)
        deliver_due(now=NOW())

    claims = keys.verify(heard.of("/bye")[0]["logout_token"], types=frozenset({"logout+jwt"}))
    assert "sub" not in claims
    assert claims["sid"]
    assert Disclosure.objects.get(channel="logout_token").items == ["session"]


@pytest.mark.django_db
def test_settled_notices_are_forgotten_after_a_quarter_and_waiting_ones_never(signing_key, member):
    long_ago = NOW() - timedelta(days=100)
    tool = tool_at("old", "http://localhost:9/")
    queued(tool, member, now=long_ago, state=DeliveryState.DONE)
    queued(tool, member, now=long_ago, state=DeliveryState.FAILED)
    queued(tool, member, now=long_ago)
    queued(tool, member, state=DeliveryState.DONE)

    purge.purge_expired(now=NOW())

    assert states() == {DeliveryState.WAITING: 1, DeliveryState.DONE: 1}


@pytest.mark.django_db
def test_no_token_is_in_the_technical_log(signing_key, member, caplog):
    with tool_server(status=500) as heard:
        queued(tool_at("broken", heard.url("/bye", "127.0.0.1")), member)
        deliver_due(now=NOW())

    assert heard.of("/bye")[0]["logout_token"] not in caplog.text
    assert "eyJ" not in caplog.text


# A tool that is closed ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.spec("OIDC Back-Channel Logout", "2.3")
def test_a_tool_that_is_closed_hears_of_the_sessions_that_end_with_it_and_of_no_other(signing_key, browser):
    with tool_server() as heard:
        party = connect("wiki", backchannel_logout_uri=heard.url("/bye"))
        party.code(browser)
        sid = ToolSession.objects.get().sid

        close_tool(slug="wiki", actor=SYSTEM, now=NOW(), reason="test")
        deliver_due(now=NOW())
        assert party.authorize(browser).status_code == 400
        browser.post("/deconnexion/")
        deliver_due(now=NOW())

    (notice,) = heard.of("/bye")
    assert keys.verify(notice["logout_token"], types=frozenset({"logout+jwt"}))["sid"] == sid
    assert states() == {DeliveryState.DONE: 1}
    assert Event.objects.filter(action=Action.LOGOUT_DELIVERED, tool=party.tool.pk).count() == 1
    assert not Event.objects.filter(action=Action.LOGOUT_FAILED).exists()


@pytest.mark.django_db
def test_a_tool_that_is_opened_again_is_told_where_it_says_now(signing_key, browser):
    with tool_server() as heard:
        connect("wiki", backchannel_logout_uri=heard.url("/old"))
        close_tool(slug="wiki", actor=SYSTEM, now=NOW(), reason="test")
        options = ("--redirect-uri", REDIRECT, "--json")
        call_command("add_tool", "wiki", "--name", "Wiki", *options, stdout=StringIO())
        assert Tool.objects.get().backchannel_logout_uri == ""

        party = connect("wiki", backchannel_logout_uri=heard.url("/new"), state=ToolState.OPEN)
        party.code(browser)
        browser.post("/deconnexion/")
        deliver_due(now=NOW())

    assert [path for path, _ in heard.asked] == ["/new"]


# By hand -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_retry_brings_back_what_failed_and_what_waits_long_and_nothing_else(signing_key, member):
    now = NOW()
    tool, other = tool_at("tool", "http://localhost:9/"), tool_at("other", "http://localhost:9/")
    late = now + timedelta(hours=6)
    (failed,) = queued(tool, member, state=DeliveryState.FAILED, attempts=10)
    (waiting,) = queued(tool, member, attempts=7)
    LogoutDelivery.objects.filter(pk=waiting.pk).update(next_at=late)
    queued(tool, member, state=DeliveryState.DONE)
    queued(other, member, state=DeliveryState.FAILED)

    assert deliveries.retry(tool_id=tool.pk, actor=SYSTEM, now=now) == 2

    due = LogoutDelivery.objects.filter(state=DeliveryState.WAITING, next_at=now, attempts=0)
    assert set(due.values_list("pk", flat=True)) == {failed.pk, waiting.pk}
    assert Event.objects.get(action=Action.LOGOUT_RETRIED).facts == {"notices": 2}
    assert deliveries.retry(tool_id=tool.pk, actor=Actor(), now=now) == 0
    assert Event.objects.filter(action=Action.LOGOUT_RETRIED).count() == 1


# The technician's page ---------------------------------------------------------------------------------------


@pytest.fixture
def technician(member) -> Client:
    RoleGrant.objects.create(member=member, role=Role.TECHNICIAN)
    return sign_in(member)


PAGE = "/technique/deconnexions/"


def rows(response) -> list[SimpleNamespace]:
    return list(response.context["page"].object_list)


@pytest.mark.django_db
def test_only_a_technician_reads_the_page_and_the_refusal_is_in_the_journal(signing_key, browser):
    queued(tool_at("tool", "http://localhost:9/"), HubSession.objects.get().member, state=DeliveryState.FAILED)

    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE + "relance/", {"tool": "tool"}).status_code == 403
    assert Client().get(PAGE).status_code == 302

    refused = Event.objects.filter(action=Action.ACCESS_REFUSED)
    assert sorted(line.facts["page"] for line in refused) == ["idp:deliveries", "idp:retry_deliveries"]
    assert states() == {DeliveryState.FAILED: 1}


@pytest.mark.django_db
def test_the_page_says_what_became_of_each_tool_s_notices_and_names_nobody(signing_key, member, technician):
    now = NOW()
    down, fine = tool_at("down", "http://localhost:9/"), tool_at("fine", "http://localhost:9/")
    tool_at("new", "http://localhost:9/")
    tool_at("gone", "http://localhost:9/", state=ToolState.CLOSED)
    queued(down, member, state=DeliveryState.FAILED, attempts=10, last_result="http_503", tried_at=now)
    queued(fine, member, state=DeliveryState.DONE, attempts=1, last_result="http_200", tried_at=now)

    page = technician.get(PAGE)

    text = page.content.decode()
    assert [each.tool.slug for each in page.context["tools"]] == ["down", "fine", "new"]
    assert "1 abandonné" in text
    assert "l’outil est en panne (réponse 503)" in text
    assert "reçu par l’outil" in text
    assert "rien encore" in text
    assert text.count('name="tool" value="down"') == 2
    assert 'name="tool" value="fine"' not in text
    main = text.split("<main")[1]
    assert member.display_name not in main
    assert member.login not in main
    assert str(member.pk) not in main
    assert not {session.sid for session in ToolSession.objects.all() if session.sid in text}
    assert technician.get("/").content.count(PAGE.encode()) == 1, "it is in the menu"


@pytest.mark.django_db
def test_the_list_is_filtered_and_paged(signing_key, member, technician):
    one, two = tool_at("one", "http://localhost:9/"), tool_at("two", "http://localhost:9/")
    queued(one, member, count=60, state=DeliveryState.DONE)
    queued(two, member, count=2, state=DeliveryState.FAILED)

    assert len(rows(technician.get(PAGE))) == 25
    assert len(rows(technician.get(PAGE, {"page": 3}))) == 12
    assert len(rows(technician.get(PAGE, {"tool": "two"}))) == 2
    assert len(rows(technician.get(PAGE, {"tool": "one", "state": "failed"}))) == 0
    assert b'id="notices-empty"' in technician.get(PAGE, {"tool": "one", "state": "failed"}).content
    assert len(rows(technician.get(PAGE, {"page": "x"}))) == 25


@pytest.mark.django_db
@pytest.mark.parametrize("query", [{"tool": "nobody"}, {"state": "lost"}, {"tool": "\x00"}])
def test_a_criterion_that_means_nothing_is_said(signing_key, technician, query):
    response = technician.get(PAGE, query)

    assert response.status_code == 400
    assert b'id="notices-errors"' in response.content


@pytest.mark.django_db
def test_an_empty_outbox_says_so(technician):
    text = technician.get(PAGE).content.decode()

    assert 'id="notices-no-tool"' in text
    assert 'id="notices-empty"' in text


@pytest.mark.django_db
def test_the_button_tries_one_notice_or_all_and_keeps_the_filter(signing_key, member, technician):
    tool = tool_at("down", "http://localhost:9/")
    first, _second = queued(tool, member, count=2, state=DeliveryState.FAILED)

    form = {"tool": "down", "notice": first.pk, "shown_tool": "down", "shown_state": "failed"}
    response = technician.post(PAGE + "relance/", form)

    assert response["Location"] == PAGE + "?tool=down&state=failed"
    assert states() == {DeliveryState.WAITING: 1, DeliveryState.FAILED: 1}
    technician.post(PAGE + "relance/", {"tool": "down"})
    assert states() == {DeliveryState.WAITING: 2}
    lines = Event.objects.filter(action=Action.LOGOUT_RETRIED)
    actors = {(line.actor_id, line.facts["notices"]) for line in lines}
    assert actors == {(member.pk, 1)}
    told = technician.post(PAGE + "relance/", {"tool": "down", "shown_tool": "https://evil.example"}, follow=True)
    assert "Rien à relancer" in told.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "form", [{}, {"tool": "x"}, {"tool": "\x00"}, {"tool": "down", "notice": "9" * 30}, {"tool": "down", "notice": "²"}]
)
def test_a_button_that_names_nothing_does_nothing(signing_key, technician, form):
    tool_at("down", "http://localhost:9/")

    assert technician.post(PAGE + "relance/", form).status_code == 404
    assert technician.get(PAGE + "relance/").status_code == 405


@pytest.mark.django_db
def test_a_notice_of_another_tool_is_not_retried_under_this_one_s_name(signing_key, member, technician):
    tool_at("one", "http://localhost:9/")
    (foreign,) = queued(tool_at("two", "http://localhost:9/"), member, state=DeliveryState.FAILED)

    technician.post(PAGE + "relance/", {"tool": "one", "notice": foreign.pk})

    assert states() == {DeliveryState.FAILED: 1}


@pytest.mark.django_db
def test_the_page_costs_the_same_for_many_tools_and_notices(
    signing_key, member, technician, django_assert_max_num_queries
):
    for number in range(12):
        queued(tool_at(f"tool-{number}", "http://localhost:9/"), member, count=5, attempts=1)

    with django_assert_max_num_queries(9):
        technician.get(PAGE)


# The worker --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_worker_sends_notices_and_writes_down_the_answers_before_it_stops(signing_key, member, monkeypatch):
    """A healthy tool hears at once while another one is silent, and the end of the worker loses no answer."""
    rounds = iter([False, False, True])
    stop = SimpleNamespace(wait=lambda seconds: sleep(0.2) or next(rounds), set=lambda: None)
    monkeypatch.setattr(run_worker, "threading", SimpleNamespace(Event=lambda: stop))
    monkeypatch.setattr(run_worker, "signal", SimpleNamespace(signal=lambda *_: None, SIGTERM=15, SIGINT=2))
    monkeypatch.setattr(run_worker, "DirectoryProcess", lambda: SimpleNamespace(turn=lambda: None, close=lambda: None))
    with tool_server(delay=1) as slow, tool_server() as healthy:
        queued(tool_at("slow", slow.url("/bye", "127.0.0.1")), member)
        queued(tool_at("healthy", healthy.url("/bye", "127.0.0.1")), member)

        call_command("run_worker")

    assert states() == {DeliveryState.DONE: 2}
    assert healthy.at[0] - slow.at[0] < 0.5
