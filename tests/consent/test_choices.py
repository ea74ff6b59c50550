"""Changing what is optional without leaving the tool."""

import pytest
from django.urls import reverse

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import selectors, services
from consent.models import Consent
from consent.policy import asked_items
from consent.types import ALWAYS, Decision, NoticeOutdated, Origin
from tests.support.cast import ALL_SCOPES, FORMATION, TUESDAY, WEDNESDAY, browser_of, notice_of, with_items

pytestmark = pytest.mark.django_db


def go_on(member, tool, *accepted):
    return services.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice_of(tool),
        accepted=frozenset(accepted),
        actor=Actor(member=member.pk),
        language="fr",
        now=TUESDAY,
    )


def choose(member, notice, *accepted):
    return services.choose(
        member_id=member.pk,
        notice=notice,
        accepted=frozenset(accepted),
        actor=Actor(member=member.pk),
        language="fr",
        now=WEDNESDAY,
    )


def released(member, tool):
    return selectors.release(member.pk, tool.pk, asked_items(ALL_SCOPES)).items - ALWAYS


@pytest.mark.gdpr("G4")
def test_other_choices_hold_at_once_and_the_rest_stands(member, formation):
    notice = go_on(member, formation, "phone").notice

    chosen = choose(member, notice, "trade")

    assert released(member, formation) == {"name", "email", "trade"}
    assert (chosen.origin, chosen.items, chosen.refused_items) == (Origin.CHOICE, ["name", "email", "trade"], ["phone"])
    assert selectors.question(member.pk, formation.pk, asked_items(ALL_SCOPES)) is None, "nobody is asked again"
    assert Event.objects.filter(action=Action.CONSENT_GIVEN).count() == 2


def test_the_last_one_can_go_too_and_the_tool_stays(member, formation):
    notice = go_on(member, formation, "phone").notice

    choose(member, notice)

    assert released(member, formation) == {"name", "email"}
    assert Consent.objects.get(ended_at=None).decision == Decision.GIVEN
    assert Event.objects.filter(action=Action.CONSENT_REFUSED).count() == 1


@pytest.mark.parametrize("what", ["withdrawn", "refused", "another text"])
def test_where_no_decision_stands_there_is_nothing_to_choose(member, formation, what):
    notice = go_on(member, formation, "phone").notice
    about = {"member_id": member.pk, "tool_id": formation.pk, "actor": Actor(member.pk), "now": WEDNESDAY}
    if what == "withdrawn":
        services.end_consent(**about)
    elif what == "refused":
        services.refuse(**about, notice_id=notice.pk, language="fr")
    else:
        services.declare(
            tool_id=formation.pk, sheet=with_items(FORMATION, retention="Dix ans."), actor=SYSTEM, now=WEDNESDAY
        )

    with pytest.raises(NoticeOutdated):
        choose(member, notice, "phone", "trade")

    assert "trade" not in released(member, formation)


def test_the_card_has_the_switches_as_they_stand(member, formation):
    notice = go_on(member, formation, "phone").notice
    browser, address = browser_of(member), reverse("consent:choose", args=[notice.pk])
    page = browser.get(reverse("consent:mine")).content.decode()
    assert f'action="{address}"' in page
    assert 'value="phone" id="formation-item-phone" checked' in page
    assert 'value="trade" id="formation-item-trade">' in page

    done = browser.post(address, {"items": ["trade"]}, follow=True)

    assert "vos choix valent" in done.content.decode()
    assert released(member, formation) == {"name", "email", "trade"}


def test_a_text_that_changed_meanwhile_is_said_and_recorded(member, formation):
    notice = go_on(member, formation, "phone").notice
    services.declare(
        tool_id=formation.pk, sheet=with_items(FORMATION, retention="Dix ans."), actor=SYSTEM, now=WEDNESDAY
    )

    done = browser_of(member).post(reverse("consent:choose", args=[notice.pk]), {"items": ["trade"]}, follow=True)

    assert "la question vous sera posée" in done.content.decode()
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "notice_outdated"


def test_nobody_chooses_for_somebody_else(member, other_member, formation):
    notice = go_on(other_member, formation, "phone").notice

    answer = browser_of(member).post(reverse("consent:choose", args=[notice.pk]), {"items": ["trade"]})

    assert answer.status_code == 404
    assert released(other_member, formation) == {"name", "email", "phone"}
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "not_yours"
