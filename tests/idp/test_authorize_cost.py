"""What an authorization costs the database, set up as in production: sessions and limits in the cache."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.types import SYSTEM
from consent import services as consent_services
from directory.models import Member
from idp.models import Grant, ToolSession
from idp.services import keys
from tests.support.authorize import open_pushed, posted, push
from tests.support.cast import FORMATION
from tests.support.cost import counted
from tests.support.oidc import Party, answer_of, connect, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_in_production")]
SCOPE = "openid profile email"


@pytest.fixture
def formation(signing_key, member: Member) -> Party:
    """A tool that rests on consent, for some members only, with consent standing."""
    party = connect("formation", scopes=SCOPE)
    sheet = consent_services.declare(tool_id=party.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    consent_services.answer(
        member_id=member.pk,
        tool_id=party.tool.pk,
        notice_id=sheet.notice.pk,
        accepted=frozenset({"phone"}),
        actor=SYSTEM,
        language="fr",
        now=timezone.now(),
    )
    return party


@pytest.mark.parametrize(
    "changes", [{}, {"prompt": "none"}, {"max_age": "600"}, {"acr_values": "1"}, {"response_mode": "jwt"}]
)
def test_with_a_session_and_standing_consent_it_takes_four_statements(formation, member, changes):
    browser = sign_in(member)
    formation.code(browser, scope=SCOPE)
    assert keys.algorithms(), "the signing keys are in the process already"

    with counted() as cost:
        response = formation.authorize(browser, scope=SCOPE, **changes)

    assert response.status_code == 303
    assert Grant.objects.count() == 2
    assert len(cost.statements) <= 4, "\n".join(cost.statements)


def test_the_first_time_in_a_session_it_takes_five(formation, member):
    browser = sign_in(member)
    formation.authorize(sign_in(member), scope=SCOPE)

    with counted() as cost:
        answer_of(formation.authorize(browser, scope=SCOPE))

    assert len(cost.statements) <= 5, "\n".join(cost.statements)


def test_silence_in_a_new_session_takes_five_as_well(formation, member):
    browser = sign_in(member)
    formation.authorize(sign_in(member), scope=SCOPE)

    with counted() as cost:
        answer_of(formation.authorize(browser, scope=SCOPE, prompt="none"))

    assert len(cost.statements) <= 5, "\n".join(cost.statements)


def test_a_minute_later_the_tools_session_is_marked_as_used(formation, member):
    browser = sign_in(member)
    formation.code(browser, scope=SCOPE)
    ToolSession.objects.update(last_at=timezone.now() - timedelta(minutes=2))

    with counted() as cost:
        formation.code(browser, scope=SCOPE)

    assert len(cost.statements) <= 5, "\n".join(cost.statements)
    assert timezone.now() - ToolSession.objects.get().last_at < timedelta(minutes=1)


def test_by_form_it_costs_the_same(formation, member):
    browser = sign_in(member)
    formation.code(browser, scope=SCOPE)

    with counted() as cost:
        posted(formation.authorize(browser, scope=SCOPE, response_mode="form_post"))

    # The page asks who is signed in: one statement more than a redirect.
    assert len(cost.statements) <= 5, "\n".join(cost.statements)


def test_a_pushed_request_adds_reading_and_spending_it(formation, member):
    browser = sign_in(member)
    formation.code(browser, scope=SCOPE)
    left = push(formation, scope=SCOPE)

    with counted() as cost:
        answer_of(open_pushed(formation, browser, left))

    assert len(cost.statements) <= 6, "\n".join(cost.statements)


def test_pushing_takes_one_statement(formation):
    push(formation, scope=SCOPE)

    with counted() as cost:
        push(formation, scope=SCOPE)

    assert len(cost.statements) <= 1, "\n".join(cost.statements)


def test_silence_without_a_session_writes_its_line_only(formation):
    with counted() as cost:
        formation.authorize(formation.http, scope=SCOPE, prompt="none")

    assert len(cost.statements) <= 3, "\n".join(cost.statements)
