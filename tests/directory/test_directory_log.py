"""What slapd itself says that it was asked: never a password, and nothing at all for a token (I8, I10)."""

import pytest
from django.test import Client

from demo.slapd import EmbeddedDirectory
from directory.services import synchronise
from tests.support.oidc import Party
from tests.support.passes import MONDAY, TUESDAY
from tests.support.signin import KARIM, KARIM_PASSWORD, WRONG, try_to_sign_in
from tests.support.slapd import five_weeks_later
from tests.support.slapd_log import Log

pytestmark = pytest.mark.django_db
OFFLINE = "openid profile email offline_access"


def test_no_question_of_any_pass_or_sign_in_asks_for_a_password(small_directory: EmbeddedDirectory, client: Client):
    synchronise(now=MONDAY)
    five_weeks_later(small_directory)
    log = Log(small_directory)

    synchronise(now=TUESDAY)
    try_to_sign_in(client, KARIM, WRONG)
    try_to_sign_in(client, "personne", WRONG)
    try_to_sign_in(client, KARIM, KARIM_PASSWORD)

    assert "_auth_user_id" in client.session
    searches = log.searches().values()
    assert len(searches) > 5
    for what, attributes in searches:
        # RFC 4511 §4.5.1.8: none named is all of them, and so is "*".
        assert attributes
        assert not {name.lower() for name in attributes} & {"*", "+", "userpassword"}
        assert "userpassword" not in what.lower()


@pytest.fixture
def silent(shared_directory: EmbeddedDirectory) -> Log:
    """The directory that the hub would ask, if it asked."""
    return Log(shared_directory)


def test_no_code_token_or_claim_asks_the_directory_anything(silent: Log, agenda: Party, browser: Client):
    code = agenda.code(browser, scope=OFFLINE)
    tokens = agenda.exchange(code).json()
    told = agenda.userinfo(tokens["access_token"])
    refreshed = agenda.refresh(tokens["refresh_token"])
    replayed = agenda.exchange(code)
    asked = agenda.post("/oidc/introspect", {"token": tokens["access_token"], **agenda.credentials()})

    assert [each.status_code for each in (told, refreshed, replayed, asked)] == [200, 200, 400, 200]
    assert silent.is_silent()


def test_the_directory_would_have_told(silent: Log, client: Client):
    try_to_sign_in(client, KARIM, WRONG)

    assert not silent.is_silent()
