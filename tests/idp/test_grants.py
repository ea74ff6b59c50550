"""Tokens on every ground: a tool's own account, exchange, audience, formats, refresh with grace."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from audit.models import Event
from audit.types import Action
from consent.models import Disclosure
from consent.types import Channel
from idp.models import AccessToken, RefreshToken, Tool, ToolPair
from idp.models.tools import forget_tools
from idp.types import AuthMethod, GrantType
from tests.support.oidc import Party, answer_of, connect, sign_in

OWN = {"grant_types": "authorization_code client_credentials", "scopes": "openid profile api:read"}
API = "https://api.example/louty"


@pytest.fixture
def browser(member):
    return sign_in(member)


def own_token(party, **form):
    return party.post("/oidc/token", {"grant_type": GrantType.CLIENT_CREDENTIALS, **party.credentials(), **form})


# A tool's own account ----------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "4.4")
def test_a_tool_gets_a_token_for_its_own_account(signing_key):
    party = connect("robot", **OWN)

    answer = own_token(party, scope="api:read").json()

    assert answer["scope"] == "api:read"
    assert "refresh_token" not in answer
    assert "id_token" not in answer
    told = party.post("/oidc/introspect", {"token": answer["access_token"]}).json()
    assert (told["active"], told["client_id"]) == (True, party.tool.client_id)
    assert "sub" not in told


@pytest.mark.spec("RFC 9700", "4.15")
def test_a_tools_own_account_is_never_taken_for_a_person(signing_key):
    party = connect("robot", **OWN)
    token = own_token(party, scope="api:read").json()["access_token"]

    response = party.userinfo(token)

    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response["WWW-Authenticate"]
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, reason="token_without_person").exists()


@pytest.mark.parametrize("scope", ["openid", "profile", "api:write", "openid api:read", "offline_access"])
def test_a_tools_own_account_asks_for_nothing_personal_and_nothing_more(signing_key, scope):
    party = connect("robot", **OWN)

    response = own_token(party, scope=scope)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


# Signed access tokens, audience -----------------------------------------------------------------------------


@pytest.mark.spec("RFC 9068", "2.2")
def test_a_signed_access_token_says_for_whom_and_works_at_the_hub(signing_key, browser):
    party = connect("wiki", access_token_format="jwt", algorithm="ES256")
    answer = party.exchange(party.code(browser)).json()

    published = KeySet.import_key_set(party.http.get("/oidc/jwks").json())
    token = jwt.decode(answer["access_token"], published, algorithms=["ES256"])

    assert token.header["typ"] == "at+jwt"
    assert token.claims["aud"] == "http://localhost:8000"
    assert token.claims["client_id"] == party.tool.client_id
    assert party.userinfo(answer["access_token"]).status_code == 200


@pytest.mark.spec("OIDC Core", "3.1.3.7")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
def test_an_id_token_is_signed_as_the_tool_chose(signing_key, browser, alg):
    party = connect("wiki", algorithm=alg)

    id_token = party.exchange(party.code(browser)).json()["id_token"]

    published = KeySet.import_key_set(party.http.get("/oidc/jwks").json())
    assert jwt.decode(id_token, published, algorithms=[alg]).header["alg"] == alg


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_token_for_a_resource_is_good_there_and_nowhere_else(signing_key, browser):
    api = connect("louty-api", resource_identifier=API)
    party = connect("wiki", resources=API)
    token = party.exchange(party.code(browser, resource=API)).json()["access_token"]

    told = api.post("/oidc/introspect", {"token": token}).json()

    assert told["active"] is True
    assert told["aud"] == API
    assert party.userinfo(token).status_code == 401
    assert party.post("/oidc/introspect", {"token": token}).json() == {"active": False}
    assert connect("other").post("/oidc/introspect", {"token": token}).json() == {"active": False}


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.spec("RFC 9728", "3.3")
def test_a_token_for_userinfo_by_its_own_address_is_good_there(signing_key, browser):
    address = f"{settings.ISSUER}/oidc/userinfo"
    party = connect("wiki", resources=f"{address} {API}")

    own = party.exchange(party.code(browser, resource=address)).json()["access_token"]
    foreign = party.exchange(party.code(browser, resource=API)).json()["access_token"]

    assert party.userinfo(own).status_code == 200
    assert party.userinfo(foreign).status_code == 401


@pytest.fixture
def closed_api(signing_key, member) -> Party:
    """A resource that its owner opens to nobody yet."""
    return connect("louty-api", resource_identifier=API, everyone=False)


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_token_does_not_open_a_resource_that_its_member_may_not_enter(closed_api, browser):
    party = connect("wiki", resources=API, offline_access=True)
    open_code = party.code(browser, scope="openid offline_access")
    refresh = party.exchange(open_code).json()["refresh_token"]

    asked = party.authorize(browser, resource=API)
    Tool.objects.filter(pk=closed_api.tool.pk).update(everyone=True)
    code = party.code(browser, resource=API)
    Tool.objects.filter(pk=closed_api.tool.pk).update(everyone=False)
    by_code = party.exchange(code)
    by_refresh = party.refresh(refresh, resource=API)

    assert answer_of(asked)["error"] == "access_denied"
    for response in (by_code, by_refresh):
        assert (response.status_code, response.json()["error"]) == (400, "access_denied")
    assert Event.objects.filter(action=Action.TOKEN_REFUSED, reason="access_denied").count() == 2
    assert not AccessToken.objects.exclude(resource=[]).exists()


@pytest.mark.spec("RFC 7662", "2.2")
def test_a_resource_that_the_member_may_enter_no_longer_reads_the_token_as_inactive(closed_api, browser):
    Tool.objects.filter(pk=closed_api.tool.pk).update(everyone=True)
    party = connect("wiki", resources=API)
    token = party.exchange(party.code(browser, resource=API)).json()["access_token"]
    assert closed_api.post("/oidc/introspect", {"token": token}).json()["active"] is True

    Tool.objects.filter(pk=closed_api.tool.pk).update(everyone=False)

    assert closed_api.post("/oidc/introspect", {"token": token}).json() == {"active": False}


def test_every_tool_behind_a_token_is_in_the_ledger(signing_key, browser, member):
    other = "https://api.example/agenda"
    readers = [connect("louty-api", resource_identifier=API), connect("agenda-api", resource_identifier=other)]
    party = connect("wiki", resources=f"{API} {other}")

    party.exchange(party.code(browser, resource=[API, other]))

    told = Disclosure.objects.filter(channel=Channel.ACCESS_TOKEN).values_list("tool_id", flat=True)
    assert set(told) == {reader.tool.pk for reader in readers}


def test_a_resource_that_is_not_on_the_tools_list_is_refused(signing_key, browser):
    party = connect("wiki", resources=API)

    assert answer_of(party.authorize(browser, resource="https://evil.example/"))["error"] == "invalid_target"
    refused = party.exchange(party.code(browser), resource="https://evil.example/")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


# Token exchange ----------------------------------------------------------------------------------------------


def exchanged(party, subject_token, **changes):
    form = {
        "grant_type": GrantType.EXCHANGE,
        "subject_token": subject_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        **party.credentials(),
        **changes,
    }
    return party.post("/oidc/token", form)


@pytest.fixture
def pair(signing_key):
    source = connect("wiki", grant_types=f"authorization_code {GrantType.EXCHANGE}")
    target = connect("louty-api", resource_identifier=API)
    ToolPair.objects.create(source=source.tool, target=target.tool, scopes="lire", created_at=timezone.now())
    return source, target


@pytest.mark.spec("RFC 8693", "2.2.1")
def test_paired_tools_exchange_a_members_token(pair, browser):
    source, target = pair
    own = source.exchange(source.code(browser)).json()["access_token"]

    answer = exchanged(source, own, audience=target.tool.client_id).json()

    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer["scope"] == "lire"
    told = target.post("/oidc/introspect", {"token": answer["access_token"]}).json()
    assert told["act"] == {"sub": source.tool.client_id}
    assert told["aud"] == API
    assert "refresh_token" not in answer


@pytest.mark.spec("RFC 8693", "2.2.2")
def test_an_exchange_is_refused_without_a_pair_and_for_a_foreign_or_exchanged_token(pair, browser):
    source, target = pair
    own = source.exchange(source.code(browser)).json()["access_token"]
    other = connect("other", grant_types=f"authorization_code {GrantType.EXCHANGE}")
    second = exchanged(source, own, resource=API).json()["access_token"]

    assert exchanged(other, own, audience=target.tool.client_id).json()["error"] == "invalid_grant"
    assert exchanged(source, own, audience=other.tool.client_id).json()["error"] == "invalid_target"
    assert exchanged(source, second, audience=target.tool.client_id).json()["error"] == "invalid_grant"
    assert exchanged(source, own, audience=target.tool.client_id, scope="écrire").json()["error"] == "invalid_scope"


def test_an_exchange_asks_whether_the_member_may_enter_the_target(pair, browser):
    source, target = pair
    own = source.exchange(source.code(browser)).json()["access_token"]
    Tool.objects.filter(pk=target.tool.pk).update(everyone=False)

    assert exchanged(source, own, audience=target.tool.client_id).json()["error"] == "access_denied"


def test_an_exchanged_token_dies_with_the_session_it_came_from(pair, browser):
    source, target = pair
    own = source.exchange(source.code(browser)).json()["access_token"]
    token = exchanged(source, own, audience=target.tool.client_id).json()["access_token"]

    browser.post("/deconnexion/")

    assert target.post("/oidc/introspect", {"token": token}).json() == {"active": False}
    assert not AccessToken.objects.exists()


@pytest.mark.spec("RFC 7009", "2.1")
def test_revoking_a_token_ends_what_was_exchanged_for_it(pair, browser):
    source, target = pair
    own = source.exchange(source.code(browser)).json()["access_token"]
    token = exchanged(source, own, audience=target.tool.client_id).json()["access_token"]
    before = target.post("/oidc/introspect", {"token": token}).json()["active"]

    source.post("/oidc/revoke", {"token": own})

    assert before is True
    assert target.post("/oidc/introspect", {"token": token}).json() == {"active": False}
    assert not AccessToken.objects.exists()


def test_a_tool_that_revokes_what_it_exchanged_ends_nothing_of_the_tool_the_token_came_from(signing_key, browser):
    """A received token is another tool's: whoever exchanged it may end its own, not the family."""
    first = connect("wiki", resources=API)
    middle = connect("louty-api", resource_identifier=API, grant_types=f"authorization_code {GrantType.EXCHANGE}")
    last = connect("paie-api", resource_identifier="https://paie.alizarine.example/")
    ToolPair.objects.create(source=middle.tool, target=last.tool, scopes="lire", created_at=timezone.now())
    received = first.exchange(first.code(browser, resource=API)).json()["access_token"]
    token = exchanged(middle, received, audience=last.tool.client_id).json()["access_token"]

    middle.post("/oidc/revoke", {"token": token})

    assert last.post("/oidc/introspect", {"token": token}).json() == {"active": False}
    assert middle.post("/oidc/introspect", {"token": received}).json()["active"] is True


