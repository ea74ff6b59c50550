"""From a tool that wants more than a password, through the real pages, and back with what was proved."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from directory.models import Member
from idp.models import Grant
from tests.support.authorize import back_from
from tests.support.oidc import Party, answer_of, connect
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, Enrol, confirm_password, totp, try_to_sign_in

pytestmark = pytest.mark.django_db
TWO_FACTORS = json.dumps({"id_token": {"acr": {"essential": True, "values": ["2"]}}})


@pytest.fixture
def wiki_tool(transactional_db, signing_key) -> Party:
    return connect("wiki")


def test_a_stranger_signs_in_and_goes_on_to_the_tool(client: Client, noemie: Member, wiki_tool: Party) -> None:
    back = back_from(wiki_tool.authorize(client, login_hint=NOEMIE))

    signed_in = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, next=back)

    assert signed_in["Location"] == back
    assert "code" in answer_of(client.get(back))
    assert Grant.objects.get().acr == "1"


def test_signing_in_again_is_asked_and_believed_once_done(client: Client, noemie: Member, wiki_tool: Party) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    back = back_from(wiki_tool.authorize(client, prompt="login"))
    assert client.get(back).status_code == 302, "nothing was proved yet"

    confirmed = confirm_password(client, NOEMIE_PASSWORD, back)

    assert confirmed["Location"] == back
    assert "code" in answer_of(client.get(back))


def test_enrolment_leads_back_to_the_tool_that_asked_for_it(
    client: Client, noemie: Member, wiki_tool: Party, enrol: Enrol
) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    page = wiki_tool.authorize(client, claims=TWO_FACTORS).content.decode()
    assert f'href="{reverse("mfa_choose")}"' in page
    assert f'href="{reverse("mfa_activate_totp")}"' in client.get(reverse("mfa_choose")).content.decode()

    enrol(client, NOEMIE_PASSWORD)
    codes = client.get(reverse("mfa_view_recovery_codes")).content.decode()

    (onward,) = re.findall(r'href="(/oidc/authorize/suite/[^"]*)"', codes)
    assert "code" in answer_of(client.get(onward.replace("&amp;", "&")))
    assert Grant.objects.get().acr == "2"


def test_a_session_with_a_password_only_proves_the_second_factor_and_goes_on(
    client: Client, noemie: Member, wiki_tool: Party, enrol: Enrol
) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    other = Client()
    try_to_sign_in(other, NOEMIE, NOEMIE_PASSWORD)
    enrolled = enrol(other, NOEMIE_PASSWORD)
    asked = wiki_tool.authorize(client, claims=TWO_FACTORS)
    assert asked["Location"].startswith(reverse("mfa_reauthenticate"))

    back = back_from(asked)
    proved = client.post(reverse("mfa_reauthenticate"), {"code": totp(enrolled.secret), "next": back})

    assert proved["Location"] == back
    answer_of(client.get(back))
    assert Grant.objects.get().acr == "2"
    assert Grant.objects.get().methods == ["pwd", "otp", "mfa"]
