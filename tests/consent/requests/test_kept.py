"""What belongs to a request goes part by part, each by its own clock, and the proof of it stays."""

from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from audit.keeping import data, holds
from audit.models import Event
from audit.types import Action, Actor
from consent.models import Objection
from consent.requests import kept, selectors, services
from consent.requests.models import RequestFile, RequestStep, Restriction, SubjectRequest
from consent.requests.types import Came, Identity, Kind, Upload
from tests.support.cast import MONDAY, browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.gdpr("G10")]
DAY = timedelta(days=1)
CARD = Upload("carte-identite.pdf", "application/pdf", b"identity")
SCREEN = Upload("ecran.png", "image/png", b"evidence")
RECORD = Upload("releve.json", "application/json", b"{}")
PERIODS = {"request_identity": 30, "request_files": 365, "requests": 1826, "request_lines": 2192}


@pytest.fixture
def officer(dpo):
    return Actor(dpo.pk)


@pytest.fixture
def answered(ask, officer):
    """By letter: a proof of identity, then what was found, then the answer; all on one Monday."""
    made = services.enter(
        member_id=ask().member_id, kind=Kind.ACCESS, text="Mes données ?", tool_id=None, came=Came.PAPER,
        received_on=MONDAY.date(), actor=officer, language="fr", now=MONDAY,
    )  # fmt: skip
    services.note(of=made, text="Copie reçue", files=[CARD], actor=officer, now=MONDAY)
    services.settle_identity(of=made, text="Vu sa carte.", actor=officer, now=MONDAY)
    services.note(of=made, text="", files=[SCREEN], actor=officer, now=MONDAY)
    services.answer(of=made, text="Voici.", files=[RECORD], actor=officer, now=MONDAY)
    made.refresh_from_db()
    return made


def night(now):
    run = data.begin(now=now)
    while data.step(run.pk):
        pass
    run.refresh_from_db()
    return run.said.get("data", {})


def due(now):
    """What the trial says of requests."""
    return {each.category.code: each.due for each in data.clocks(now) if each.category.code in PERIODS and each.due}


def files(request):
    return [each.name for each in RequestFile.objects.filter(step__request=request).order_by("pk")]


def test_each_part_of_a_request_is_a_category_the_proof_of_identity_the_shortest_and_the_line_the_longest():
    found = {each.code: each.days for each in kept.categories()}

    assert found == PERIODS
    assert list(found.values()) == sorted(found.values())
    assert all(each.is_ruled for each in kept.categories())


@pytest.mark.parametrize(
    ("days", "goes"),
    [
        (30, {}),
        (31, {"request_identity": 1}),
        (366, {"request_files": 2}),
        (1827, {"requests": 1}),
        (2193, {"request_lines": 1}),
    ],
)
def test_the_trial_says_what_the_night_takes_and_the_night_says_what_it_took(answered, days, goes):
    night(MONDAY + (days - 1) * DAY)
    now = MONDAY + days * DAY
    told_before = Event.objects.filter(action=Action.DATA_PURGED).count()

    said = due(now)
    gone = night(now)

    assert said == gone == goes
    lines = Event.objects.filter(action=Action.DATA_PURGED).order_by("pk")
    assert [line.facts["gone_data"] for line in lines][told_before:] == ([goes] if goes else [])


def test_a_proof_of_identity_goes_first_and_the_rest_stays(answered):
    night(MONDAY + 31 * DAY)

    assert files(answered) == ["", "ecran.png", "releve.json"]
    proof = RequestFile.objects.get(proves_identity=True)
    assert (bytes(proof.content), bool(proof.digest), proof.size) == (b"", True, len(CARD.content))
    assert selectors.file(answered, proof.pk, notes=True) is None
    assert all(step.text for step in answered.steps.exclude(step="note"))


