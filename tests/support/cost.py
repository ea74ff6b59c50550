"""What a request costs the database, set up as in production: sessions and limits in the shared cache."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import keyring, releases
from audit.models import PersonKey, ReleaseProfile

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
    """What is counted is a process that has met these people and profiles before: keys and names are in it."""
    period = keyring.half_year(timezone.now())
    met = PersonKey.objects.filter(half_year=period)
    keyring._remember({row.person_id: keyring.Key(row.pk, keyring.secret_of(row)) for row in met}, period)
    releases._remember({_profile(row): row.name for row in ReleaseProfile.objects.all()})
    return Counted(connection)


def _profile(row: ReleaseProfile) -> releases.Profile:
    facts = {**row.facts, "items": tuple(row.facts["items"]), "categories": tuple(row.facts["categories"])}
    return releases.Profile(tool=row.tool_id, mode=facts.pop("tool_mode", ""), **facts)
