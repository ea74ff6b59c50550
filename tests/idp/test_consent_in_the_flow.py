"""Between sign-in and code: the notice, the consent, and what leaves after each answer."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from consent import services as consent_services
from consent.models import Consent, ConsentAsked, Disclosure
from consent.types import ALWAYS, ITEMS, Face, face_of
from demo.seed import FORMATION_SHEET, LOUTY_SHEET, SPARE_SHEET
from idp.models import Grant, LogoutDelivery, Tool
from tests.support.cast import AGENDA, FORMATION, LOUTY, with_items
from tests.support.oidc import Party, answer_of, connect

pytestmark = pytest.mark.django_db
SCOPE = "openid profile email phone"


def with_sheet(slug, sheet) -> Party:
    party = connect(
        slug, scopes=SCOPE, backchannel_logout_uri="http://127.0.0.1:9/bye", launch_url="http://localhost:9/"
    )
    consent_services.declare(tool_id=party.tool.pk, sheet=sheet, actor=SYSTEM, now=timezone.now())
    return party


@pytest.fixture
def louty(signing_key) -> Party:
    return with_sheet("louty", LOUTY)


@pytest.fixture
def formation(signing_key) -> Party:
    return with_sheet("formation", FORMATION)


def page_fields(response) -> dict[str, str]:
    html = response.content.decode()
    assert 'id="consent-form"' in html
    return {name: re.search(rf'name="{name}" value="([^"]*)"', html)[1] for name in ("request", "notice")}


def say(browser: Client, page, answer="accept", items=(), **changes):
    return browser.post("/oidc/consent", {**page_fields(page), "answer": answer, "items": list(items), **changes})


def enter(party: Party, browser: Client, items=(), **changes) -> dict:
    """All the way in: page, answer, code, tokens."""
    answer = answer_of(say(browser, party.authorize(browser, scope=SCOPE, **changes), items=items))
    return party.exchange(answer["code"]).json()


def test_on_a_contract_the_member_is_informed_once(louty, browser):
    first = louty.authorize(browser, scope=SCOPE)
    assert b'type="checkbox"' not in first.content
    assert "Notice" not in first.get("Location", "")
    say(browser, first)

    assert "code" in answer_of(louty.authorize(browser, scope=SCOPE))
    assert Event.objects.filter(action=Action.NOTICE_SEEN).count() == 1


def test_only_what_is_on_the_sheet_leaves(louty, browser):
    body = enter(louty, browser)

    claims = louty.claims(body["id_token"])
    assert claims["email"].endswith("@canari.example")
    assert claims["employee_number"] == "AL-00417"
    assert not {"phone_number", "given_name", "preferred_username", "headline", "groups", "address"} & set(claims)
    assert set(louty.userinfo(body["access_token"]).json()) == {
        "sub",
        "name",
        "email",
        "email_verified",
        "employee_number",
    }


def test_the_ledger_names_what_left_on_which_ground(louty, browser):
    enter(louty, browser)

    line = Disclosure.objects.get(channel="id_token")
    assert set(line.items) == {"identifier", "session", "name", "email", "employee_number"}
    assert line.legal_basis == "contract"
    assert line.processing is not None
    assert line.notice is not None


@pytest.mark.gdpr("G1")
def test_nothing_personal_leaves_before_the_notice_is_read(louty, browser):
    louty.authorize(browser, scope=SCOPE)

    assert not Grant.objects.exists()
    assert not Disclosure.objects.exists()


def test_optional_items_may_be_refused_and_the_tool_opens_all_the_same(formation, browser):
    body = enter(formation, browser, items=["trade"])

    claims = formation.claims(body["id_token"])
    assert claims["headline"] == "Relieuse"
    assert "phone_number" not in claims


@pytest.mark.gdpr("G5")
@pytest.mark.parametrize("sheet", [LOUTY, FORMATION, AGENDA, LOUTY_SHEET, FORMATION_SHEET, SPARE_SHEET])
def test_every_tool_opens_for_whoever_refuses_all_that_can_be_refused(signing_key, member, browser, sheet):
    party = connect("outil", scopes="openid profile email phone address groups")
    consent_services.declare(tool_id=party.tool.pk, sheet=sheet, actor=SYSTEM, now=timezone.now())
    purposes = party.tool.processings.get().purposes.all()
    objections = [each.pk for each in purposes if each.face == Face.OBJECTION]
    needed = {each.item for one in sheet.purposes if face_of(one.legal_basis) == Face.INFORMATION for each in one.items}

    page = party.authorize(browser, scope="openid profile email phone address groups")
    body = party.exchange(answer_of(say(browser, page, answer="without", objections=objections))["code"]).json()

    sent = {*party.claims(body["id_token"]), *party.userinfo(body["access_token"]).json()}
    assert party.claims(body["id_token"])["sub"]
    assert sent.isdisjoint(claim for item in ITEMS.keys() - needed - ALWAYS for claim in ITEMS[item].claims)


@pytest.mark.gdpr("G2")
def test_a_question_that_is_shown_is_on_the_record_once_and_finds_its_answer(formation, louty, browser, member):
    louty.authorize(browser, scope=SCOPE)
    assert not ConsentAsked.objects.exists(), "what only informs asks for nothing"

    formation.authorize(browser, scope=SCOPE)
    page = formation.authorize(browser, scope=SCOPE)
    left = ConsentAsked.objects.get()
    assert (left.member, left.notice.processing.tool, left.consent) == (member, formation.tool, None)
    say(browser, page, items=["trade"])

    line = Event.objects.get(action=Action.CONSENT_ASKED)
    assert (line.subject_id, line.tool, line.facts["question"]) == (member.pk, formation.tool, left.pk)
    assert ConsentAsked.objects.get().consent == Consent.objects.get()


def test_silence_asks_nobody_anything(formation, browser):
    formation.authorize(browser, scope=SCOPE, prompt="none")

    assert not ConsentAsked.objects.exists()


def test_an_item_that_was_not_offered_cannot_be_slipped_in(formation, browser):
    body = enter(formation, browser, items=["employee_number", "address", "phone"])

    claims = formation.claims(body["id_token"])
    assert claims["phone_number"] == "+33 6 39 98 00 01"
    assert not {"employee_number", "address"} & set(claims)


def test_a_refusal_is_told_to_the_tool_and_nothing_leaves(formation, browser):
    answer = answer_of(say(browser, formation.authorize(browser, scope=SCOPE), answer="refuse"))

    assert answer["error"] == "access_denied"
    assert not Grant.objects.exists()
    assert Event.objects.filter(action=Action.CONSENT_REFUSED).count() == 1
    assert b'id="consent-form"' in formation.authorize(browser, scope=SCOPE).content, (
        "asked again, not remembered as yes"
    )


def test_refusing_later_what_was_granted_ends_what_the_tool_holds(formation, browser):
    body = enter(formation, browser)

    say(browser, formation.authorize(browser, scope=SCOPE, prompt="consent"), answer="refuse")

    assert formation.userinfo(body["access_token"]).status_code == 401


@pytest.mark.spec("OIDC Core", "3.1.2.6")
def test_prompt_none_never_shows_a_page(louty, formation, browser):
    assert answer_of(formation.authorize(browser, scope=SCOPE, prompt="none"))["error"] == "consent_required"
    assert answer_of(louty.authorize(browser, scope=SCOPE, prompt="none"))["error"] == "interaction_required"


def test_prompt_consent_asks_although_all_is_settled(formation, browser):
    enter(formation, browser)

    assert b'id="consent-form"' in formation.authorize(browser, scope=SCOPE, prompt="consent").content


@pytest.mark.gdpr("G7")
def test_a_changed_sheet_is_shown_before_anything_more_leaves(formation, browser):
    body = enter(formation, browser)

    changed = with_items(FORMATION, retention="Dix ans.")
    consent_services.declare(tool_id=formation.tool.pk, sheet=changed, actor=SYSTEM, now=timezone.now())

    assert set(formation.userinfo(body["access_token"]).json()) == {"sub"}
    assert b'id="consent-changes"' in formation.authorize(browser, scope=SCOPE).content


def test_an_answer_to_an_old_notice_shows_the_new_one(formation, browser):
    page = formation.authorize(browser, scope=SCOPE)

    response = say(browser, page, notice="999999")

    assert b'id="consent-form"' in response.content
    assert not Consent.objects.exists()


@pytest.mark.parametrize("forged", ["", "e30", "x.y.z"])
def test_a_request_that_we_did_not_sign_is_a_page(formation, browser, forged):
    page = formation.authorize(browser, scope=SCOPE)

    response = say(browser, page, request=forged)

    assert response.status_code == 400
    assert not Consent.objects.exists()


@pytest.mark.incident("CVE-2024-52948", "canaille 0.3.7")
def test_consent_refuses_get_and_foreign_posts(formation, browser):
    page = formation.authorize(browser, scope=SCOPE)
    browser.handler.enforce_csrf_checks = True

    assert browser.get("/oidc/consent").status_code == 405
    assert say(browser, page).status_code == 403
    assert not Consent.objects.exists()


def test_a_stranger_cannot_answer_for_a_member(formation, browser):
    page = formation.authorize(browser, scope=SCOPE)

    response = say(Client(), page)

    assert response.status_code == 302
    assert not Consent.objects.exists()


def test_the_page_lets_the_browser_follow_to_this_tool_only(formation, browser):
    policy = formation.authorize(browser, scope=SCOPE)["Content-Security-Policy"]

    action = next(part for part in policy.split(";") if part.strip().startswith("form-action"))
    assert action.split()[1:] == ["'self'", "http://localhost:9999"]
    assert "form-action 'self'" in browser.get("/mes-donnees/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "strict-dynamic" not in policy


@pytest.mark.gdpr("G4")
def test_a_withdrawal_ends_tokens_and_tells_the_tool_in_one_transaction(formation, louty, browser):
    body, other = enter(formation, browser), enter(louty, browser)

    response = browser.post("/outils/formation/retrait/")

    assert response.status_code == 302
    assert formation.userinfo(body["access_token"]).status_code == 401
    assert louty.userinfo(other["access_token"]).status_code == 200, "the other tool goes on"
    assert LogoutDelivery.objects.get().tool_session.tool_id == formation.tool.pk
    assert Event.objects.filter(action=Action.CONSENT_WITHDRAWN).count() == 1
    assert b'id="consent-form"' in formation.authorize(browser, scope=SCOPE).content


@pytest.mark.incident("CVE-2024-52948", "canaille 0.3.7")
def test_withdrawal_refuses_get_and_foreign_posts(formation, browser):
    enter(formation, browser)
    browser.handler.enforce_csrf_checks = True

    assert browser.get("/outils/formation/retrait/").status_code == 405
    assert browser.post("/outils/formation/retrait/").status_code == 403
    assert Consent.objects.get().ended_at is None


@pytest.mark.gdpr("G13")
def test_a_sensitive_collective_is_never_named(signing_key, member, browser):
    from uuid import uuid4

    from consent.types import SheetItem
    from directory.models import Collective, Membership

    for name, sensitive in (("Pôle Bois", False), ("Section syndicale", True)):
        collective = Collective.objects.create(
            entry_uuid=uuid4(), dn="", dn_key="", slug=name[:4], name=name, sensitive=sensitive
        )
        Membership.objects.create(member=member, collective=collective)
    sheet = with_items(LOUTY, SheetItem("groups", "Ranger."))
    party = connect("nuage", scopes="openid groups")
    consent_services.declare(tool_id=party.tool.pk, sheet=sheet, actor=SYSTEM, now=timezone.now())

    answer = answer_of(say(browser, party.authorize(browser, scope="openid groups")))

    assert party.claims(party.exchange(answer["code"]).json()["id_token"])["groups"] == ["Pôle Bois"]


def test_a_link_opens_only_for_those_let_in(formation, browser):
    assert browser.get("/outils/formation/ouvrir/")["Location"] == "http://localhost:9/"
    Tool.objects.update(everyone=False)

    assert browser.get("/outils/formation/ouvrir/").status_code == 404
    assert browser.get("/outils/inconnu/ouvrir/").status_code == 404
    assert Client().get("/outils/formation/ouvrir/").status_code == 302
    assert Event.objects.filter(action=Action.AUTHORIZATION_REFUSED).count() == 2


@pytest.mark.spec("OIDC Core", "3.1.2.1")
def test_a_tool_that_wants_the_question_asked_gets_it_asked_even_for_no_data(formation, browser):
    quiet = formation.authorize(browser, scope="openid")
    asked = formation.authorize(browser, scope="openid", prompt="consent")

    assert "code" in answer_of(quiet)
    assert page_fields(asked)
    assert "code" in answer_of(say(browser, asked))
