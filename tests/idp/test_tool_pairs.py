"""Which tool may act at which other (RFC 8693): the operator's word, and what ends with it."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from idp.models import AccessToken, ToolPair
from idp.services.tools import pair_tools
from idp.types import GrantType
from tests.support.oidc import Party, connect

pytestmark = pytest.mark.django_db
API = "https://api.alizarine.example/"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture
def source(signing_key) -> Party:
    return connect("wiki", grant_types=f"authorization_code {GrantType.EXCHANGE}")


@pytest.fixture
def target(signing_key) -> Party:
    return connect("louty-api", resource_identifier=API)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("pair_tools", *arguments, stdout=out)
    return out.getvalue()


def exchanged(source: Party, browser, **changes):
    own = source.exchange(source.code(browser)).json()["access_token"]
    form = {"grant_type": GrantType.EXCHANGE, "subject_token": own, "subject_token_type": ACCESS_TOKEN, "resource": API}
    return source.post("/oidc/token", {**form, **changes})


def is_active(target: Party, token: str) -> bool:
    return target.post("/oidc/introspect", {"token": token}).json()["active"]


@pytest.mark.spec("RFC 8693", "2.1")
def test_a_pair_lets_the_first_act_at_the_second_and_not_the_other_way(source, target, browser):
    said = run("wiki", "louty-api", "--scope", "lire", "--scope", "noter")

    assert said == "wiki -> louty-api: lire noter\n"
    assert is_active(target, exchanged(source, browser, scope="lire").json()["access_token"])
    line = Event.objects.get(action=Action.TOOLS_PAIRED)
    assert (line.tool_id, line.facts["target"]) == (source.tool.pk, "louty-api")
    assert (line.facts["scopes"], line.facts["changes"]) == (["lire", "noter"], {"scopes": ["", "lire noter"]})
    with pytest.raises(CommandError, match="grant"):
        run("louty-api", "wiki", "--scope", "lire")


def test_the_end_of_a_pair_ends_what_was_exchanged_and_nothing_else(source, target, browser):
    run("wiki", "louty-api", "--scope", "lire")
    token = exchanged(source, browser).json()["access_token"]
    own = source.exchange(source.code(browser)).json()["access_token"]

    run("wiki", "louty-api", "--end")

    assert not is_active(target, token)
    assert is_active(source, own)
    assert exchanged(source, browser).json()["error"] == "invalid_target"
    assert Event.objects.get(action=Action.TOOLS_PARTED).facts == {"target": "louty-api"}


@pytest.mark.parametrize(("scopes", "alive"), [({"lire", "noter"}, True), ({"noter"}, False)])
def test_scopes_that_are_taken_away_end_what_was_exchanged(source, target, browser, scopes, alive):
    run("wiki", "louty-api", "--scope", "lire")
    token = exchanged(source, browser).json()["access_token"]

    pair_tools(source="wiki", target="louty-api", scopes=scopes, actor=SYSTEM, now=timezone.now())

    assert is_active(target, token) is alive
    assert ToolPair.objects.get().scopes == " ".join(sorted(scopes))


def test_the_same_pair_twice_is_one_pair_and_one_line(source, target):
    run("wiki", "louty-api", "--scope", "lire")
    run("wiki", "louty-api", "--scope", "lire")

    assert ToolPair.objects.count() == Event.objects.filter(action=Action.TOOLS_PAIRED).count() == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("wiki", "wiki", "--scope", "lire"), "itself"),
        (("wiki", "muet", "--scope", "lire"), "resource identifier"),
        (("mobile", "louty-api", "--scope", "lire"), "confidential"),
        (("wiki", "louty-api", "--scope", "deux mots"), "without spaces"),
        (("wiki", "louty-api", "--scope", ""), "without spaces"),
        (("wiki", "louty-api", "--scope", "x" * 256), "255"),
        (("wiki", "personne", "--scope", "lire"), "no tool"),
        (("wiki", "louty-api", "--end"), "not paired"),
    ],
)
def test_what_cannot_be_a_pair_is_said_to_be_none(source, target, arguments, said):
    connect("muet")
    connect("mobile", token_endpoint_auth_method="none")

    with pytest.raises(CommandError, match=said):
        run(*arguments)

    assert not ToolPair.objects.exists()
    assert not AccessToken.objects.exists()


def test_the_list_of_tools_shows_pairs(source, target):
    run("wiki", "louty-api", "--scope", "lire")
    listed, text = StringIO(), StringIO()

    call_command("list_tools", "--json", stdout=listed)
    call_command("list_tools", stdout=text)

    assert {each["slug"]: each["exchanges"] for each in json.loads(listed.getvalue())} == {
        "louty-api": {},
        "wiki": {"louty-api": ["lire"]},
    }
    assert "-> louty-api: lire" in text.getvalue()
