"""Forged tokens, secrets that show, and what a stranger can make the hub spend."""

import ast
import base64
import hmac
import json
import logging
import re
import time
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from audit.models import Event, Pending
from audit.types import SYSTEM, Action
from consent import services as consent_services
from hub import logs
from idp.models import HubSession, PushedRequest, Tool
from idp.models import tools as registry
from idp.protocol.encoding import base64url
from idp.services import refusals
from idp.services.tools import register_tool
from idp.types import AuthMethod, GrantType
from tests.support.authorize import CLIENT_KEY, open_pushed, push, with_keys
from tests.support.cast import LOUTY
from tests.support.incidents import (
    approve_device,
    connect_with_every_grant,
    given,
    noted,
    nothing_given,
    redeem_device,
    refused_token,
    start_device,
)
from tests.support.oidc import AFTER_LOGOUT, REDIRECT, Party, answer_of, connect

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("hub", "launcher", "news", "collectives", "idp", "consent", "branding", "directory", "audit")
ISSUER = "http://localhost:8000"
FOREIGN: dict[str, ECKey | RSAKey] = {
    "ES256": ECKey.generate_key("P-256", private=True),
    "RS256": RSAKey.generate_key(2048, private=True),
}


def sources(chosen=APPS):
    for app in chosen:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


# Tokens that nobody signed -----------------------------------------------------------------------------------


def packed(header: dict, claims: dict) -> str:
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))


def hmac_signed(header: dict, claims: dict, secret: bytes) -> str:
    text = packed(header, claims)
    return f"{text}.{base64url(hmac.digest(secret, text.encode(), 'sha256'))}"


def foreign_signed(header: dict, claims: dict, like: dict, *, shown: bool = False) -> str:
    """By a stranger's key of the same algorithm, which the header brings along where ``shown``."""
    alg = like["alg"]
    brought = {"jwk": FOREIGN[alg].as_dict(private=False)} if shown else {}
    return jws.serialize_compact({**header, **brought, "alg": alg}, json.dumps(claims), FOREIGN[alg], algorithms=[alg])


PUBLIC = FOREIGN["ES256"].as_dict(private=False)
# By name: how the token is made, of its header, its claims and the public key that should have verified it.
FORGERIES = {
    "none": lambda head, claims, key: packed({**head, "alg": "none"}, claims) + ".",
    "None": lambda head, claims, key: packed({**head, "alg": "nOnE"}, claims) + ".",
    "without alg": lambda head, claims, key: packed(head, claims) + ".",
    "no signature": lambda head, claims, key: packed({**head, "alg": key["alg"]}, claims) + ".",
    "hs256 by pem": lambda head, claims, key: hmac_signed({**head, "alg": "HS256"}, claims, pem(key)),
    "hs256 by jwk": lambda head, claims, key: hmac_signed({**head, "alg": "HS256"}, claims, json.dumps(key).encode()),
    "hs256 by nothing": lambda head, claims, key: hmac_signed({**head, "alg": "HS256"}, claims, b""),
    "hs256 by kid": lambda head, claims, key: hmac_signed({**head, "alg": "HS256"}, claims, key["kid"].encode()),
    "jwk": lambda head, claims, key: foreign_signed(head, claims, key, shown=True),
    "jwk without kid": lambda head, claims, key: foreign_signed({"typ": head["typ"]}, claims, key, shown=True),
    "jku": lambda head, claims, key: foreign_signed({**head, "jku": "https://evil.example/jwks"}, claims, key),
    "x5u": lambda head, claims, key: foreign_signed({**head, "x5u": "https://evil.example/chain.pem"}, claims, key),
    "kid as a path": lambda head, claims, key: hmac_signed(
        {**head, "alg": "HS256", "kid": "../../../../dev/null"}, claims, b""
    ),
    "kid as a query": lambda head, claims, key: foreign_signed({**head, "kid": "' or '1'='1"}, claims, key),
    "another key": lambda head, claims, key: foreign_signed(head, claims, key),
}


def pem(key: dict) -> bytes:
    kind = RSAKey if key["kty"] == "RSA" else ECKey
    return kind.import_key(key).as_pem(private=False)


def hub_key(party: Party) -> dict:
    """The key by which the hub's ID tokens are verified."""
    return next(key for key in party.http.get("/oidc/jwks").json()["keys"] if key["alg"] == "RS256")


def tool_key() -> dict:
    return {**CLIENT_KEY.as_dict(private=False), "alg": "ES256"}


def seconds() -> int:
    return int(time.time())


