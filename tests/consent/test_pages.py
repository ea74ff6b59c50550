"""« Mes données » and the page shown before a tool opens."""

import json
import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.db import transaction
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import display, selectors, services
from consent.ledger import services as ledger
from consent.policy import asked_items
from consent.types import ALWAYS, Channel, Disclosed, SheetItem
from directory.models import Collective, Departure, Membership, StatusPeriod
from directory.types import Kind, Status
from tests.support.cast import (
    ALL_SCOPES,
    FORMATION,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    browser_of,
    make_tool,
    notice_of,
    with_items,
)

pytestmark = pytest.mark.django_db
MINE = reverse("consent:mine")


def go_on(member, tool, *accepted, now=TUESDAY):
    return services.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice_of(tool),
        accepted=frozenset(accepted),
        actor=Actor(member=member.pk),
        language="fr",
        now=now,
    )


def send(member, tool, now=WEDNESDAY, channel=Channel.ID_TOKEN, times=1, apart=timedelta(days=1)):
    """What the provider does: release, then write the ledger."""
    release = selectors.release(member.pk, tool.pk, asked_items(ALL_SCOPES))
    with transaction.atomic():
        for number in range(times):
            each = Disclosed(member.pk, tool.pk, channel, release.items, release)
            ledger.disclose([each], now=now + apart * number)


def text_of(response):
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def shown(tool, member, values=None, language="fr"):
    """The page as the provider renders it."""
    question = selectors.question(member.pk, tool.pk, asked_items(ALL_SCOPES))
    sheet = selectors.sheet(tool.pk)
    request = RequestFactory().get("/")
    request.user = member
    request.resolver_match = None
    with translation.override(language):
        return unescape(
            render_to_string(
                "consent/ask.html",
                {
                    "tool": tool,
                    "processing": sheet,
                    "notice": sheet.notice,
                    "question": question,
                    "groups": display.groups(sheet, values or {}, selectors.objected(member.pk, tool.pk)),
                    "return_fields": [("request", 'signed"<value>')],
                },
                request,
            )
        )


# Before a tool opens


@pytest.mark.gdpr("G1")
def test_the_page_that_asks_has_two_equal_buttons_and_every_switch_off(member, formation):
    page = shown(formation, member, {"name": "Amélie Roux", "phone": "+33 6 39 98 00 01"})

    accept = page[page.index('id="consent-accept"') - 80 : page.index('id="consent-accept"')]
    without = page[page.index('id="consent-without"') - 80 : page.index('id="consent-without"')]
    assert 'class="button button--wide"' in accept
    assert 'class="button button--wide"' in without
    assert 'id="consent-refuse"' in page
    assert "checked" not in page
    assert page.count('type="checkbox"') == 2
    assert 'value="phone"' in page
    assert 'value="email"' not in page
    assert "+33 6 39 98 00 01" in page
    assert "vide aujourd’hui" in page


@pytest.mark.gdpr("G3")
def test_the_page_that_asks_asks_nothing_else(member, formation):
    page = shown(formation, member)

    form = page[page.index('id="consent-form"') : page.index("</form>", page.index('id="consent-form"'))]
    names = set(re.findall(r'name="(\w+)"', form))
    assert names <= {"csrfmiddlewaretoken", "notice", "request", "answer", "items", "objections"}
    assert set(re.findall(r'type="(\w+)"', form)) <= {"hidden", "checkbox", "submit"}
    assert set(re.findall(r'name="items" value="(\w+)"', form)) == {"phone", "trade"}, "each for one item"


@pytest.mark.gdpr("G6", "G17")
def test_the_page_says_from_where_data_comes_and_which_rights_one_has_on_each_basis(member, formation):
    page = shown(formation, member)

    assert "Accès, rectification, effacement, limitation, portabilité</dd>" in page
    assert "portabilité, retrait de votre accord à tout moment</dd>" in page
    assert "De l’annuaire de la coopérative" in page
    assert "cnil.fr/plaintes" in page


