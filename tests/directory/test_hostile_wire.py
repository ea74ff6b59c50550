"""A server that says what no server should: nothing it says is followed, believed or waited for without end."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from directory import asking
from directory.ldap.connection import Deadline, Entry, reader
from directory.ldap.passwords import Verdict, check_entry, check_password, find
from directory.ldap.reading import Reading
from directory.types import DirectoryRefused, DirectoryUnavailable
from tests.support.ldap_liar import BIND, SEARCH, Liar, config_of, message, result, text, tlv

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

NOTICE = message(0, result(0x78, 52, extra=text("1.3.6.1.4.1.1466.20036", 0x8A)))


class Elsewhere:
    """Another server: whether anybody comes, and what they say."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        while True:
            try:
                taken, _ = self.server.accept()
            except OSError:
                return
            self.heard += b"came"
            taken.settimeout(1.0)
            try:
                while data := taken.recv(4096):
                    self.heard += data
            except OSError:
                pass


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    found = Elsewhere()
    yield found
    found.server.close()


def read(port: int) -> list[object]:
    deadline = Deadline(2.0, 1.0)
    given = config_of(port)
    with reader(given, deadline) as connection:
        return list(Reading(connection, given, deadline).people())


def test_a_referral_is_not_followed_wherever_it_comes(elsewhere):
    url = f"ldap://127.0.0.1:{elsewhere.port}/dc=x"

    def at_bind(number, op):
        return message(number, result(0x61, 10, referral=url)) if op == BIND else b""

    def at_search(number, op):
        if op == BIND:
            return message(number, result(0x61))
        return message(number, result(0x65, 10, referral=url))

    def in_search(number, op):
        if op == BIND:
            return message(number, result(0x61))
        return message(number, tlv(0x73, text(url))) + message(number, result(0x65))

    for says in (at_bind, at_search):
        with pytest.raises((DirectoryRefused, DirectoryUnavailable)):
            read(Liar(says).port)
    assert read(Liar(in_search).port) == []
    time.sleep(0.2)
    assert bytes(elsewhere.heard) == b""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_notice_of_disconnection_is_no_answer(when):
    def says(number, op):
        if op == BIND:
            return message(number, result(0x61))
        return NOTICE if when == "before" else message(number, result(0x65)) + NOTICE

    port = Liar(says).port
    if when == "before":
        with pytest.raises((DirectoryUnavailable, DirectoryRefused)):
            read(port)
    else:
        assert read(port) == []


def test_an_answer_to_another_question_is_no_answer():
    began = time.monotonic()
    with pytest.raises((DirectoryUnavailable, DirectoryRefused)):
        read(Liar(lambda number, op: message(number + 7, result(0x61))).port)
    assert time.monotonic() - began < 4


def test_a_bind_is_proved_by_who_the_server_says_one_is_and_by_nothing_less():
    entry = Entry("uid=a,dc=x", {})

    def anonymous(number, op):
        if op == BIND:
            return message(number, result(0x61))
        return message(number, result(0x78, extra=text("", 0x8B)))

    def somebody_else(number, op):
        if op == BIND:
            return message(number, result(0x61))
        return message(number, result(0x78, extra=text("dn:uid=b,dc=x", 0x8B)))

    for says in (anonymous, somebody_else):
        given = config_of(Liar(says).port)
        assert check_entry(given, entry, "x", deadline=Deadline(2.0, 1.0)).verdict is Verdict.REFUSED


def test_drops_that_fall_one_by_one_are_not_waited_for_without_end():
    """A byte a moment: each resets no clock."""
    server = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        taken, _ = server.accept()
        taken.recv(4096)
        whole = message(1, result(0x61)) + bytes(200)
        for each in whole:
            time.sleep(0.3)
            try:
                taken.sendall(bytes([each]))
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises((DirectoryUnavailable, DirectoryRefused)):
        read(server.getsockname()[1])
    assert time.monotonic() - began < 5


