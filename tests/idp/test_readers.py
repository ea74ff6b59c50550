"""A token opens the tool that reads it: what is asked at that tool's door is asked before it is made, and read."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.models import Disclosure
from consent.types import Channel
from idp.models import Grant, HubSession, Tool
from idp.models.tools import forget_tools
from idp.services import introspection, withdrawal
from idp.services.tools import close_tool, pair_tools
from idp.types import AccessTokenFormat, GrantType
from tests.support.cast import FORMATION, MONDAY, notice_of
from tests.support.oidc import Party, answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
API = "https://api.alizarine.example/"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
STRONG = {"methods": ("pwd", "otp", "mfa"), "acr": "2"}


@pytest.fixture
def wiki(signing_key) -> Party:
    return connect("wiki", resources=API, offline_access=True, grant_types=f"authorization_code {GrantType.EXCHANGE}")


@pytest.fixture
def api(wiki) -> Party:
    party = connect("louty-api", resource_identifier=API, grant_types=f"authorization_code {GrantType.EXCHANGE}")
    pair_tools(source="wiki", target="louty-api", scopes={"lire"}, actor=SYSTEM, now=timezone.now())
    return party


def change(party: Party, **properties: object) -> None:
    Tool.objects.filter(pk=party.tool.pk).update(**properties)
    forget_tools()


def exchanged(party: Party, subject_token: str, resource: str = API):
    form = {"grant_type": GrantType.EXCHANGE, "subject_token": subject_token, "subject_token_type": ACCESS_TOKEN}
    return party.post("/oidc/token", {**form, "resource": resource})


def told(party: Party, token: str) -> dict[str, object]:
    return party.post("/oidc/introspect", {"token": token}).json()


def reasons() -> list[str]:
    return list(Event.objects.filter(refused=True).order_by("pk").values_list("reason", flat=True))


# How strongly, how lately ------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9470", "1")
@pytest.mark.parametrize(
    ("asked", "reason"), [({"required_acr": "2"}, "acr_too_low"), ({"default_max_age": 60}, "auth_too_old")]
)
def test_a_token_is_not_exchanged_for_one_at_a_door_that_would_ask_for_more(wiki, api, member, asked, reason):
    browser = sign_in(member, at=timezone.now() - timedelta(minutes=3))
    own = wiki.exchange(wiki.code(browser)).json()["access_token"]
    change(api, **asked)

    refused = exchanged(wiki, own)

    assert (refused.status_code, refused.json()["error"]) == (400, "access_denied")
    assert reasons() == [reason]


def test_a_member_who_proved_enough_is_let_in_by_exchange(wiki, api, member):
    change(api, required_acr="2", default_max_age=60)
    own = wiki.exchange(wiki.code(sign_in(member, **STRONG))).json()["access_token"]

    token = exchanged(wiki, own).json()["access_token"]

    assert (told(api, token)["active"], told(api, token)["acr"]) == (True, "2")


@pytest.mark.spec("RFC 8707", "2")
def test_a_resource_asks_for_its_own_level_when_the_tool_is_opened(wiki, api, member):
    change(api, required_acr="2")

    weak = wiki.authorize(sign_in(member), resource=API, prompt="none")
    strong = wiki.exchange(wiki.code(sign_in(member, **STRONG), resource=API))

    assert answer_of(weak)["error"] == "login_required"
    assert told(api, strong.json()["access_token"])["active"] is True


def test_a_level_that_is_raised_counts_for_tokens_given_before(wiki, api, member):
    held = wiki.exchange(wiki.code(sign_in(member), scope="openid offline_access")).json()
    shown = wiki.exchange(wiki.code(sign_in(member), resource=API)).json()["access_token"]
    change(api, required_acr="2")
    assert told(api, shown) == {"active": False}
    assert told(wiki, held["access_token"])["active"] is True
    change(wiki, required_acr="2")

    answers = [wiki.userinfo(held["access_token"]).status_code, wiki.refresh(held["refresh_token"]).status_code]

    assert answers == [401, 400]
    assert told(wiki, held["access_token"]) == {"active": False}
    assert reasons() == ["acr_too_low"] * 2


@pytest.mark.spec("OIDC Core", "2")
def test_a_refreshed_token_states_what_the_session_still_proves(wiki, member):
    held = wiki.exchange(wiki.code(sign_in(member, **STRONG), scope="openid offline_access")).json()
    assert wiki.claims(held["id_token"])["acr"] == "2"
    HubSession.objects.update(acr="1", methods=["pwd"])

    fresh = wiki.refresh(held["refresh_token"]).json()

    claims = wiki.claims(fresh["id_token"])
    assert (claims["acr"], claims["amr"]) == ("1", ["pwd"])
    assert told(wiki, held["access_token"])["acr"] == "1"


def test_a_resource_that_asks_for_fresh_proof_each_time_takes_one_of_just_now(wiki, api, member):
    change(api, default_max_age=0)
    browser = sign_in(member, at=timezone.now() - timedelta(seconds=30))

    token = wiki.exchange(wiki.code(browser, resource=API)).json()["access_token"]

    assert told(api, token)["active"] is True


# Who may enter, who agreed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "reason"), [({"everyone": False}, "access_denied"), ({"required_acr": "2"}, "acr_too_low")]
)
def test_a_tool_exchanges_nothing_for_a_member_who_may_no_longer_enter_it(wiki, api, browser, closed, reason):
    last = connect("paie-api", resource_identifier="https://paie.alizarine.example/")
    pair_tools(source="louty-api", target="paie-api", scopes={"lire"}, actor=SYSTEM, now=timezone.now())
    received = wiki.exchange(wiki.code(browser, resource=API)).json()["access_token"]
    assert exchanged(api, received, last.tool.resource_identifier).status_code == 200
    change(api, **closed)

    refused = exchanged(api, received, last.tool.resource_identifier)

    assert refused.json()["error"] == "invalid_grant"
    assert reasons() == [reason]


@pytest.fixture
def on_consent(api, member) -> Party:
    consent_services.declare(tool_id=api.tool.pk, sheet=FORMATION, actor=SYSTEM, now=MONDAY)
    consent_services.answer(
        member_id=member.pk,
        tool_id=api.tool.pk,
        notice_id=notice_of(api.tool),
        accepted=frozenset(),
        actor=Actor(member=member.pk),
        language="fr",
        now=timezone.now(),
    )
    return api


def test_withdrawing_an_agreement_ends_what_others_hold_to_act_there(wiki, on_consent, member, browser):
    own = wiki.exchange(wiki.code(browser)).json()["access_token"]
    tokens = [
        exchanged(wiki, own).json()["access_token"],
        wiki.exchange(wiki.code(browser, resource=API)).json()["access_token"],
    ]
    assert [told(on_consent, token)["active"] for token in tokens] == [True, True]

    withdrawal.withdraw(member_id=member.pk, tool=on_consent.tool, actor=Actor(member=member.pk), now=timezone.now())

    assert [told(on_consent, token) for token in tokens] == [{"active": False}] * 2
    assert told(wiki, own)["active"] is True
    assert exchanged(wiki, own).json()["error"] == "access_denied"
    assert answer_of(wiki.authorize(browser, resource=API))["error"] == "access_denied"
    assert reasons() == ["consent_missing"] * 2


def test_it_ends_what_the_tool_got_for_others_on_that_ground(wiki, on_consent, member, browser):
    last = connect("paie-api", resource_identifier="https://paie.alizarine.example/")
    pair_tools(source="louty-api", target="paie-api", scopes={"lire"}, actor=SYSTEM, now=timezone.now())
    received = wiki.exchange(wiki.code(browser, resource=API)).json()["access_token"]
    onward = exchanged(on_consent, received, last.tool.resource_identifier).json()["access_token"]
    before = told(last, onward)["active"]

    withdrawal.withdraw(member_id=member.pk, tool=on_consent.tool, actor=Actor(member=member.pk), now=timezone.now())

    assert before is True
    assert told(last, onward) == {"active": False}


def test_a_token_that_outlived_the_agreement_opens_nothing(wiki, on_consent, member, browser):
    """Made by a request that was under way when the member withdrew."""
    token = wiki.exchange(wiki.code(browser, resource=API)).json()["access_token"]

    consent_services.end_consent(
        member_id=member.pk, tool_id=on_consent.tool.pk, actor=Actor(member=member.pk), now=timezone.now()
    )

    assert told(on_consent, token) == {"active": False}


def test_a_member_who_may_not_enter_a_resource_is_told_before_a_code_is_made(wiki, api, browser):
    change(api, everyone=False)

    answer = answer_of(wiki.authorize(browser, resource=API))

    assert answer["error"] == "access_denied"
    assert not Grant.objects.exists()


def test_the_freshness_of_a_resource_is_asked_for_when_the_tool_is_opened(wiki, api, member):
    change(api, default_max_age=60)
    browser = sign_in(member, at=timezone.now() - timedelta(minutes=3))

    silent = wiki.authorize(browser, resource=API, prompt="none")
    asked = wiki.authorize(browser, resource=API)

    assert answer_of(silent)["error"] == "login_required"
    assert asked["Location"].startswith("/compte/confirmer/")
    assert "code" in answer_of(wiki.authorize(browser))


# The ledger --------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G6")
@pytest.mark.spec("RFC 7662", "5")
def test_a_reader_that_is_told_whom_a_token_is_about_has_it_in_the_ledger_counted_by_day(wiki, api, member):
    token = wiki.exchange(wiki.code(sign_in(member), resource=API), resource=API).json()["access_token"]

    answers = [told(api, token), told(api, token), told(wiki, token), told(api, "unknown")]

    assert [each["active"] for each in answers] == [True, True, False, False]
    row = Disclosure.objects.get(channel=Channel.INTROSPECTION)
    assert (row.member, row.tool, row.items, row.count) == (member, api.tool, ["identifier"], 2)
    lines = Event.objects.filter(action=Action.DISCLOSED, tool=api.tool.pk)
    assert [line.facts["profile"] for line in lines].count(row.profile) == 1


@pytest.mark.gdpr("G6")
def test_what_cannot_be_written_is_not_told(wiki, api, member, monkeypatch):
    token = wiki.exchange(wiki.code(sign_in(member), resource=API), resource=API).json()["access_token"]
    monkeypatch.setattr("idp.services.introspection.disclose", Mock(side_effect=DatabaseError))

    with pytest.raises(DatabaseError):
        introspection.introspect(token, tool=api.tool, now=timezone.now())


# A tool's own account ----------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "4.4")
@pytest.mark.parametrize("form", AccessTokenFormat.values)
def test_the_account_of_a_closed_tool_gets_nothing_that_opens_anything(signing_key, form):
    """Another process knows the tool as it was for some seconds."""
    robot = connect("robot", grant_types="client_credentials", scopes="openid api:read", access_token_format=form)
    ask = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:read"}
    kept = Tool.objects.registered(robot.tool.client_id)
    close_tool(slug="robot", actor=SYSTEM, now=timezone.now(), reason="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idp.clients.tool_by_client_id", lambda _client_id: kept)
        answer = robot.post("/oidc/token", ask)

    if form == AccessTokenFormat.JWT:
        assert answer.status_code == 400
        assert reasons() == ["tool_closed"]
    else:
        token = answer.json()["access_token"]
        assert introspection.introspect(token, tool=kept, now=timezone.now()) == {"active": False}
