"""No page asks the directory anything, by slapd's own word; of what is sent, only what must (I10).

Whoever asks has an entry there, has said why, and has shown again who they are: every page has all it needs to ask.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse

from audit.sealing import seal
from demo.slapd import EmbeddedDirectory
from directory import backends
from directory.ldap.rules import MEMBERSHIPS, WRITABLE
from directory.ldap.sources import SECRET_PURPOSE, settings_source
from directory.models import Collective, DirectorySource, Member
from directory.services import synchronise
from directory.services.memberships import is_run_here
from tests.hub.access import IN, OUT, SOURCE, TABLE, Answer, Row, Who
from tests.hub.test_access_matrix import people, tools  # noqa: F401
from tests.idp.test_directory_pages import proved
from tests.support.links import ask_for_reset, choose, follow, link_in, waiting
from tests.support.passes import MONDAY
from tests.support.signin import KARIM, NEW_PASSWORD, NOEMIE, WRONG
from tests.support.slapd_log import Log

pytestmark = pytest.mark.django_db
REASONS = {
    "idp:office_purpose": "access_repair",
    "idp:erasure_purpose": "member_request",
    "audit:purpose": "internal_control",
    "incidents:purpose": "security_incident",
    "evidence:purpose": "authority_request",
}
Fields = tuple[tuple[str, str], ...]
CLOSED = {Answer.FORBIDDEN, Answer.SIGN_IN, Answer.NO_METHOD}
# Pages about one thing: each is seen, by somebody, with that thing on it.
ABOUT_ONE = {
    *("idp:directory_source", "idp:directory_step", "idp:directory_run", "idp:directory_waiting"),
    *("idp:office_member", "idp:office_invitation", "idp:office_collective", "idp:office_collective_mark"),
    *("launcher:card", "collectives:one", "collectives:describe", "collectives:members", "collectives:member"),
    *("idp:why", "idp:tool_mode", "launcher:tool", "protection:matrix_tool", "idp:directory_add", "idp:my_details"),
}


@pytest.fixture
def asking(
    small_directory: EmbeddedDirectory,
    people: dict[Who, Client],  # noqa: F811
    tools: None,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> dict[Who, Client]:
    """Everybody of the table as members of a directory that is followed and may be written; another is set up."""
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    synchronise(now=MONDAY)
    followed = settings_source()
    DirectorySource.objects.filter(pk=followed.pk).update(writable=[*WRITABLE, MEMBERSHIPS])
    Member.objects.filter(source=None).update(source=followed)
    Collective.objects.filter(source=None).exclude(entry_uuid=None).update(source=followed)
    DirectorySource.objects.filter(pk=SOURCE["source_id"]).update(
        uri=small_directory.uri,
        authorities=small_directory.ca_file.read_text(),
        bind_dn=small_directory.reader_dn,
        bind_secret=seal(small_directory.reader_password.encode(), purpose=SECRET_PURPOSE),
        base=small_directory.base,
    )
    assert is_run_here(Collective.objects.get(slug="reliure"))
    for who in IN:
        proved(people[who])
        for route, purpose in REASONS.items():
            people[who].post(reverse(route), {"purpose": purpose})
    return people


def address(row: Row) -> str:
    return reverse(row.route, kwargs=dict(row.objects) or None)


def fresh(browser: Client) -> Client:
    """Another window of the same."""
    window = Client()
    window.cookies = deepcopy(browser.cookies)
    return window


def sent(browser: Client, method: str, url: str, form: Mapping[str, str]) -> Any:
    """The answer; whatever it changed is undone."""
    asking = fresh(browser)
    with transaction.atomic():
        answer = asking.get(url, dict(form)) if method == "get" else asking.post(url, dict(form))
        # A file is made while it is read.
        answer.getvalue()
        transaction.set_rollback(True)
    return answer


def pages(asking: Mapping[Who, Client]) -> Iterator[tuple[Row, Who, Any]]:
    """Every address of the table as everybody gets it to whom it is not closed, in any case one of them."""
    for row in TABLE:
        open_to = [
            who for who in asking if row.get[who] not in CLOSED and (who not in OUT or who in (Who.NOBODY, Who.HALF))
        ]
        for who in open_to or [Who.NOBODY]:
            yield row, who, sent(asking[who], "get", address(row), row.query)


def test_no_page_asks_the_directory_anything(small_directory: EmbeddedDirectory, asking: dict[Who, Client]):
    log = Log(small_directory)
    seen = set()

    for row, who, answer in pages(asking):
        assert not log.size(), f"{row.route} {row.about}, {who}: {log.text()}"
        if answer.status_code == 200:
            seen.add(row.route)

    assert log.is_silent()
    assert seen >= ABOUT_ONE, ABOUT_ONE - seen
    assert len(seen) > 120


# What is sent ----------------------------------------------------------------------------------------------------

# What somebody writes into a field that is shown empty; into any other such field, a letter.
TYPED = {
    **dict.fromkeys(("current", "password"), WRONG),
    **dict.fromkeys(("new", "again"), NEW_PASSWORD),
    **{"login": KARIM, "town": "Lodève", "text": "Bonjour.", "name": "Grappe deux"},
}
# Why the directory hears of what is sent there; of nothing else that a page shows it does.
MUST_ASK = {
    **dict.fromkeys(("account_login", "account_reauthenticate"), "whose password it is, it alone knows"),
    "account_password": "it checks the old one and keeps the new one",
    "idp:my_details": "what members correct is written there first",
    "collectives:member": "who is in a collective is written there first",
    **dict.fromkeys(("idp:directory_add", "idp:directory_step"), "what was said of a directory is tried at once"),
}


class Forms(HTMLParser):
    """The forms of a page that send something, as whoever presses each of their buttons sends them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, Fields]] = []
        self._action: str | None = None
        self._fields: dict[str, str] = {}
        self._buttons: list[dict[str, str]] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "")
        if tag == "form":
            self._action = given.get("action", "") if given.get("method", "").lower() == "post" else None
            self._fields, self._buttons = {}, []
        elif tag == "button" and kind in ("", "submit"):
            self._buttons.append({name: value} if name else {})
        elif tag == "select":
            self._open = name
        elif tag == "option":
            if self._open and ("selected" in given or self._open not in self._fields):
                self._fields[self._open] = value
        elif tag == "textarea" and name:
            self._fields[name] = TYPED.get(name, "x")
        elif tag == "input" and name and kind not in ("file", "submit"):
            if name == "csrfmiddlewaretoken":
                return
            if kind in ("checkbox", "radio"):
                if "checked" in given or name not in self._fields:
                    self._fields[name] = value or "on"
            else:
                self._fields[name] = value or TYPED.get(name, "x")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._action is not None:
            self.found += [(self._action, tuple((self._fields | by).items())) for by in self._buttons or [{}]]
            self._action = None


