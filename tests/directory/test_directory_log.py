"""What slapd itself says that it was asked: never a password, and nothing at all for a page or a token (I8, I10)."""

import re
import time

import pytest
from django.test import Client
from django.urls import reverse

from demo.slapd import EmbeddedDirectory
from directory.models import RoleGrant
from directory.services import synchronise
from directory.types import Role
from tests.hub.access import TABLE, Answer, Who
from tests.support.cast import make_member
from tests.support.oidc import Party, sign_in
from tests.support.passes import MONDAY, TUESDAY
from tests.support.signin import KARIM, KARIM_PASSWORD, WRONG, try_to_sign_in
from tests.support.slapd import five_weeks_later

pytestmark = pytest.mark.django_db
ROLES = {Who.OFFICE: Role.OFFICE, Who.DPO: Role.DPO, Who.TECHNICIAN: Role.TECHNICIAN}
OFFLINE = "openid profile email offline_access"


class Log:
    """What was asked of the server since it was opened."""

    def __init__(self, server: EmbeddedDirectory) -> None:
        self.file = server.log_file
        self.begun = self.file.stat().st_size
        # What came before may still be on its way into the file.
        time.sleep(0.2)
        while (size := self.file.stat().st_size) != self.begun:
            self.begun = size
            time.sleep(0.2)

    def text(self) -> str:
        return self.file.read_bytes()[self.begun :].decode(errors="replace")

    def searches(self) -> dict[tuple[str, str], tuple[str, list[str]]]:
        """By connection and operation: the filter, and the attributes that were asked for."""
        text = self.text()
        filters = re.findall(r'conn=(\d+) op=(\d+) SRCH base="[^"]*" scope=\d deref=\d filter="(.*)"$', text, re.M)
        asked = re.findall(r"conn=(\d+) op=(\d+) SRCH attr=(.*)$", text, re.M)
        names = {(connection, number): attributes.split() for connection, number, attributes in asked}
        return {(one, two): (what, names.get((one, two), [])) for one, two, what in filters}

    def is_silent(self) -> bool:
        return not self.text()


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


PAGES = [
    (who, row)
    for row in TABLE
    for who in (Who.NOBODY, Who.MEMBER, *ROLES)
    if row.get[who] is Answer.PAGE and not row.objects
]


def test_no_page_asks_the_directory_anything(silent: Log, signing_key: None):
    browsers = {Who.NOBODY: Client(), Who.MEMBER: sign_in(make_member("membre.x", "Membre X"))}
    for who, role in ROLES.items():
        person = make_member(f"{role}.x", f"Personne {role}")
        RoleGrant.objects.create(member=person, role=role)
        browsers[who] = sign_in(person)

    answers = {(who, row.route): browsers[who].get(reverse(row.route), row.query) for who, row in PAGES}

    assert len(answers) > 80
    assert {answer.status_code for answer in answers.values()} == {200}
    assert silent.is_silent()


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
