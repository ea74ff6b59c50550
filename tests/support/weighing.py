"""What a page costs whoever opens it for the first time: bytes on the wire, scripts, requests, shifts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Page, Response

PAGE_BYTES, SCRIPT_BYTES, SIGN_IN_BYTES, LAUNCHER_BYTES, LAUNCHER_REQUESTS = 120_000, 20_000, 35_000, 60_000, 8
SHIFTED = """() => new Promise(done => {
    let total = 0;
    new PerformanceObserver(list => { for (const entry of list.getEntries()) total += entry.value; })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(total), 100);
})"""
PAINTED = """() => new Promise(done => {
    new PerformanceObserver(list => {
        for (const entry of list.getEntriesByName("first-contentful-paint")) done(entry.startTime);
    }).observe({type: "paint", buffered: true});
})"""


@dataclass
class Weight:
    """Of one page, with nothing in the browser's cache."""

    origin: str
    bytes: dict[str, int] = field(default_factory=dict)
    scripts: int = 0
    foreign: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.bytes.values())


def weigh(page: Page, address: str) -> Weight:
    """Open the page as at a first visit.  Pages are sent as they are (BREACH), files compressed: both count so."""
    weight = Weight("/".join(address.split("/")[:3]))
    answers: list[Response] = []

    def heard(answer: Response) -> None:
        answers.append(answer)

    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.on("response", heard)
    page.goto(address, wait_until="load")
    page.remove_listener("response", heard)
    cdp.detach()
    for answer in answers:
        _count(weight, answer)
    return weight


@contextmanager
def slow(page: Page) -> Iterator[None]:
    """A telephone of few means at the edge of the network: 400 kbit/s, and a processor four times slower."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    rate = {"offline": False, "latency": 0, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    cdp.send("Network.emulateNetworkConditions", rate)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    yield
    cdp.detach()


def painted(page: Page, address: str) -> float:
    """Milliseconds until the first words or pictures stand there."""
    page.goto(address)
    return float(page.evaluate(PAINTED))


def check(page: Page, name: str, address: str) -> list[str]:
    """Open it and hold it against the budget of every page; what is wrong with it."""
    weight = weigh(page, address)
    found = [f"{name}: from elsewhere: {each}" for each in weight.foreign]
    if weight.total >= PAGE_BYTES:
        found.append(f"{name}: {weight.total} bytes, {weight.bytes}")
    if weight.scripts >= SCRIPT_BYTES:
        found.append(f"{name}: {weight.scripts} bytes of scripts")
    if shifted := page.evaluate(SHIFTED):
        found.append(f"{name}: what was there moved by {shifted}")
    return found


def _count(weight: Weight, answer: Response) -> None:
    if answer.url.startswith("data:"):
        return
    if not answer.url.startswith(weight.origin + "/"):
        weight.foreign.append(answer.url)
        return
    # A redirection has no body; whatever the worker keeps for later is no part of the page.
    if 300 <= answer.status < 400 or answer.request.service_worker:
        return
    sizes = answer.request.sizes()
    size = sizes["responseBodySize"] + sizes["responseHeadersSize"]
    weight.bytes[answer.url] = size
    if answer.request.resource_type == "script":
        weight.scripts += size
