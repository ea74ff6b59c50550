"""The whole demonstration as a newcomer starts it: hub, directory, worker and two tools, on free ports of loopback."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
# A bound, on a machine that has other work.
START_SECONDS = 300
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Demo:
    """Where everything answers."""

    process: "subprocess.Popen[bytes]"
    data: Path
    told: dict[str, Any]

    @property
    def hub(self) -> str:
        return str(self.told["hub"])

    def account(self, role: str) -> tuple[str, str]:
        found = next(each for each in self.told["accounts"] if each["role"] == role)
        return found["username"], found["password"]

    def manage(self, *words: str) -> str:
        """What a command beside the running hub prints, with its settings, as an operator types it."""
        script = f'. {shlex.quote(str(self.data / "hub.env"))}; exec "$@"'
        command = ["/bin/sh", "-c", script, "sh", sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment_of_an_operator(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tool(self, word: str) -> str:
        """The address of the tool whose name holds this word."""
        return str(next(each["url"] for each in self.told["tools"] if word.lower() in each["name"].lower()))


def environment_of_an_operator() -> dict[str, str]:
    """Ours without the settings of the tests, whose secrets would go before those of the demonstration."""
    settings = ("DATABASE_URL", "CACHE_URL", "DJANGO_SETTINGS_MODULE")
    return {
        name: value for name, value in os.environ.items() if not name.startswith("TROUSSEAU_") and name not in settings
    }


def start(data: Path, *options: str) -> Demo:
    told = data.parent / f"{data.name}.json"
    told.unlink(missing_ok=True)
    log_path = data.parent / f"{data.name}.log"
    environment = environment_of_an_operator()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo.run", "--data", str(data), "--port", "0", "--json", str(told), *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not told.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            output = log_path.read_text(errors="replace")
            raise RuntimeError(f"the demonstration did not start:\n{output[-4000:]}")
        time.sleep(0.1)
    return Demo(process, data, json.loads(told.read_text()))


def stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = start(tmp_path_factory.mktemp("demo") / "data")
    yield running
    stop(running.process)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
    yield browser
    browser.close()


def open_menu(page: Page) -> None:
    """On a phone the pages and the way out stand behind one button."""
    if page.locator(".menu-button").is_visible():
        page.click(".menu-button")


def go(page: Page, path: str) -> None:
    """By the menu, as people do."""
    open_menu(page)
    page.click(f'#menu nav a[href="{path}"]')


def sign_out(page: Page) -> None:
    open_menu(page)
    page.click("#sign-out-form button")


class Visitor:
    """A person with a browser: keeps every script error, policy violation and foreign request it meets."""

    def __init__(self, browser: Browser, *, width: int, locale: str, dark: bool = False, scripts: bool = True) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 800},
            locale=locale,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "status of" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("http://localhost:", "data:", "blob:")):
            self.problems.append(f"foreign request: {request.url}")

    def sign_in(self, demo: Demo, role: str) -> None:
        username, password = demo.account(role)
        self.page.goto(demo.hub)
        self.page.fill("#id_login", username)
        self.page.fill("#id_password", password)
        self.page.click("#sign-in-form button[type=submit]")
        self.page.wait_for_url(demo.hub.rstrip("/") + "/")

    def say_why(self, purpose: str = "access_repair") -> None:
        """Why the office opens records: asked at the first one, then no more."""
        self.page.click(f'#purpose-form [name=purpose][value="{purpose}"]')

    def close(self) -> None:
        self.context.close()
