"""What becomes of a test that fails beside the others and passes alone, and of one that just fails."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.checks import ROOT
from tools.run_tests import UNSTEADY, Run, count

UNSTEADY_TEST = """
from pathlib import Path

def test_that_passes_the_second_time():
    mark = Path(__file__).with_name("seen")
    seen = mark.exists()
    mark.touch()
    assert seen
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Among the tests, as what the command runs is; of a name that no other run collects."""
    (ROOT / "var").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="second chance ", dir=ROOT / "var"))
    yield folder
    shutil.rmtree(folder)


def run_of(place: Path, *contents: str) -> Run:
    for number, content in enumerate(contents):
        (place / f"test_{number}.py").write_text(content)
    run = Run([str(place)], ["-q"], place / "report.xml")
    with run.going() as one:
        run.code = one.wait()
    return run


def test_what_passes_alone_is_told_by_its_name(place):
    run = run_of(place, UNSTEADY_TEST, "def test_sound(): pass")

    assert run.code == 1
    assert count([run.report]) == (1, 1, 0)
    assert run.once_more() == [f"var/{place.name}/test_0.py::test_that_passes_the_second_time"]


def test_what_fails_again_has_failed(place):
    run = run_of(place, UNSTEADY_TEST, "def test_wrong(): raise AssertionError")

    assert len(run.failed()) == 2
    assert run.once_more() == []


def test_more_than_a_few_have_no_second_chance(place):
    run = run_of(place, *[UNSTEADY_TEST.replace("seen", f"seen{number}") for number in range(UNSTEADY + 1)])

    assert len(run.failed()) == UNSTEADY + 1
    assert run.once_more() == []
    assert not list(place.glob("again-*"))


def test_a_run_that_broke_off_has_none(place):
    run = run_of(place, "import nothing_of_this_name")

    assert run.code == 2
    assert run.once_more() == []
