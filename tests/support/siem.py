"""A syslog server over TLS (RFC 5425): it takes, or it is slow, cuts, or says nothing."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Siem:
    """``mood``: take, and answer the end of TLS; close without a word; cut after some bytes; stall."""

    port: int = 0
    mood: str = "take"
    taken: list[bytes] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def frames(self) -> list[bytes]:
        """RFC 5425 §4.3: the messages of all connections, each after its length."""
        found = []
        for content in self.taken:
            while content:
                length, _, rest = content.partition(b" ")
                found.append(rest[: int(length)])
                content = rest[int(length) :]
        return found


@contextmanager
def siem(chain: Path, secret: Path, *, clients: Path | None = None, port: int = 0) -> Iterator[Siem]:
    """``clients``: the authority of the certificates without which it takes nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    server, stop = Siem(), threading.Event()
    with socket.create_server(("127.0.0.1", port)) as listening:
        server.port = listening.getsockname()[1]
        listening.settimeout(0.1)
        running = threading.Thread(target=_serve, args=(listening, context, server, stop), daemon=True)
        running.start()
        yield server
        stop.set()
        running.join(5)


def _serve(listening: socket.socket, context: ssl.SSLContext, server: Siem, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            plain, _ = listening.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        plain.settimeout(5)
        with plain, suppress(OSError):
            if server.mood == "stall":
                stop.wait(3)
                continue
            with plain.dup() as kept:
                try:
                    secured = context.wrap_socket(plain, server_side=True)
                except ssl.SSLError:
                    # As servers do that want their alert to be read: nothing is reset while something comes.
                    while kept.recv(65_536):
                        pass
                    continue
            _take(secured, server)


def _take(secured: ssl.SSLSocket, server: Siem) -> None:
    certificate = secured.getpeercert()
    if certificate:
        server.shown.append(str(certificate["subject"]))
    if server.mood == "cut":
        secured.recv(100)
        # Reset, as of a program that died with something unread.
        secured.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        secured.close()
        return
    content = b""
    while True:
        try:
            read = secured.recv(65_536)
        except ssl.SSLError:
            break
        if not read:
            break
        content += read
    server.taken.append(content)
    if server.mood == "take":
        secured.unwrap()
    secured.close()
