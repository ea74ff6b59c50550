"""A hub that is five weeks behind its directory, and what one pass without an accident makes of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.slapd import EmbeddedDirectory
from directory.models import SyncRun
from directory.services import synchronise
from directory.types import DirectoryRefused, DirectoryUnavailable, Mode, RunStatus
from tests.support.mirror import content, difference, put_back, rows, unforeseen
from tests.support.slapd import five_weeks_later

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
# An answer that is no answer of a directory ends the pass as well, by whatever it could not be.
UNREADABLE = (ValueError, LookupError)


@dataclass
class Pending:
    """A mirror as it was, all that has happened since, and what a clean pass makes of both (``clean``).

    ``before``: its rows; ``was``: what they said.
    """

    server: EmbeddedDirectory
    before: dict[str, Any]
    was: dict[str, Any]
    clean: dict[str, Any]

    def assert_untouched(self) -> None:
        assert rows() == self.before

    def assert_nothing_unforeseen(self) -> None:
        assert not unforeseen(self.was, self.clean)

    def assert_whole_after_a_pass(self) -> None:
        """The next pass gives what it would have given without anything before it."""
        assert a_pass(WEDNESDAY) == RunStatus.PROBLEMS
        assert not difference(content(), self.clean)


def a_pass(now: datetime = TUESDAY, mode: Mode = Mode.PIVOT) -> str:
    """How it ended: the run's status, or the name of what it raised."""
    try:
        run = synchronise(now=now, mode=mode)
    except (DirectoryUnavailable, DirectoryRefused, *UNREADABLE) as error:
        assert SyncRun.objects.order_by("-id")[0].status == RunStatus.FAILED
        return type(error).__name__
    return str(run.status)


def foreseen() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What is there, what it says, and what one clean pass makes of it."""
    before, was = rows(), content()
    with put_back():
        synchronise(now=TUESDAY)
        clean = content()
    assert rows() == before
    return before, was, clean


@pytest.fixture
def pending(db: None, small_directory: EmbeddedDirectory) -> Pending:
    synchronise(now=MONDAY)
    five_weeks_later(small_directory)
    before, was, clean = foreseen()
    assert clean != was
    return Pending(small_directory, before, was, clean)
