"""The cast and the servers of the tests."""

from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import translation

from audit import keyring, releases
from branding import selectors as look
from consent.display import processing_name
from consent.selectors import forget_sheets
from demo.run import compile_messages
from directory.people import search
from directory.services.first_looks import ask_again
from idp.models.tools import forget_tools

# A machine with neighbours is slow at times; how long an example takes is no part of what these tests say.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")

# Whoever reads English in a test reads the catalogue as it is now.
compile_messages()

pytest_plugins = [
    "tests.support.cast",
    "tests.support.cost",
    "tests.support.ds389",
    "tests.support.early",
    "tests.support.slapd",
    "tests.support.passes",
    "tests.support.elsewhere",
    "tests.support.oidc",
    "tests.support.signin",
    "tests.support.demo",
]

# With one of these a test has a database, or makes one.
STORED = {"db", "transactional_db", "own_database"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stored", action="store_true", help="only the tests to which the database makes a difference")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("stored"):
        others = [item for item in items if not _is_stored(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = filter(_is_stored, items)


def _is_stored(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return item.get_closest_marker("django_db") is not None or not STORED.isdisjoint(fixtures)


@pytest.fixture(autouse=True)
def _ask_again() -> None:
    """What a directory did not answer in one test it may in the next."""
    ask_again()


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """A page that was asked for in English leaves its language to the thread."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """What one test left is not the next one's: a cache in the database rolls back, Redis and processes do not."""
    forget_sheets()
    processing_name.cache_clear()
    forget_tools()
    look.forget()
    # Some page was shown before: how the cooperative shows itself is known for its five seconds.
    look._known[None] = look.shown_of(None)
    keyring.forget()
    releases.forget()
    search.forget()
    yield
    if "redis" in settings.CACHES["default"]["BACKEND"]:
        cache.clear()
