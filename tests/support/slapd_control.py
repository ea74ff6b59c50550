"""What an operator, or a bad day, does to a running slapd."""

import os
import signal
import time

from demo.slapd import EmbeddedDirectory


def kill(server: EmbeddedDirectory) -> None:
    """As a machine that loses its power; ``start(server.port)`` brings it back."""
    pid = server.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while server.pid and time.monotonic() < deadline:
        time.sleep(0.002)
