"""Whatever chain of accidents comes before, and in whatever order a server gives its entries: one outcome (I5, I6)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.slapd import EmbeddedDirectory
from directory.models import SyncRun
from directory.services import synchronise
from directory.types import Mode, RunStatus
from tests.support.ldap_proxy import DOWN, UP, Accident, Byte, Cut, HalfClose, Meanwhile, Measure, Silence, Wire
from tests.support.mirror import content, difference, put_back
from tests.support.passes import MONDAY, TUESDAY, WEDNESDAY, a_pass
from tests.support.slapd import five_weeks_later, ldap_settings
from tests.support.slapd_control import ShuffledDirectory, hidden, kill, limit, unlimit

pytestmark = pytest.mark.django_db
PEOPLE = "ou=personnes,dc=alizarine,dc=example"
SOMEBODY = f"uid=valerie.julien,ou=membres,{PEOPLE}"
FEW = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass
class Road:
    """From the hub to its directory, with all that can happen on it."""

    server: EmbeddedDirectory
    wire: Wire
    setting: Any
    measure: Measure

    def connect(self, seconds: float = 3.0, **changes: Any) -> None:
        self.setting.LDAP = ldap_settings(
            self.server, uri=self.wire.uri, start_tls=False, timeout_seconds=seconds, **changes
        )

    def place(self, direction: str, share: float) -> Byte:
        said = len(self.measure.conversations[0].said[direction])
        return Byte(0, direction, int(share * (said - 1)))

    # The accidents: each leaves the road as it was.

    def cut(self, share: float) -> None:
        self._on_the_wire(Accident(self.place(DOWN, share), Cut()))

    def question_cut(self, share: float) -> None:
        self._on_the_wire(Accident(self.place(UP, share), Cut()))

    def half_closed(self, share: float) -> None:
        self._on_the_wire(Accident(self.place(DOWN, share), HalfClose()))

    def silent(self, share: float) -> None:
        self.connect(0.2)
        self._on_the_wire(Accident(self.place(DOWN, share), Silence()))

    def server_killed(self, share: float) -> None:
        self._on_the_wire(Accident(self.place(UP, share), Meanwhile(lambda: kill(self.server))))
        self.server.start(self.server.port)
        # slapd writes its contextCSN down now and then. After a crash it finds it again by the newest entry, not by a
        # deletion or a failed bind, and may be behind what the hub has seen, until somebody writes: as here, the same.
        self.server.modify(f"dn: {SOMEBODY}\nchangetype: modify\nreplace: title\ntitle: Vigneronne\n")

    def refused(self, share: float) -> None:
        self.connect(bind_password="wrong")
        self._on_the_wire()

    def limited(self, share: float) -> None:
        limit(self.server, f"size={int(share * 59) + 1}")
        self._on_the_wire()
        unlimit(self.server)

    def partly_hidden(self, share: float) -> None:
        with hidden(self.server, f'dn.subtree="ou=membres,{PEOPLE}"' if share < 0.5 else "attrs=member,mail"):
            self._on_the_wire()

    def _on_the_wire(self, *accidents: Accident) -> None:
        self.wire.arm(*accidents)
        a_pass(TUESDAY)
        self.wire.arm()
        self.connect()


KINDS = (
    *(Road.cut, Road.question_cut, Road.half_closed, Road.silent),
    *(Road.server_killed, Road.refused, Road.limited, Road.partly_hidden),
)
CHAINS = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1)), min_size=1, max_size=5)


@pytest.fixture
def road(small_directory: EmbeddedDirectory, settings: Any) -> Iterator[Road]:
    with Wire(small_directory.port) as wire:
        yield Road(small_directory, wire, settings, Measure(()))


def foresee(road: Road) -> dict[str, Any]:
    road.server.modify(f"dn: {SOMEBODY}\nchangetype: modify\nreplace: title\ntitle: Vigneronne\n")
    road.connect()
    with put_back():
        road.measure = road.wire.measure(lambda: synchronise(now=TUESDAY))
        return content()


def after(road: Road, chain: list[tuple[Callable[[Road, float], None], float]]) -> dict[str, Any]:
    """What is there after these accidents and one pass without any."""
    with put_back():
        for accident, share in chain:
            accident(road, share)
        # What was hidden is seen again without having changed: only a pass that reads everything finds that.
        assert a_pass(WEDNESDAY, Mode.DEEP) in (RunStatus.OK, RunStatus.PROBLEMS)
        return content()


def test_after_any_chain_of_accidents_a_pass_gives_what_it_gives_without_them(road: Road):
    synchronise(now=MONDAY)
    five_weeks_later(road.server)
    clean = foresee(road)

    @FEW
    @given(CHAINS)
    def check(chain):
        assert not difference(after(road, chain), clean)

    check()


def test_a_first_import_after_any_chain_of_accidents_is_a_first_import(road: Road):
    """But for what a first pass was allowed to see, nothing of it is left."""
    clean = foresee(road)

    @FEW
    @given(CHAINS)
    def check(chain):
        assert not difference(after(road, chain), clean)

    check()


# Order -----------------------------------------------------------------------------------------------------------


def everything_said() -> dict[str, Any]:
    """The mirror, and the report of the pass that made it but for the keys that are drawn."""
    run = SyncRun.objects.order_by("-id")[0]
    listed = sorted(str(line) for line in [*run.report["people"], *run.report["groups"], *run.report["issues"]])
    return {**content(), "report": set(listed), "counts": run.counts}


def test_the_order_of_entries_and_values_has_no_effect(tmp_path: Path, settings: Any):
    """With every nasty case: names that two groups share, cycles, several mails, members that do not exist."""
    found = []
    for seed in range(3):
        with put_back():
            for now, snapshot in ((MONDAY, "alizarine.ldif"), (TUESDAY, "alizarine-later.ldif")):
                server = ShuffledDirectory(tmp_path / f"{seed} {snapshot}", seed, snapshot)
                with server:
                    settings.LDAP = ldap_settings(server)
                    assert synchronise(now=now).status == RunStatus.PROBLEMS
            found.append(everything_said())

    one, *others = found
    assert len(one["people"]) > 60
    for other in others:
        assert not difference(other, one)
