"""Certificates of authorities that were typed into a page, as the files that libldap wants."""

import atexit
import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def _folder() -> Path:
    """One per process, which only this user may enter, and which goes with the process."""
    folder = tempfile.mkdtemp(prefix="trousseau-authorities-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def file_of(pem: str) -> Path:
    """A file with exactly these certificates."""
    path = _folder() / f"{hashlib.sha256(pem.encode()).hexdigest()[:32]}.pem"
    if not path.exists():
        # Two threads may write the same content at once: a reader never sees half of it.
        with tempfile.NamedTemporaryFile("w", dir=_folder(), delete=False) as file:
            file.write(pem)
        Path(file.name).rename(path)
    return path