# Refresh with a grace period ---------------------------------------------------------------------------------


@pytest.fixture
def patient(signing_key):
    return connect("agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST, refresh_grace_seconds=30)


@pytest.fixture
def first(patient, browser):
    return patient.exchange(patient.code(browser, scope="openid offline_access")).json()["refresh_token"]


def test_a_lost_answer_may_be_asked_for_again_within_the_grace_period(patient, first):
    one = patient.refresh(first).json()
    two = patient.refresh(first).json()

    assert one["refresh_token"] == two["refresh_token"] != first
    assert one["access_token"] != two["access_token"]
    assert RefreshToken.objects.filter(revoked=None).count() == 1
    assert patient.refresh(two["refresh_token"]).status_code == 200


@pytest.mark.incident("django-oauth-toolkit#1617")
def test_after_the_grace_period_or_once_the_successor_was_used_the_family_ends(patient, first):
    second = patient.refresh(first).json()["refresh_token"]
    third = patient.refresh(second).json()["refresh_token"]

    refused = patient.refresh(first)

    assert refused.json()["error"] == "invalid_grant"
    assert patient.refresh(third).json()["error"] == "invalid_grant"
    assert not AccessToken.objects.exists()


def test_the_grace_period_ends(patient, first):
    patient.refresh(first)
    RefreshToken.objects.exclude(revoked=None).update(revoked=timezone.now() - timedelta(seconds=31))

    assert patient.refresh(first).json()["error"] == "invalid_grant"
    assert not RefreshToken.objects.filter(revoked=None).exists()


@pytest.mark.spec("RFC 7009", "2.1")
def test_revoking_an_access_token_ends_its_whole_family(patient, first):
    fresh = patient.refresh(first).json()

    patient.post("/oidc/revoke", {"token": fresh["access_token"], **patient.credentials()})

    assert not AccessToken.objects.exists()
    assert patient.refresh(fresh["refresh_token"]).json()["error"] == "invalid_grant"


# A login name that is given to somebody else -----------------------------------------------------------------


@pytest.mark.incident("CVE-2026-19607")
@pytest.mark.spec("OIDC Core", "2")
def test_a_login_name_used_again_never_brings_the_old_subject_back(signing_key, member, dpo):
    party = connect("nuage", subject_type="login")
    before = party.userinfo(party.exchange(party.code(sign_in(member))).json()["access_token"]).json()["sub"]
    name = member.login
    type(member).objects.filter(pk=member.pk).update(login="odile.autre", login_key="odile.autre")
    type(dpo).objects.filter(pk=dpo.pk).update(login=name, login_key=name)
    dpo.refresh_from_db()

    after = party.userinfo(party.exchange(party.code(sign_in(dpo))).json()["access_token"]).json()["sub"]

    assert before == name
    assert after == f"{name}~2"


@pytest.mark.spec("OIDC Core", "2")
@pytest.mark.parametrize("moment", ["the tool changed", "a resource", "an exchange"])
def test_nobody_is_told_to_a_tool_without_a_name_of_their_own(signing_key, member, dpo, moment):
    """Two members with the same empty subject would be one account at the tool."""
    subjects = []
    api = connect("nuage", resource_identifier=API, subject_type="login")
    source = connect("wiki", resources=API, grant_types=f"authorization_code {GrantType.EXCHANGE}")
    ToolPair.objects.create(source=source.tool, target=api.tool, scopes="lire", created_at=timezone.now())
    for person in (member, dpo):
        there = sign_in(person)
        if moment == "the tool changed":
            Tool.objects.filter(pk=source.tool.pk).update(subject_type="pairwise")
            forget_tools()
            source.code(there)
            Tool.objects.filter(pk=source.tool.pk).update(subject_type="login")
            forget_tools()
            held = source.exchange(source.code(there)).json()
            subjects.append(source.claims(held["id_token"])["sub"])
            assert source.userinfo(held["access_token"]).json()["sub"] == subjects[-1]
        elif moment == "a resource":
            token = source.exchange(source.code(there, resource=API)).json()["access_token"]
            subjects.append(api.post("/oidc/introspect", {"token": token}).json()["sub"])
        else:
            own = source.exchange(source.code(there)).json()["access_token"]
            token = exchanged(source, own, resource=API).json()["access_token"]
            subjects.append(api.post("/oidc/introspect", {"token": token}).json()["sub"])

    assert subjects == [member.login, dpo.login]


@pytest.mark.spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize("grace", [0, 60])
def test_nobody_chooses_the_refresh_token_that_a_code_gives(signing_key, browser, grace):
    party = connect("wiki", offline_access=True, refresh_grace_seconds=grace)
    sent = {"refresh_token": "choisi-par-un-autre", "user": "1", "scopes": "openid", "expires_in": "999999"}

    given = [party.exchange(party.code(browser, scope="openid offline_access"), **sent).json() for _ in range(2)]

    assert len({each["refresh_token"] for each in given}) == 2
    assert "choisi-par-un-autre" not in {each["refresh_token"] for each in given}
    assert {each["expires_in"] for each in given} == {600}
