"""Runs one of the JavaScript relying parties and plays the browser for it."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.parties.browser import Arrival, Browser
from tests.support.node import NODE, installed

FOLDER = Path(__file__).parent
END_SECONDS = 10


class PartyFailed(AssertionError):
    """The library refused something; the text is all it said."""


def run(
    program: str,
    orders: Mapping[str, Any],
    browser: Browser,
    deeds: Mapping[str, Callable[[Any], object]] | None = None,
) -> Any:
    """Play one scenario to its end and return what the program reports.  Raises ``PartyFailed``."""
    installed(FOLDER)
    with subprocess.Popen(
        [str(NODE), str(FOLDER / f"{program}.mjs")],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            return _converse(process, orders, browser, deeds or {})
        finally:
            if process.poll() is None:
                process.kill()


def _converse(
    process: "subprocess.Popen[str]",
    orders: Mapping[str, Any],
    browser: Browser,
    deeds: Mapping[str, Callable[[Any], object]],
) -> Any:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("the program takes no orders")

    def tell(value: object) -> None:
        print(json.dumps(value), file=process.stdin, flush=True)

    tell(orders)
    for line in process.stdout:
        said = json.loads(line)
        if "visit" in said:
            tell(arrival(browser, said["visit"]))
        elif "ask" in said:
            tell(deeds[said["ask"]](said["facts"]))
        elif "failed" in said:
            raise PartyFailed(json.dumps(said["failed"], indent=2).replace("\\n", "\n"))
        else:
            process.wait(END_SECONDS)
            return said["done"]
    raise PartyFailed(process.stderr.read())


def arrival(browser: Browser, url: str) -> dict[str, str]:
    landed = browser.go(url)
    if not isinstance(landed, Arrival):
        raise PartyFailed(f"the browser stays at {landed.url} ({landed.status}):\n{landed.text[:3000]}")
    return {"method": landed.method, "url": landed.url, "body": landed.body}
