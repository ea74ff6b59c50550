"""Values that occur nowhere else go through the hub; then no log, address, event, counter or error page has one.

What a value may be in is listed with it: the page that shows a person their own data, the answer to the tool.  The code
of RFC 6749 §4.1.2 travels in the one address that the tool registered, a mailed link in its mail; nowhere after that.
"""

import io
import json
import logging
import re
from unittest.mock import patch
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.common import common_part
from audit.models import Event, Leaf, ReleaseProfile
from audit.stream import sending
from audit.types import SYSTEM
from consent import services as consent_services
from directory import backends
from directory.models import Member, RoleGrant
from directory.types import Role
from hub.logs import Lines
from idp.models import LogoutDelivery
from idp.services.accounts import resets
from tests.hub.access import TABLE, Answer, Who
from tests.support.cast import AGENDA, FORMATION, make_member
from tests.support.keeping import settle
from tests.support.links import ask_for_reset, link_in, waiting
from tests.support.oidc import REDIRECT, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
SCOPE = "openid offline_access profile email phone address groups"
ADDRESS_IN_A_PAGE = re.compile(rb'(?:href|src|action|formaction|content)="([^"]*)"')
# Of people; what the journeys add are passwords, codes, tokens and secrets.
PERSON = {
    "login": "zephirine.quillard",
    "name": "Zéphirine",
    "family": "Quillard",
    "mail": "zephirine.quillard@canari.example",
    "phone": "+33 6 39 98 77 32",
    "number": "AL-77733",
    "street": "77 impasse des Courlis",
    "trade": "Enlumineuse-canari",
}


class Watch:
    """Everything that could be read by somebody else: log lines, and the addresses that the hub makes."""

    def __init__(self) -> None:
        self.log = io.StringIO()
        self.handler = logging.StreamHandler(self.log)
        self.handler.setFormatter(Lines())
        self.addresses: list[str] = []
        self.policies: set[str] = set()
        self.errors: list[str] = []

    def client(self, browser: Client | None = None) -> Client:
        client, watch = browser or Client(), self
        plain = client.request

        def request(**asked):
            response = plain(**asked)
            watch.read(response)
            return response

        client.request = request
        return client

    def read(self, response) -> None:
        found = [response.headers.get("Location", "")]
        content = response.getvalue() if response.get("Content-Type", "").startswith("text/html") else b""
        found += [each.decode() for each in ADDRESS_IN_A_PAGE.findall(content)]
        self.addresses += [unquote(address) for address in found if address]
        if content:
            self.policies.add(response.headers.get("Referrer-Policy", ""))
        # A form that is shown again with what was typed into it is no error page.
        if response.status_code >= 400 and (b'id="error-page"' in content or not content):
            self.errors.append(response.getvalue().decode())


