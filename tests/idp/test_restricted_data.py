"""Restriction on the wire: from the next answer on, by every way, a tool gets its own identifiers alone."""

import pytest
from django.utils import timezone

from audit.types import SYSTEM, Actor
from consent import services as consent_services
from consent.requests import services as requests
from consent.requests.types import Kind
from consent.services import fill_register
from tests.support.cast import LOUTY, notice_of
from tests.support.oidc import connect, sign_in

pytestmark = pytest.mark.django_db
NAMED = {"name", "email"}


def test_what_is_restricted_leaves_by_no_way_and_what_is_free_again_does(signing_key, member, dpo):
    party = connect("louty", scopes="openid profile email", offline_access=True)
    consent_services.declare(tool_id=party.tool.pk, sheet=LOUTY, actor=SYSTEM, now=timezone.now())
    consent_services.answer(
        member_id=member.pk,
        tool_id=party.tool.pk,
        notice_id=notice_of(party.tool),
        accepted=frozenset(),
        actor=Actor(member.pk),
        language="fr",
        now=timezone.now(),
    )
    fill_register(now=timezone.now())
    browser = sign_in(member)
    scope = "openid profile email offline_access"

    def sent_by_every_way():
        body = party.exchange(party.code(browser, scope=scope)).json()
        refreshed = party.refresh(body["refresh_token"]).json()
        userinfo = party.userinfo(refreshed["access_token"]).json()
        answers = [party.claims(body["id_token"]), party.claims(refreshed["id_token"]), userinfo]
        return [NAMED & answer.keys() for answer in answers], {answer["sub"] for answer in answers}

    before, subjects = sent_by_every_way()
    held = party.exchange(party.code(browser, scope=scope)).json()
    said = {"text": "Le temps de vérifier", "tool_id": None, "language": "fr"}
    now, actor = timezone.now(), Actor(member.pk)
    request = requests.make(member_id=member.pk, kind=Kind.RESTRICTION, actor=actor, now=now, **said)
    requests.restrict(of=request, text="Le temps de vérifier", actor=Actor(dpo.pk), now=now)

    given_before = party.userinfo(held["access_token"]).json()
    restricted, same = sent_by_every_way()
    requests.free(of=request, actor=actor, now=timezone.now())
    free, _ = sent_by_every_way()

    assert before == free == [NAMED] * 3
    assert restricted == [set()] * 3
    assert not NAMED & given_before.keys(), "a token given before opens no more"
    assert same == subjects, "the tool still recognises who opens it"
