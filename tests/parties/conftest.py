"""The hub as a newcomer starts it, with tools connected for parties that nobody here wrote."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.parties.browser import Browser
from tests.support.demo import Demo

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub to which a test may connect tools."""

    demo: Demo

    @property
    def issuer(self) -> str:
        return self.demo.hub.rstrip("/")

    def environment(self) -> dict[str, str]:
        """The one that the hub's own processes run with."""
        lines = (self.demo.data / "hub.env").read_text().splitlines()
        pairs = (shlex.split(line)[1].split("=", 1) for line in lines)
        return {**os.environ, **dict(pairs)}

    def run(self, module: str, orders: object) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=self.environment(),
            input=json.dumps(orders),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def connect(
        self, tools: Iterable[Mapping[str, Any]], pairs: Iterable[Mapping[str, str]] = ()
    ) -> dict[str, dict[str, str]]:
        """Credentials by slug."""
        answer: dict[str, dict[str, str]] = self.run(
            "tests.parties.connect", {"tools": list(tools), "pairs": list(pairs)}
        )
        return answer


BrowserOf = Callable[..., Browser]


@pytest.fixture(scope="session")
def hub(demo: Demo) -> Hub:
    return Hub(demo)


@pytest.fixture(scope="session")
def browser_of(hub: Hub) -> BrowserOf:
    """Makes a browser for the person with this role: ``browser_of("lead")``."""

    def make(role: str, *others: str) -> Browser:
        return Browser(hub.issuer, hub.demo.account(role), others)

    return make


@pytest.fixture(scope="module")
def browser(browser_of: BrowserOf) -> Browser:
    """One person who signs in once for all tests of a file."""
    return browser_of("lead")
