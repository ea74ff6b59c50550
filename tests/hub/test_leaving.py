"""Leaving, measured from the change in the directory to its effect: everything attached is dead within a minute.

A hub as in production: two processes, PostgreSQL, Redis, a directory of its own, the worker with the process that
follows it, and a tool that hears of sign-outs.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.logout import Heard, tool_server
from tests.support.outages import Server, World, children_of, eventually, world
from tests.support.slapd import add_person

PROMISED_SECONDS = 60.0
# A probe each second, a pass, a turn of the worker each half second: about two, or a few on a machine in use.
USUAL_SECONDS = 15.0
PEOPLE = "ou=personnes,dc=alizarine,dc=example"
MEMBERS = f"ou=membres,{PEOPLE}"
PASSWORD = "alizarine-lavande"
LOCKED = "pwdAccountLockedTime: 000001010000Z"


@dataclass
class Place:
    """The hub, its worker, and what its tool was told."""

    hub: World
    worker: Server
    heard: Heard

    @property
    def follower(self) -> int:
        assert self.worker.process is not None
        (pid,) = children_of(self.worker.process.pid)
        return pid


@dataclass
class Somebody:
    """A member with a session at the hub and at a tool, and all that the tool holds of them."""

    place: Place
    hub: World
    uid: str
    access: str = ""
    refresh: str = ""
    code: str = ""
    told_before: int = 0

    @property
    def dn(self) -> str:
        return f"uid={self.uid},{MEMBERS}"

    def enters(self) -> None:
        """Into the hub, into the tool, and once more to be about to enter it."""
        assert self.hub.sign_in(self.hub.browser).status == 302
        held = self.hub.exchange(self.hub.code()).json()
        self.access, self.refresh = held["access_token"], held["refresh_token"]
        self.code = self.hub.code()
        self.told_before = len(self.place.heard.asked)
        assert self.is_in()

    def is_in(self) -> bool:
        return self.hub.ask("GET", "/", http=self.hub.browser).status == 200

    def ends(self) -> dict[str, Callable[[], bool]]:
        """Everything that must be over, each as somebody outside sees it."""
        return {
            "hub session": lambda: self.hub.ask("GET", "/", http=self.hub.browser).status == 302,
            "access token": lambda: self.hub.introspect(self.access).json() == {"active": False},
            "notice to the tool": lambda: len(self.place.heard.asked) > self.told_before,
        }

    def assert_out_of_everything(self) -> None:
        """What asking for would change, once the rest is over."""
        assert self.hub.refresh(self.refresh).json() == {"error": "invalid_grant"}
        assert self.hub.exchange(self.code).json()["error"] == "invalid_grant"
        assert self.hub.userinfo(self.access).status == 401
        assert "error=login_required" in self.hub.authorize(prompt="none").headers["Location"]
        assert self.hub.sign_in(requests.Session()).status == 200, "their password opens nothing, and no page breaks"
        path, form = self.place.heard.asked[self.told_before]
        published = KeySet.import_key_set(self.hub.ask("GET", "/oidc/jwks").json())
        claims = jwt.decode(form["logout_token"], published, algorithms=["RS256", "ES256"]).claims
        assert path == "/bye"
        assert claims["aud"] == self.hub.told["client_id"]
        assert "http://schemas.openid.net/event/backchannel-logout" in claims["events"]
        assert len(self.place.heard.asked) == self.told_before + 1, "nobody else was signed out"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    # Not pytest's own folder: PostgreSQL's user must pass through to the one it works in.
    with (
        tool_server() as heard,
        tempfile.TemporaryDirectory(prefix="trousseau-leaving-") as folder,
        world(Path(folder), back_channel=heard.url("/bye", "127.0.0.1")) as hub,
    ):
        worker = hub.worker()
        worker.start()
        running = Place(hub, worker, heard)
        try:
            assert eventually(lambda: follows(running), 20)
            yield running
        finally:
            worker.stop()


def follows(place: Place) -> bool:
    """Whether the process beside the worker is there, and no more in the middle of its start."""
    assert place.worker.process is not None
    return any(read_cpu(pid) > 0.5 for pid in children_of(place.worker.process.pid))


def read_cpu(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


numbers = count(1)


@pytest.fixture
def somebody(place: Place) -> Somebody:
    """Entered a moment ago, which is enough to come in."""
    uid = f"camille.{next(numbers)}"
    add_person(place.hub.directory, uid, PASSWORD, branch=MEMBERS)
    told = place.hub.told | {"login": uid, "password": PASSWORD}
    found = Somebody(place, replace(place.hub, told=told, browser=requests.Session()), uid)
    found.enters()
    return found


@contextmanager
def measured(somebody: Somebody, within: float, record: Callable[[str, object], None]) -> Iterator[None]:
    """From the change inside to the end of everything."""
    began = time.monotonic()
    yield
    wanted, took = somebody.ends(), {}
    while wanted and time.monotonic() - began < within:
        for name in [name for name, is_over in wanted.items() if is_over()]:
            took[name] = round(time.monotonic() - began, 2)
            del wanted[name]
        time.sleep(0.05)
    print(f"\n{somebody.uid}: {took}")
    for name, seconds in took.items():
        record(f"{name} ended after", seconds)
    assert not wanted, f"after {within} s not over: {sorted(wanted)}"


def gone(dn: str) -> str:
    return f"dn: {dn}\nchangetype: delete\n"


def moved_to(branch: str) -> Callable[[str], str]:
    return lambda dn: (
        f"dn: {dn}\nchangetype: modrdn\nnewrdn: {dn.partition(',')[0]}\ndeleteoldrdn: 1\nnewsuperior: {branch}\n"
    )


def locked(dn: str) -> str:
    return f"dn: {dn}\nchangetype: modify\nadd: pwdAccountLockedTime\n{LOCKED}\n"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(gone, id="gone"),
        pytest.param(moved_to("ou=services,dc=alizarine,dc=example"), id="moved out of scope"),
        pytest.param(moved_to(f"ou=anciens,{PEOPLE}"), id="marked as left"),
        pytest.param(locked, id="locked for good"),
    ],
)
def test_whoever_leaves_the_directory_is_out_of_everything_at_once(place, somebody, change, record_property):
    with measured(somebody, USUAL_SECONDS, record_property):
        place.hub.directory.modify(change(somebody.dn))

    somebody.assert_out_of_everything()


def test_who_stays_notices_nothing_of_it(place, somebody, record_property):
    told = place.hub.told | {"login": place.hub.told["login"]}
    stays = Somebody(place, replace(place.hub, told=told, browser=requests.Session()), "stays")
    stays.enters()

    with measured(somebody, USUAL_SECONDS, record_property):
        place.hub.directory.modify(gone(somebody.dn))

    assert stays.is_in()
    assert stays.hub.introspect(stays.access).json()["active"] is True
    assert "refresh_token" in stays.hub.refresh(stays.refresh).json()


def test_a_lock_that_is_taken_off_gives_the_same_account_back(place, somebody, record_property):
    before = place.hub.introspect(somebody.access).json()["sub"]
    with measured(somebody, USUAL_SECONDS, record_property):
        place.hub.directory.modify(locked(somebody.dn))

    place.hub.directory.modify(f"dn: {somebody.dn}\nchangetype: modify\ndelete: pwdAccountLockedTime\n")
    assert eventually(lambda: somebody.hub.sign_in(requests.Session()).status == 302, USUAL_SECONDS)
    somebody.enters()

    assert place.hub.introspect(somebody.access).json()["sub"] == before


def test_a_lock_for_a_while_ends_nothing_that_is_open(place, somebody):
    """Too many wrong passwords, by whomever: the right one is refused too, for a time, and nothing more."""
    directory = place.hub.directory
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ")
    directory.modify(f"dn: {somebody.dn}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: {now}\n")
    # What the worker saw after it, it saw this too.
    directory.modify(f"dn: {somebody.dn}\nchangetype: modify\nreplace: title\ntitle: Verrouillée\n")

    assert somebody.hub.sign_in(requests.Session()).status == 200
    assert not eventually(lambda: not somebody.is_in(), USUAL_SECONDS / 3)
    assert somebody.hub.introspect(somebody.access).json()["active"] is True


def test_what_happens_while_the_worker_is_down_is_done_when_it_is_back(place, somebody, record_property):
    place.worker.stop()
    place.hub.directory.modify(gone(somebody.dn))
    # A password is asked of the directory itself: nobody new comes in by it meanwhile.
    assert somebody.hub.sign_in(requests.Session()).status == 200

    with measured(somebody, PROMISED_SECONDS, record_property):
        place.worker.start()

    somebody.assert_out_of_everything()


def test_what_happens_while_the_follower_was_just_killed_is_seen_by_the_next_one(place, somebody, record_property):
    killed = place.follower

    with measured(somebody, PROMISED_SECONDS, record_property):
        os.kill(killed, signal.SIGKILL)
        place.hub.directory.modify(gone(somebody.dn))

    assert place.follower != killed
    somebody.assert_out_of_everything()


def test_what_happens_while_the_directory_restarts_is_seen_when_it_answers_again(place, somebody, record_property):
    """The pause after a failure is 5 seconds, then 10, 20, 40."""
    directory = place.hub.directory
    port = directory.port
    directory.stop()
    time.sleep(3)

    with measured(somebody, PROMISED_SECONDS, record_property):
        directory.start(port)
        directory.modify(gone(somebody.dn))

    somebody.assert_out_of_everything()
