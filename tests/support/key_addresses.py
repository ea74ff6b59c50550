"""Addresses of tools that publish keys, well or badly, on the loopback network."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc.jwk import JWKRegistry, Key

KINDS: dict[str, tuple[str, int | str]] = {
    "RS256": ("RSA", 2048),
    "ES256": ("EC", "P-256"),
    "Ed25519": ("OKP", "Ed25519"),
    "RSA-OAEP-256": ("RSA", 2048),
    "ECDH-ES": ("EC", "P-256"),
    "X25519": ("OKP", "X25519"),
}


def made(kind: str, **members: str) -> Key:
    name, size = KINDS[kind]
    return JWKRegistry.generate_key(name, size, members)


def key_set(*keys: Key) -> dict[str, object]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


Answer = Callable[[BaseHTTPRequestHandler], None]


def sends(document: object, *, status: int = 200, after: float = 0.0, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(after)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def trickles(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever: each keeps a plain time-out from running down."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        return


class Address:
    """Says what it is told to, and counts who asked."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.uri = f"http://127.0.0.1:{server.server_port}/jwks.json"
        self.answer: Answer = sends({"keys": []})
        self.paths: list[str] = []


@contextmanager
def address() -> Iterator[Address]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.paths.append(self.path)
            told.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Address(server)
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
