"""The cast and the servers of the tests."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache

from consent.selectors import forget_sheets
from demo.run import compile_messages
from idp.models.tools import forget_tools

# Whoever reads English in a test reads the catalogue as it is now.
compile_messages()

pytest_plugins = [
    "tests.support.cast",
    "tests.support.cost",
    "tests.support.ds389",
    "tests.support.slapd",
    "tests.support.passes",
    "tests.support.elsewhere",
    "tests.support.oidc",
    "tests.support.signin",
    "tests.support.demo",
]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """What one test left is not the next one's: a cache in the database rolls back, Redis and processes do not."""
    forget_sheets()
    forget_tools()
    yield
    if "redis" in settings.CACHES["default"]["BACKEND"]:
        cache.clear()