def test_an_entry_that_says_it_is_larger_than_memory_is_not_waited_for():
    def says(number, op):
        if op == BIND:
            return message(number, result(0x61))
        return b"\x30\x84\x7f\xff\xff\xff\x02\x01" + bytes([number]) + b"\x64\x84\x7f\xff\xff\xf0" + bytes(1000)

    began = time.monotonic()
    with pytest.raises((DirectoryUnavailable, DirectoryRefused)):
        read(Liar(says).port)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("dn", ["\udcff", "uid=\x00,dc=x", "not a name", "uid=x" * 9999, ""])
def test_a_name_that_is_none_ends_in_one_of_the_hubs_own_errors(dn):
    def says(number, op):
        if op == BIND:
            return message(number, result(0x61))
        raw = dn.encode("utf-8", "surrogateescape")
        entry = tlv(0x64, tlv(0x04, raw) + tlv(0x30, b""))
        return message(number, entry) + message(number, result(0x65))

    try:
        found = read(Liar(says).port)
    except (DirectoryRefused, DirectoryUnavailable):
        return
    assert len(found) == 1


def test_an_entry_whose_name_is_none_is_nobody_at_the_door():
    who = {"entryuuid": [b"34ca3f76-b0d2-4e8b-bd3a-fe81e50b1360"], "uid": [b"a"]}

    assert asking._is_called(Entry("uid=a,dc=x", who), config_of(1), "a")
    assert not asking._is_called(Entry("not a name", who), config_of(1), "a")


# At the door ------------------------------------------------------------------------------------------------------


def person(number: int, **attributes: str) -> bytes:
    given = {"entryUUID": "34ca3f76-b0d2-4e8b-bd3a-fe81e50b1360", "uid": "a", **attributes}
    values = b"".join(tlv(0x30, text(name) + tlv(0x31, text(value))) for name, value in given.items())
    return message(number, tlv(0x64, text("uid=a,dc=x") + tlv(0x30, values)))


def found(answer: Callable[[int], bytes]) -> list[Entry]:
    """Whom a server shows that answers so to the search of a sign-in."""

    def says(number: int, op: int) -> bytes:
        return message(number, result(0x61)) if op == BIND else answer(number)

    return find(config_of(Liar(says).port), "a", deadline=Deadline(3.0, 3.0))


def test_of_people_without_end_two_are_taken_and_they_are_nobody():
    began = time.monotonic()

    assert len(found(lambda number: person(number) * 20_000)) == 2

    assert time.monotonic() - began < 2


def test_one_person_without_end_is_none():
    with pytest.raises(DirectoryRefused, match="ANSWER_TOO_LARGE"):
        found(lambda number: person(number, title="x" * 1_000_001) + message(number, result(0x65)))


def test_what_nobody_asked_for_is_not_taken():
    (entry,) = found(lambda number: person(number, userPassword="x", title="y") + message(number, result(0x65)))

    assert set(entry.attributes) == {"entryuuid", "uid", "title"}


def test_the_limit_of_a_server_is_no_answer_and_the_hubs_own_is_one():
    """RFC 4511 §4.5.1.4"""
    with pytest.raises(DirectoryRefused, match="SIZELIMIT"):
        found(lambda number: person(number) + message(number, result(0x65, 4)))

    assert len(found(lambda number: person(number) * 2 + message(number, result(0x65, 4)))) == 2


@pytest.mark.parametrize(("times", "verdict"), [(1, Verdict.ACCEPTED), (2, Verdict.REFUSED)])
def test_one_identity_that_is_two_entries_lets_nobody_in(times, verdict):
    def says(number: int, op: int) -> bytes:
        if op == BIND:
            return message(number, result(0x61))
        if op == SEARCH:
            return person(number) * times + message(number, result(0x65))
        return message(number, result(0x78, extra=text("dn:uid=a,dc=x", 0x8B)))

    check = check_password(config_of(Liar(says).port), uuid4(), "x", deadline=Deadline(3.0, 3.0))

    assert check.verdict is verdict
