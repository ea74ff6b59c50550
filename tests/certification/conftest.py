"""Runs each row against the hub and against the oracle, for every plan that lists it.

A row names its module and its plans::

    @pytest.mark.module("oidcc-server", plans=BASIC)

and gets ``op``, the running provider, and ``plan``.  ``callspec.params`` of the collected item tells both.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from demo.slapd import EmbeddedDirectory
from tests.certification import providers
from tests.certification.clients import Client, wanted
from tests.certification.left import Left
from tests.certification.plans import SHORT
from tests.certification.providers import HALF_KNOWN, Hub, Provider
from tests.certification.tls import certificate

PROVIDERS = ("hub", "oracle")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "module(name, plans): the module of the OpenID Foundation's plans it stands for")
    config.addinivalue_line("markers", "late: has something to wait for that was begun with the first test")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("module")
    if mark is None or "op" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(plan, name, id=f"{SHORT[plan]}-{name}") for plan in mark.kwargs["plans"] for name in PROVIDERS
    ]
    metafunc.parametrize(("plan", "op"), cases, indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rows that wait go last, among the places of this folder: by then the others have filled the time."""
    here = Path(__file__).parent
    places = [index for index, item in enumerate(items) if here in item.path.parents]
    rows = [items[index] for index in places]
    rows.sort(key=lambda item: item.get_closest_marker("late") is not None)
    for index, item in zip(places, rows, strict=True):
        items[index] = item


# The tool's own server ----------------------------------------------------------------------------------------------


@dataclass
class Receiver:
    """A server of the tools: takes what is posted to it, serves pages that a test gives it."""

    origin: str
    posted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, path: str, *, count: int = 1, seconds: float = 15) -> dict[str, str]:
        """The fields of the ``count``-th form posted there."""
        with self.arrived:
            came = self.arrived.wait_for(lambda: len(self.at(path)) >= count, seconds)
        assert came, f"nothing was posted to {path}"
        return self.at(path)[count - 1]

    def at(self, path: str) -> list[dict[str, str]]:
        return [form for where, form in self.posted if where == path]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert self.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
            with told.arrived:
                told.posted.append((self.path, dict(parse_qsl(body))))
                told.arrived.notify_all()
            # OpenID Connect Back-Channel Logout §2.8.
            self.send_response(200)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            page = told.pages.get(self.path.partition("?")[0], "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()


# The providers ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tools(receiver: Receiver) -> list[Client]:
    return wanted(receiver.origin)


@pytest.fixture(scope="session")
def directory(directory_template: EmbeddedDirectory) -> Iterator[EmbeddedDirectory]:
    """A directory of the rows' own, with somebody of whose address it knows one part."""
    with directory_template.copy_to(directory_template.folder.with_name("certification")) as server:
        found = server.search("-b", server.base, f"(uid={HALF_KNOWN[0]})", "1.1")
        parts = "".join(f"delete: {name}\n-\n" for name in ("l", "postalCode"))
        server.modify(f"{found.strip()}\nchangetype: modify\n{parts}")
        yield server


@pytest.fixture(scope="session")
def hub_prepared(
    tools: list[Client], directory: EmbeddedDirectory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    with providers.prepared_hub(tools, tmp_path_factory.mktemp("certification-hub"), directory) as hub:
        yield hub


@pytest.fixture(scope="session")
def hub(hub_prepared: Hub) -> Iterator[Provider]:
    with hub_prepared.serve() as provider, hub_prepared.work(provider.issuer):
        yield provider


@pytest.fixture(scope="session")
def oracle(tools: list[Client], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with providers.oracle(tools, tmp_path_factory.mktemp("certification-oracle")) as provider:
        yield provider


@pytest.fixture(scope="session")
def left(request: pytest.FixtureRequest) -> "dict[str, Left]":
    """What was left to expire, by provider; filled in by ``op``."""
    return {}


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def op(request: pytest.FixtureRequest, plan: str, left: "dict[str, Left]") -> Provider:
    provider: Provider = request.getfixturevalue(request.param)
    if provider.name not in left and any(item.get_closest_marker("late") for item in request.session.items):
        left[provider.name] = Left.begin(provider)
    return provider


@pytest.fixture(scope="session")
def over_tls(
    hub_prepared: Hub, tools: list[Client], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Provider]]:
    """The same providers behind TLS with a certificate of their own: what metadata must say of https shows there."""
    folder = tmp_path_factory.mktemp("certification-tls")
    tls = certificate(folder)
    with ExitStack() as running:
        yield {
            "hub": running.enter_context(hub_prepared.serve(tls=tls)),
            "oracle": running.enter_context(providers.oracle(tools, folder, tls=tls)),
        }


@pytest.fixture
def secure_op(op: Provider, over_tls: dict[str, Provider]) -> Provider:
    return over_tls[op.name]
