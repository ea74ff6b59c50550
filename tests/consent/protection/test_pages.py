"""The officer's pages: who sees them, what they say, and that nobody is named on them."""

from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from audit.models import Event
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from consent import services
from consent.erasures import services as erasures
from consent.erasures.types import HolderState, RunState
from consent.incidents import services as incidents
from consent.models import ErasureHolder, ErasureRun, Processing, ProcessingPurpose
from consent.protection import cards
from consent.protection.types import Card, Urgency
from consent.requests import services as requests
from consent.requests.types import Kind
from directory.models import RoleGrant
from directory.types import Role
from tests.consent.incidents.test_policy import FACTS
from tests.consent.ledger.leaving import leave
from tests.consent.register.conftest import ENGAGED_LOUTY
from tests.consent.test_services import go_on, withdraw
from tests.support.cast import AGENDA, FORMATION, LOUTY, browser_of, make_member, make_tool, with_items

pytestmark = pytest.mark.django_db
HOME, FINDINGS, MATRIX = "/protection/", "/protection/constats/", "/protection/declare-et-transmis/"
TOOLS, NOTICES, DECISIONS = "/protection/outils/", "/protection/informations/", "/protection/accords/"


@pytest.fixture
def officer(dpo):
    return browser_of(dpo)


@pytest.fixture
def now():
    return timezone.now()


def page(browser, address):
    answer = browser.get(address)
    assert answer.status_code == 200, answer.content
    return " ".join(unescape(answer.content.decode()).replace("\u202f", " ").replace("\u00a0", " ").split())


def card(text, code):
    """What one card says, from its mark to the next."""
    return text.partition(f'data-card="{code}"')[2].partition("</li>")[0]


@pytest.mark.parametrize("role", [None, Role.OFFICE, Role.TECHNICIAN])
@pytest.mark.parametrize("address", [HOME, FINDINGS, MATRIX, f"{MATRIX}louty/", TOOLS, NOTICES, DECISIONS])
def test_the_pages_are_the_officers_and_a_refusal_is_recorded(louty, role, address):
    person = make_member("quelqu.un", "Quelqu Un")
    if role:
        RoleGrant.objects.create(member=person, role=role)

    assert browser_of(person).get(address).status_code == 403

    assert Event.objects.filter(action=Action.ACCESS_REFUSED, facts__page__startswith="protection:").count() == 1


def test_the_workspace_comes_first_of_what_is_the_officers_alone(officer):
    text = page(officer, "/")

    assert 0 < text.index('href="/protection/"') < text.index('href="/journal/"')
    assert 'href="/registre/"' not in text, "one entry for all of it"


def test_what_must_never_happen_is_the_first_thing_said(officer, member, louty, now):
    leave(member, louty, "address", now=now)

    text = page(officer, HOME)

    assert "desk-now" in text
    assert "1" in card(text, "alarms")
    assert "/protection/constats/" in card(text, "alarms")
    assert text.index('data-card="alarms"') < text.index('data-card="register"')


def test_holes_and_decisions_are_counted_and_nobody_is_named(officer, member, formation, now):
    go_on(member, formation, "phone", now=now - timedelta(days=2))
    withdraw(member, formation, now=now - timedelta(days=1))

    text = page(officer, HOME)

    assert "1" in card(text, "withdrawals")
    assert card(text, "register")
    assert member.display_name not in text
    assert str(member.pk) not in text


def test_a_withdrawal_of_last_month_is_no_news(officer, member, formation, now):
    go_on(member, formation, "phone", now=now - timedelta(days=40))
    withdraw(member, formation, now=now - timedelta(days=30))

    assert card(page(officer, HOME), "decisions")
    assert not card(page(officer, HOME), "withdrawals")


def test_what_changed_is_counted_since_the_visit_before_this_one(officer, dpo, louty, formation, now):
    for days in (9, 5, 0):
        record(Entry(Action.SIGN_IN, actor=Actor(dpo.pk), subject=dpo.pk, at=now - timedelta(days=days)))
    for days, tool in ((7, louty), (3, formation)):
        changed = with_items(LOUTY if tool == louty else FORMATION, retention="Dix ans.")
        services.declare(tool_id=tool.pk, sheet=changed, actor=SYSTEM, now=now - timedelta(days=days))

    text = page(officer, HOME).partition('id="desk-changed"')[2]

    assert "depuis votre visite" in text
    day = timezone.localdate(now - timedelta(days=5))
    assert f"action=consent%3Asheet%3Adeclare&since={day}" in text
    assert "<td>1</td>" in text.partition("consent%3Asheet%3Adeclare")[2].partition("</tr>")[0]


