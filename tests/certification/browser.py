"""A browser without scripts: keeps cookies, follows redirects by hand, submits the forms that it knows by their ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

# What a person does on a page, by the id of its form.
SIGN_IN, CONSENT, LOGOUT = "sign-in", "consent", "logout"
KNOWN_FORMS = {
    "sign-in-form": SIGN_IN,
    "reauthenticate-form": SIGN_IN,
    "consent-form": CONSENT,
    "logout-form": LOGOUT,
    "op.logoutForm": LOGOUT,
}
MAX_STEPS = 20
REDIRECTS = {301, 302, 303, 307, 308}
_visitors = count(1)


@dataclass
class Form:
    id: str
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    # Fields that somebody fills in: everything but hidden ones.
    asks: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.ids: set[str] = set()
        self.frames: list[str] = []
        self.onward = ""
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "iframe" and found.get("src"):
            self.frames.append(found["src"])
        if tag == "a" and "data-automatic" in found:
            self.onward = found.get("href", "")
        if tag == "form":
            self.forms.append(Form(found.get("id", ""), found.get("action", ""), found.get("method", "get").lower()))
            self._open = True
        elif tag == "input" and self._open and found.get("name"):
            kind = found.get("type", "text")
            if kind == "hidden":
                self.forms[-1].fields[found["name"]] = found.get("value", "")
            elif kind not in ("checkbox", "radio", "submit"):
                self.forms[-1].asks.add(found["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


@dataclass(frozen=True)
class Page:
    """What the browser shows."""

    url: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.text)
        return reader

    @property
    def forms(self) -> list[Form]:
        return self._read.forms

    @property
    def ids(self) -> set[str]:
        return self._read.ids

    @property
    def frames(self) -> list[str]:
        return self._read.frames

    @property
    def onward(self) -> str:
        """Where a script would take the browser once the frames are loaded."""
        return self._read.onward

    def form(self, kind: str) -> Form:
        return next(form for form in self.forms if KNOWN_FORMS.get(form.id) == kind)

    @property
    def kind(self) -> str:
        """What the page asks of the person; empty when it asks nothing."""
        return next((KNOWN_FORMS[form.id] for form in self.forms if form.id in KNOWN_FORMS), "")

    @property
    def is_error(self) -> bool:
        return self.status >= 400 and "error-page" in self.ids


@dataclass(frozen=True)
class Arrival:
    """The browser was sent to a tool: by which method, where, with what."""

    method: str
    url: str
    query: str
    body: str = ""

    @property
    def address(self) -> str:
        return self.url.partition("?")[0].partition("#")[0]

    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body if self.method == "POST" else self.query, keep_blank_values=True)

    @property
    def values(self) -> dict[str, str]:
        """The parameters; none of them may come twice (RFC 6749 §3.1)."""
        pairs = self.pairs()
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)


@dataclass
class Journey:
    """Where a walk ended, and what was shown on the way."""

    end: Page | Arrival
    shown: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)

    @property
    def arrival(self) -> Arrival:
        assert isinstance(self.end, Arrival), f"{self.end.status} {self.end.url}\n{self.end.text[:3000]}"
        return self.end

    @property
    def page(self) -> Page:
        assert isinstance(self.end, Page), f"the browser was sent to {self.end.url}"
        return self.end


class Browser:
    """One person's browser, behind the provider's front proxy: each has a network address of its own."""

    def __init__(self, *, origin: str, login: str, password: str, verify: str | bool = True) -> None:
        self.origin, self.login, self.password = origin, login, password
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = verify
        self.http.headers["Accept"] = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
        number = next(_visitors)
        self.http.headers["X-Forwarded-For"] = f"198.18.{number // 250}.{number % 250 + 1}"

    def walk(
        self, url: str, *, form: Mapping[str, str] | None = None, from_elsewhere: bool = False, consents: bool = True
    ) -> Journey:
        """Go there and on until a tool's address, or a page that asks nothing, is reached.

        ``form`` is posted; ``from_elsewhere`` as a foreign page would: without the cookies, which are ``SameSite=Lax``.
        """
        shown: list[str] = []
        frames: list[str] = []
        end = self.open(url, form=form, from_elsewhere=from_elsewhere)
        for _ in range(MAX_STEPS):
            if isinstance(end, Arrival):
                return Journey(end, shown, frames)
            frames += end.frames
            if end.onward:
                end = self.open(end.onward)
                continue
            if not (form_ := self._next(end)):
                return Journey(end, shown, frames)
            if end.kind:
                shown.append(end.kind)
            end = self.submit(end, form_, consents=consents)
        raise AssertionError(f"no end after {MAX_STEPS} pages: {shown}")

    def open(self, url: str, *, form: Mapping[str, str] | None = None, from_elsewhere: bool = False) -> Page | Arrival:
        """One page, redirects followed."""
        method = "GET" if form is None else "POST"
        for _ in range(MAX_STEPS):
            if not self._is_provider(url):
                return Arrival(method, url, urlsplit(url).query, urlencode(form or {}))
            response = self._send(method, url, form, bare=from_elsewhere and method == "POST")
            if response.status_code not in REDIRECTS:
                return Page(url, response.status_code, response.headers, response.text)
            if response.status_code not in (307, 308):
                method, form = "GET", None
            url = urljoin(url, response.headers["Location"])
        raise AssertionError(f"no end of redirects at {url}")

    def submit(self, page: Page, form: Form, *, consents: bool = True) -> Page | Arrival:
        fields = dict(form.fields)
        kind = KNOWN_FORMS.get(form.id)
        if kind == SIGN_IN:
            filled = {"login": self.login, "password": self.password}
            fields |= {name: value for name, value in filled.items() if name in form.asks}
        elif kind == CONSENT:
            fields["answer"] = "accept" if consents else "refuse"
        elif form.id == "op.logoutForm":
            fields["logout"] = "yes"
        return self.open(urljoin(page.url, form.action), form=fields)

    def _next(self, page: Page) -> Form | None:
        """A form that the person knows, or one that a script would submit at once."""
        if page.kind:
            return page.form(page.kind)
        waiting = [form for form in page.forms if form.fields and not form.asks and form.method == "post"]
        leaves = [form for form in waiting if not self._is_provider(urljoin(page.url, form.action))]
        if leaves:
            return leaves[0]
        return waiting[0] if "forms[0].submit()" in page.text and waiting else None

    def _is_provider(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" == self.origin

    def _send(self, method: str, url: str, form: Mapping[str, str] | None, *, bare: bool) -> requests.Response:
        headers = {"Origin": self.origin, "Referer": self.origin + "/"} if method == "POST" else {}
        if bare:
            clean = requests.Session()
            clean.trust_env, clean.verify = False, self.http.verify
            clean.headers.update(self.http.headers)
            elsewhere = {"Origin": "http://localhost:9999"}
            return clean.request(method, url, data=form, headers=elsewhere, allow_redirects=False, timeout=20)
        return self.http.request(method, url, data=form, headers=headers, allow_redirects=False, timeout=20)
