"""``manage.py sync_directory`` on a terminal: how far it is, on one line that makes way for what is to be read."""

import os
import pty
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core.management import call_command

from directory.ldap import observe
from directory.management.commands import sync_directory
from directory.types import DirectoryUnavailable
from tests.directory.test_sync import synced

__all__ = ["synced"]
pytestmark = pytest.mark.django_db
Screen = Callable[..., str]


@pytest.fixture
def on_a_terminal() -> Iterator[Screen]:
    """The command with both streams on a terminal of its own; what came there is given back."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    with os.fdopen(theirs, "w") as stream:

        def command(*arguments: str, **options: Any) -> str:
            # In colour, as most terminals have it.
            call_command(sync_directory.Command(stream, stream, force_color=True), *arguments, **options)
            came = b""
            with suppress(BlockingIOError):
                while part := os.read(ours, 65_536):
                    came += part
            return came.decode()

        yield command
    os.close(ours)


def shown(came: str) -> list[str]:
    """What can be read on the lines of a terminal, where some were written over."""
    lines = []
    for line in came.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def test_whoever_waits_sees_how_far_it_is_and_then_the_report_alone(synced, on_a_terminal, monkeypatch):
    monkeypatch.setattr(observe, "PROGRESS_EVERY", 100)

    looked, read = on_a_terminal(), on_a_terminal("--deep")

    assert looked.startswith("\rseen: 510\rchanged: 0\r")
    assert read.startswith("\rread: 100\rread: 200\rread: 300\rread: 400\rread: 500\r")
    for came in (looked, read):
        assert re.fullmatch(r"Run \d+:", shown(came)[0])
        assert not re.search("seen:|changed:|read:", "\n".join(shown(came)))


def test_a_shorter_line_leaves_nothing_of_a_longer_one_and_a_failure_has_its_own(synced, on_a_terminal, monkeypatch):
    def failing(*, tell, **_):
        tell("details", 100_000)
        tell("pivots", 7)
        raise DirectoryUnavailable("down")

    monkeypatch.setattr(sync_directory, "synchronise", failing)

    came = on_a_terminal()

    longer, shorter = came.partition("seen: 7")[0], came.partition("seen: 7")[2].partition("\r")[0]
    assert shown(longer + "seen: 7" + shorter) == ["seen: 7"]
    assert re.sub(r"\x1b\[[\d;]*m", "", shown(came)[0]).startswith("the directory Annuaire does not answer")


def test_nothing_is_told_to_whoever_wants_to_hear_nothing(synced, on_a_terminal):
    assert on_a_terminal(verbosity=0) == ""
