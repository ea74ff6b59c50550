"""The cast and the servers of the tests."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache

pytest_plugins = [
    "tests.support.cast",
    "tests.support.slapd",
    "tests.support.oidc",
    "tests.support.signin",
    "tests.support.demo",
]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Attempt limits of one test are not the next one's: a cache in the database rolls back, Redis does not."""
    yield
    if "redis" in settings.CACHES["default"]["BACKEND"]:
        cache.clear()