@pytest.mark.incident("CVE-2026-27962", "CVE-2024-37568", "canaille 0.3.6")
@pytest.mark.spec("RFC 8725", "3.1")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_id_token_is_no_hint_and_signs_nobody_out(wiki, browser, forgery):
    true = wiki.claims(wiki.exchange(wiki.code(browser)).json()["id_token"])
    key = hub_key(wiki)
    forged = FORGERIES[forgery]({"typ": "JWT", "kid": key["kid"]}, true, key)
    before = given()

    answer = answer_of(wiki.authorize(browser, id_token_hint=forged, prompt="none"))
    out = browser.get("/oidc/logout", {"id_token_hint": forged, "post_logout_redirect_uri": AFTER_LOGOUT})

    assert answer["error"] == "invalid_request"
    assert out.status_code == 400
    assert "Location" not in out
    assert HubSession.objects.filter(ended_at=None).count() == 1
    assert Event.objects.filter(action=Action.AUTHORIZATION_REFUSED, reason__startswith="hint_").count() == 1
    assert Event.objects.filter(action=Action.LOGOUT_REFUSED, refused=True).count() == 1
    assert given() == before


@pytest.mark.incident("CVE-2026-27962", "CVE-2024-37568")
@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_assertion_proves_no_tool(signing_key, browser, forgery):
    party = with_keys("louty", token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT)
    name, code = party.tool.client_id, party.code(browser)
    claims = {"iss": name, "sub": name, "aud": ISSUER, "jti": "j-1", "iat": seconds(), "exp": seconds() + 60}
    forged = FORGERIES[forgery]({"typ": "JWT", "kid": "tool-1"}, claims, tool_key())
    proof = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": forged,
    }

    answers = [
        party.exchange(code, headers={}, client_id=None, **proof),
        party.post("/oidc/par", {**party.request(), **proof}, {}),
        party.post("/oidc/introspect", {"token": "x", **proof}, {}),
        party.post("/oidc/revoke", {"token": "x", **proof}, {}),
    ]

    assert [(each.status_code, each.json()["error"]) for each in answers] == [(401, "invalid_client")] * 4
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == 4
    assert given() == (1, 0, 0)
    assert not PushedRequest.objects.exists()


@pytest.mark.incident("CVE-2026-27962", "CVE-2024-37568")
@pytest.mark.spec("RFC 9101", "10.2")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_request_object_is_not_read(signing_key, browser, forgery):
    party = with_keys("louty")
    name = party.tool.client_id
    claims = {**party.request(), "iss": name, "aud": ISSUER, "nbf": seconds() - 1, "exp": seconds() + 60}
    forged = FORGERIES[forgery]({"typ": "oauth-authz-req+jwt", "kid": "tool-1"}, claims, tool_key())

    at_the_door = answer_of(browser.get("/oidc/authorize", {**party.request(), "request": forged}))
    pushed = push(party, request=forged)

    assert at_the_door["error"] == pushed.json()["error"] == "invalid_request_object"
    assert Event.objects.filter(reason__startswith="request_object_", refused=True).count() == 2
    nothing_given()
    assert not PushedRequest.objects.exists()


@pytest.mark.incident("CVE-2026-27962", "CVE-2024-37568")
@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_access_token_opens_nothing(signing_key, browser, forgery):
    party = connect("wiki", access_token_format="jwt")
    token = party.exchange(party.code(browser)).json()["access_token"]
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    key = hub_key(party)
    forged = FORGERIES[forgery]({"typ": "at+jwt", "kid": key["kid"]}, claims, key)

    response = party.userinfo(forged)

    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]
    assert party.post("/oidc/introspect", {"token": forged}).json() == {"active": False}
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, facts__endpoint="userinfo").count() == 1
    assert party.userinfo(token).status_code == 200


@pytest.mark.incident("CVE-2026-27962", "CVE-2024-37568")
@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "forgery", [name for name in FORGERIES if name.startswith(("none", "None", "without", "no sig", "hs256"))]
)
def test_a_proof_that_nobody_signed_binds_nothing(mobile, browser, forgery):
    code, key = mobile.code(browser), {**PUBLIC, "alg": "ES256", "kid": "k"}
    claims = {"htm": "POST", "htu": f"{ISSUER}/oidc/token", "jti": "j-1", "iat": seconds()}
    forged = FORGERIES[forgery]({"typ": "dpop+jwt", "jwk": PUBLIC}, claims, key)

    response = mobile.exchange(code, headers={"DPoP": forged})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, refused=True).count() == 1
    assert given() == (1, 0, 0)


