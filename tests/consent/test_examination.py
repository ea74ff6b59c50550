"""An objection stops at once, is examined within the month, and ends only for grounds that weigh more."""

from datetime import date

import pytest
from django.urls import reverse

from audit.models import Event
from audit.types import Action, Actor
from consent import examination, selectors, services
from consent.models import Objection, RequestStep, SubjectRequest
from consent.requests import services as requests
from consent.requests.types import Identity, Kind, RequestRefused, State, Step
from tests.consent.test_objections import agenda, object_to, purposes, read  # noqa: F401  (fixture)
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of

pytestmark = pytest.mark.django_db
REFUSAL = "Une obligation de preuve l’emporte. Vous pouvez saisir la CNIL ou le tribunal judiciaire."


@pytest.fixture
def objection(member, agenda):  # noqa: F811
    read(member, agenda, now=MONDAY)
    return object_to(member, purposes(agenda)[1])


def lines(action):
    return list(Event.objects.filter(action=action).order_by("pk"))


@pytest.mark.gdpr("G23")
def test_the_switch_is_a_request_that_is_due_within_the_month(objection, member):
    asked = objection.request

    assert (asked.kind, asked.member_id, asked.tool_id) == (Kind.OBJECTION, member.pk, objection.tool_id)
    assert (asked.state, asked.identity, asked.due_on) == (State.OPEN, Identity.SESSION, date(2026, 12, 17))
    assert "Vous rappeler les vôtres." in RequestStep.objects.get(request=asked, step=Step.MADE).text


@pytest.mark.gdpr("G23")
def test_upheld_it_stays_stopped(objection, member, agenda, dpo):  # noqa: F811
    requests.answer(of=objection.request, text="Elle est fondée.", files=[], actor=Actor(dpo.pk), now=WEDNESDAY)

    objection.refresh_from_db()
    assert objection.ended_at is None
    assert selectors.objected(member.pk, agenda.pk) == {"email", "phone"}
    assert "Elle est acceptée." in browser_of(member).get("/mes-donnees/").content.decode()


@pytest.mark.gdpr("G23")
def test_refused_with_grounds_it_ends_and_the_member_is_told_why_and_whom_to_ask(objection, member, agenda, dpo):  # noqa: F811
    examination.refuse(of=objection.request, text=REFUSAL, actor=Actor(dpo.pk), now=WEDNESDAY)

    objection.refresh_from_db()
    assert objection.ended_at == WEDNESDAY
    assert selectors.objected(member.pk, agenda.pk) == frozenset()
    assert SubjectRequest.objects.get().state == State.REFUSED
    (line,) = lines(Action.OBJECTION_REFUSED)
    assert (line.actor_id, line.subject_id, line.tool_id) == (dpo.pk, member.pk, agenda.pk)
    assert not lines(Action.OBJECTION_ENDED)
    told = RequestStep.objects.get(step=Step.REFUSED)
    assert (told.text, told.told_at) == (REFUSAL, None), "it waits for the mail that tells the member"
    assert (
        REFUSAL in browser_of(member).get(reverse("requests:own", args=[objection.request.reference])).content.decode()
    )


@pytest.mark.parametrize("text", ["Non.", "La CNIL est là pour vous."])
def test_without_grounds_and_ways_to_complain_nothing_ends(objection, dpo, text):
    with pytest.raises(RequestRefused):
        examination.refuse(of=objection.request, text=text, actor=Actor(dpo.pk), now=WEDNESDAY)

    objection.refresh_from_db()
    assert objection.ended_at is None
    assert SubjectRequest.objects.get().is_open


def test_taken_back_there_is_nothing_left_to_examine(objection, member):
    services.end_objection(member_id=member.pk, objection_id=objection.pk, actor=Actor(member.pk), now=WEDNESDAY)

    assert SubjectRequest.objects.get().state == State.WITHDRAWN
    assert [each.actor_id for each in lines(Action.REQUEST_WITHDRAWN)] == [member.pk]


def test_another_request_that_is_refused_ends_no_objection(objection, member, dpo):
    other = requests.make(
        member_id=member.pk,
        kind=Kind.COMPLAINT,
        text="Trop de courriers.",
        tool_id=None,
        actor=Actor(member.pk),
        language="fr",
        now=TUESDAY,
    )

    examination.refuse(of=other, text=REFUSAL, actor=Actor(dpo.pk), now=WEDNESDAY)

    assert Objection.objects.get().ended_at is None


def test_an_objection_from_the_notice_is_examined_too(member, agenda):  # noqa: F811
    read(member, agenda, purposes(agenda)[1])

    assert Objection.objects.get().request == SubjectRequest.objects.get()


def test_the_officer_sees_what_stands_and_decides_on_the_page(objection, dpo):
    browser, address = browser_of(dpo), f"/demandes/{objection.request.reference}/"
    assert "data-objection" in browser.get(address).content.decode()

    answer = browser.post(address, {"act": "refuse", "refuse-text": REFUSAL})

    assert answer.status_code == 302
    assert "data-objection" not in browser.get(address).content.decode()
    assert Objection.objects.get().ended_at is not None


@pytest.mark.gdpr("G23")
def test_taking_the_request_back_leaves_the_objection_and_the_page_says_so_before_and_after(objection, member, agenda):  # noqa: F811
    browser, address = browser_of(member), f"/mes-donnees/demandes/{objection.request.reference}/"
    before = browser.get(address).content.decode()

    browser.post(f"{address}reprendre/")
    after = browser.get(address).content.decode()

    assert 'id="objection-stays"' in before
    assert "Reprendre la demande ne l’a pas levée." not in before
    assert "Reprendre la demande ne l’a pas levée." in after
    assert f"#outil-{agenda.slug}" in after
    assert "personne ne l’examine, et rien ne part." in browser.get("/mes-donnees/").content.decode()
    objection.refresh_from_db()
    assert (objection.ended_at, objection.request.state) == (None, State.WITHDRAWN)
    assert selectors.objected(member.pk, agenda.pk) == {"email", "phone"}


def test_a_request_without_an_objection_says_nothing_of_one(member, agenda):  # noqa: F811
    services.fill_register(now=MONDAY)
    made = requests.make(
        member_id=member.pk, kind=Kind.ACCESS, text="", tool_id=None, actor=Actor(member.pk), language="fr", now=MONDAY
    )

    page = browser_of(member).get(f"/mes-donnees/demandes/{made.reference}/").content.decode()

    assert "data-objection" not in page
    assert "objection-stays" not in page