def test_the_page_that_informs_asks_nothing(member, louty):
    page = shown(louty, member)

    assert "J’ai compris, continuer" in page
    assert "consent-refuse" not in page
    assert "checkbox" not in page
    assert "Votre contrat avec la coopérative" in page


@pytest.mark.gdpr("G17")
@pytest.mark.parametrize(
    "said",
    [
        "Vous inscrire aux formations que vous choisissez.",
        "Un an après la dernière formation.",
        "Atelier Savoirs, Montpellier",
        "dpo@alizarine.example",
        "Vous joindre le jour même.",
        "Votre accord. Vous pouvez le retirer à tout moment",
    ],
)
def test_the_page_says_why_how_long_for_whom_and_whom_to_ask(member, formation, said):
    assert said in shown(formation, member)


@pytest.mark.gdpr("G17")
def test_the_page_speaks_the_members_language(member, formation):
    page = shown(formation, member, language="en")

    assert "Sign you up for the courses you choose." in page
    assert "Reach you on the day." in page


@pytest.mark.gdpr("G17")
def test_the_page_says_first_what_changed(member, formation):
    go_on(member, formation, "phone")
    _phone, trade = FORMATION.purposes[1].items
    sheet = with_items(FORMATION, trade, SheetItem("town", "Choisir le lieu."), purpose=1)
    services.declare(tool_id=formation.pk, sheet=sheet, actor=SYSTEM, now=WEDNESDAY)

    page = shown(formation, member)

    changes = page[page.index('id="consent-changes"') : page.index('id="consent-form"')]
    assert "Commune" in changes
    assert "Téléphone" in changes


def test_a_first_question_announces_no_change(member, formation):
    assert "consent-changes" not in shown(formation, member)


def test_hidden_values_of_the_request_are_escaped(member, formation):
    question = selectors.question(member.pk, formation.pk, asked_items(ALL_SCOPES))
    page = render_to_string(
        "consent/ask.html",
        {"tool": formation, "question": question, "groups": [], "return_fields": [("request", '"><script>')]},
    )

    assert "<script>" not in page


# « Mes données »


def test_a_stranger_is_sent_to_sign_in():
    for url in (MINE, reverse("consent:download")):
        response = Client().get(url)

        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


def test_nothing_to_show_says_what_will_come(member):
    page = text_of(browser_of(member).get(MINE))

    assert "Aucun outil n’a reçu de données" in page
    assert "Rien n’est encore parti d’ici à votre sujet." in page


@pytest.mark.gdpr("G6")
def test_a_card_says_what_why_since_when_how_long_and_how_to_stop(member, formation):
    go_on(member, formation, "phone")
    send(member, formation)

    page = text_of(browser_of(member).get(MINE))
    card = page[page.index('id="outil-formation"') : page.index("</article>")]

    for said in (
        "Accord donné",
        "Donné le 17 novembre 2026, version 1.",
        "Adresse e-mail",
        "Envoyer la convocation.",
        "non accordée",
        "18 novembre 2026",
        "Un an après la dernière formation.",
        "Votre accord. Vous pouvez le retirer",
        "Retirer mon accord pour Formation",
    ):
        assert said in card, said
    assert f'action="{reverse("idp:withdraw", args=["formation"])}"' in card
    assert 'method="post"' in card


def test_a_card_tells_what_was_sent_formerly_never_or_beyond_the_sheet(member, formation):
    go_on(member, formation, "phone")
    send(member, formation, now=TUESDAY)
    go_on(member, formation)
    send(member, formation)
    without_name = with_items(FORMATION, FORMATION.items[1])
    services.declare(tool_id=formation.pk, sheet=without_name, actor=SYSTEM, now=WEDNESDAY)

    relation = selectors.relations(member.pk)[0]
    states = {str(each.label): each for group in display.card_groups(relation) for each in group.items}

    assert relation.outdated
    assert (states["Adresse e-mail"].current, states["Adresse e-mail"].declared) == (True, True)
    assert (states["Téléphone"].refused, states["Téléphone"].last) == (True, TUESDAY)
    assert (states["Métier"].refused, states["Métier"].last) == (True, None)
    assert states["Nom affiché"].declared is False
    assert "Transmis pour la dernière fois le 17 novembre 2026." in text_of(browser_of(member).get(MINE))