# Secrets as keys ---------------------------------------------------------------------------------------------


@pytest.mark.incident("django-oauth-toolkit#1737")
@pytest.mark.parametrize("name", ["HS256", "HS384", "HS512", "none", "hs256"])
def test_no_tool_can_have_its_tokens_signed_with_a_secret(db, name):
    fields = (
        *("algorithm", "userinfo_signed_response_alg"),
        *("introspection_signed_response_alg", "authorization_signed_response_alg"),
    )
    for field in fields:
        with pytest.raises(ValidationError) as told:
            register_tool(
                slug="carnet",
                name="Carnet",
                actor=SYSTEM,
                now=timezone.now(),
                redirect_uris=[REDIRECT],
                properties={field: name},
            )
        assert field in told.value.message_dict
    assert not Tool.objects.exists()


@pytest.mark.incident("django-oauth-toolkit#1737")
@pytest.mark.parametrize("key", ["digest", "secret"])
def test_the_stored_digest_of_a_secret_is_no_key(agenda, browser, key):
    """Whoever reads the table must not be able to sign with what is in it."""
    stored = Tool.objects.get(pk=agenda.tool.pk).client_secret
    name = agenda.tool.client_id
    claims = {"iss": name, "sub": name, "aud": ISSUER, "jti": "j-1", "iat": seconds(), "exp": seconds() + 60}
    secret = (stored if key == "digest" else agenda.secret).encode()
    proof = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": hmac_signed({"alg": "HS256", "typ": "JWT"}, claims, secret),
        "client_secret": None,
    }

    response = agenda.exchange(agenda.code(browser), **proof)
    by_digest = agenda.exchange(agenda.code(browser), client_secret=stored)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert noted("method_not_pinned") == 1
    refused_token(by_digest, "invalid_client", "client_secret")
    assert given() == (2, 0, 0)


@pytest.mark.incident("django-oauth-toolkit#1737")
def test_discovery_offers_no_signature_by_a_shared_secret_for_what_the_hub_signs(wiki):
    document = wiki.http.get("/.well-known/openid-configuration").json()

    for name, values in document.items():
        if "signing_alg" in name and "endpoint_auth" not in name:
            assert not {value for value in values if value.startswith("HS") or value == "none"}, name


# Secrets that show -------------------------------------------------------------------------------------------


@pytest.mark.incident("django-oauth-toolkit#1736", "django-oauth-toolkit#1735", "user_oidc#1380")
@pytest.mark.spec("OWASP ASVS", "16.2.5")
def test_no_secret_of_a_whole_life_is_in_a_table_a_log_or_the_journal(signing_key, browser, caplog):
    for name, logger in logs.configuration("DEBUG")["loggers"].items():
        caplog.set_level(logger.get("level", "DEBUG"), logger=name)
    # Last, since each call sets what the handler lets through.
    caplog.set_level(logging.DEBUG)
    party = connect_with_every_grant("riche", scopes="openid profile")
    codes = [
        party.code(browser, scope="openid offline_access"),
        answer_of(open_pushed(party, browser, push(party)))["code"],
    ]
    held = party.exchange(codes[0]).json()
    again = party.refresh(held["refresh_token"]).json()
    device = start_device(party)
    approve_device(browser, device["user_code"])
    linked = redeem_device(party, device["device_code"]).json()
    own = party.post("/oidc/token", {"grant_type": GrantType.CLIENT_CREDENTIALS, **party.credentials()}).json()
    party.userinfo(again["access_token"])
    party.post("/oidc/introspect", {"token": again["access_token"], **party.credentials()})
    party.exchange(codes[1], code_verifier="x" * 43)
    party.exchange(codes[0])
    party.refresh(again["refresh_token"], client_secret="canari-faux-secret")
    party.userinfo("canari-faux-jeton")

    secrets = {
        *codes,
        *(told[name] for told in (held, again, linked) for name in ("access_token", "id_token")),
        *(told["refresh_token"] for told in (held, again)),
        *(own["access_token"], device["device_code"], device["user_code"], device["user_code"].replace("-", "")),
        *(party.secret, party.verifier, "canari-faux-secret", "canari-faux-jeton"),
    }
    tables = {model._meta.label: str(list(model._default_manager.values_list())) for model in apps.get_models()}
    shown = {label for label, text in tables.items() if any(secret in text for secret in secrets)}
    assert shown == set()
    assert not [secret for secret in secrets if secret in caplog.text]
    assert Event.objects.filter(refused=True).count() >= 4