def test_another_part_of_the_hub_gives_its_card_without_a_change_here(officer, monkeypatch):
    monkeypatch.setattr(cards, "_sources", [])
    theirs = Card("requests", "Demandes des membres", "Une échéance dans 3 jours.", Urgency.NOW, "/ailleurs/", 2)
    cards.offer(lambda _now: [theirs])

    text = page(officer, HOME)

    assert "Demandes des membres" in card(text, "requests")
    assert "/ailleurs/" in card(text, "requests")


def test_requests_are_late_near_or_waiting(officer, member, now):
    services.fill_register(now=now)
    for days, kind in ((40, Kind.ACCESS), (28, Kind.RECTIFICATION), (2, Kind.COMPLAINT)):
        requests.make(
            member_id=member.pk,
            kind=kind,
            text="Mon nom",
            tool_id=None,
            actor=Actor(member.pk),
            language="fr",
            now=now - timedelta(days=days),
        )

    text = page(officer, HOME)

    assert "en retard" in card(text, "requests_late")
    assert "est due le" in card(text, "requests_near")
    assert "attend sa réponse" in card(text, "requests")


def test_a_breach_whose_clock_runs_comes_with_its_end(officer, dpo, now):
    assert "Aucune n’attend de décision" in card(page(officer, HOME), "breaches")

    incidents.open_incident(facts=replace(FACTS, aware=now), actor=Actor(dpo.pk), now=now)

    assert "La première échéance est le" in card(page(officer, HOME), "breaches")


def test_what_a_member_wants_erased_and_who_does_not_answer_are_cards(officer, member, louty, now):
    leave(member, louty, "name", now=now)
    run = erasures.ask(actor=Actor(member.pk), member_id=member.pk, tool_id=louty.pk, now=now)

    assert "c’est à vous de l’accepter" in card(page(officer, HOME), "erasures_wished")

    ErasureRun.objects.filter(pk=run.pk).update(state=RunState.GOING)
    ErasureHolder.objects.create(run=run, tool=louty, state=HolderState.BY_HAND)
    text = page(officer, HOME)
    assert "joignez son contact" in card(text, "erasures_silent")
    assert 'data-card="erasures_wished"' not in text


def test_a_processing_that_nobody_asked_about_is_a_card(officer, louty, now):
    assert "neuf critères" in card(page(officer, HOME), "screenings")


def test_a_day_on_which_nothing_waits_says_so(officer, monkeypatch):
    monkeypatch.setattr(cards, "_sources", [])

    assert "Rien ne vous attend aujourd’hui." in page(officer, HOME)


def test_the_dashboard_takes_as_many_statements_however_much_there_is(
    officer, member, louty, formation, now, django_assert_num_queries, django_assert_max_num_queries
):
    go_on(member, formation, "phone", now=now)
    with django_assert_max_num_queries(60) as before:
        officer.get(HOME)
    for number in range(5):
        tool = make_tool(f"outil-{number}", f"Outil {number}")
        services.declare(tool_id=tool.pk, sheet=LOUTY, actor=SYSTEM, now=now)
        leave(member, tool, "address", now=now)

    with django_assert_num_queries(len(before)):
        officer.get(HOME)


# Findings


def test_a_finding_says_what_happened_why_it_matters_and_what_to_do(officer, member, louty, now):
    leave(member, louty, "address", now=now, times=3)

    text = page(officer, FINDINGS)

    told = text.partition(f'data-finding="F1-{louty.pk}"')[2].partition("</article>")[0]
    assert "Transmis sans figurer sur la fiche" in told
    assert "3 transmissions" in told
    assert "Adresse postale" in told
    assert "Que faire" in told
    assert "/protection/declare-et-transmis/louty/" in told
    assert "/registre/O-" in told
    assert text.index("level-alarm") < text.index("level-ask") < text.index("level-suggestion")


