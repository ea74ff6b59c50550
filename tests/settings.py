"""Settings of the test run: the real ones, with secrets made up and a database of its own."""

import os
import tempfile
from pathlib import Path

_data = Path(os.environ.setdefault("TROUSSEAU_DATA_DIR", tempfile.mkdtemp(prefix="trousseau-tests-")))
(_data / "static").mkdir(parents=True, exist_ok=True)
os.environ.setdefault("TROUSSEAU_SECRET_KEY", "tests-only-secret-key-that-is-long-enough-0123456789")
os.environ.setdefault("TROUSSEAU_KEY_ENCRYPTION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
os.environ.setdefault("TROUSSEAU_PAIRWISE_SALT", "tests-only-salt")
os.environ.setdefault("TROUSSEAU_ORIGIN", "http://localhost:8000")
os.environ.setdefault("TROUSSEAU_OUTGOING_NETWORKS", '["127.0.0.0/8", "::1/128"]')
os.environ.setdefault("TROUSSEAU_DEMO", "true")

from hub.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["localhost", "testserver"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
