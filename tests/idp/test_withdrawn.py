"""After a withdrawal: what it ended, way by way, and what it cannot undo."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from consent.ledger.services import confirm_erasure
from consent.models import ErasureRun, SubjectRequest
from consent.requests import services as requests
from consent.requests.types import Kind
from idp.models import LogoutDelivery, Tool
from idp.types import DeliveryState
from tests.consent.test_pages import text_of
from tests.idp.test_consent_in_the_flow import enter, formation, louty  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db
WITHDRAW, PAGE, ASK = (f"/outils/formation/{each}/" for each in ("retrait", "retire", "effacement"))


@pytest.fixture
def left(formation, browser) -> Client:  # noqa: F811
    """One click, on the page where it was given."""
    enter(formation, browser, items=["phone"])
    assert browser.post(WITHDRAW)["Location"] == PAGE
    return browser


def test_the_page_tells_each_way_and_that_the_notice_is_under_way(left):
    page = text_of(left.get(PAGE))

    for said in ("plus rien ne part vers", "Fermés", "1 fermée", "En route", "Voir où en est l’avis"):
        assert said in page, said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": DeliveryState.DONE, "done_at": timezone.now()}, "L’outil a reçu l’avis de fermer votre session"),
        ({"state": DeliveryState.FAILED}, "L’outil n’a pas répondu"),
        ({"attempts": 2, "tried_at": timezone.now()}, "2 essais sans réponse, le dernier à"),
    ],
)
def test_what_became_of_the_notice_is_told(left, changes, said):
    LogoutDelivery.objects.update(**changes)

    page = text_of(left.get(PAGE))

    assert said in page
    assert ("Voir où en est l’avis" in page) is (changes.get("state") is None)


def test_a_tool_that_hears_of_nothing_is_left_by_hand(formation, browser):  # noqa: F811
    Tool.objects.update(backchannel_logout_uri="")
    enter(formation, browser, items=["phone"])
    browser.post(WITHDRAW)

    assert "Cet outil ne sait pas recevoir d’avis" in text_of(browser.get(PAGE))


def test_what_was_received_is_named_and_whom_to_write_to(left):
    page = text_of(left.get(PAGE))

    assert "Trousseau ne peut pas l’effacer à sa place" in page
    for item in ("Adresse e-mail", "Téléphone", "Nom affiché"):
        assert item in page
    assert 'id="ask-erasure"' in page


def test_erasure_at_the_tool_is_asked_in_one_click_and_has_a_clock(left, member, formation):  # noqa: F811
    answer = left.post(ASK)

    assert answer["Location"] == "/mes-donnees/demandes/"
    run, wish = ErasureRun.objects.get(), SubjectRequest.objects.get()
    assert (run.member_id, run.tool_id, run.asked_by_id) == (member.pk, formation.tool.pk, member.pk)
    assert (wish.member_id, wish.tool_id, wish.kind) == (member.pk, formation.tool.pk, Kind.ERASURE)
    page = text_of(left.get(PAGE))
    assert 'id="erasure-asked"' in page
    assert 'id="ask-erasure"' not in page


def test_a_second_wish_changes_nothing_is_told_so_and_has_its_line(left):
    left.post(ASK)

    answer = left.post(ASK, follow=True)

    assert "Un effacement de ces données est déjà en cours." in text_of(answer)
    assert ErasureRun.objects.count() == SubjectRequest.objects.count() == 1
    assert Event.objects.get(action=Action.ERASURE_ASKED, refused=True).reason == "erasure_open"


def test_a_wish_that_was_written_before_keeps_its_clock(left, member, formation):  # noqa: F811
    requests.make(
        member_id=member.pk,
        kind=Kind.ERASURE,
        text="",
        tool_id=formation.tool.pk,
        actor=Actor(member.pk),
        language="fr",
        now=timezone.now(),
    )

    left.post(ASK)

    assert SubjectRequest.objects.count() == 1
    assert ErasureRun.objects.count() == 1


def test_with_too_many_open_requests_the_sheet_goes_its_way_and_the_refusal_has_a_line(left, monkeypatch):
    monkeypatch.setattr(requests, "MOST_OPEN", 0)

    left.post(ASK)

    assert (ErasureRun.objects.count(), SubjectRequest.objects.count()) == (1, 0)
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "too_many_open"


def test_once_the_tool_has_confirmed_nothing_is_left_to_ask_for(left, member, formation):  # noqa: F811
    from audit.types import SYSTEM

    with transaction.atomic():
        confirm_erasure(member_id=member.pk, tool_id=formation.tool.pk, actor=SYSTEM, now=timezone.now())

    page = text_of(left.get(PAGE))

    assert "a confirmé l’avoir effacé" in page
    assert 'id="ask-erasure"' not in page


def test_a_tool_that_was_opened_again_is_not_told_as_closed(left, formation):  # noqa: F811
    enter(formation, left, items=["phone"])

    page = text_of(left.get(PAGE))

    assert "Vous avez rouvert cet outil depuis" in page
    assert "Ouverts à nouveau" in page


def test_a_code_that_ran_out_opens_nothing(left, formation):  # noqa: F811
    from idp.models import Grant

    Grant.objects.update(used_at=None, expires=timezone.now() - timedelta(minutes=1))

    assert "Fermés" in text_of(left.get(PAGE))


def test_a_tool_that_was_not_left_and_one_that_there_is_not_look_the_same_and_are_recorded(louty, browser):  # noqa: F811
    enter(louty, browser)

    for slug in ("louty", "nulle-part"):
        assert browser.get(f"/outils/{slug}/retire/").status_code == 404
        assert browser.post(f"/outils/{slug}/effacement/").status_code == 404
    assert Event.objects.filter(action=Action.ACCESS_REFUSED, reason="not_yours").count() == 4


def test_the_page_takes_few_statements(left, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        left.get(PAGE)
