"""What the hub still does, and what it says, while one of the things it stands on is down or hangs.

A hub as in production: two processes, PostgreSQL, Redis and a directory of its own, each stopped or frozen in turn.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import requests
from joserfc.jwk import ECKey

from branding import selectors as branding
from tests.support.keys import Holder
from tests.support.outages import PATIENCE_SECONDS, Answer, World, eventually, world

# A service that is back is noticed by the next request, or by the one after it.
RECOVERY_SECONDS = 5.0
# A frozen cache reads what was sent to it when it goes on: a counter's lock that nobody waits for lasts ten seconds.
LOCK_SECONDS = 12.0
INSIDE = ("Traceback", "psycopg", "redis", "OperationalError", "ldap.", ".py")


@pytest.fixture(scope="module")
def hub() -> Iterator[World]:
    # Not pytest's own folder: PostgreSQL's user must pass through to the one it works in.
    with tempfile.TemporaryDirectory(prefix="trousseau-outages-") as folder, world(Path(folder)) as running:
        assert running.sign_in(running.browser).status == 302
        for _ in range(8):
            # Both processes have answered before anything fails.
            assert running.all_at_once(open_documents(running))["jwks"].status == 200
        yield running


@contextmanager
def without(hub: World, what: str, how: str) -> Iterator[None]:
    """While this is stopped, or frozen: it takes connections and never answers."""
    server = {"cache": hub.cache, "database": hub.database}.get(what)
    if server is not None:
        off, on = (server.stop, server.start) if how == "down" else (server.hang, server.go_on)
    elif how == "down":
        off, on = hub.directory.stop, partial(hub.directory.start, hub.directory.port)
    else:
        off, on = hub.directory.pause, hub.directory.resume
    off()
    try:
        yield
    finally:
        on()


def open_documents(hub: World) -> dict[str, Callable[[], Answer]]:
    return {
        "discovery": partial(hub.ask, "GET", "/.well-known/openid-configuration"),
        "jwks": partial(hub.ask, "GET", "/oidc/jwks"),
        "sign-in page": partial(hub.ask, "GET", "/compte/connexion/"),
    }


def tools_side(hub: World) -> dict[str, Callable[[], Answer]]:
    """What tools ask from server to server, made ready while everything runs."""
    held = hub.exchange(hub.code()).json()
    return {
        "exchange": partial(hub.exchange, hub.code()),
        "refresh": partial(hub.refresh, held["refresh_token"]),
        "introspect": partial(hub.introspect, hub.exchange(hub.code()).json()["access_token"]),
        "userinfo": partial(hub.userinfo, held["access_token"]),
    }


def typed(hub: World, password: str = "") -> Callable[[], Answer]:
    """Somebody at the sign-in page, about to press the button."""
    browser = requests.Session()
    return partial(hub.send_sign_in, browser, hub.ask("GET", "/compte/connexion/", http=browser), password)


def is_sorry(answer: Answer, *, to_a_tool: bool = False) -> bool:
    """RFC 9110 §15.6.4: not now, try again in a while; as JSON to a tool, as a page to a person."""
    kind = "application/json" if to_a_tool else "text/html"
    sorry = answer.status == 503 and int(answer.headers.get("Retry-After", 0)) > 0
    if sorry and to_a_tool:
        assert set(json.loads(answer.text)) <= {"error", "error_description"}
    return sorry and answer.headers["Content-Type"].startswith(kind)


def told(answers: dict[str, Answer]) -> dict[str, int]:
    """What came back, none of it late and none of it with a word of the inside."""
    assert {name: each.seconds for name, each in answers.items() if each.seconds > PATIENCE_SECONDS} == {}
    assert [name for name, each in answers.items() for word in INSIDE if word in each.text] == []
    return {name: each.status for name, each in answers.items()}


def all_well(hub: World) -> bool:
    browser = requests.Session()
    answers = hub.all_at_once(
        {
            **open_documents(hub),
            "authorize": hub.authorize,
            "health": partial(hub.ask, "GET", "/healthz"),
            "refused": partial(hub.exchange, "unknown"),
            "sign-in": partial(hub.sign_in, browser),
        }
    )
    expected = {"authorize": 303, "refused": 400, "sign-in": 302}
    return all(each.status == expected.get(name, 200) for name, each in answers.items())


# Redis: limits, and a copy of the sessions ------------------------------------------------------------------


@pytest.mark.parametrize("how", ["down", "hung"])
def test_without_the_cache_tools_go_on_and_nobody_signs_in_uncounted(hub, how):
    tools, right, wrong = tools_side(hub), typed(hub), typed(hub, "not-the-password")

    with without(hub, "cache", how):
        answers = hub.all_at_once(
            {
                **open_documents(hub),
                **tools,
                "authorize": hub.authorize,
                "home": partial(hub.ask, "GET", "/", http=hub.tab()),
                "refused": partial(hub.exchange, "unknown"),
                "sign-in": right,
                "wrong": wrong,
            }
        )

    statuses = told(answers)
    assert {name: statuses[name] for name in (*open_documents(hub), *tools)} == dict.fromkeys(
        [*open_documents(hub), *tools], 200
    )
    # Sessions are in the database too.
    assert answers["authorize"].status == 303 or is_sorry(answers["authorize"]), answers["authorize"].status
    assert answers["home"].status == 200 or is_sorry(answers["home"]), answers["home"].status
    assert answers["refused"].status == 400
    # No attempt is looked at that cannot be counted, or passwords could be guessed without a limit.
    assert is_sorry(answers["sign-in"]), answers["sign-in"].status
    assert is_sorry(answers["wrong"]), answers["wrong"].status
    assert eventually(lambda: all_well(hub), LOCK_SECONDS if how == "hung" else RECOVERY_SECONDS)


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize("how", ["down", "hung"])
def test_without_the_cache_an_assertion_still_passes_once(hub, how):
    holder = Holder(ECKey.import_key(hub.told["robot_key"]))
    form = {"grant_type": "client_credentials", "scope": "api:lire"}
    form |= holder.assertion(hub.told["robot"], aud=hub.origin)

    with without(hub, "cache", how):
        first = hub.ask("POST", "/oidc/token", data=form)
        again = hub.ask("POST", "/oidc/token", data=form)

    assert first.status == 200, first
    assert again.status == 401 or is_sorry(again, to_a_tool=True), again.status
    assert told({"first": first, "again": again})
    assert hub.ask("POST", "/oidc/token", data=form).status == 401


@pytest.mark.parametrize("how", ["down", "hung"])
def test_who_signs_out_while_the_cache_is_away_is_not_back_with_it(hub, how):
    browser = requests.Session()
    assert hub.sign_in(browser).status == 302
    assert hub.ask("GET", "/", http=browser).status == 200
    cookie = browser.cookies.get("trousseau_session")

    with without(hub, "cache", how):
        answer = hub.sign_out(browser)

    told({"sign-out": answer})
    thief = requests.Session()
    thief.cookies.set("trousseau_session", cookie)
    entered = hub.ask("GET", "/", http=thief).status == 200
    assert (answer.status == 303 and not entered) or (is_sorry(answer) and entered), (answer.status, entered)
    assert eventually(lambda: all_well(hub), RECOVERY_SECONDS)


@pytest.mark.incident("CVE-2026-45284")
def test_who_leaves_while_the_cache_is_away_is_out_of_everything(hub):
    leaver = replace(hub, told=hub.told | hub.told["leaver"], browser=requests.Session())
    assert leaver.sign_in(leaver.browser).status == 302
    held = leaver.exchange(leaver.code()).json()
    hub.directory.modify(f"dn: {leaver.told['dn']}\nchangetype: delete\n")

    with without(hub, "cache", "down"):
        hub.manage("sync_directory")
        known = leaver.introspect(held["access_token"])
        refreshed = leaver.refresh(held["refresh_token"])

    assert known.json() == {"active": False}
    assert refreshed.json() == {"error": "invalid_grant"}
    assert leaver.ask("GET", "/", http=leaver.browser).status == 302
    assert "error=login_required" in leaver.authorize(prompt="none").headers["Location"]


# PostgreSQL: everything that is a fact ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["down", "hung"])
def test_without_the_database_nothing_is_given_and_everybody_is_told(hub, how):
    tools, right = tools_side(hub), typed(hub)
    pages = {
        "authorize": hub.authorize,
        "home": partial(hub.ask, "GET", "/", http=hub.tab()),
        "sign-in": right,
    }

    with without(hub, "database", how):
        # Longer than a page knows the look without asking again.
        time.sleep(branding.SECONDS + 1)
        documents = hub.all_at_once(open_documents(hub))
        answers = hub.all_at_once({**tools, **pages, "health": partial(hub.ask, "GET", "/healthz")})

    assert told(documents) == dict.fromkeys(open_documents(hub), 200)
    assert told(answers) == dict.fromkeys(answers, 503)
    assert [name for name in pages if not is_sorry(answers[name])] == []
    assert [name for name in tools if not is_sorry(answers[name], to_a_tool=True)] == []
    assert eventually(lambda: all_well(hub), RECOVERY_SECONDS)
    # What was asked for in vain was not used up.
    assert told(hub.all_at_once(tools)) == dict.fromkeys(tools, 200)


def test_while_the_database_hangs_the_key_set_is_there_for_every_tool(hub):
    tools = tools_side(hub)

    with without(hub, "database", "hung"):
        waiting = {f"{name} {count}": ask for name, ask in tools.items() for count in range(2)}
        later = {"jwks": lambda: time.sleep(1) or hub.ask("GET", "/oidc/jwks")}
        answers = hub.all_at_once({**waiting, **later})

    # As many requests as all threads of both processes: each is bounded, so the key set waits no longer than they do.
    assert told(answers)["jwks"] == 200
    assert eventually(lambda: all_well(hub), RECOVERY_SECONDS)


def test_a_database_that_was_restarted_is_noticed_by_nobody(hub):
    tools = tools_side(hub)

    with without(hub, "database", "down"):
        pass
    answers = hub.all_at_once({**tools, **{f"authorize {count}": hub.authorize for count in range(4)}})

    assert told(answers) == dict.fromkeys(tools, 200) | {f"authorize {count}": 303 for count in range(4)}


# The directory: passwords, and nothing else -----------------------------------------------------------------


@pytest.mark.parametrize("how", ["down", "hung"])
def test_without_the_directory_only_new_sign_ins_wait(hub, how):
    tools, right, wrong = tools_side(hub), typed(hub), typed(hub, "not-the-password")

    with without(hub, "directory", how):
        answers = hub.all_at_once(
            {
                **open_documents(hub),
                **tools,
                "authorize": hub.authorize,
                "home": partial(hub.ask, "GET", "/", http=hub.tab()),
                "sign-in": right,
                "wrong": wrong,
            }
        )

    expected = dict.fromkeys(answers, 200) | {"authorize": 303, "sign-in": 503, "wrong": 503}
    assert told(answers) == expected
    # The same answer for every password: nobody looked at it.
    assert is_sorry(answers["sign-in"])
    assert is_sorry(answers["wrong"])
    assert "Location" not in answers["sign-in"].headers
    assert eventually(lambda: all_well(hub), RECOVERY_SECONDS)
