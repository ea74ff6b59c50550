"""Every page of the hub, by the table of who may see what: those that need nothing by their address, the pages about
one thing by the first link that leads to one, as people come to them.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve, reverse

from tests.hub.access import TABLE, Answer, Row, Who
from tests.support.demo import Demo, Visitor

PURPOSES = {"office": "access_repair", "dpo": "internal_control"}
# The narrowest first: each page once, by whoever has the least reason to be there.
ROLES = {
    "stranger": Who.NOBODY,
    "member": Who.MEMBER,
    "lead": Who.LEAD,
    "office": Who.OFFICE,
    "dpo": Who.DPO,
    "technician": Who.TECHNICIAN,
}
# Each of these words in an address is a page of its own; everything else there names a thing.
PARTS = ("step",)
CLOSED = {Answer.FORBIDDEN, Answer.SIGN_IN, Answer.NO_METHOD, Answer.UNREADABLE, Answer.UNPROVED}
# What no link leads to, and who looks at it instead.  One that a link does lead to fails the test.
UNREACHED = {
    **dict.fromkeys(("branding:icon", "branding:logo", "branding:style", "launcher:logo"), "a picture or a style"),
    **dict.fromkeys(("idp:photo", "news:picture"), "a picture"),
    **dict.fromkeys(("log_checkpoint", "log_tile", "news:feed", "idp:registered"), "for programs"),
    **dict.fromkeys(("idp:open_tools", "idp:session_iframe"), "a part of other pages"),
    **dict.fromkeys(("account_first", "account_choose_password"), "within a sign-in: test_getting_in"),
    "account_link_refused": "what is said of a link that was used: test_getting_in",
    **dict.fromkeys(
        (
            *("mfa_authenticate", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_deactivate_totp"),
            *("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes"),
        ),
        "with a second factor: test_the_pages_of_second_factors_are_as_good_as_any",
    ),
    **dict.fromkeys(("mfa_reauthenticate", "mfa_reauthenticate_webauthn"), "when a factor is old: test_passkeys"),
    "idp:withdrawn": "right after an agreement was taken back: test_my_data",
    "collectives:cloud": "beside a cloud: tests/collectives/test_cloud.py",
    "idp:directory_approve": "leads back to the list: tests/idp/test_directory_pages.py",
}
SHOWN = {Answer.PAGE, Answer.WHY, Answer.ABSENT}
# How many of one kind are looked through for what one of them may lead to; of mails each is of a kind of its own.
FEW = 4
GLANCES = Counter({"mail": 40})
CONFIRM, DOOR = "account_reauthenticate", 'id="purpose-form"'
# Those of pictures are drawn links, whose property is no text.
HREFS = "links => links.map(each => new URL(each.getAttribute('href'), document.baseURI).href)"
A_LINK = re.compile(r'<a\b[^>]*?\shref="([^"]+)"')
Enter = Callable[[str, str], object]


@dataclass
class Seen:
    """``routes``: whatever a link or its address led to, be it a page, a file or the way to another place."""

    names: list[str] = field(default_factory=list)
    routes: set[str] = field(default_factory=set)


def owner(route: str) -> str:
    """Whose page it is: of the first who is not refused there; nobody's when nothing is to be had."""
    for row in TABLE:
        if row.route == route:
            for name, who in ROLES.items():
                if row.get[who] not in CLOSED:
                    return name
    return ""


def shows(route: str, role: str) -> bool:
    """Whether this role may find something to read there; what leads out of the hub is not followed."""
    answers = {row.get[ROLES[role]] for row in TABLE if row.route == route}
    return Answer.DONE not in answers and not answers.isdisjoint(SHOWN)


def routes_of(role: str) -> set[str]:
    return {row.route for row in TABLE if owner(row.route) == role}


def expected(role: str) -> set[str]:
    """What a walk of this role must come by."""
    return routes_of(role) - set(UNREACHED)


def pages_of(role: str) -> list[Row]:
    """Those that this role gets without naming anything."""
    found: dict[str, Row] = {}
    for row in TABLE:
        first = next((name for name, who in ROLES.items() if row.get[who] in (Answer.PAGE, Answer.WHY)), None)
        if first == role and not row.objects and not row.query:
            found.setdefault(row.route, row)
    return list(found.values())


def pages(
    demo: Demo, visitor: Visitor, role: str, enter: Enter | None = None, seen: Seen | None = None
) -> Iterator[str]:
    """The names of the pages, each open; files and answers to programs are none.  ``enter`` opens one."""
    return _Walk(demo, visitor, role, enter, seen or Seen()).pages()


