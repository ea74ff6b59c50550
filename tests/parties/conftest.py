"""The hub as a newcomer starts it, with tools connected for parties that nobody here wrote."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.run import answers
from tests.parties.browser import Browser
from tests.support.apache import free_port
from tests.support.demo import Demo, start, stop

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Hub:
    """A running hub to which a test may connect tools."""

    demo: Demo

    @property
    def issuer(self) -> str:
        return self.demo.hub.rstrip("/")

    def environment(self) -> dict[str, str]:
        """The one that the hub's own processes run with; the test run's settings are for another hub."""
        lines = (self.demo.data / "hub.env").read_text().splitlines()
        pairs = (shlex.split(line)[1].split("=", 1) for line in lines)
        outer = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TROUSSEAU_") and name not in ("DATABASE_URL", "CACHE_URL")
        }
        return {**outer, **dict(pairs)}

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

    @contextmanager
    def beside(self, **settings: str) -> Iterator[str]:
        """A second server on the same data with other settings; yields its issuer."""
        port = free_port()
        origin, log = f"http://localhost:{port}", self.demo.data / "logs" / f"beside-{port}.log"
        environment = {**self.environment(), "TROUSSEAU_ORIGIN": origin, **settings}
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--port", str(port), "hub.wsgi:application"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(f"{origin}/healthz"):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield origin
        finally:
            process.terminate()
            process.wait(START_SECONDS)


BrowserOf = Callable[..., Browser]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One of their own: a dozen more tools would be on the page that other tests look at."""
    running = start(tmp_path_factory.mktemp("parties") / "data")
    yield Hub(running)
    stop(running.process)


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
