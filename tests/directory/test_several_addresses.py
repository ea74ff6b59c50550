"""One of a directory's addresses does not answer: the next is asked, and nobody waits for the first again."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth import authenticate

from demo.slapd import EmbeddedDirectory
from directory.ldap import addresses, sources
from directory.ldap.config import LdapConfig
from directory.ldap.connection import Deadline, reader
from directory.models import Member
from directory.services import synchronise
from directory.types import DirectoryUnavailable
from tests.support.passes import MONDAY
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD

pytestmark = pytest.mark.django_db
TIMEOUT = 3.0


@pytest.fixture
def dropping() -> Iterator[int]:
    """A port whose queue is full: the kernel drops whoever asks for a connection, as a firewall does."""
    addresses._away_until.clear()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(server.getsockname())
        time.sleep(0.2)
        yield server.getsockname()[1]
        for each in waiting:
            each.close()
    addresses._away_until.clear()


@pytest.fixture
def config(shared_directory: EmbeddedDirectory) -> LdapConfig:
    return replace(sources.of(sources.settings_source()), timeout_seconds=TIMEOUT)


def asked(config: LdapConfig) -> tuple[str, float]:
    """Who the directory says the reader is, and how long that took."""
    began = time.monotonic()
    with reader(config, Deadline(TIMEOUT, TIMEOUT)) as connection:
        return str(connection.whoami_s()), time.monotonic() - began


@pytest.mark.parametrize("secured", [False, True])
def test_the_second_is_asked_in_time_and_the_first_not_waited_for_again(config, shared_directory, dropping, secured):
    good = shared_directory.tls_uri if secured else shared_directory.uri
    scheme = good.partition("://")[0]
    both = replace(config, uri=f"{scheme}://127.0.0.1:{dropping} {good}")

    who, first = asked(both)
    _, second = asked(both)

    assert who == f"dn:{shared_directory.reader_dn}"
    assert TIMEOUT / 3 <= first < TIMEOUT - 1
    assert second < TIMEOUT / 3


def threads_of(server: EmbeddedDirectory) -> list[Path]:
    return list(Path(f"/proc/{server.pid}/task").glob("*/stat"))


@pytest.fixture
def frozen(fresh_directory: EmbeddedDirectory) -> Iterator[EmbeddedDirectory]:
    """The kernel takes connections for it, and it never answers one."""
    addresses._away_until.clear()
    with fresh_directory.paused():
        # The signal is sent at once, and taken by one thread after the other.
        while not all(each.read_text().split(") ")[1].startswith("T") for each in threads_of(fresh_directory)):
            time.sleep(0.01)
        yield fresh_directory
    addresses._away_until.clear()


@pytest.mark.parametrize("secured", [False, True])
def test_one_that_takes_the_connection_and_falls_silent_is_passed_over_too(config, shared_directory, frozen, secured):
    addresses_of = [each.tls_uri if secured else each.uri for each in (frozen, shared_directory)]
    both = replace(config, uri=" ".join(addresses_of))

    who, first = asked(both)
    _, second = asked(both)

    assert who == f"dn:{shared_directory.reader_dn}"
    assert TIMEOUT / 3 <= first < TIMEOUT - 1
    assert second < TIMEOUT / 3
    frozen.resume()
    addresses._away_until.clear()
    assert addresses.in_order(both.uri, TIMEOUT) == both.uri


def test_somebody_signs_in_while_the_first_address_hangs(shared_directory, frozen, settings):
    synchronise(now=MONDAY)
    settings.LDAP = {**settings.LDAP, "uri": f"{frozen.tls_uri} {shared_directory.tls_uri}"}

    found = authenticate(None, username=NOEMIE, password=NOEMIE_PASSWORD)

    assert found == Member.objects.get(login=NOEMIE)
    assert frozen.tls_uri in addresses._away_until


@pytest.mark.parametrize("secured", [False, True])
def test_an_address_behind_which_there_is_nobody_is_passed_over_at_once(config, shared_directory, secured):
    """A balancer without a server: it takes the connection and ends it."""
    good = shared_directory.tls_uri if secured else shared_directory.uri
    with socket.create_server(("127.0.0.1", 0)) as balancer:

        def end_all() -> None:
            with suppress(OSError):
                while True:
                    balancer.accept()[0].close()

        threading.Thread(target=end_all, daemon=True).start()
        empty = f"{good.partition('://')[0]}://127.0.0.1:{balancer.getsockname()[1]}"

        who, took = asked(replace(config, uri=f"{empty} {good}"))
        addresses._away_until.clear()
        balancer.shutdown(socket.SHUT_RDWR)

    assert who == f"dn:{shared_directory.reader_dn}"
    assert took < TIMEOUT / 3


@pytest.mark.parametrize(("scheme", "begins"), [("ldap", addresses.START_TLS), ("ldaps", b"\x16\x03\x01")])
def test_what_is_asked_beforehand_names_nobody(scheme, begins):
    """Whoever listens there learns no more than that somebody would like to speak to a directory."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hear() -> None:
            with listener.accept()[0] as caller:
                heard.append(caller.recv(4096))

        hears = threading.Thread(target=hear)
        hears.start()
        with pytest.raises((ConnectionError, TimeoutError)):
            addresses.check_answers(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", 0.5)
        hears.join()

    assert heard[0].startswith(begins)
    assert len(heard[0]) == len(begins) or scheme == "ldaps"
    assert b"lecture" not in heard[0]


def test_an_address_that_is_back_is_the_first_again_after_a_while(shared_directory, dropping, monkeypatch):
    """The clock goes on; what was away answers."""
    good, other = shared_directory.uri, f"ldap://127.0.0.1:{dropping}"
    addresses._away_until[good] = time.monotonic() + addresses.AWAY_SECONDS

    away = addresses.in_order(f"{good} {other}", 0.3)
    later = time.monotonic() + addresses.AWAY_SECONDS
    monkeypatch.setattr(addresses, "monotonic", lambda: later)
    back = addresses.in_order(f"{other} {good}", 0.3)

    assert away == f"{good} {other}", "where none answers, they stand as they were written"
    assert back == f"{good} {other}"


def test_where_none_answers_the_directory_is_away_in_time(config, dropping):
    began = time.monotonic()

    with pytest.raises(DirectoryUnavailable):
        asked(replace(config, uri=f"ldap://127.0.0.1:{dropping} ldap://localhost:{dropping}"))

    assert time.monotonic() - began < TIMEOUT + 1


def test_one_alone_is_asked_nothing_beforehand(monkeypatch):
    monkeypatch.setattr(addresses, "connected", lambda *given: pytest.fail("asked"))

    assert addresses.in_order("ldaps://annuaire.exemple.fr", 3.0) == "ldaps://annuaire.exemple.fr"
    assert addresses.in_order("ldapi://%2Fa ldapi://%2Fb", 3.0) == "ldapi://%2Fa ldapi://%2Fb"