def test_no_finding_is_said_too(officer):
    assert page(officer, FINDINGS).count("Aucun.") == 4


def test_findings_take_as_many_statements_however_many_there_are(
    officer, member, louty, now, django_assert_num_queries, django_assert_max_num_queries
):
    leave(member, louty, "address", now=now)
    with django_assert_max_num_queries(30) as before:
        officer.get(FINDINGS)
    for number in range(5):
        leave(member, make_tool(f"outil-{number}", f"Outil {number}"), "address", now=now)

    with django_assert_num_queries(len(before)):
        officer.get(FINDINGS)


REASON = "Réglage corrigé par la technique, données effacées chez l’outil."


def test_what_happened_is_settled_with_what_was_done(officer, member, louty, now):
    leave(member, louty, "address", now=now - timedelta(hours=1))
    address = f"{FINDINGS}F1-{louty.pk}/"
    assert 'name="until"' not in page(officer, address)

    answer = officer.post(address, {"reason": REASON})

    assert (answer.status_code, answer["Location"]) == (302, FINDINGS)
    text = page(officer, FINDINGS)
    assert f'data-finding="F1-{louty.pk}"' not in text
    assert REASON in text
    assert "vaut encore" in text
    assert not card(page(officer, HOME), "alarms")


def test_a_decision_without_a_day_or_a_reason_is_shown_again_and_loses_nothing(officer, louty):
    sheet = Processing.objects.get(tool=louty)
    Processing.objects.filter(pk=sheet.pk).update(started_at=timezone.now() - timedelta(days=100))
    address = f"{FINDINGS}F6-{louty.pk}/"

    answer = officer.post(address, {"reason": REASON, "until": ""})

    assert answer.status_code == 422
    assert REASON in unescape(answer.content.decode())
    assert "Dites jusqu’à quand." in unescape(answer.content.decode())
    line = Event.objects.filter(action=Action.ACCESS_REFUSED).latest("pk")
    assert (line.reason, line.facts["page"]) == ("until_missing", "protection:finding")


def test_what_is_no_finding_any_more_leads_back(officer, louty):
    answer = officer.post(f"{FINDINGS}F1-{louty.pk}/", {"reason": REASON}, follow=True)

    assert "Ce constat n’est plus là" in unescape(answer.content.decode())


def test_what_findings_do_not_see_is_said(officer):
    text = page(officer, FINDINGS)

    assert "F7" in text.partition('id="findings-unseen"')[2]


# Declared beside sent


def cell(text, tool, category):
    return text.partition(f'data-tool="{tool}"')[2].partition(f'data-category="{category}"')[2].partition("</td>")[0]


def test_the_matrix_says_each_state_in_words_and_leads_to_the_detail(officer, member, louty, now):
    leave(member, louty, "email", "address", now=now)

    text = page(officer, MATRIX)

    assert "déclaré, pas transmis en 90 jours" in cell(text, "louty", "identity")
    assert "0/1" in cell(text, "louty", "identity")
    assert "transmis sans être déclaré" in cell(text, "louty", "contact")
    assert "+1" in cell(text, "louty", "contact")
    assert "rien" in cell(text, "louty", "connection")
    assert f"{MATRIX}louty/#contact" in cell(text, "louty", "contact")


def test_the_detail_tells_each_item_its_purpose_how_often_and_of_how_many(officer, member, other_member, louty, now):
    leave(member, louty, "email", now=now, times=2)
    leave(other_member, louty, "email", now=now)

    text = page(officer, f"{MATRIX}louty/")

    told = text.partition('data-item="email"')[2].partition("</tr>")[0]
    assert "déclaré et transmis" in told
    assert "Établir vos factures" in told
    assert "3 fois" in told
    assert "réponse userinfo" in told
    assert "de 2 membres" in told
    assert member.display_name not in text


def test_a_mere_link_cannot_be_observed_and_that_is_said(officer, now):
    tool = make_tool("wiki", "Wiki", kind="link")
    services.declare(tool_id=tool.pk, sheet=LOUTY, actor=SYSTEM, now=now)

    assert "non observable" in cell(page(officer, MATRIX), "wiki", "identity")
    assert "ne peut donc pas l’observer" in page(officer, f"{MATRIX}wiki/")


