"""Over journeys that nobody planned: the ledger says what was on the wire, and nothing more than was declared."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import selectors as consent_selectors
from consent import services as consent_services
from consent.findings import selectors as findings
from consent.findings.types import Level
from consent.ledger import holdings
from consent.ledger import services as ledger
from consent.models import Disclosure
from consent.types import ALWAYS, ITEMS, Channel, Decision
from idp.services import withdrawal
from tests.support.cast import FORMATION, LOUTY, notice_of
from tests.support.oidc import connect, sign_in

pytestmark = pytest.mark.django_db
SCOPES = ("profile", "email", "phone", "address", "groups")
ACTS = ("open", "open", "userinfo", "userinfo", "userinfo", "refresh", "decide", "withdraw", "close")


def items_in(claims) -> frozenset[str]:
    return frozenset(item.code for item in ITEMS.values() if set(item.claims) & set(claims))


@pytest.mark.parametrize("seed", range(4))
def test_the_ledger_counts_what_was_on_the_wire_by_the_names_of_items(signing_key, member, seed):
    chance = random.Random(seed)  # noqa: S311 (the same journeys every time)
    parties = {}
    for slug, sheet in (("louty", LOUTY), ("formation", FORMATION), ("sans-fiche", None)):
        party = connect(slug, scopes=" ".join(("openid", *SCOPES)), offline_access=True)
        parties[slug] = party
        if sheet:
            consent_services.declare(tool_id=party.tool.pk, sheet=sheet, actor=SYSTEM, now=timezone.now())
    browser, held, wire = sign_in(member), {}, Counter()

    def seen(party, channel, claims):
        items = items_in(claims)
        sheet = consent_selectors.sheet(party.tool.pk)
        assert items <= ALWAYS | {item.item for item in sheet.items.all()} if sheet else items <= ALWAYS
        wire[party.tool.pk, channel, items] += 1

    for _step in range(25):
        slug, act = chance.choice(list(parties)), chance.choice(ACTS)
        party, now = parties[slug], timezone.now()
        if act == "decide" and slug != "sans-fiche":
            consent_services.answer(
                member_id=member.pk,
                tool_id=party.tool.pk,
                notice_id=notice_of(party.tool),
                accepted=frozenset(item for item in ("phone", "trade") if chance.random() < 0.5),
                actor=Actor(member.pk),
                language="fr",
                now=now,
            )
        elif act == "open":
            scope = " ".join(["openid", "offline_access", *(each for each in SCOPES if chance.random() < 0.7)])
            answer = party.authorize(browser, scope=scope)
            if "code=" not in answer.get("Location", ""):
                continue
            body = party.exchange(answer["Location"].split("code=")[1].split("&")[0]).json()
            held[slug] = body
            seen(party, Channel.ID_TOKEN, party.claims(body["id_token"]))
        elif act == "userinfo" and slug in held:
            answer = party.userinfo(held[slug]["access_token"])
            if answer.status_code == 200:
                seen(party, Channel.USERINFO, answer.json())
        elif act == "refresh" and slug in held:
            answer = party.refresh(held[slug]["refresh_token"])
            if answer.status_code == 200:
                held[slug] = answer.json()
                seen(party, Channel.ID_TOKEN, party.claims(held[slug]["id_token"]))
        elif act == "withdraw":
            standing = consent_selectors.standing(member.pk, party.tool.pk)
            if standing and standing.decision == Decision.GIVEN:
                withdrawal.withdraw(member_id=member.pk, tool=party.tool, actor=Actor(member.pk), now=now)
        elif act == "close":
            ledger.close_days(now=now + timedelta(days=1))

    counted = Counter()
    for row in Disclosure.objects.exclude(channel=Channel.LOGOUT_TOKEN):
        counted[row.tool_id, row.channel, frozenset(row.items)] += row.count
    assert wire
    assert counted == wire
    assert Event.objects.filter(action=Action.DISCLOSED).count() == Disclosure.objects.count()
    assert holdings.differences() == {}
    assert [each for each in findings.findings(now=timezone.now()) if each.level == Level.ALARM] == []
