"""The process that follows the directories, as the worker watches it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from hub.followers import FIRST_PAUSE_SECONDS, DirectoryProcess

# Says a line each 50 ms; "once" says one and ends.
LIVELY = (sys.executable, "-c", "import time\nwhile True: print('.', flush=True); time.sleep(0.05)")
SHORT = (sys.executable, "-c", "import time\nprint('.', flush=True); time.sleep(0.3)")


def until(answer, process: DirectoryProcess, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < deadline, "it took too long"
        process.turn()
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def lively():
    process = DirectoryProcess(LIVELY, silent_seconds=1.0)
    until(lambda: process.pid is not None, process)
    yield process
    process.close()


def test_what_goes_on_is_left_alone(lively):
    first = lively.pid
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        lively.turn()
        time.sleep(0.02)

    assert lively.pid == first


def test_what_falls_silent_is_killed_and_begins_again(lively):
    first = lively.pid
    os.kill(first, signal.SIGSTOP)

    until(lambda: lively.pid not in (None, first), lively)

    assert not alive(first)


def test_what_was_killed_begins_again(lively):
    first = lively.pid
    os.kill(first, signal.SIGKILL)

    until(lambda: lively.pid not in (None, first), lively)


def test_what_ends_at_once_is_tried_ever_later():
    process = DirectoryProcess(SHORT)
    until(lambda: process.pid is not None, process)
    began = time.monotonic()
    until(lambda: process.pid is None, process)
    until(lambda: process.pid is not None, process)

    took = time.monotonic() - began
    process.close()
    assert took >= 2 * FIRST_PAUSE_SECONDS


def test_it_ends_with_the_worker(lively):
    pid = lively.pid

    lively.close()

    assert lively.pid is None
    assert not alive(pid)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_leaves_no_follower_behind(tmp_path):
    follow = [sys.executable, "-m", "django", "follow_directory", "--beat"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    child = subprocess.Popen(follow, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == b".\n"
    # And it takes as much memory as the operator lets it.
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    (line,) = (each for each in limits.splitlines() if each.startswith("Max data size"))
    assert line.split()[3] == str(settings.DIRECTORY_MEMORY_BYTES)

    child.stdin.close()
    child.stdout.close()

    assert child.wait(10) == 0
