"""Tools that want to hear of sign-outs, on loopback: a back channel that answers as told, and pages for a browser."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from urllib.parse import parse_qsl, urlsplit

from idp.models import Tool
from idp.services import deliveries

LOOPBACK = ("localhost", "127.0.0.1")


@dataclass
class Heard:
    """What a tool's server was asked, as (path, query or form), and when."""

    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def url(self, path: str, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    def of(self, path: str) -> list[dict[str, str]]:
        return [values for asked, values in self.asked if asked == path]


@contextmanager
def tool_server(*, status: int = 200, delay: float = 0.0, pages: dict[str, str] | None = None) -> Iterator[Heard]:
    """``delay`` is in seconds, before each answer to a notice.

    ``pages`` are HTML by path; ``/slow`` never answers in time.
    """
    heard, gone = Heard(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.note(body)
            gone.wait(delay)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            if path != "/favicon.ico":
                self.note(query)
            if path == "/slow":
                gone.wait(60)
            body = (pages or {}).get(path, "<!doctype html><title>.</title>").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def note(self, text: str) -> None:
            heard.asked.append((urlsplit(self.path).path, dict(parse_qsl(text))))
            heard.at.append(monotonic())

        def log_message(self, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            """A browser that goes away while it is answered is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    heard.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield heard
    finally:
        gone.set()
        server.shutdown()
        server.server_close()


def wants(tool: Tool, **channels: object) -> None:
    """Register the tool's logout addresses."""
    Tool.objects.filter(pk=tool.pk).update(**channels)


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether this became true in time."""
    end = monotonic() + seconds
    while not condition():
        if monotonic() > end:
            return False
        sleep(0.05)
    return True


def deliver_due(*, now) -> int:
    """What the worker does over time, at once: send what is due, wait for the answers; returns how many were tried."""
    tried = 0
    with deliveries.Dispatcher() as dispatcher:
        while (begun := dispatcher.turn(now=now)) or dispatcher.waiting:
            tried += begun
            dispatcher.wait(deliveries.CALL_SECONDS)
    return tried