class _Walk:
    """Opens what is this role's own; what is not is glanced at, for the links in it."""

    def __init__(self, demo: Demo, visitor: Visitor, role: str, enter: Enter | None, seen: Seen) -> None:
        self._hub, self._visitor, self._role, self._seen = demo.hub.rstrip("/"), visitor, role, seen
        self._password = "" if role == "stranger" else demo.account(role)[1]
        self._enter = enter or (lambda _name, address: visitor.page.goto(address))
        self._own = deque((row.route, self._hub + reverse(row.route)) for row in pages_of(role))
        self._by_address = {name for name, _ in self._own}
        self._known = set(self._by_address)
        self._others = deque([f"{self._hub}/"])
        self._glances = Counter[str]()
        self._met = {address for _, address in self._own}

    def pages(self) -> Iterator[str]:
        while self._own or (self._lacks_something() and self._others):
            if not self._own:
                self._glance(self._others.popleft())
                continue
            name, address = self._own.popleft()
            for opened in self._open(name, address):
                self._follow(self._visitor.page.eval_on_selector_all("a[href]", HREFS))
                self._seen.names.append(opened)
                yield opened

    def _lacks_something(self) -> bool:
        return not expected(self._role) <= self._seen.routes

    def _open(self, name: str, address: str) -> Iterator[str]:
        landed, address, is_page = self._asked(address)
        if landed == CONFIRM != name:
            self._confirm(address)
            landed, address, is_page = self._asked(address)
        if landed == name or name not in self._by_address:
            self._seen.routes.add(_route(name))
        if landed != name:
            # What the table calls a page is one for somebody: another way to it leads there.
            self._known.discard(name)
            self._follow([address])
        elif is_page and name not in self._seen.names:
            yield from self._entered(name, address)

    def _entered(self, name: str, address: str) -> Iterator[str]:
        self._enter(name, address)
        door = self._door()
        if door:
            # Each asks once, whatever is behind it.
            if door not in self._seen.names:
                yield door
            self._say_why()
            if door == name:
                return
            self._enter(name, address)
            assert not self._door(), f"{name} asks why again"
        yield name

    def _asked(self, address: str) -> tuple[str, str, bool]:
        """Which page it is in the end, but for a question at its door, where that is, and whether it is one at all."""
        answer = self._visitor.context.request.get(address)
        # Names of more people than may be asked for at once: the page says so.
        assert answer.ok or answer.status == HTTPStatus.UNPROCESSABLE_ENTITY, f"{address}: {answer.status}"
        is_html = "text/html" in answer.headers.get("content-type", "")
        # The layout of a mail is shown as a file is: nothing runs in it, axe neither.
        if "sandbox" in answer.headers.get("content-security-policy", ""):
            is_html = False
        landed = self._name(answer.url)
        if is_html and DOOR in answer.text():
            return self._name(address), address, True
        return landed, address if landed == CONFIRM else answer.url, is_html

    def _confirm(self, address: str) -> None:
        page = self._visitor.page
        page.goto(address)
        page.fill("#reauthenticate-form [name=password]", self._password)
        page.click("#reauthenticate-form button[type=submit]")
        page.wait_for_load_state()

    def _door(self) -> str:
        """Which page asks why before it shows anything; empty where there is no question."""
        form = self._visitor.page.locator("#purpose-form")
        if self._role not in PURPOSES or not form.count():
            return ""
        return self._name(self._hub + (form.get_attribute("action") or ""))

    def _say_why(self) -> None:
        page = self._visitor.page
        offered = [each.get_attribute("value") for each in page.locator("#purpose-form [name=purpose]").all()]
        wanted = PURPOSES[self._role]
        self._visitor.say_why(wanted if wanted in offered else offered[0] or "")
        # One press where each reason is a button of its own, two where it is one of several in a form.
        if page.locator("#purpose-form [type=radio]").count():
            page.click("#purpose-form button[type=submit]")
        page.wait_for_load_state()

    def _glance(self, address: str) -> None:
        answer = self._visitor.context.request.get(address)
        if answer.ok and "text/html" in answer.headers.get("content-type", ""):
            self._follow(urljoin(answer.url, unescape(each)) for each in A_LINK.findall(answer.text()))

    def _follow(self, addresses: Iterable[str]) -> None:
        """Remember the first way to each page, and some ways to look further."""
        for address in addresses:
            if address in self._met:
                continue
            self._met.add(address)
            name = self._name(address)
            if name and name not in self._known and owner(_route(name)) == self._role:
                self._known.add(name)
                self._own.append((name, address))
            elif name and self._glances[name] < (GLANCES[name] or FEW) and shows(_route(name), self._role):
                self._glances[name] += 1
                self._others.append(address)

    def _name(self, address: str) -> str:
        """Of a page of the hub; empty elsewhere."""
        if not address.startswith(self._hub + "/"):
            return ""
        try:
            found = resolve(urlsplit(address).path)
        except Resolver404:
            return ""
        parts = [str(found.kwargs[part]) for part in PARTS if part in found.kwargs]
        return " ".join([found.view_name, *parts])


def _route(name: str) -> str:
    return name.partition(" ")[0]
