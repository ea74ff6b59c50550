"""« Mes appareils et sessions », and « Ce n’était pas moi »: what is shown, and what ends."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as hub_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from idp.models import Alarm, Browser, HubSession, LogoutDelivery, OutgoingMail, Tool, ToolSession
from idp.services import sessions
from idp.services.accounts import alarms, mails
from idp.types import MailKind
from tests.support.cost import counted
from tests.support.oidc import Party, answer_of, sign_in
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, WRONG, Enrol, confirm_password, totp, try_to_sign_in

pytestmark = pytest.mark.django_db
PAGE = "/compte/sessions/"
NOT_ME = "/compte/sessions/ce-n-etait-pas-moi/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def computer(noemie: Member) -> Client:
    return entered(FIREFOX)


@pytest.fixture
def phone(computer: Client) -> Client:
    return entered(IPHONE)


def entered(user_agent: str) -> Client:
    browser = Client(headers={"user-agent": user_agent})
    assert try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD).status_code == 302
    return browser


def session_of(browser: Client) -> HubSession:
    return HubSession.objects.get(pk=browser.session[sessions.SESSION_FIELD])


def is_in(browser: Client) -> bool:
    return bool(browser.get("/").status_code == 200)


def opened(party: Party, browser: Client) -> dict[str, Any]:
    """Tokens of a tool that wants to hear of sign-outs."""
    Tool.objects.filter(pk=party.tool.pk).update(backchannel_logout_uri="http://127.0.0.1:1/bye")
    tokens: dict[str, Any] = party.exchange(party.code(browser)).json()
    return tokens


# What is shown -----------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.5.2")
def test_the_page_shows_where_the_account_is_open_and_in_which_tools(computer, phone, wiki, agenda):
    opened(wiki, computer)
    opened(agenda, phone)

    response = computer.get(PAGE)

    page = response.content.decode()
    (here,), (other,) = response.context["here"], response.context["others"]
    assert (here.session, other.session) == (session_of(computer), session_of(phone))
    assert [each.tool for each in other.tools] == [agenda.tool]
    assert other.same_network
    for words in ("Firefox, Linux", "Safari, iOS", "127.0…", "par mot de passe", "Agenda"):
        assert words in page
    assert "/outils/wiki/fermer/" in page
    assert "/outils/agenda/fermer/" not in page
    assert "18_5" not in page
    assert "127.0.0.1" not in page
    assert session_of(phone).session_key not in page


def test_sessions_that_are_over_or_idle_are_not_shown(computer, phone):
    now = timezone.now()
    for changes in (
        {"ended_at": now},
        {"expires_at": now - timedelta(seconds=1)},
        {"last_seen_at": now - hub_settings.SESSION_IDLE},
    ):
        fields = ("ended_at", "expires_at", "last_seen_at")
        before = HubSession.objects.values(*fields).get(pk=session_of(phone).pk)
        HubSession.objects.filter(pk=session_of(phone).pk).update(**changes)

        assert 'id="no-other-session"' in computer.get(PAGE).content.decode(), changes
        HubSession.objects.filter(pk=session_of(phone).pk).update(**before)


def test_a_session_without_a_label_and_the_page_without_browsers_have_words(member):
    sign_in(member)

    page = sign_in(member).get(PAGE).content.decode()

    assert "Navigateur inconnu" in page
    assert "inconnu</dd>" in page
    assert 'id="no-browser"' in page


@pytest.mark.parametrize("path", [PAGE, NOT_ME, "/compte/sessions/toutes/"])
def test_the_pages_are_for_who_is_signed_in(client, path):
    assert client.get(path)["Location"].startswith(reverse("account_login"))


def test_one_persons_sessions_are_not_shown_to_another(computer, karim):
    page = sign_in(karim).get(PAGE)

    assert [each.session.member for each in (*page.context["here"], *page.context["others"])] == [karim]
    assert list(page.context["browsers"]) == []


def test_the_page_costs_as_much_for_many_sessions_as_for_few(member, as_in_production):
    browser = sign_in(member)
    browser.get(PAGE)
    with counted() as few:
        browser.get(PAGE)
    for _ in range(10):
        sign_in(member)

    with counted() as many:
        browser.get(PAGE)

    assert len(many.statements) == len(few.statements) <= 12


# Ending ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.5.2")
@pytest.mark.incident("CVE-2025-29928")
def test_a_session_ended_from_the_page_is_dead_with_its_tools_and_tokens(computer, phone, agenda):
    tokens, cookie = opened(agenda, phone), phone.cookies[hub_settings.SESSION_COOKIE_NAME].value

    answer = computer.post(reverse("idp:sessions_end", args=[session_of(phone).pk]))

    assert answer["Location"] == PAGE
    thief = Client()
    thief.cookies[hub_settings.SESSION_COOKIE_NAME] = cookie
    assert not is_in(phone)
    assert not is_in(thief)
    assert not Session.objects.filter(session_key=cookie).exists()
    assert agenda.userinfo(tokens["access_token"]).status_code == 401
    assert LogoutDelivery.objects.count() == 1
    assert is_in(computer)
    line = Event.objects.get(action=Action.SIGN_OUT)
    assert (line.reason, line.actor_id) == ("ended_by_member", line.subject_id)


def test_ending_it_once_more_is_said_calmly(computer, phone):
    address = reverse("idp:sessions_end", args=[session_of(phone).pk])
    computer.post(address)

    page = computer.post(address, follow=True)

    assert "déjà fermée" in page.content.decode()
    assert Event.objects.filter(action=Action.SIGN_OUT).count() == 1


def test_ending_this_very_session_is_signing_out(computer, wiki):
    opened(wiki, computer)

    answer = computer.post(reverse("idp:sessions_end", args=[session_of(computer).pk]), follow=True)

    assert 'id="logged-out"' in answer.content.decode()
    assert not is_in(computer)


def test_all_the_others_end_and_this_one_goes_on(computer, phone, wiki):
    tablet = entered(IPHONE)
    tokens = opened(wiki, computer)

    computer.post(reverse("idp:sessions_end_others"))

    assert is_in(computer)
    assert not is_in(phone)
    assert not is_in(tablet)
    assert wiki.userinfo(tokens["access_token"]).status_code == 200
    assert "Aucune autre session" in computer.post(reverse("idp:sessions_end_others"), follow=True).content.decode()


def test_everything_ends_after_a_question(computer, phone, wiki, agenda):
    opened(wiki, computer), opened(agenda, phone)

    asked = computer.get(reverse("idp:sessions_end_all"))
    still = is_in(phone) and is_in(computer)
    answer = computer.post(reverse("idp:sessions_end_all"), follow=True)

    assert "2 sessions seront fermées" in asked.content.decode()
    assert still
    assert 'id="logged-out"' in answer.content.decode()
    assert not is_in(computer)
    assert not is_in(phone)
    assert not ToolSession.objects.filter(ended_at=None).exists()
    assert LogoutDelivery.objects.count() == 2


@pytest.mark.parametrize("name", ["idp:sessions_end", "idp:sessions_forget", "idp:sessions_ask_code"])
@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_what_is_not_the_members_own_is_not_there(computer, karim, name, whose):
    other = sign_in(karim)
    row = Browser.objects.create(
        member=karim,
        digest="d",
        first_seen_at=timezone.now(),
        last_seen_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    theirs = session_of(other).pk if name == "idp:sessions_end" else row.pk

    answer = computer.post(reverse(name, args=[theirs if whose == "another's" else uuid4()]))

    assert answer.status_code == 404
    assert is_in(other)
    row.refresh_from_db()
    assert row.ended_at is None
    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert (line.reason, line.refused, line.facts) == ("not_yours", True, {"page": name})


@pytest.mark.incident("CVE-2024-52948", "canaille 0.3.7")
@pytest.mark.parametrize(
    "name", ["sessions_end", "sessions_forget", "sessions_ask_code", "sessions_end_others", "sessions_end_all"]
)
def test_nothing_ends_by_a_link_or_by_a_form_of_another_site(computer, phone, name):
    args = {
        "sessions_end": [session_of(phone).pk],
        "sessions_forget": [Browser.objects.first().pk],
        "sessions_ask_code": [Browser.objects.first().pk],
    }.get(name, [])
    address = reverse(f"idp:{name}", args=args)

    by_link = computer.get(address)
    computer.handler.enforce_csrf_checks = True
    by_form = computer.post(address)

    assert by_link.status_code == (200 if name == "sessions_end_all" else 405)
    assert by_form.status_code == 403
    assert is_in(phone)
    assert not Browser.objects.exclude(ended_at=None).exists()


@pytest.mark.spec("OWASP ASVS", "7.4.5")
def test_the_office_ends_all_sessions_of_a_person_by_one_function(computer, phone, member, agenda):
    tokens, other = opened(agenda, phone), sign_in(member)

    sessions.end_member(
        [session_of(phone).member_id], reason="by_hand", actor=Actor(member=member.pk), now=timezone.now()
    )

    assert not is_in(computer)
    assert not is_in(phone)
    assert is_in(other)
    assert agenda.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.spec("OWASP ASVS", "7.4.4")
@pytest.mark.parametrize("path", ["/", PAGE, NOT_ME, "/compte/sessions/toutes/", "/mes-donnees/"])
def test_the_way_out_is_on_every_page(computer, path):
    assert 'id="sign-out-form"' in computer.get(path).content.decode()


# Identifiers and limits --------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.2.4")
@pytest.mark.incident("CVE-2026-7507")
def test_the_key_changes_at_sign_in_and_at_each_proof_and_the_old_one_is_dead(noemie: Member, enrol: Enrol):
    browser = Client()
    keys = [""]

    def changed() -> None:
        key = browser.session.session_key
        assert key not in keys
        assert not Session.objects.filter(session_key__in=keys).exists()
        assert session_of(browser).session_key == key
        keys.append(key)

    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)
    changed()
    confirm_password(browser, NOEMIE_PASSWORD)
    changed()
    secret = enrol(browser, NOEMIE_PASSWORD).secret
    changed()
    browser.post(reverse("mfa_reauthenticate"), {"code": totp(secret), "next": "/"})
    changed()


@pytest.mark.spec("OWASP ASVS", "7.2.3")
@pytest.mark.spec("NIST SP 800-63B-4", "15")
def test_the_key_of_a_session_is_long_and_of_a_secure_generator(computer, phone):
    keys = [browser.session.session_key for browser in (computer, phone)]

    # 32 characters of an alphabet of 36, from ``secrets``: 165 bits.
    assert all(len(key) == 32 and key.isalnum() for key in keys)
    assert keys[0] != keys[1]


@pytest.mark.spec("OWASP ASVS", "7.3.1")
@pytest.mark.spec("OWASP ASVS", "7.3.2")
@pytest.mark.spec("NIST SP 800-63B-4", "14")
@pytest.mark.spec("ANSSI MFA", "R12")
@pytest.mark.parametrize("limit", ["idle", "absolute"])
def test_both_limits_hold_on_the_server_whatever_the_cookie_says(computer, limit):
    cookie = computer.session
    now = timezone.now()
    if limit == "idle":
        cookie[sessions.SEEN_FIELD] = (now - hub_settings.SESSION_IDLE).timestamp() - 1
    else:
        cookie[sessions.SEEN_FIELD] = (now - timedelta(minutes=6)).timestamp()
        HubSession.objects.update(expires_at=now)
    cookie.save()

    assert not is_in(computer)
    assert HubSession.objects.get().ended_reason == {"idle": "idle", "absolute": "expired"}[limit]
    # 30 days at the first level, and less of both than NIST allows where the second is asked for at each step-up.
    assert timedelta(days=30) >= hub_settings.SESSION_ABSOLUTE
    assert timedelta(hours=24) >= hub_settings.SESSION_IDLE


@pytest.mark.spec("OWASP ASVS", "7.4.1")
def test_a_cookie_from_before_the_sign_out_is_refused(computer):
    cookie = computer.cookies[hub_settings.SESSION_COOKIE_NAME].value
    computer.post(reverse("idp:sign_out"))
    thief = Client()
    thief.cookies[hub_settings.SESSION_COOKIE_NAME] = cookie

    assert not is_in(thief)


@pytest.mark.spec("OWASP ASVS", "7.4.2")
def test_a_member_who_is_gone_has_no_session_left(computer, phone, noemie):
    from directory.signals import members_ended

    members_ended.send(sender=None, member_ids=[noemie.pk], now=timezone.now())

    assert not is_in(computer)
    assert not is_in(phone)


@pytest.mark.spec("OWASP ASVS", "7.6.2")
def test_no_session_begins_without_an_act_of_the_person(noemie: Member, wiki: Party):
    visitor = Client()

    visitor.get("/")
    visitor.get(PAGE)
    answer = wiki.authorize(visitor, prompt="none")
    wiki.authorize(visitor)

    assert answer_of(answer)["error"] == "login_required"
    assert not HubSession.objects.exists()
    assert not ToolSession.objects.exists()


@pytest.mark.spec("OWASP ASVS", "7.6.1")
def test_a_tools_session_ends_with_the_hubs_and_not_the_other_way_round(computer, wiki):
    opened(wiki, computer)
    computer.post(reverse("idp:close_tool", args=["wiki"]))
    after_the_tool = is_in(computer)
    opened(wiki, computer)

    computer.post(reverse("idp:sign_out"))

    assert after_the_tool
    assert not ToolSession.objects.filter(ended_at=None).exists()


# After a change of factors -----------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.4.3")
def test_after_a_change_of_factors_ending_the_others_is_offered_once(computer, phone, enrol: Enrol):
    assert "offer-to-end" not in computer.get(reverse("mfa_index")).content.decode()
    enrol(computer, NOEMIE_PASSWORD)

    card, page = computer.get(reverse("mfa_index")), computer.get(PAGE)
    computer.post(reverse("idp:sessions_end_others"))

    assert 'id="offer-to-end"' in card.content.decode()
    assert "2 sessions ouvertes" in card.content.decode()
    assert 'id="offer-to-end"' in page.content.decode()
    assert not is_in(phone)
    assert "offer-to-end" not in computer.get(reverse("mfa_index")).content.decode()
    assert "1 session ouverte" in computer.get(reverse("mfa_index")).content.decode()


def test_without_another_session_nothing_is_offered(computer, enrol: Enrol):
    enrol(computer, NOEMIE_PASSWORD)

    assert "offer-to-end" not in computer.get(reverse("mfa_index")).content.decode()


# « Ce n’était pas moi » --------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.5.3")
def test_the_alarm_asks_for_fresh_proof_and_goes_on_by_itself_after_it(computer, phone):
    page = computer.get(NOT_ME)
    asked = computer.post(NOT_ME)
    nothing_yet = is_in(phone)

    wrong = computer.post(asked["Location"], {"password": WRONG})
    done = computer.post(asked["Location"], {"password": NOEMIE_PASSWORD, "next": NOT_ME}, follow=True)

    assert hub_settings.OFFICE_CONTACT in page.content.decode()
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert nothing_yet
    assert wrong.status_code == 200
    assert "La structure est prévenue" in done.content.decode()
    assert not is_in(phone)
    assert Alarm.objects.count() == 1


def raise_it(browser: Client) -> Any:
    confirm_password(browser, NOEMIE_PASSWORD)
    return browser.post(NOT_ME)


def test_the_alarm_ends_everything_but_the_session_that_proved_itself(computer, phone, wiki, agenda, noemie):
    here, elsewhere = opened(wiki, computer), opened(agenda, phone)

    raise_it(computer)

    assert is_in(computer)
    assert not is_in(phone)
    for party, tokens in ((wiki, here), (agenda, elsewhere)):
        assert party.userinfo(tokens["access_token"]).status_code == 401
    assert LogoutDelivery.objects.count() == 2
    assert not Browser.objects.filter(ended_at=None).exists()
    assert alarms.open_alarm(noemie.pk) is not None
    line = Event.objects.get(action=Action.ALARM_RAISED)
    assert (line.subject_id, line.actor_id) == (noemie.pk, noemie.pk)
    assert Event.objects.filter(action=Action.SIGN_OUT, reason="alarm").count() == 1


def test_the_office_and_the_member_are_told_and_the_office_once(computer, noemie):
    mail.outbox.clear()
    raise_it(computer)
    computer.post(NOT_ME)
    computer.post(NOT_ME)

    mails.send_due(now=timezone.now())

    to = {message.to[0]: message for message in mail.outbox}
    assert sorted(to) == sorted([noemie.email, hub_settings.OFFICE_CONTACT])
    assert len(mail.outbox) == 2
    assert noemie.display_name in to[hub_settings.OFFICE_CONTACT].body
    assert "signalement" in to[noemie.email].subject
    assert Alarm.objects.count() == 1
    assert Event.objects.filter(action=Action.ALARM_RAISED).count() == 3


@pytest.mark.spec("NIST SP 800-63B-4", "3")
def test_until_the_password_has_changed_each_sign_in_says_so(computer, member, noemie):
    raise_it(computer)
    alarms.settle(alarm_id=Alarm.objects.get().pk, actor=Actor(member=member.pk), now=timezone.now())
    reminded = entered(IPHONE).get("/").content.decode()

    with transaction.atomic():
        record(Entry(Action.PASSWORD_CHANGED, subject=noemie.pk))

    assert "changez-le" in reminded
    assert "changez-le" not in entered(IPHONE).get("/").content.decode()


def test_where_the_office_is_a_telephone_number_no_mail_is_written_to_it(computer, settings):
    settings.OFFICE_CONTACT = "04 67 00 00 00"

    raise_it(computer)

    assert not OutgoingMail.objects.filter(kind=MailKind.ALARM).exists()
    assert Alarm.objects.count() == 1


def test_an_attacker_who_raises_it_keeps_nobody_out(computer, phone, noemie):
    """It only ends things: the member comes back in with what they know."""
    raise_it(computer)

    back = entered(IPHONE)
    raise_it(back)

    assert is_in(back)
    assert not is_in(computer)


def test_it_leads_to_the_page_of_the_password(computer):
    assert raise_it(computer)["Location"] == reverse("account_password")


def test_the_office_settles_an_alarm_once(computer, member, noemie):
    raise_it(computer)
    alarm, now = Alarm.objects.get(), timezone.now()

    for _ in range(2):
        alarms.settle(alarm_id=alarm.pk, actor=Actor(member=member.pk), now=now)

    alarm.refresh_from_db()
    assert (alarm.settled_at, alarm.settled_by) == (now, member)
    assert Event.objects.about(noemie.pk).filter(action=Action.ALARM_SETTLED).count() == 1
    assert alarms.open_alarm(noemie.pk) is None
