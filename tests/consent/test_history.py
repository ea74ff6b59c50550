"""« Mon historique »: what left, in sentences."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from audit.models import Event
from audit.types import Action
from consent import history
from consent.models import Disclosure
from consent.types import ITEMS, LegalBasis
from tests.consent.test_pages import go_on, send, text_of
from tests.support.cast import TUESDAY, browser_of

pytestmark = pytest.mark.django_db
PAGE = reverse("consent:history")
MARCH = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)


def said(member, language="fr"):
    with translation.override(language):
        return [
            each.sentence.replace("\u00a0", " ") for each in history.tell(Disclosure.objects.order_by("pk"), member.pk)
        ]


def test_a_transmission_is_one_plain_sentence(member, louty):
    go_on(member, louty, now=MARCH)
    send(member, louty, now=MARCH)

    assert said(member) == [
        "Le 12 mars 2026, Louty a reçu votre nom, votre adresse e-mail et votre numéro de membre, "
        "pour « Gestion de l’activité », sur la base de votre contrat."
    ]


def test_the_sentence_is_english_for_whoever_reads_english(member, louty):
    go_on(member, louty, now=MARCH)
    send(member, louty, now=MARCH)

    assert said(member, "en") == [
        "On 12 March 2026, Louty received your name, your email address and your member number, "
        "for “Running one’s business”, on the basis of your contract."
    ]


def test_several_grounds_are_all_said_and_so_is_how_often(member, formation):
    go_on(member, formation, "phone", now=MARCH)
    send(member, formation, now=MARCH, times=3, apart=timedelta(minutes=1))

    (sentence,) = said(member)
    assert "sur la base de votre accord et de votre contrat." in sentence
    assert sentence.endswith("3 fois ce jour-là, la dernière à 10 h 32.")


def test_a_tool_without_a_sheet_gets_an_identifier_of_its_own(member, bare_tool):
    send(member, bare_tool, now=MARCH)

    assert said(member) == [
        "Le 12 mars 2026, Carnet a reçu un identifiant propre à cet outil et un numéro de session propre à cet outil."
    ]


def test_every_item_and_every_basis_has_its_words():
    assert history.YOURS.keys() == ITEMS.keys()
    assert history.GROUNDS.keys() == set(LegalBasis)


def test_the_page_has_a_month_and_the_way_to_the_others(member, louty, formation):
    go_on(member, louty, now=MARCH)
    go_on(member, formation, now=MARCH)
    send(member, louty, now=MARCH)
    send(member, formation, now=MARCH + timedelta(days=62))
    browser = browser_of(member)

    newest = text_of(browser.get(PAGE))
    older = text_of(browser.get(PAGE, {"month": "2026-03"}))

    assert "Mai 2026" in newest
    assert "Formation a reçu" in newest
    assert "Louty a reçu" not in newest
    assert "month=2026-03" in newest
    assert "Le 12 mars 2026, Louty a reçu" in older
    assert "month=2026-05" in older


def test_the_page_can_show_one_tool_alone(member, louty, formation):
    for tool in (louty, formation):
        go_on(member, tool, now=MARCH)
        send(member, tool, now=MARCH)

    page = text_of(browser_of(member).get(PAGE, {"tool": "louty"}))

    assert "Louty a reçu" in page
    assert "Formation a reçu" not in page


def test_each_transmission_has_the_code_of_its_line(member, louty):
    go_on(member, louty)
    send(member, louty, now=TUESDAY)
    line = Event.objects.get(action=Action.DISCLOSED)

    page = text_of(browser_of(member).get(PAGE))

    assert f"<code>{str(line.reference)[:8]}</code>" in page
    assert "dpo@alizarine.example" in page


def test_nothing_of_anybody_else_is_there(member, other_member, louty):
    go_on(other_member, louty)
    send(other_member, louty)

    assert "Rien n’est encore parti" in text_of(browser_of(member).get(PAGE))


@pytest.mark.parametrize(
    ("query", "told"),
    [({"tool": "nuage"}, "Rien n’est parti vers cet outil"), ({"month": "x"}, "Ce mois n’existe pas")],
)
def test_a_criterion_that_cannot_be_read_is_said(member, query, told):
    answer = browser_of(member).get(PAGE, query)

    assert answer.status_code == 400
    assert told in text_of(answer)


def test_a_month_takes_as_many_statements_however_much_left(member, louty, django_assert_max_num_queries):
    go_on(member, louty, now=MARCH)
    send(member, louty, now=MARCH, times=15)
    browser = browser_of(member)

    with django_assert_max_num_queries(11):
        page = browser.get(PAGE)

    assert text_of(page).count("Louty a reçu") == 15