@pytest.fixture
def watch(monkeypatch):
    """As a hub writes that is told to write all it can."""
    found, root = Watch(), logging.getLogger()
    names = ("", "django", "hub", "audit", "idp", "directory", "consent")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(found.handler)
    yield found
    root.removeHandler(found.handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def person(db) -> Member:
    return make_member(
        PERSON["login"],
        f"{PERSON['name']} {PERSON['family']}",
        email=PERSON["mail"],
        mobile=PERSON["phone"],
        employee_number=PERSON["number"],
        postal_address=PERSON["street"],
        trade=PERSON["trade"],
    )


def told_to_everybody() -> str:
    """The journal's parts in clear, what is sent to a monitoring system, the counters, and what waits for tools."""
    lines = [common_part(vars(event)).text for event in Event.objects.all()]
    columns = json.dumps(list(Event.objects.values("action", "reason", "facts")), default=str)
    profiles = json.dumps(list(ReleaseProfile.objects.values()), default=str)
    stream = json.dumps(sending.documents(list(Leaf.objects.all())), default=str)
    outbox = json.dumps(list(LogoutDelivery.objects.values()), default=str)
    return "\n".join((*lines, columns, profiles, stream, outbox, Client().get("/healthz").content.decode()))


def holding(canaries, text: str) -> list[str]:
    return sorted(name for name, value in canaries.items() if value.lower() in text.lower())


def signs_in(watch: Watch, person: Member, secrets: dict[str, str]) -> Client:
    """By the page, after two mistakes: a password typed as the name, and a wrong one."""
    browser = watch.client()
    secrets |= {
        "password": "canari-vrai-mot-de-passe",
        "wrong password": "canari-faux-mot-de-passe",
        "password as a name": "canari-mot-de-passe-a-la-place-du-nom",
    }
    where = reverse("account_login")
    browser.get(where)
    browser.post(where, {"login": secrets["password as a name"], "password": "x"})
    with patch.object(backends, "_verified", return_value=None):
        browser.post(where, {"login": person.login, "password": secrets["wrong password"]})
    with patch.object(backends, "_verified", return_value=person):
        answer = browser.post(where, {"login": person.login, "password": secrets["password"]})
    assert answer.status_code == 302
    secrets["session"] = browser.cookies[settings.SESSION_COOKIE_NAME].value
    return browser


def uses_tools(watch: Watch, browser: Client, secrets: dict[str, str]) -> None:
    """Agrees, reads, refreshes, and makes each mistake that a tool can make with what it was given."""
    party = connect("formation", scopes=SCOPE, offline_access=True, backchannel_logout_uri="http://127.0.0.1:9/bye")
    party.http = watch.client(party.http)
    consent_services.declare(tool_id=party.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    page = party.authorize(browser, scope=SCOPE, nonce="canari-nonce", login_hint=PERSON["mail"])
    fields = dict(re.findall(r'name="(request|notice)" value="([^"]*)"', page.content.decode()))
    agreed = browser.post("/oidc/consent", {**fields, "answer": "accept", "items": ["phone", "trade"]})
    code = answer_of(agreed)["code"]
    body = party.exchange(code).json()
    assert party.claims(body["id_token"])["phone_number"] == PERSON["phone"]
    secrets |= {"code": code, "client secret": party.secret, "nonce": "canari-nonce", "verifier": party.verifier}
    secrets |= {"first access token": body["access_token"], "first refresh token": body["refresh_token"]}
    assert party.userinfo(body["access_token"]).json()["phone_number"] == PERSON["phone"]
    again = party.refresh(body["refresh_token"]).json()
    secrets |= {"access token": again["access_token"], "refresh token": again["refresh_token"]}
    secrets |= {"id token": again["id_token"], "subject": str(party.claims(again["id_token"])["sub"])}
    party.post("/oidc/introspect", {"token": again["access_token"]})
    for mistake in (
        lambda: party.exchange(code),
        lambda: party.exchange(again["access_token"]),
        lambda: party.userinfo(again["refresh_token"]),
        lambda: party.http.get("/oidc/userinfo", {"access_token": again["access_token"]}),
        lambda: party.post("/oidc/token", {"grant_type": "canari-grant", "code": code, "client_secret": party.secret}),
        lambda: party.authorize(browser, redirect_uri=f"https://ailleurs.example/?mail={PERSON['mail']}"),
        lambda: party.authorize(browser, id_token_hint=again["id_token"], prompt="none", login_hint=PERSON["mail"]),
        lambda: browser.post("/oidc/consent", {**fields, "request": again["id_token"], "answer": "accept"}),
        lambda: party.post("/oidc/revoke", {"token": again["refresh_token"]}),
    ):
        mistake()


def changes_their_mind(watch: Watch, browser: Client) -> None:
    party = connect("agenda", scopes=SCOPE)
    consent_services.declare(tool_id=party.tool.pk, sheet=AGENDA, actor=SYSTEM, now=timezone.now())
    objectable = party.tool.processings.get().purposes.get(legal_basis="legitimate_interest")
    browser.post(f"/mes-donnees/opposition/{objectable.pk}/")
    browser.post("/outils/formation/retrait/")
    browser.get("/mes-donnees/telecharger/")


def forgets_their_password(watch: Watch, secrets: dict[str, str]) -> None:
    browser = watch.client()
    with patch("directory.passwords.can_reset", return_value=True), patch.object(resets, "ANSWER_SECONDS", 0.0):
        ask_for_reset(browser, PERSON["mail"])
    link = link_in(waiting("reset")[-1]["body"])
    secrets["mailed link"] = link.rstrip("/").rsplit("/", 1)[1]
    browser.get(browser.get(link)["Location"])
    browser.get(reverse("account_link", args=[secrets["mailed link"][::-1]]))


def goes_wrong(watch: Watch, browser: Client, secrets: dict[str, str]) -> None:
    """Addresses that are none, forms that nobody gave, and a fault of the program that tells what it held."""
    for value in (PERSON["mail"], secrets["access token"], secrets["mailed link"]):
        browser.get(f"/{value}/", {"q": value})
        browser.get(f"/outils/{value}/ouvrir/")
        browser.get("/", headers={"Referer": f"http://localhost:8000/{value}"})
        browser.post("/", {"q": value})
    strict = watch.client(Client(enforce_csrf_checks=True))
    strict.post(reverse("account_login"), {"login": PERSON["login"], "password": secrets["password"]})
    browser.raise_request_exception = False
    with patch("consent.selectors.relations", side_effect=RuntimeError(f"{PERSON['mail']} {secrets['password']}")):
        assert browser.get("/mes-donnees/").status_code == 500
    browser.get(reverse("idp:end_session"), {"id_token_hint": secrets["id token"], "logout_hint": PERSON["mail"]})


def is_looked_at(watch: Watch, person: Member) -> None:
    """By each of those who may; every page that somebody gets without naming an object."""
    for who, role in ((Who.OFFICE, Role.OFFICE), (Who.DPO, Role.DPO), (Who.TECHNICIAN, Role.TECHNICIAN), (None, None)):
        reader = person
        if role:
            reader = make_member(f"lit.{role}", f"Lit {role}")
            RoleGrant.objects.create(member=reader, role=role)
        browser = watch.client(sign_in(reader))
        browser.post("/journal/raison/", {"purpose": "internal_control", "case": ""})
        browser.post("/structure/raison/", {"purpose": "access_repair"})
        browser.post("/journal/chercher/", {"member": person.login})
        browser.post("/structure/chercher/", {"q": person.display_name})
        browser.get(f"/structure/personnes/{person.pk}/")
        for row in TABLE:
            if not row.objects and row.get[who or Who.MEMBER] in (Answer.PAGE, Answer.WHY):
                browser.get(reverse(row.route), dict(row.query))


@pytest.mark.gdpr("G30")
def test_no_log_address_event_counter_or_error_page_holds_a_planted_value(watch, person, signing_key):
    cache.clear()
    secrets: dict[str, str] = {}

    browser = signs_in(watch, person, secrets)
    uses_tools(watch, browser, secrets)
    changes_their_mind(watch, browser)
    forgets_their_password(watch, secrets)
    goes_wrong(watch, browser, secrets)
    is_looked_at(watch, person)
    settle()

    canaries = PERSON | secrets
    assert len(watch.log.getvalue()) > 10_000
    assert len(watch.errors) > 15
    assert len(watch.addresses) > 500
    assert holding(canaries, watch.log.getvalue()) == []
    assert holding(canaries, told_to_everybody()) == []
    # The one place where a code belongs.
    elsewhere = [address for address in watch.addresses if not address.startswith(f"{REDIRECT}?")]
    assert holding(canaries, "\n".join(elsewhere)) == []
    to_the_tool = "\n".join(set(watch.addresses) - set(elsewhere))
    assert holding({name: value for name, value in canaries.items() if name != "code"}, to_the_tool) == []
    assert holding(canaries, "\n".join(watch.errors)) == []
    assert watch.policies <= {"same-origin", "no-referrer"}
