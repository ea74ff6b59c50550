"""A small SMTP server: it answers as told, and keeps what it took (RFC 5321)."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Post:
    """What the server says to each recipient, and the mails it took."""

    port: int = 0
    answer: str = "250 ok"
    taken: list[str] = field(default_factory=list)


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        post: Post = self.server.post  # type: ignore[attr-defined]
        self._say("220 ready")
        for raw in self.rfile:
            word = raw.decode().strip().upper()[:4]
            if word in ("RCPT",):
                self._say(post.answer)
            elif word == "DATA":
                self._say("354 go on")
                lines = []
                for line in self.rfile:
                    if line == b".\r\n":
                        break
                    lines.append(line.decode())
                post.taken.append("".join(lines))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def post_office() -> Iterator[Post]:
    """A server on a free loopback port, until the end of the block."""
    post = Post()
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.post = post  # type: ignore[attr-defined]
        post.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield post
        finally:
            server.shutdown()
            thread.join(5)
