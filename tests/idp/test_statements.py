"""How many SQL statements a request costs, with the ledger's and the journal's; transactions' own words apart."""

from contextlib import contextmanager

import pytest

from idp.types import AuthMethod, GrantType
from tests.support.cost import counted
from tests.support.oidc import answer_of, connect, sign_in

pytestmark = pytest.mark.usefixtures("as_in_production")


@contextmanager
def at_most(limit):
    with counted() as cost:
        yield
    assert 0 < len(cost.statements) <= limit, "\n".join(cost.statements)


@pytest.fixture
def browser(member):
    return sign_in(member)


@pytest.fixture
def agenda_of(signing_key):
    return connect("agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST)


def test_an_authorization_with_a_session_takes_four(agenda_of, browser):
    agenda_of.code(browser)

    with at_most(4):
        response = agenda_of.authorize(browser)

    assert "code" in answer_of(response)


def test_a_code_exchange_takes_eight_with_a_refresh_token(agenda_of, browser):
    code = agenda_of.code(browser, scope="openid profile offline_access")

    with at_most(8):
        response = agenda_of.exchange(code)

    assert response.json()["refresh_token"]


def test_a_refresh_takes_seven(agenda_of, browser):
    token = agenda_of.exchange(agenda_of.code(browser, scope="openid offline_access")).json()["refresh_token"]

    with at_most(7):
        response = agenda_of.refresh(token)

    assert response.status_code == 200


def test_userinfo_takes_one_and_the_ledgers_two(agenda_of, browser):
    token = agenda_of.exchange(agenda_of.code(browser)).json()["access_token"]

    with at_most(3):
        response = agenda_of.userinfo(token)

    assert response.status_code == 200


def test_an_introspection_takes_one(agenda_of, browser):
    token = agenda_of.exchange(agenda_of.code(browser)).json()["access_token"]

    with at_most(1):
        response = agenda_of.post("/oidc/introspect", {"token": token, **agenda_of.credentials()})

    assert response.json()["active"] is True


def test_client_credentials_take_two(signing_key):
    robot = connect("robot", grant_types="authorization_code client_credentials", scopes="openid api:read")
    form = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:read"}
    robot.post("/oidc/token", form)

    with at_most(2):
        response = robot.post("/oidc/token", form)

    assert response.status_code == 200
