"""A pass over a wire that is cut, held up, silenced and spoilt, at every place of what was said."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.slapd import EmbeddedDirectory
from directory.models import SyncRun
from directory.services import synchronise
from directory.types import DirectoryRefused, DirectoryUnavailable, RunStatus
from tests.support.ldap_proxy import (
    DOWN,
    UP,
    Accident,
    Act,
    Byte,
    Cut,
    Measure,
    Message,
    Wire,
)
from tests.support.mirror import content, difference, put_back, rows
from tests.support.slapd import five_weeks_later, ldap_settings

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
# What a silent wire costs a test; a machine that is busy elsewhere may fail a pass by it, which is no harm here.
SHORT = 0.3
HEALED_EACH = 5


@dataclass
class Line:
    """A hub and a directory with a wire between them, and what a pass without an accident would come to."""

    server: EmbeddedDirectory
    wire: Wire
    settings: Any
    start_tls: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    clean: dict[str, Any] = field(default_factory=dict)
    measure: Measure = field(default_factory=lambda: Measure(()))

    def connect(self, seconds: float = 3.0) -> None:
        self.settings.LDAP = ldap_settings(
            self.server, uri=self.wire.uri, start_tls=self.start_tls, timeout_seconds=seconds
        )

    def learn(self) -> None:
        """What is there now, and what one clean pass makes of it."""
        self.connect()
        self.before = rows()
        with put_back():
            self.measure = self.wire.measure(lambda: synchronise(now=TUESDAY))
            self.clean = content()
        assert rows() == self.before
        assert content() != self.clean

    def a_pass_with(self, place: Byte | Message, act: Act) -> str:
        """How a pass with one accident ended."""
        self.wire.arm(Accident(place, act))
        try:
            run = synchronise(now=TUESDAY)
        except (DirectoryUnavailable, DirectoryRefused) as error:
            assert SyncRun.objects.order_by("-id")[0].status == RunStatus.FAILED
            return type(error).__name__
        finally:
            assert self.wire.all_happened(), "the accident did not happen"
        return str(run.status)


@pytest.fixture
def line(small_directory: EmbeddedDirectory, settings: Any, request: pytest.FixtureRequest) -> Iterator[Line]:
    """A mirror of five weeks ago, and all that has happened since still to be read."""
    with Wire(small_directory.port) as wire:
        found = Line(small_directory, wire, settings)
        found.connect()
        synchronise(now=MONDAY)
        five_weeks_later(small_directory)
        found.learn()
        yield found


@pytest.fixture
def empty_line(small_directory: EmbeddedDirectory, settings: Any) -> Iterator[Line]:
    """A hub that has never read its directory."""
    with Wire(small_directory.port) as wire:
        found = Line(small_directory, wire, settings)
        found.learn()
        yield found


def sweep(line: Line, places: list[Byte], act: Act, check: Callable[..., str]) -> Counter[str]:
    """One pass per place, each from the same beginning; how they ended, after all that was wrong was told at once."""
    ends: Counter[str] = Counter()
    wrong = {}
    for number, place in enumerate(places):
        with put_back():
            end = line.a_pass_with(place, act)
            ends[end] += 1
            if told := check(line, end, heals=number % HEALED_EACH == 0):
                wrong[place] = told
    assert not wrong, f"{len(wrong)} of {len(places)}: {dict(list(wrong.items())[:5])}"
    return ends


def all_or_nothing(line: Line, end: str, *, heals: bool) -> str:
    """Nothing was written, or exactly what a clean pass writes; and the next pass makes it whole.

    Where no row has changed the next pass begins from where the clean one began: there it is seen now and then only.
    """
    untouched = rows() == line.before
    if not untouched:
        if end in ("DirectoryUnavailable", "DirectoryRefused"):
            return f"{end}, and yet something was written"
        if content() != line.clean:
            return f"{end}: {difference(content(), line.clean)}"
    if untouched and not heals:
        return ""
    line.wire.arm()
    synchronise(now=WEDNESDAY)
    return "" if content() == line.clean else f"{end}, then not whole: {difference(content(), line.clean)}"


# Cut ---------------------------------------------------------------------------------------------------------


def test_a_connection_cut_at_any_place_changes_nothing_or_everything(line):
    """Nobody is half read: what the last byte did not reach was never said."""
    places = [*line.measure.places(DOWN, spread=60), *line.measure.places(UP, spread=20)]
    ends = sweep(line, places, Cut(), all_or_nothing)

    # Only with the last bytes in hand is anything written at all.
    assert ends["DirectoryUnavailable"] > len(places) - 10
