"""The files of the signer: of each log its key, and the last checkpoint that was signed with it.

They live outside the database, and are what a backup must not bring back to an earlier day.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Heads:
    """Everything here raises ``OSError`` when the folder is full, gone or somebody else's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else signs here just now: another worker of this machine, for one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self._folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def key(self, log: str) -> str | None:
        return self._read(f"{log}.key")

    def head(self, log: str) -> str | None:
        return self._read(f"{log}.checkpoint")

    def write_key(self, log: str, text: str) -> None:
        self._write(f"{log}.key", text)

    def write_head(self, log: str, note: str) -> None:
        self._write(f"{log}.checkpoint", note)

    def _read(self, name: str) -> str | None:
        try:
            return (self._folder / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def _write(self, name: str, text: str) -> None:
        """Wholly or not at all, and on the disk before anybody else hears of it."""
        draft = self._folder / f".{name}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