def test_a_proof_of_identity_is_no_other_file_and_follows_its_own_period_alone(answered, officer):
    data.change(actor=officer, code="request_identity", days=500, why="Instance", shown=30, now=MONDAY)

    night(MONDAY + 366 * DAY)

    assert files(answered) == ["carte-identite.pdf", "", ""]


def test_an_identity_nobody_settled_ends_with_its_request(ask, officer):
    made = services.enter(
        member_id=ask().member_id, kind=Kind.ACCESS, text="", tool_id=None, came=Came.PAPER,
        received_on=MONDAY.date(), actor=officer, language="fr", now=MONDAY,
    )  # fmt: skip
    services.note(of=made, text="", files=[CARD], actor=officer, now=MONDAY)
    assert made.identity == Identity.UNCHECKED

    night(MONDAY + 40 * DAY)
    kept_while_open = files(made)
    services.withdraw(of=made, actor=Actor(made.member_id), now=MONDAY + 41 * DAY)
    night(MONDAY + 72 * DAY)

    assert (kept_while_open, files(made)) == (["carte-identite.pdf"], [""])


def test_words_go_with_a_line_and_digests_stay_until_the_line_itself_goes(answered):
    digests = [each.digest for each in answered.steps.all()]

    night(MONDAY + 1827 * DAY)

    assert {each.text for each in answered.steps.all()} == {""}
    assert [each.digest for each in answered.steps.all()] == digests
    line = Event.objects.get(action=Action.REQUEST_EMPTIED)
    assert line.facts == {"request": answered.reference}

    night(MONDAY + 2193 * DAY)
    assert not SubjectRequest.objects.filter(pk=answered.pk).exists()
    assert not RequestStep.objects.filter(request=answered.pk).exists()


def test_what_is_not_over_keeps_everything_however_long_it_takes(ask):
    made = ask()

    assert night(MONDAY + 9000 * DAY) == {}
    assert made.steps.get().text


def test_a_line_never_goes_before_its_words(answered, officer):
    data.change(actor=officer, code="requests", days=3000, why="Contentieux", shown=1826, now=MONDAY)

    gone = night(MONDAY + 2500 * DAY)

    assert "request_lines" not in gone
    assert SubjectRequest.objects.filter(pk=answered.pk).exists()


def test_a_line_stays_while_it_freezes_somebodys_data_and_takes_past_freezes_along(answered):
    live = Restriction.objects.create(member=answered.member, request=answered, at=MONDAY)
    night(MONDAY + 1827 * DAY)

    first = night(MONDAY + 2193 * DAY)
    Restriction.objects.filter(pk=live.pk).update(ended_at=MONDAY)
    second = night(MONDAY + 2194 * DAY)

    assert (first, second) == ({}, {"request_lines": 1})
    assert not Restriction.objects.exists()


def test_an_objection_that_was_upheld_stands_when_the_line_of_its_request_is_gone(answered, formation):
    purpose = formation.processings.get().purposes.first()
    Objection.objects.create(member=answered.member, tool=formation, purpose=purpose, request=answered, at=MONDAY)
    night(MONDAY + 1827 * DAY)

    night(MONDAY + 2193 * DAY)

    objection = Objection.objects.get()
    assert (objection.request, objection.ended_at) == (None, None)


def test_nothing_of_a_request_goes_under_a_hold_on_its_person(answered, officer):
    hold = holds.put(actor=officer, person=answered.member_id, why="Instance", now=MONDAY)

    assert night(MONDAY + 2500 * DAY) == {}

    holds.lift(hold_id=hold.pk, actor=officer, why="Jugée", now=MONDAY)
    assert set(night(MONDAY + 2501 * DAY)) >= {"request_identity", "request_files", "requests"}


def test_the_pages_of_keeping_name_all_four(answered, dpo):
    browser = browser_of(dpo)

    for page in ("audit:keeping", "audit:keeping_clocks"):
        told = unescape(browser.get(reverse(page)).content.decode())
        for each in kept.categories():
            assert str(each.label) in told, (page, each.code)
