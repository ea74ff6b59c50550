"""What programs call: without cookies or sessions, with headers that let nothing run, and errors that they can read."""

from importlib import import_module

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from hub.back_channel import NAMES
from hub.postgresql import base
from idp.services import tokens
from tests.support.oidc import Party, sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_to_a_program_lets_nothing_run_and_sets_no_cookie(signing_key, member, name):
    browser = sign_in(member)

    response = browser.get(reverse(f"idp:{name}"))

    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (response["X-Frame-Options"], response["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert response["Content-Length"] == str(len(response.content))
    assert not response.cookies
    assert response["X-Request-Id"]


def test_whoever_is_signed_in_is_nobody_there(signing_key, member):
    assert sign_in(member).get("/oidc/userinfo").status_code == 401
    assert sign_in(member).get("/oidc/token").status_code == 405


def test_an_error_of_the_hub_is_json_that_says_when_to_come_back(wiki, monkeypatch):
    def away(**_: object) -> None:
        raise OperationalError("no connection to 10.0.0.7 as hub")

    monkeypatch.setattr(tokens, "revoke", away)
    client = Client(raise_request_exception=False)

    response = Party(wiki.tool, wiki.secret, http=client).post("/oidc/revoke", {"token": "x"}, wiki.headers())

    assert (response.status_code, response.json()) == (503, {"error": "temporarily_unavailable"})
    assert int(response["Retry-After"]) > 0
    assert b"10.0.0.7" not in response.content


def test_a_fault_of_the_hub_is_json_too_and_says_nothing_of_itself(wiki, monkeypatch):
    def breaks(**_: object) -> None:
        raise ValueError("odile@alizarine.example")

    monkeypatch.setattr(tokens, "revoke", breaks)
    client = Client(raise_request_exception=False)

    response = Party(wiki.tool, wiki.secret, http=client).post("/oidc/revoke", {"token": "x"}, wiki.headers())

    assert (response.status_code, response.json()) == (500, {"error": "server_error"})
    assert "Retry-After" not in response


@pytest.mark.parametrize("charset", ["punycode", "base64", "rot13", "undefined", "idna", "utf-8", "latin-1", '"x'])
def test_no_codec_that_a_request_names_is_looked_for(rf, charset, monkeypatch):
    monkeypatch.setattr(base, "answer_seconds", None)  # back to this afterwards: the entry point sets it
    wsgi = import_module("hub.wsgi")
    read = []
    monkeypatch.setattr(wsgi, "_django", lambda environ, _: read.append(WSGIRequest(environ).GET["a"]) or [])
    environ = rf.get("/oidc/jwks", {"a": "é"}).environ | {"CONTENT_TYPE": f"text/plain; charset={charset}"}

    wsgi.application(environ, lambda *_: None)

    assert read == ["é"]