def test_what_is_sent_asks_the_directory_only_where_it_must(
    small_directory: EmbeddedDirectory, asking: dict[Who, Client], monkeypatch: pytest.MonkeyPatch
):
    """The forms of all pages, by each of their buttons, and what the table sends beside."""
    monkeypatch.setitem(TYPED, "uri", small_directory.uri)
    log, told = Log(small_directory), set()
    # Where and what, by the first who may: those that stand on every page once.
    forms: dict[tuple[str, Fields], Who] = {}
    for row in TABLE:
        who = next((who for who in (*IN, Who.HALF) if row.post[who] not in CLOSED), Who.NOBODY)
        forms[address(row), tuple(row.form.items())] = who
    for _, who, page in pages(asking):
        if page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"):
            for action, fields in Forms(page.text).found:
                forms.setdefault((urljoin(page.request["PATH_INFO"], action), fields), who)

    for (url, fields), who in forms.items():
        sent(asking[who], "post", url, dict(fields))
        if log.size():
            told.add(resolve(urlsplit(url).path).view_name)
            log.wait_for_goodbyes()
            log = Log(small_directory)

    assert log.is_silent()
    assert told == MUST_ASK.keys()
    assert len(forms) > 400


def test_on_the_way_back_in_the_directory_hears_of_the_new_password_alone(
    small_directory: EmbeddedDirectory, client: Client
):
    """What no page of the table leads to: the link of a mail, and the sign-in that begins with it."""
    synchronise(now=MONDAY)
    log = Log(small_directory)

    ask_for_reset(client, NOEMIE)
    first = follow(client, link_in(waiting("reset")[-1]["body"]))
    page = client.get(first["Location"])
    assert (page.status_code, log.is_silent()) == (200, True)
    answer = choose(client)

    assert answer["Location"] == reverse("launcher:home")
    assert not log.is_silent()