def test_a_contract_tool_has_no_withdraw_button(member, louty):
    go_on(member, louty)
    send(member, louty)

    page = text_of(browser_of(member).get(MINE))

    assert "Information lue" in page
    assert "Retirer mon accord" not in page


def test_a_withdrawn_agreement_is_told_with_both_dates_and_cannot_be_withdrawn_again(member, formation):
    go_on(member, formation)
    services.end_consent(member_id=member.pk, tool_id=formation.pk, actor=Actor(member=member.pk), now=WEDNESDAY)

    page = text_of(browser_of(member).get(MINE))

    assert "Donné le 17 novembre 2026, version 1." in page
    assert "Retiré le 18 novembre 2026." in page
    assert "Retirer mon accord" not in page


def test_after_a_withdrawal_the_card_speaks_of_the_past_and_only_of_what_was_sent(member, formation):
    go_on(member, formation, "phone")
    send(member, formation, now=TUESDAY)
    services.end_consent(member_id=member.pk, tool_id=formation.pk, actor=Actor(member=member.pk), now=WEDNESDAY)

    page = text_of(browser_of(member).get(MINE))
    card = page[page.index('id="outil-formation"') : page.index("</article>")]

    for said in ("Ce que l’outil a reçu", "Téléphone", "Ce qui l’autorisait", "plus rien ne part"):
        assert said in card, said
    for unsaid in ("Ce que l’outil reçoit", "Vous pouvez le retirer", "Métier", "jamais transmise"):
        assert unsaid not in card, unsaid


def test_a_tool_without_a_sheet_shows_that_it_got_an_identifier_only(member, bare_tool):
    send(member, bare_tool)

    page = text_of(browser_of(member).get(MINE))

    assert "Identifiant propre à l’outil" in page
    assert "Aucune fiche" in page


@pytest.mark.gdpr("G6")
def test_the_timeline_says_which_items_went_where_when_why_and_how(member, louty):
    go_on(member, louty)
    send(member, louty, channel=Channel.USERINFO)

    page = text_of(browser_of(member).get(MINE))
    line = page[page.index('class="timeline"') : page.index("</ol>")]

    for said in ("Louty", "Adresse e-mail", "Numéro de membre", "Gestion de l’activité", "exécution du contrat",
                 "information version 1", "pendant votre visite", "10:00"):  # fmt: skip
        assert said in line, said


def test_the_last_transmissions_lead_to_all_of_them(member, louty):
    go_on(member, louty)
    send(member, louty, times=51)

    page = text_of(browser_of(member).get(MINE))

    assert page.count('class="timeline__item"') == 5
    assert f'href="{reverse("consent:activity")}?kind=outils&tool=louty"' in page


def test_what_was_sent_again_the_same_day_is_one_transmission_told_with_how_often(member, louty):
    go_on(member, louty)
    send(member, louty, times=12, apart=timedelta(minutes=2))

    page = text_of(browser_of(member).get(MINE))

    assert page.count('class="timeline__item"') == 1
    assert "12 fois ce jour-là, la dernière à " in page
    assert "12 transmissions à Louty" in page


def test_a_member_sees_their_own_and_nobody_elses(member, other_member, louty):
    go_on(other_member, louty)
    send(other_member, louty)

    page = text_of(browser_of(member).get(MINE))

    assert "Louty" not in page
    assert other_member.display_name not in page