def test_the_matrix_says_when_there_is_nothing(officer):
    assert "matrix-empty" in page(officer, MATRIX)


def test_the_matrix_takes_as_many_statements_however_many_tools_there_are(
    officer, member, louty, now, django_assert_num_queries, django_assert_max_num_queries
):
    leave(member, louty, "email", now=now)
    with django_assert_max_num_queries(20) as before:
        officer.get(MATRIX)
    for number in range(5):
        leave(member, make_tool(f"outil-{number}", f"Outil {number}"), "address", now=now)

    with django_assert_num_queries(len(before)):
        officer.get(MATRIX)


# A shorter sheet, tried


def test_a_shorter_sheet_is_tried_against_what_left_and_nothing_changes(officer, member, other_member, louty, now):
    leave(member, louty, "name", "email", now=now, times=3)
    leave(other_member, louty, "email", now=now)
    before = Event.objects.exclude(action=Action.DISCLOSED).count()

    text = page(officer, f"{MATRIX}louty/?without=email")

    told = text.partition('id="preview-result"')[2].partition("</section>")[0]
    assert "aurait arrêté 4 transmissions vers Louty en 90 jours" in told
    assert "2 membres" in told
    assert "Adresse e-mail" in told
    assert Processing.objects.get(tool=louty).version == 1
    assert Event.objects.exclude(action=Action.DISCLOSED).count() == before


def test_what_never_left_would_have_stopped_nothing(officer, member, louty, now):
    leave(member, louty, "name", now=now)

    text = page(officer, f"{MATRIX}louty/?without=email")

    assert "n’aurait rien arrêté vers Louty" in text


def test_what_the_sheet_does_not_declare_is_not_tried(officer, louty):
    answer = officer.get(f"{MATRIX}louty/?without=address")

    assert answer.status_code == 400
    assert "preview-result" not in answer.content.decode()


def test_the_register_leads_to_the_trial_where_a_sheet_feeds_a_record(officer, louty):
    assert f"{MATRIX}louty/#preview-form" in page(officer, "/registre/O-001/modifier/")
    assert f"{MATRIX}louty/" in page(officer, "/registre/O-001/")


# Tools, notices, decisions


def of_tool(text, slug):
    return text.partition(f'data-tool="{slug}"')[2].partition("data-tool=")[0]


def test_a_tool_is_told_with_its_role_contract_country_and_ways(officer, member, louty, now):
    services.declare(tool_id=louty.pk, sheet=ENGAGED_LOUTY, actor=SYSTEM, now=now)
    leave(member, louty, "name", now=now)

    told = of_tool(page(officer, TOOLS), "louty")

    engagement = ENGAGED_LOUTY.engagement
    assert str(engagement.role.label) in told
    assert engagement.contract in told
    assert engagement.country in told
    assert "dpo@louty.example" in told
    assert "réponse userinfo" in told
    assert "détient de 1 membre" in told
    assert "/registre/O-001/" in told


@pytest.mark.parametrize(
    ("days", "said", "code"), [(-3, "terminé le", "contracts_over"), (20, "jusqu’au", "contracts_end")]
)
def test_a_contract_that_is_over_or_ends_soon_waits_for_the_officer(officer, louty, days, said, code):
    ends = replace(ENGAGED_LOUTY.engagement, contract_end=timezone.localdate() + timedelta(days=days))
    services.declare(tool_id=louty.pk, sheet=replace(ENGAGED_LOUTY, engagement=ends), actor=SYSTEM, now=timezone.now())

    assert f'">{said}' in of_tool(page(officer, TOOLS), "louty")
    assert "/protection/outils/" in card(page(officer, HOME), code)


def test_a_tool_without_a_sheet_is_said_to_get_no_more_than_its_identifier(officer):
    make_tool("wiki", "Wiki")
    make_tool("forum", "Forum", kind="link")

    text = page(officer, TOOLS)

    others = text.partition('id="tools-others"')[2]
    assert "ne reçoit d’ici que son propre identifiant" in others
    assert "Wiki</li>" in others
    assert "Forum, simple lien" in others


