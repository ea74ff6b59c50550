"""A browser without scripts: follows redirects, fills in the hub's own forms, stops where a tool would listen."""

from collections.abc import Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import requests

HOPS = 20
TIMEOUT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the browser brings to an address that nothing in the test serves."""

    method: str
    url: str
    body: str = ""


@dataclass(slots=True)
class Form:
    """A form of a page; ``values`` is what its inputs hold, buttons apart."""

    id: str
    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the browser shows and stays on."""

    url: str
    status: int
    text: str
    forms: tuple[Form, ...]

    def form(self, id_: str) -> Form:
        return next(form for form in self.forms if form.id == id_)

    def has(self, id_: str) -> bool:
        return any(form.id == id_ for form in self.forms)


class _Forms(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.found: list[Form] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action, method = urljoin(self.url, given.get("action", "")), given.get("method", "get").upper()
            self.found.append(Form(given.get("id", ""), action, method))
            self.inside = True
        elif tag == "input" and self.inside and given.get("name") and given.get("type") != "checkbox":
            self.found[-1].values[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False


def forms_of(url: str, html: str) -> tuple[Form, ...]:
    reader = _Forms(url)
    reader.feed(html)
    return tuple(reader.found)


class Browser:
    """One person's browser.  ``others`` are origins beside the hub that really answer."""

    def __init__(self, hub: str, account: tuple[str, str], others: Collection[str] = ()) -> None:
        self.hub = hub
        self.account = account
        self.served = frozenset({hub, *others})
        self.session = requests.Session()
        self.passwords_typed = 0

    def go(self, url: str) -> Arrival | Page:
        """Follow an address to its end, signing in, confirming and reading notices on the way."""
        return self._follow(self._open("GET", url))

    def submit(self, page: Page, id_: str, **values: str) -> Arrival | Page:
        form = page.form(id_)
        return self._follow(self._open(form.method, form.action, {**form.values, **values}, page.url))

    def _open(
        self, method: str, url: str, values: dict[str, str] | None = None, referrer: str = ""
    ) -> Arrival | requests.Response:
        if _origin(url) not in self.served:
            return Arrival(method, url, urlencode(values or {}))
        headers = {"Referer": referrer, "Origin": _origin(referrer)} if referrer else {}
        return self.session.request(
            method, url, data=values, headers=headers, allow_redirects=False, timeout=TIMEOUT_SECONDS
        )

    def _follow(self, answer: Arrival | requests.Response) -> Arrival | Page:
        for _ in range(HOPS):
            if isinstance(answer, Arrival):
                return answer
            if answer.is_redirect:
                answer = self._open("GET", urljoin(answer.url, answer.headers["Location"]))
                continue
            page = Page(answer.url, answer.status_code, answer.text, forms_of(answer.url, answer.text))
            form, values = self._habit(page)
            if form is None:
                return page
            answer = self._open(form.method, form.action, {**form.values, **values}, page.url)
        raise AssertionError(f"the browser goes in circles: {page.url}\n{page.text[:1000]}")

    def _habit(self, page: Page) -> tuple[Form | None, dict[str, str]]:
        """The form that a person would send off at once, and what they would put into it."""
        username, password = self.account
        answers = {
            "sign-in-form": {"login": username, "password": password},
            "reauthenticate-form": {"password": password},
            "consent-form": {"answer": "accept"},
        }
        for form in page.forms:
            if _origin(form.action) != _origin(page.url) and form.method == "POST":
                # What a script would send by itself: an answer by form (OAuth 2.0 Form Post Response Mode §2).
                return form, {}
            if form.id in answers:
                if "password" in form.values:
                    self.passwords_typed += 1
                    if self.passwords_typed > HOPS:
                        raise AssertionError(f"the hub does not take the password: {page.text[:2000]}")
                return form, answers[form.id]
        return None, {}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
