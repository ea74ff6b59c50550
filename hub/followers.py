"""The process that follows the directories, watched from the worker.

It has a process of its own because nothing inside one can end a call of libldap that hangs: whoever does not say for
too long that it goes on is killed and begins again.  A pass that is killed has done nothing, or all.
"""

import logging
import subprocess
import sys
import threading
from contextlib import suppress
from time import monotonic

from django.conf import settings

log = logging.getLogger("hub.worker")
# A pass over a hundred thousand people takes half a minute; ten minutes are no pass any more.
SILENT_SECONDS = 900.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
# Whoever went on for so long began well: what ends it now is another matter.
WELL_SECONDS = 60.0
STOP_SECONDS = 10.0
COMMAND = (sys.executable, "-m", "django", "follow_directory", "--beat")


def log_failure(job: str, error: Exception) -> None:
    log.error("job %s failed: %s", job, type(error).__name__)


class DirectoryProcess:
    """Started and listened to; killed when silent; started again when it ends, ever later where it ends at once."""

    def __init__(self, command: tuple[str, ...] = COMMAND, *, silent_seconds: float = SILENT_SECONDS) -> None:
        self._command, self._silent_seconds = command, silent_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._heard_at = 0.0
        self._not_before, self._pause = 0.0, FIRST_PAUSE_SECONDS

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def turn(self) -> None:
        """Called twice a second by the worker."""
        now = monotonic()
        if self._process is None:
            if now >= self._not_before:
                self._start(now)
        elif self._process.poll() is not None:
            self._ended(self._process, now, f"ended with {self._process.returncode}")
        elif now - self._heard_at > self._silent_seconds:
            self._process.kill()
            self._process.wait()
            self._ended(self._process, now, "was silent for too long")

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close_pipes(process)

    def _start(self, now: float) -> None:
        # Its input stays open as long as this process is there, and tells it when that is no longer so.
        self._process = subprocess.Popen(  # noqa: S603 the hub's own command
            self._command, cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._started_at = self._heard_at = now
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        # Closed by whoever notices first that the process has ended.
        with suppress(ValueError):
            for _line in process.stdout or ():
                self._heard_at = monotonic()

    def _ended(self, process: subprocess.Popen[bytes], now: float, why: str) -> None:
        log.error("the directory process %s", why)
        _close_pipes(process)
        self._process = None
        self._pause = (
            FIRST_PAUSE_SECONDS
            if now - self._started_at > WELL_SECONDS
            else min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        )
        self._not_before = now + self._pause


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
