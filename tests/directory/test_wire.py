"""A pass over a wire that is cut, held up, silenced and spoilt, at every place of what was said."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from demo.slapd import EmbeddedDirectory
from directory.ldap import reading
from directory.models import Member, SyncRun
from directory.services import synchronise
from directory.services.first_looks import ask_again
from directory.types import MemberState, Mode, RunStatus
from tests.support.ldap_proxy import (
    DOWN,
    UP,
    Accident,
    Act,
    Byte,
    Cut,
    Delay,
    HalfClose,
    Meanwhile,
    Measure,
    Message,
    Silence,
    Spoil,
    Wire,
    sampled,
)
from tests.support.mirror import content, difference, put_back, rows, unforeseen, who_may_enter
from tests.support.passes import MONDAY, TUESDAY, WEDNESDAY, Pending, a_pass, foreseen
from tests.support.slapd import five_weeks_later, ldap_settings
from tests.support.slapd_control import kill, restart
from tests.support.stores import every_other

pytestmark = pytest.mark.django_db
# What a silent wire costs a test; a machine that is busy elsewhere may fail a pass by it, which is no harm here.
SHORT = 0.3
HEALED_EACH = 5


@dataclass
class Line(Pending):
    """A hub and a directory with a wire between them."""

    wire: Wire
    settings: Any
    start_tls: bool = False
    measure: Measure = field(default_factory=lambda: Measure(()))

    def connect(self, seconds: float = 3.0) -> None:
        self.settings.LDAP = ldap_settings(
            self.server, uri=self.wire.uri, start_tls=self.start_tls, timeout_seconds=seconds
        )

    def measured(self) -> "Line":
        """What one clean pass says on the wire."""
        self.connect()
        with put_back():
            self.measure = self.wire.measure(lambda: synchronise(now=TUESDAY))
            assert content() == self.clean
        return self

    def a_pass_with(self, place: Byte | Message, act: Act) -> str:
        """How a pass with one accident ended."""
        self.wire.arm(Accident(place, act))
        # It says the same in every pass: so was it measured.
        ask_again()
        end = a_pass()
        assert self.wire.all_happened(), "the accident did not happen"
        return end


@contextmanager
def line_to(server: EmbeddedDirectory, settings: Any) -> Iterator[Line]:
    """Of a directory as it is now, beside the mirror as it is now."""
    with Wire(server.port) as wire:
        yield Line(server, *foreseen(), wire, settings).measured()


@pytest.fixture
def line(pending: Pending, settings: Any) -> Iterator[Line]:
    """A mirror of five weeks ago, and all that has happened since still to be read."""
    with Wire(pending.server.port) as wire:
        yield Line(pending.server, pending.before, pending.was, pending.clean, wire, settings).measured()


@pytest.fixture
def empty_line(small_directory: EmbeddedDirectory, settings: Any) -> Iterator[Line]:
    """A hub that has never read its directory."""
    with line_to(small_directory, settings) as line:
        yield line


@pytest.fixture
def odd(tmp_path: Path, settings: Any) -> Iterator[EmbeddedDirectory]:
    """The small directory with every nasty case in it: cycles, shared addresses, odd names, groups in themselves."""
    with EmbeddedDirectory(tmp_path / "d", quirks=True, members=60, durable=False) as server:
        settings.LDAP = ldap_settings(server)
        yield server


@pytest.fixture
def empty_odd_line(odd: EmbeddedDirectory, settings: Any) -> Iterator[Line]:
    with line_to(odd, settings) as line:
        yield line


@pytest.fixture
def odd_line(odd: EmbeddedDirectory, settings: Any) -> Iterator[Line]:
    synchronise(now=MONDAY)
    five_weeks_later(odd)
    with line_to(odd, settings) as line:
        yield line


def sweep(line: Line, places: Sequence[Byte], act: Act, check: Callable[..., str]) -> Counter[str]:
    """One pass per place, each from the same beginning; how they ended, after all that was wrong was told at once."""
    ends: Counter[str] = Counter()
    wrong = {}
    for number, place in enumerate(places):
        with put_back():
            end = line.a_pass_with(place, act)
            ends[end] += 1
            if told := check(line, end, heals=number % HEALED_EACH == 0):
                wrong[place] = told
    assert not wrong, f"{len(wrong)} of {ends.total()}: {dict(list(wrong.items())[:5])}"
    return ends


def nothing_wrong(line: Line, end: str, *, heals: bool) -> str:
    """What was written is exactly what a clean pass writes, or a part of it; and the next pass makes it whole.

    Where no row has changed the next pass begins from where the clean one began: there it is seen now and then only.
    """
    untouched = rows() == line.before
    if wrong := unforeseen(line.was, line.clean) if end not in RunStatus else difference(content(), line.clean):
        return f"{end}: {wrong}"
    if untouched and not heals:
        return ""
    line.wire.arm()
    synchronise(now=WEDNESDAY)
    return "" if content() == line.clean else f"{end}, then not whole: {difference(content(), line.clean)}"


# Cut ---------------------------------------------------------------------------------------------------------


def test_a_connection_cut_at_any_place_changes_nothing_or_everything(line):
    """Nobody is half read: what the last byte did not reach was never said."""
    places = [*sampled(line.measure.places(DOWN, spread=60), 160), *line.measure.places(UP, spread=20)]
    ends = sweep(line, every_other(places), Cut(), nothing_wrong)

    # Only with the last bytes in hand is anything written at all.
    assert ends["DirectoryUnavailable"] > ends.total() - 10


def test_a_first_import_that_is_cut_leaves_nobody_or_everybody(empty_line):
    places = sampled(empty_line.measure.places(DOWN, spread=30), 40)

    ends = sweep(empty_line, every_other(places), Cut(), nothing_wrong)

    assert ends["DirectoryUnavailable"] > ends.total() - 5


@pytest.mark.parametrize("which", ["empty_odd_line", "odd_line"])
def test_a_cut_among_nasty_cases_changes_nothing_or_everything_and_is_made_good(request, which):
    """Whoever shares an address, a cycle, a name that is free again: half of it read settles and closes nothing."""
    odd = request.getfixturevalue(which)
    assert {"group_cycle", "group_in_itself", "group_member_unknown", "mail_shared"} <= codes(odd.was, odd.clean)
    places = [*sampled(odd.measure.places(DOWN, spread=80), 100), *odd.measure.places(UP, spread=10)]

    ends = sweep(odd, every_other(places), Cut(), made_good)

    assert ends["DirectoryUnavailable"] > ends.total() - 10


def codes(*told: dict[str, Any]) -> set[str]:
    return {code for each in told for _, code in each["issues"]}


def made_good(line: Line, end: str, *, heals: bool) -> str:
    """As ``nothing_wrong``; the next pass is seen each time."""
    return nothing_wrong(line, end, heals=True)


@pytest.mark.parametrize("direction", [DOWN, UP])
def test_a_side_that_says_no_more_changes_nothing_or_everything(line, direction):
    places = sampled(line.measure.places(direction, spread=10), 14)

    sweep(line, every_other(places), HalfClose(), nothing_wrong)


# Held up, and silent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [DOWN, UP])
def test_a_wire_that_falls_silent_is_given_up_and_changes_nothing_or_everything(line, direction):
    """No end of the connection comes, ever: only the hub’s own patience ends the wait."""
    places = sampled(line.measure.places(direction, spread=6), 6)
    line.connect(SHORT)
    began = time.monotonic()

    sweep(line, every_other(places), Silence(), nothing_wrong)

    assert time.monotonic() - began < len(places) * 10 * SHORT


def test_a_slow_wire_is_waited_for(line):
    for place in sampled(line.measure.places(DOWN, spread=4), 4):
        with put_back():
            assert line.a_pass_with(place, Delay(0.2)) == RunStatus.PROBLEMS
            assert content() == line.clean


def test_a_wire_slower_than_the_hub_waits_for_is_given_up(line):
    line.connect(SHORT)

    for place in sampled(line.measure.boundaries(DOWN)[:-2], 3):
        with put_back():
            assert line.a_pass_with(place, Delay(2 * SHORT)) == "DirectoryUnavailable"
            assert not unforeseen(line.was, line.clean)


def test_answers_that_all_come_in_time_and_take_too_long_together_end_the_pass(line, monkeypatch):
    """Nobody is waited for as long as they say a little now and then: a pass has an end."""
    each, questions = 0.8, line.measure.messages(UP)
    monkeypatch.setattr(reading, "PASS_SECONDS", 3 * each)
    line.wire.arm(*(Accident(Message(UP, number), Delay(each)) for number in range(questions)))
    began = time.monotonic()

    assert a_pass() == "DirectoryUnavailable"

    # A third of what the questions would have taken together, on a machine that is busy elsewhere.
    assert time.monotonic() - began < questions * each / 2
    assert SyncRun.objects.latest("pk").error in (
        "DirectoryUnavailable: the directory is too slow",
        "DirectoryUnavailable: TIMEOUT",
    )
    assert rows() == line.before
    line.wire.arm()
    line.assert_whole_after_a_pass()


# Spoilt --------------------------------------------------------------------------------------------------------


def test_a_spoilt_byte_ends_nobody_and_lets_nobody_in(line):
    """Without TLS a spoilt byte may pass as another value: the next reading of everything puts it right.

    What no reader can tell from the truth is left out of "lets nobody in": a byte of the very words that say that
    somebody is locked or has left, or that make an entry's identity.
    """
    places = [*line.measure.spread(DOWN, 70), *line.measure.spread(UP, 16)]
    line.connect(SHORT)
    places = [place for place in places if not _tells_who_is_out(line, place)]
    assert len(places) > 40

    ends = sweep(line, places, Spoil(), nobody_ended_nobody_in)

    assert ends["problems"] > 20, "what passes as another value is what this is about"
    assert len(ends) > 1, "and what cannot be read ends the pass"


def _tells_who_is_out(line: Line, place: Byte) -> bool:
    near = line.measure.around(place, 48)
    return any(word in near for word in (b"pwdAccountLockedTime", b"ou=anciens", b"entryUUID"))


def nobody_ended_nobody_in(line: Line, end: str, *, heals: bool) -> str:
    told = who_is_wrong(line)
    line.wire.arm()
    line.connect()
    synchronise(now=WEDNESDAY, mode=Mode.DEEP)
    line.connect(SHORT)
    if not told and without_names(content()) != without_names(line.clean):
        told = f"not put right: {difference(content(), line.clean)}"
    return f"{end}: {told}" if told else ""


def who_is_wrong(line: Line) -> str:
    """Accounts lost, ended or opened beside what a clean pass does."""
    known = {row["entry_uuid"]: row for row in line.before["Member"]}
    inside_before = {uuid for uuid, row in known.items() if row["state"] == MemberState.ACTIVE}
    inside_clean = {uuid for uuid, said in line.clean["people"].items() if said["state"] == MemberState.ACTIVE}
    inside = who_may_enter()
    there = set(Member.objects.values_list("entry_uuid", flat=True))
    wrong = {
        "lost": known.keys() - there,
        "made up": there - known.keys() - line.clean["people"].keys(),
        "ended": (inside_before & inside_clean) - inside,
        "let in": inside - inside_before - inside_clean,
    }
    return str({what: who for what, who in wrong.items() if who} or "")


def without_names(told: dict[str, Any]) -> dict[str, Any]:
    """A collective that is new keeps the address it was given, even by a spoilt name."""
    collectives = {
        uuid: {name: value for name, value in said.items() if name != "slug"}
        for uuid, said in told["collectives"].items()
    }
    return {**told, "collectives": collectives}


@pytest.mark.parametrize("act", [Cut(), Spoil(), Spoil(0x80)], ids=["cut", "spoilt", "spoilt-high"])
def test_under_tls_a_spoilt_byte_is_noticed(line, act):
    line.start_tls = True
    line.measured()
    places = [
        place
        for direction, count in ((DOWN, 16), (UP, 8))
        for place in line.measure.spread(direction, count)
        # Two handshakes differ by a few bytes: the last ones may not be said.
        if place.offset < len(line.measure.conversations[place.connection].said[direction]) - 100
    ]
    line.connect(SHORT)

    ends = sweep(line, every_other(places), act, nothing_wrong)

    assert ends["problems"] == 0
    assert ends.total() > 7


def test_whatever_is_done_to_the_question_for_tls_nothing_is_said_in_clear(line):
    """RFC 4511 §4.14: a server that does not begin TLS, or somebody in between who says so, gets no password."""
    line.start_tls = True
    line.connect(SHORT)
    line.wire.arm()
    synchronise(now=TUESDAY)
    question = line.wire.seen().conversations[0]
    places = [Byte(0, direction, offset) for direction in (UP, DOWN) for offset in range(question.starts[direction][1])]

    for place in every_other(places):
        with put_back():
            line.a_pass_with(place, Spoil())
            said = b"".join(bytes(each.said[UP]) for each in line.wire.seen().conversations)
            assert line.server.reader_password.encode() not in said
            assert line.server.reader_dn.encode() not in said


# The server, at every request --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["killed", "frozen", "stopped"])
def test_a_server_lost_at_any_request_changes_nothing_or_everything(line, how):
    if how != "frozen":
        # What it remembers of deletions goes with the process: it says the same every time.
        restart(line.server)
        line.measured()
    line.connect(SHORT)

    def lose() -> None:
        {"killed": partial(kill, line.server), "frozen": line.server.pause, "stopped": line.server.stop}[how]()

    ends: Counter[str] = Counter()
    for number in every_other(range(line.measure.messages(UP))):
        with put_back():
            end = line.a_pass_with(Message(UP, number), Meanwhile(lose))
            ends[end] += 1
            assert not unforeseen(line.was, line.clean)
            line.server.resume()
            line.server.start(line.server.port)
            line.wire.arm()
            synchronise(now=WEDNESDAY)
            assert content() == line.clean
    # Whoever is lost at the goodbye was heard.
    assert ends["DirectoryUnavailable"] >= ends.total() - 2


@pytest.mark.parametrize("end", [EmbeddedDirectory.stop, kill], ids=["stopped", "killed"])
def test_a_server_that_is_back_before_the_pass_has_noticed_changes_nothing_or_everything(line, end):
    """Nothing is gone on with at the new one that was begun at the old one."""
    restart(line.server)
    line.measured()
    ends: Counter[str] = Counter()

    # One thread for all of them: slapd goes when the thread that started it does.
    with ThreadPoolExecutor(1) as operator:

        def end_and_start() -> None:
            end(line.server)
            line.server.start(line.server.port)

        for number in every_other(range(line.measure.messages(UP))):
            with put_back():
                told = line.a_pass_with(Message(UP, number), Meanwhile(lambda: operator.submit(end_and_start).result()))
                ends[told] += 1
                assert not unforeseen(line.was, line.clean)
                line.wire.arm()
                assert a_pass(WEDNESDAY) == RunStatus.PROBLEMS
                assert not difference(content(), line.clean)
    assert ends["DirectoryUnavailable"] >= ends.total() - 2
