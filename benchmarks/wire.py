"""HTTP/1.1 as little as it takes: one lasting connection, one request at a time, a browser's cookies."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

Fields = dict[str, str]
FORM = "application/x-www-form-urlencoded"


class Wrong(Exception):
    """An answer that is not the right one: the measurement is worth nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Fields
    cookies: tuple[str, ...]
    body: bytes

    def expect(self, status: int, what: str) -> "Answer":
        if self.status != status:
            raise Wrong(f"{what}: {self.status} instead of {status}: {self.body[:300]!r}")
        return self


class Browser:
    """``network`` is the address that the front proxy would say the request came from."""

    def __init__(self, origin: str, *, network: str) -> None:
        self._address = urlsplit(origin)
        self._always = f"Host: {self._address.netloc}\r\nX-Forwarded-For: {network}\r\n"
        self._cookies: Fields = {}
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, url: str, *, cookies: bool = False, **headers: str) -> Answer:
        return await self._ask("GET", url, headers, b"", cookies)

    async def post(self, url: str, form: Fields, *, cookies: bool = False, **headers: str) -> Answer:
        return await self._ask("POST", url, {"Content-Type": FORM} | headers, urlencode(form).encode(), cookies)

    async def _ask(self, method: str, url: str, headers: Fields, body: bytes, cookies: bool) -> Answer:
        target = urlsplit(url)
        if target.netloc not in ("", self._address.netloc):
            raise Wrong(f"sent elsewhere: {target.netloc}")
        path = f"{target.path}?{target.query}" if target.query else target.path
        head = f"{method} {path} HTTP/1.1\r\n{self._always}"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if cookies and self._cookies:
            head += f"Cookie: {'; '.join(f'{name}={value}' for name, value in self._cookies.items())}\r\n"
        if method == "POST":
            head += f"Content-Length: {len(body)}\r\n"
        reader, writer = await self._connected()
        writer.write(head.encode() + b"\r\n" + body)
        answer = await _read(reader)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        if cookies:
            self._keep(answer.cookies)
        return answer

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # A server may end a connection that was idle between two rounds.
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._address.port)
        return self._reader, self._writer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    def _keep(self, cookies: tuple[str, ...]) -> None:
        """By name alone: both providers use one path for what lasts."""
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if value.strip('"'):
                self._cookies[name] = value
            else:
                self._cookies.pop(name, None)


async def _read(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers: Fields = {}
    cookies: list[str] = []
    for line in lines:
        name, _, value = line.partition(": ")
        if name.lower() == "set-cookie":
            cookies.append(value)
        else:
            headers[name.lower()] = value
    if "chunked" in headers.get("transfer-encoding", ""):
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split(" ", 2)[1]), headers, tuple(cookies), body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body