def test_each_version_of_a_notice_is_told_with_who_saw_it_and_shown_as_it_was(officer, member, formation, now):
    go_on(member, formation, "phone", now=now - timedelta(days=1))
    sheet = with_items(FORMATION, retention="Dix ans.")
    services.declare(tool_id=formation.pk, sheet=sheet, actor=SYSTEM, now=now)

    told = of_tool(page(officer, NOTICES), "formation")

    assert "Version 2" in told
    assert "en vigueur depuis" in told.partition("Version 2")[2].partition("Version 1")[0]
    assert "vue par 1 membre" in told.partition("Version 1")[2]
    assert "Français" in told
    assert "English" in told
    first = Processing.objects.get(tool=formation, version=1).notice
    shown = page(officer, f"{NOTICES}{first.pk}/?lang=fr")
    assert "Vous inscrire aux formations" in shown
    assert member.email not in shown


def test_a_notice_that_is_none_is_not_found(officer):
    assert officer.get(f"{NOTICES}999/").status_code == 404


def test_agreements_are_counted_by_purpose_and_item_on_the_text_in_force(officer, member, other_member, formation, now):
    go_on(member, formation, "phone", now=now)
    go_on(other_member, formation, now=now)

    told = of_tool(page(officer, DECISIONS), "formation")

    assert "50 % d’accords, 1 sur 2 réponses" in told
    assert "Téléphone 1/2" in told
    assert "Métier 0/2" in told
    assert "2 membres informés" in told
    assert member.display_name not in told


def test_withdrawals_and_those_who_know_an_older_text_are_said(officer, member, other_member, formation, now):
    for person in (member, other_member):
        go_on(person, formation, "phone", now=now - timedelta(days=2))
    withdraw(member, formation, now=now - timedelta(days=1))
    services.declare(tool_id=formation.pk, sheet=with_items(FORMATION, retention="Dix ans."), actor=SYSTEM, now=now)

    told = of_tool(page(officer, DECISIONS), "formation")

    assert "Personne n’a encore répondu." in told
    assert "1 membre n’a pas encore vu" in told
    assert "1 retrait" in told


def test_an_objection_is_counted_with_its_purpose(officer, member, now):
    tool = make_tool("agenda", "Agenda")
    services.declare(tool_id=tool.pk, sheet=AGENDA, actor=SYSTEM, now=now)
    go_on(member, tool, now=now)
    purpose = ProcessingPurpose.objects.get(legal_basis="legitimate_interest")
    services.object_to(member_id=member.pk, purpose_id=purpose.pk, actor=Actor(member.pk), now=now)

    assert "1 opposition" in of_tool(page(officer, DECISIONS), "agenda")


# As a request is answered: in no transaction but those that the code opens.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "begins"), [("csv", b"\xef\xbb\xbf"), ("ods", b"PK")])
def test_the_counts_leave_as_a_file_and_the_journal_says_so(officer, member, formation, now, kind, begins):
    go_on(member, formation, "phone", now=now)

    answer = officer.get(f"/protection/accords.{kind}")

    content = b"".join(answer.streaming_content)
    assert content.startswith(begins)
    assert member.login.encode() not in content
    line = Event.objects.get(action=Action.DECISIONS_EXPORTED)
    assert line.facts == {"export": kind, "lines": 4}
    if kind == "csv":
        rows = content.decode("utf-8-sig").splitlines()
        assert len(rows) == 5
        assert "Téléphone;1;1;100;0;0;0" in rows[3]


@pytest.mark.parametrize("address", ["/protection/outils/", "/protection/informations/", "/protection/accords/"])
def test_these_lists_take_as_many_statements_however_many_tools_there_are(
    officer, member, formation, now, address, django_assert_num_queries, django_assert_max_num_queries
):
    go_on(member, formation, "phone", now=now)
    leave(member, formation, "name", now=now)
    with django_assert_max_num_queries(20) as before:
        officer.get(address)
    for number in range(5):
        tool = make_tool(f"outil-{number}", f"Outil {number}")
        services.declare(tool_id=tool.pk, sheet=FORMATION, actor=SYSTEM, now=now)
        go_on(member, tool, "phone", now=now)
        leave(member, tool, "name", now=now)

    with django_assert_num_queries(len(before)):
        officer.get(address)
