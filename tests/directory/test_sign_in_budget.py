"""A directory whose every answer comes in time, and whose answers together do not: a sign-in takes what it may.

Each question is held up on the wire for less than anybody waits for one answer.  Without a budget for all of them the
sign-in would end well, after their sum.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client

from demo.slapd import EmbeddedDirectory
from directory import backends
from directory.ldap.passwords import SIGN_IN_SECONDS
from directory.services import synchronise
from tests.support.ldap_proxy import UP, Accident, Delay, Message, Wire
from tests.support.passes import MONDAY
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, try_to_sign_in
from tests.support.slapd import Second, ldap_settings

pytestmark = pytest.mark.django_db
# As whom the hub reads, whom it finds, then the person’s own password, and whose that was.
QUESTIONS = 4


@pytest.fixture
def slow(own_directory: EmbeddedDirectory, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The hub’s directory, with a wire before it."""
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    synchronise(now=MONDAY)
    with Wire(own_directory.port) as wire:
        settings.LDAP = ldap_settings(own_directory, uri=wire.uri, start_tls=False)
        yield wire


def hold_up(wire: Wire, seconds: float) -> None:
    wire.arm(*(Accident(Message(UP, number), Delay(seconds)) for number in range(3 * QUESTIONS)))


def timed(name: str) -> tuple[Any, float]:
    began = time.monotonic()
    answer = try_to_sign_in(Client(), name, NOEMIE_PASSWORD)
    return answer, time.monotonic() - began


def test_questions_that_are_held_up_a_little_are_waited_for(slow: Wire):
    each = SIGN_IN_SECONDS / QUESTIONS / 4
    hold_up(slow, each)

    answer, took = timed(NOEMIE)

    assert answer.status_code == 302
    assert took > QUESTIONS * each


@pytest.mark.parametrize("name", [NOEMIE, "nobody.at.all"])
def test_answers_that_all_come_in_time_do_not_take_longer_than_a_sign_in_may(slow: Wire, name: str):
    each = 0.9 * SIGN_IN_SECONDS
    hold_up(slow, each)

    answer, took = timed(name)

    # No verdict on the password, and nobody is told of one.
    assert answer.status_code == 503
    assert answer.context["directory_down"]
    assert not answer.context["directory_partly_down"]
    # The rest of their sum is for a machine that is busy elsewhere.
    assert 0.9 * SIGN_IN_SECONDS < took < 0.7 * QUESTIONS * each


@pytest.mark.parametrize("name", [NOEMIE, "nobody.at.all"])
def test_several_directories_have_no_more_time_together_than_one(slow: Wire, second: Second, name: str):
    synchronise(now=MONDAY, source=second.source)
    each = 0.9 * SIGN_IN_SECONDS / 2
    with ExitStack() as wires:
        other = wires.enter_context(Wire(second.server.port))
        second.source.uri, second.source.start_tls = other.uri, False
        second.source.save()
        for wire in (slow, other):
            hold_up(wire, each)

        answer, took = timed(name)

    assert answer.status_code == 503
    assert answer.context["directory_down"]
    assert 0.9 * SIGN_IN_SECONDS < took < 0.7 * 2 * QUESTIONS * each
