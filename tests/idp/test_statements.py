"""How many SQL statements a request costs, with the ledger's and the journal's; transactions' own words apart."""

from contextlib import contextmanager

import pytest
from django.db import connection

from idp.types import AuthMethod, GrantType
from tests.support.cost import counted
from tests.support.oidc import answer_of, connect, sign_in

pytestmark = pytest.mark.usefixtures("as_in_production")


@contextmanager
def at_most(limit, *, apart=0):
    """``apart``: how many more where rows of several tables do not go in one statement."""
    with counted() as cost:
        yield
    limit += 0 if connection.vendor == "postgresql" else apart
    assert 0 < len(cost.statements) <= limit, "\n".join(cost.statements)


@pytest.fixture
def browser(member):
    return sign_in(member)


@pytest.fixture
def agenda_of(signing_key):
    return connect("agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST)


def test_an_authorization_with_a_session_takes_two(agenda_of, browser):
    agenda_of.code(browser)

    with at_most(2, apart=2):
        response = agenda_of.authorize(browser)

    assert "code" in answer_of(response)


def test_a_code_exchange_takes_four_with_a_refresh_token(agenda_of, browser):
    scope = "openid profile offline_access"
    agenda_of.exchange(agenda_of.code(browser, scope=scope))
    code = agenda_of.code(browser, scope=scope)

    with at_most(4, apart=4):
        response = agenda_of.exchange(code)

    assert response.json()["refresh_token"]


def test_a_refresh_takes_three(agenda_of, browser):
    token = agenda_of.exchange(agenda_of.code(browser, scope="openid offline_access")).json()["refresh_token"]

    with at_most(3, apart=4):
        response = agenda_of.refresh(token)

    assert response.status_code == 200


def test_userinfo_takes_one_and_that_of_ledger_and_journal(agenda_of, browser):
    token = agenda_of.exchange(agenda_of.code(browser)).json()["access_token"]
    agenda_of.userinfo(token)

    with at_most(2, apart=2):
        response = agenda_of.userinfo(token)

    assert response.status_code == 200


def test_an_introspection_takes_one_and_that_of_ledger_and_journal(agenda_of, browser):
    token = agenda_of.exchange(agenda_of.code(browser)).json()["access_token"]
    agenda_of.post("/oidc/introspect", {"token": token, **agenda_of.credentials()})

    with at_most(2, apart=2):
        response = agenda_of.post("/oidc/introspect", {"token": token, **agenda_of.credentials()})

    assert response.json()["active"] is True


def test_an_introspection_of_an_account_of_a_tool_takes_one(signing_key):
    robot = connect("robot", grant_types="authorization_code client_credentials", scopes="openid api:read")
    token = robot.post("/oidc/token", {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:read"}).json()

    with at_most(1):
        response = robot.post("/oidc/introspect", {"token": token["access_token"], **robot.credentials()})

    assert response.json()["active"] is True


def test_client_credentials_take_one(signing_key):
    robot = connect("robot", grant_types="authorization_code client_credentials", scopes="openid api:read")
    form = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:read"}
    robot.post("/oidc/token", form)

    with at_most(1, apart=2):
        response = robot.post("/oidc/token", form)

    assert response.status_code == 200
