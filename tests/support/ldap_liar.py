"""A directory that says what no server should, byte by byte (RFC 4511, in BER)."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from directory.ldap.config import LdapConfig

SECRET = "a-members-own-password"


def tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    head = bytes([length]) if length < 128 else bytes([0x84]) + length.to_bytes(4, "big")
    return bytes([tag]) + head + content


def text(value: str, tag: int = 0x04) -> bytes:
    return tlv(tag, value.encode())


def result(op: int, code: int = 0, *, referral: str = "", extra: bytes = b"") -> bytes:
    body = tlv(0x0A, bytes([code])) + text("") + text("")
    if referral:
        body += tlv(0xA3, text(referral))
    return tlv(op, body + extra)


def message(number: int, op: bytes) -> bytes:
    return tlv(0x30, tlv(0x02, bytes([number])) + op)


BIND, SEARCH = 0x60, 0x63


class Liar:
    """A server that answers each request with what ``says`` makes of its number and operation."""

    def __init__(self, says: Callable[[int, int], bytes]) -> None:
        self.says = says
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(taken,), daemon=True).start()

    def _answer(self, taken: socket.socket) -> None:
        try:
            while data := taken.recv(65536):
                while len(data) > 6 and data[0] == 0x30:
                    start = 2 if data[1] < 128 else 2 + (data[1] & 127)
                    size = data[1] if start == 2 else int.from_bytes(data[2:start], "big")
                    taken.sendall(self.says(data[start + 2], data[start + 3]))
                    data = data[start + size :]
        except OSError:
            pass


def config_of(port: int) -> LdapConfig:
    return LdapConfig(
        f"ldap://127.0.0.1:{port}",
        "dc=x",
        "dc=x",
        "dc=x",
        "cn=reader,dc=x",
        SECRET,
        Path("/etc/ssl/certs/ca-certificates.crt"),
        start_tls=False,
        timeout_seconds=1.0,
    )
