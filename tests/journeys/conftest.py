"""One demonstration for all journeys, and its accounts as they were made before each file."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.demo import Demo, Visitor

# Factors, known browsers and what waits for the office; sessions of the file before are over.
AS_MADE = """
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.utils import timezone
from audit.types import SYSTEM
from idp.models import Alarm, Browser, HubSession, Recovery
from idp.services.sessions import end_hub_sessions
end_hub_sessions(HubSession.objects.all(), reason="sign_out", actor=SYSTEM, now=timezone.now())
for model in (Authenticator, Browser, Alarm, Recovery):
    model.objects.all().delete()
cache.clear()
"""


@pytest.fixture(scope="module", autouse=True)
def accounts_as_made(demo: Demo) -> None:
    """What one file leaves behind is not the next one's: a second factor there is a closed door here."""
    demo.manage("shell", "-c", AS_MADE)


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Visitor]]:
    """Somebody in a browser of their own; all of them leave when the test is over."""
    visitors: list[Visitor] = []

    def arrive(**how: Any) -> Visitor:
        visitors.append(Visitor(chromium, **how))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.close()
