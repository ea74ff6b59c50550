"""Where the stream goes: a syslog server over TLS, and a file.  Values in, bytes out; no database.

Everything here raises ``OSError`` (``ssl.SSLError`` is one) for what was not taken, or may not have been.
"""

import json
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

CONNECT_SECONDS, SEND_SECONDS = 5.0, 10.0
# RFC 5425 §4.1.
PORT = 6514
# RFC 5424 §6.2.1: log audit.
FACILITY = 13
# By OCSF's severity_id: alert, critical, warning, notice, informational.
SEVERITIES = {5: 1, 4: 2, 3: 4, 2: 5, 1: 6}
# RFC 5424 §7.3.1.
LAST_SEQUENCE = 2**31 - 1

Document = dict[str, Any]


class UnconfirmedError(OSError):
    """The server went without the answer that would say that it has read everything."""


class Target(Protocol):
    @property
    def name(self) -> str: ...

    def send(self, documents: Sequence[Document]) -> None:
        """All of them, or an error; what was taken before an error may be sent again."""


@dataclass(frozen=True, slots=True)
class Syslog:
    """RFC 5425.  The protocol confirms nothing but its end, so each batch has a connection of its own.

    A server that answers our close_notify, as §4.4 wants it, has read all that came before.  The end of the connection
    alone proves nothing: in TLS 1.3 that is also how a server goes that did not want our certificate.
    """

    host: str
    port: int
    own_host: str
    authority: Path | None = None
    certificate: Path | None = None
    confirms: bool = True
    name: str = "syslog"

    def send(self, documents: Sequence[Document]) -> None:
        frames = b"".join(frame(each, self.own_host) for each in documents)
        with socket.create_connection((self.host, self.port), CONNECT_SECONDS) as plain:
            plain.settimeout(SEND_SECONDS)
            secured = _Secured(plain, self._context(), self.host)
            secured.send(frames)
            if not secured.end() and self.confirms:
                raise UnconfirmedError

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority) if self.authority else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(str(self.certificate))
        return context


class _Secured:
    """TLS whose end tells an answer from a refusal, which ``SSLSocket.unwrap`` takes for one where it came first.

    OpenSSL's SSL_shutdown is content with any alert that it reads; SSL_read is not.  So nothing is read from the
    network until the close_notify is on its way, and then by ``read`` alone.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plain, self._incoming, self._outgoing = plain, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._await(self._tls.do_handshake)

    def send(self, content: bytes) -> None:
        self._tls.write(content)
        self._flush()

    def end(self) -> bool:
        """Whether the server answered; ``ssl.SSLError`` where it refused."""
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        try:
            while self._await(lambda: self._tls.read(1024)):
                pass
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLEOFError:
            return False
        return True

    def _await(self, step: Callable[[], object]) -> object:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            if read := self._plain.recv(65_536):
                self._incoming.write(read)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        self._plain.sendall(self._outgoing.read())


@dataclass(frozen=True, slots=True)
class Lines:
    """A file with a line of JSON for each event, opened anew for each batch: whoever rotates it only renames it."""

    path: Path
    name: str = "file"

    def send(self, documents: Sequence[Document]) -> None:
        content = b"".join(_json(each) + b"\n" for each in documents)
        with open(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "ab", buffering=0) as file:
            before = os.fstat(file.fileno()).st_size
            try:
                if file.write(content) != len(content):
                    raise OSError("the disk is full")
                os.fsync(file.fileno())
            except OSError:
                # No half line: the next batch begins with the same.
                os.ftruncate(file.fileno(), before)
                raise


def frame(document: Document, host: str) -> bytes:
    """RFC 5425 §4.3 around RFC 5424 §6."""
    at = datetime.fromtimestamp(document["time"] / 1000, UTC).isoformat(timespec="milliseconds")
    metadata = document["metadata"]
    priority = FACILITY * 8 + SEVERITIES[document["severity_id"]]
    sequence = metadata["sequence"] % LAST_SEQUENCE or LAST_SEQUENCE
    head = f'<{priority}>1 {at} {host or "-"} trousseau - {metadata["event_code"][:32]} [meta sequenceId="{sequence}"] '
    message = head.encode("ascii") + _json(document)
    return b"%d %s" % (len(message), message)


def server(url: str) -> tuple[str, int] | None:
    """Host and port of ``syslog+tls://host:port``; nothing for what cannot be told."""
    try:
        told = urlsplit(url)
        port = told.port
    except ValueError:
        return None
    if told.scheme != "syslog+tls" or not told.hostname or told.username or told.path.strip("/") or told.query:
        return None
    return told.hostname, port or PORT


def _json(document: Document) -> bytes:
    # ASCII: RFC 5424 §6.4 asks for a mark before anything else.
    return json.dumps(document, separators=(",", ":")).encode()