@pytest.mark.gdpr("G18")
def test_what_is_known_is_shown_with_its_source(member):
    page = text_of(browser_of(member).get(MINE))

    for said in ("12 rue du Canari", "AL-00417", "Annuaire de la coopérative", "Créé par Trousseau"):
        assert said in page
    assert page.count("nnuaire de la coopérative") == 1, "said once for all that comes from there"
    nothing = page[page.index("Rien n’est enregistré ici pour") :].split("</p>")[0]
    assert "Nom d’activité" in nothing
    assert "Prénom" not in nothing


def test_a_language_is_a_word_where_the_hub_knows_one():
    shown = {"fr": "français", "fr-FR": "français", "en": "anglais", "br": "br", "": ""}

    assert {code: display.language_name(code) for code in shown} == shown


def test_the_page_stays_frugal_whatever_the_number_of_tools(member, louty, django_assert_max_num_queries):
    for number in range(12):
        send(member, make_tool(f"outil-{number}", f"Outil {number}"), now=MONDAY)
    go_on(member, louty)
    send(member, louty, times=20)
    browser = browser_of(member)

    with django_assert_max_num_queries(19):
        browser.get(MINE)


@pytest.mark.gdpr("G2", "G16", "G18")
def test_the_own_record_is_complete_and_says_what_was_agreed_to(member, louty, formation):
    go_on(member, formation, "phone")
    send(member, formation, times=3)
    send(member, louty)

    response = browser_of(member).get(reverse("consent:download"))
    record = json.loads(response.getvalue())

    assert response["Content-Disposition"].startswith("attachment")
    assert "no-store" in response["Cache-Control"]
    assert [row["tool"] for row in record["disclosures"]] == ["louty", "formation", "formation", "formation"]
    newest = record["disclosures"][1]
    assert newest["times"] == 1
    assert newest["last_at"] == newest["at"]
    assert newest["items"] == sorted({"name", "email", "phone", *ALWAYS})
    assert (newest["legal_basis"], newest["notice_version"]) == ("consent contract", 1)
    assert newest["purposes"] == [purpose.text for purpose in FORMATION.purposes]
    decision = record["decisions"][0]
    assert decision["notice"]["purposes"][0]["purpose"]["fr"] == FORMATION.purposes[0].text
    assert decision["notice_digest"] == newest["notice_digest"]
    assert Event.objects.about(member).filter(action=Action.OWN_DATA_DOWNLOADED).count() == 1


def test_an_empty_record_is_still_well_formed(member):
    record = json.loads(browser_of(member).get(reverse("consent:download")).getvalue())

    assert record["disclosures"] == record["decisions"] == []
    assert any(each["value"] == "12 rue du Canari" for each in record["known"])


def test_the_own_record_tells_of_the_status_the_suspension_and_the_departure(member):
    StatusPeriod.objects.create(member=member, status=Status.CAPE, since=date(2025, 1, 6), until=date(2026, 1, 5))
    StatusPeriod.objects.create(member=member, status=Status.ASSOCIATE, since=date(2026, 1, 5))
    status = Collective.objects.create(name="Associé·es", slug="statut-associate", status="associate", kind=Kind.STATUS)
    Membership.objects.create(member=member, collective=status)
    Departure.objects.create(member=member, last_day=date(2027, 1, 31), planned_at=MONDAY)
    Departure.objects.create(member=member, last_day=date(2027, 2, 28), planned_at=MONDAY, cancelled_at=MONDAY)

    told = {str(row.label): row.value for row in display.known(selectors.known_member(member.pk)) if row.value}

    assert told["Parcours dans la coopérative"] == "en CAPE du 06/01/2025 au 05/01/2026, associé·e depuis le 05/01/2026"
    assert told["Dernier jour prévu"] == "31/01/2027"
    assert "Collectifs" not in told
    assert "Suspension ou départ" not in told


def test_who_agreed_to_nothing_optional_has_nothing_to_withdraw(member, formation):
    go_on(member, formation)
    send(member, formation)

    page = text_of(browser_of(member).get(MINE))

    assert "Ouvert sans donnée facultative" in page
    assert "Retirer mon accord" not in page
