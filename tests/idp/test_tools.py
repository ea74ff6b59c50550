"""Connecting a tool from the command line."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from consent import selectors as consent_selectors
from idp.models import AccessToken, Grant, Tool
from idp.protocol.tokens import digest
from idp.services.purge import purge_expired
from tests.support.oidc import Party, answer_of

pytestmark = pytest.mark.django_db


def add_tool(*options: str) -> dict:
    out = StringIO()
    call_command("add_tool", "essai", "--name", "Essai", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def test_it_prints_credentials_once_and_stores_a_digest():
    told = add_tool("--redirect-uri", "https://essai.example/cb")

    tool = Tool.objects.get()
    assert len(told["client_secret"]) == 64
    assert tool.client_secret == digest(told["client_secret"])
    assert told["issuer"] == "http://localhost:8000"
    assert add_tool("--redirect-uri", "https://essai.example/cb")["client_secret"] == ""
    assert add_tool("--redirect-uri", "https://essai.example/cb")["client_id"] == told["client_id"]
    assert Event.objects.filter(action=Action.TOOL_CREATED).count() == 1
    assert not Event.objects.filter(action=Action.TOOL_CHANGED).exists(), "nothing changed, nothing is said"


def test_what_it_prints_works(signing_key, browser):
    told = add_tool("--redirect-uri", "http://localhost:9999/callback", "--everyone")
    party = Party(Tool.objects.get(), told["client_secret"])

    body = party.exchange(answer_of(party.authorize(browser))["code"]).json()

    assert party.claims(body["id_token"])["aud"] == told["client_id"]


def test_a_sheet_comes_with_its_items():
    add_tool(
        "--redirect-uri",
        "https://essai.example/cb",
        "--processing",
        "Essai",
        "--purpose",
        "Essayer.",
        "--legal-basis",
        "consent",
        "--retention",
        "un an",
        "--item",
        "name=pour l’affichage|to show it",
        "--optional-item",
        "phone=pour appeler",
    )

    sheet = consent_selectors.sheet(Tool.objects.get().pk)
    assert [(item.item, item.optional) for item in sheet.items.all()] == [("name", False), ("phone", True)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "at least one"),
        (("--redirect-uri", "javascript:alert(1)"), "redirect_uris"),
        (("--redirect-uri", "http://essai.example/cb"), "outside this machine"),
        (("--redirect-uri", "https://essai.example/cb#x"), "fragment"),
        (
            ("--redirect-uri", "https://e.example/", "--backchannel-logout-uri", "JAVASCRIPT:x"),
            "backchannel_logout_uri",
        ),
        (("--redirect-uri", "https://e.example/", "--launch-url", "data:text/html,x"), "launch_url"),
        (("--redirect-uri", "https://e.example/", "--collective", "nulle-part"), "nulle-part"),
        (("--redirect-uri", "https://e.example/", "--processing", "P", "--item", "telepathy=x"), "telepathy"),
    ],
)
def test_a_wrong_property_is_named_and_nothing_is_stored(options, said):
    with pytest.raises(CommandError, match=said):
        add_tool(*options)

    assert not Tool.objects.exists()


def test_an_old_secret_works_until_its_end(wiki, browser):
    Tool.objects.update(
        previous_client_secret=digest("old"), previous_client_secret_until=timezone.now() + timedelta(hours=1)
    )
    old = Party(Tool.objects.get(), "old", verifier=wiki.verifier)
    assert old.exchange(wiki.code(browser)).status_code == 200

    Tool.objects.update(previous_client_secret_until=timezone.now())

    assert old.exchange(wiki.code(browser)).status_code == 401


def test_a_tool_on_trial_may_send_its_secret_either_way(wiki, browser):
    Tool.objects.update(token_endpoint_auth_method="client_secret")
    form = {"client_id": wiki.tool.client_id, "client_secret": wiki.secret}

    assert wiki.exchange(wiki.code(browser)).status_code == 200
    assert wiki.exchange(wiki.code(browser), headers={}, **form).status_code == 200
    assert wiki.exchange(wiki.code(browser), headers={}, client_id=wiki.tool.client_id).status_code == 401


def test_what_expired_is_purged_and_nothing_else(wiki, browser):
    wiki.exchange(wiki.code(browser))
    assert purge_expired(now=timezone.now()) == 0

    later = timezone.now() + timedelta(days=60)
    assert purge_expired(now=later) > 0

    assert not AccessToken.objects.exists()
    assert not Grant.objects.exists()
    assert not Session.objects.exists()
    assert Event.objects.exists(), "the journal is not a cache"
