"""What a request costs the database, set up as in production: sessions and limits in the shared cache."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

# What holds a transaction together is no statement of its own.
FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET ")


@pytest.fixture
def as_in_production(settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    if "redis" not in settings.CACHES["default"]["BACKEND"]:
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "cost"}}


class Counted(CaptureQueriesContext):
    @property
    def statements(self) -> list[str]:
        return [query["sql"] for query in self.captured_queries if not query["sql"].upper().startswith(FRAME)]


def counted() -> Counted:
    return Counted(connection)