@pytest.mark.incident("django-oauth-toolkit#1736")
def test_no_page_of_an_admin_shows_rows_of_tokens(browser):
    assert "django.contrib.admin" not in configured.INSTALLED_APPS
    assert browser.get("/admin/").status_code == 404


def open_routes(patterns=None, prefix="") -> set[str]:
    """Paths without parameters, of every app."""
    found = set()
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(each.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(each, URLResolver):
            found |= open_routes(each.url_patterns, route)
        elif isinstance(each, URLPattern) and not re.search(r"[<(\\]", route):
            found.add("/" + route)
    return found


@pytest.mark.incident("canaille 0.0.71", "CVE-2026-55106", "CVE-2026-40166", "CVE-2024-42490")
@pytest.mark.parametrize("who", ["a stranger", "a member"])
def test_no_page_holds_a_secret_of_the_hub_or_of_a_tool(wiki, browser, settings, who):
    visitor = Client() if who == "a stranger" else browser
    settings.PAIRWISE_SALT = "canari-sel"
    planted = {
        *(settings.SECRET_KEY, settings.KEY_ENCRYPTION_KEY, settings.PAIRWISE_SALT),
        *(wiki.secret, Tool.objects.get(pk=wiki.tool.pk).client_secret),
    }
    planted = {each.decode() if isinstance(each, bytes) else str(each) for each in planted}
    assert min(len(each) for each in planted) >= 10
    routes = open_routes()
    assert {"/oidc/token", "/mes-donnees/", "/.well-known/openid-configuration"} <= routes

    for route in sorted(routes):
        for response in (visitor.get(route), visitor.get(route + "?debug=1&format=json")):
            told = b"".join(response) if response.streaming else response.content
            assert response.status_code < 500 or response.status_code == 503, route
            assert not [each for each in planted if each.encode() in told], route


# What a page says of a tool and of a request -------------------------------------------------------------------

SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.mark.incident("CVE-2024-48933", "CVE-2024-52947", "CVE-2025-31510", "CVE-2026-42849")
def test_text_of_tools_members_and_requests_is_text_on_every_page(signing_key, browser, member):
    type(member).objects.filter(pk=member.pk).update(display_name=SCRIPT, given_name=SCRIPT)
    party = connect("carnet", tagline=SCRIPT, grant_types=f"{GrantType.CODE} {GrantType.DEVICE}")
    Tool.objects.filter(pk=party.tool.pk).update(name=SCRIPT)
    consent_services.declare(tool_id=party.tool.pk, sheet=LOUTY, actor=SYSTEM, now=timezone.now())
    odd = {"state": SCRIPT, "nonce": SCRIPT, "login_hint": SCRIPT, "ui_locales": SCRIPT, "display": SCRIPT}
    device = start_device(party)
    stranger = Client()

    pages = {
        "launcher": browser.get("/"),
        "my data": browser.get("/mes-donnees/"),
        "consent": party.authorize(browser, **odd),
        "consent by form": party.authorize(browser, response_mode="form_post", prompt="consent", **odd),
        "error": party.authorize(browser, redirect_uri=SCRIPT),
        "unknown tool": party.authorize(browser, client_id=SCRIPT),
        "stopped": party.authorize(browser, prompt="create", **odd),
        "posted error": party.authorize(browser, response_mode="form_post", response_type="token", **odd),
        "sign-in": stranger.get(party.authorize(stranger, **odd)["Location"]),
        "device": browser.post("/appareil/", {"user_code": device["user_code"]}),
        "device typed": browser.post("/appareil/", {"user_code": SCRIPT}),
        "device filled": browser.get("/appareil/", {"user_code": SCRIPT}),
        "sessions": browser.get("/compte/sessions/"),
        "gone": browser.get(f"/oidc/authorize/suite/x?client_id={party.tool.client_id}"),
        "sign-out asked": browser.get("/oidc/logout", {"client_id": party.tool.client_id, "state": SCRIPT}),
    }

    for name, response in pages.items():
        page = response.content.decode()
        assert response["Content-Type"].startswith("text/html"), name
        assert page, name
        assert "<script>alert" not in page, name
        assert "<img src=x" not in page, name
        policy = response["Content-Security-Policy"]
        assert "unsafe-inline" not in policy, name
        assert "script-src" in policy or "default-src" in policy, name


# What a stranger can make the hub spend ------------------------------------------------------------------------


@pytest.mark.incident("CVE-2025-61920", "CVE-2026-16100")
@pytest.mark.parametrize("filler", ["a", ".", "[", "e30.", "=", '{"a":'])
def test_a_huge_token_is_refused_before_it_is_read(signing_key, browser, filler):
    """400 kB at each place that reads one; a parser that recursed or decoded first would show in the time."""
    party = with_keys("louty", token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT)
    public = connect("mobile", token_endpoint_auth_method=AuthMethod.NONE)
    huge = filler * (400_000 // len(filler))
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = "application/x-www-form-urlencoded"

    began = time.process_time()
    answers = [
        party.post("/oidc/token", {"client_assertion": huge, "client_assertion_type": kind}, {}),
        party.http.post("/oidc/token", f"client_id={huge}&client_secret=x", content_type=form),
        public.exchange("x", headers={"DPoP": huge}),
        public.exchange(huge),
        public.post("/oidc/token", {"grant_type": "refresh_token", "refresh_token": huge, **public.credentials()}),
        party.userinfo(huge),
        public.http.get("/oidc/userinfo", headers={"Authorization": f"DPoP {huge}", "DPoP": huge}),
        browser.post("/oidc/authorize", {"id_token_hint": huge}, content_type=form),
        party.authorize(browser, request=huge),
        party.authorize(browser, id_token_hint=huge),
        party.authorize(browser, claims=huge),
        browser.get("/oidc/logout", {"id_token_hint": huge}),
    ]
    took = time.process_time() - began

    assert all(response.status_code in (303, 400, 401, 413) for response in answers)
    assert not [response for response in answers if "code=" in response.get("Location", "")]
    assert took < 5, "seconds of processor, whatever else the machine does"
    nothing_given()


@pytest.mark.incident("CVE-2025-2559", "CVE-2026-16100")
def test_names_that_nobody_has_fill_neither_memory_nor_tables_nor_the_journal(wiki, browser):
    wiki.code(browser)
    known, rows = set(registry._known), {model: model._default_manager.count() for model in apps.get_models()}

    for number in range(100):
        wiki.authorize(browser, client_id=f"personne-{number}")
        wiki.post("/oidc/token", {"client_id": f"personne-{number}"}, {})
        wiki.http.get("/oidc/userinfo", headers={"Authorization": f"Bearer jeton-{number}"})

    assert set(registry._known) <= known
    # Each line has its turn in the queue of the log, until the worker has moved it.
    lines = Event.objects.count() - rows.pop(Event)
    assert Pending.objects.count() - rows.pop(Pending) == lines
    assert {model: model._default_manager.count() for model in rows} == rows
    # The first of a minute, a line for each doubling, and one turn of the clock.
    assert lines <= 2 * (refusals.LINES + 5) + 100


# Read from the code ------------------------------------------------------------------------------------------

SENSITIVE = re.compile(r"(^|[._])(client_secret|secret|digest|mac|signature|checksum|hashed|expected_hash)(\(.*\))?$")


@pytest.mark.incident("kanidm, comparison of secrets")
def test_secrets_are_compared_in_constant_time():
    """Two values that are both computed or stored secrets never meet in ``==``; a row looked for by its digest may."""
    found = []
    for path, tree in sources(("idp",)):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In):
                continue
            sides = [ast.unparse(side) for side in (node.left, *node.comparators) if not isinstance(side, ast.Constant)]
            if any(SENSITIVE.search(side) for side in sides) and len(sides) > 1:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")

    assert found == []


DANGEROUS = {"subprocess", "pickle", "marshal", "shelve", "dill", "pty", "commands"}
CALLS = {"os.system", "os.popen", "eval", "exec", "yaml.load", "os.execv", "os.spawnl"}
# The hub's own command, whose words are all in the code; never through a shell.
OWN_PROCESS = {"hub/followers.py": {"subprocess"}}


@pytest.mark.incident("CVE-2025-59518", "CVE-2025-13467")
def test_the_hub_has_no_shell_and_reads_no_frozen_objects():
    found = []
    for path, tree in sources():
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [
                    alias.name.partition(".")[0] for alias in node.names if alias.name.partition(".")[0] in DANGEROUS
                ]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in DANGEROUS:
                names = [str(node.module)]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
                names = [ast.unparse(node.func)]
            if any(keyword.arg == "shell" for keyword in getattr(node, "keywords", ())):
                names.append("shell")
            place = str(path.relative_to(ROOT))
            found += [f"{place}:{node.lineno} {name}" for name in names if name not in OWN_PROCESS.get(place, ())]

    assert found == []
