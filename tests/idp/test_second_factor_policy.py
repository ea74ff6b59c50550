"""Who needs a second factor: reminded before the date, led to add one after it, and back to where they were going."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.timezone import localtime

from audit.models import Event
from audit.types import Action, Actor
from directory.models import Member
from directory.types import Hold
from idp.models import HubSession, OutgoingMail
from idp.protocol.errors import ProtocolError
from idp.services.accounts import factors, mails, recovery_codes
from tests.support.authorize import back_from
from tests.support.cast import MONDAY
from tests.support.cost import counted
from tests.support.oidc import Party, answer_of, connect, sign_in
from tests.support.passkeys import Passkey, add, enter
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, Enrol, confirm_password, try_to_sign_in

pytestmark = pytest.mark.django_db
LATE = -timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _fresh_counts() -> Any:
    cache.clear()
    yield
    cache.clear()


def asked_of(member: Member, within: timedelta) -> None:
    Member.objects.filter(pk=member.pk).update(second_factor_by=timezone.now() + within)


@pytest.fixture
def wiki(transactional_db: None, signing_key: Any) -> Party:
    return connect("wiki")


@pytest.fixture
def inside(client: Client, noemie: Member) -> Client:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    return client


# Before the date -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["launcher:home", "mfa_index"])
def test_before_the_date_a_line_tells_it_and_nothing_is_closed(inside: Client, noemie: Member, name: str) -> None:
    asked_of(noemie, 5 * DAY)

    page = inside.get(reverse(name))

    assert page.status_code == 200
    assert 'id="second-factor-due"' in page.content.decode()
    assert f'href="{reverse("mfa_choose")}"' in page.content.decode()


@pytest.mark.parametrize("name", ["launcher:home", "mfa_index"])
def test_nobody_else_sees_it(inside: Client, noemie: Member, enrol: Enrol, name: str) -> None:
    assert "second-factor-due" not in inside.get(reverse(name)).content.decode()
    enrol(inside, NOEMIE_PASSWORD)
    asked_of(noemie, 5 * DAY)

    assert "second-factor-due" not in inside.get(reverse(name)).content.decode()


def test_a_page_that_does_not_tell_it_asks_the_database_nothing(member: Member) -> None:
    browser = sign_in(member)
    browser.get(reverse("consent:mine"))
    with counted() as before:
        browser.get(reverse("consent:mine"))
    asked_of(member, 5 * DAY)

    with counted() as cost:
        browser.get(reverse("consent:mine"))

    assert len(cost.statements) == len(before.statements)


# After it ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.3")
@pytest.mark.spec("ANSSI MFA", "R39")
def test_after_the_date_every_page_leads_to_adding_one(inside: Client, noemie: Member) -> None:
    asked_of(noemie, LATE)

    for name in ("launcher:home", "consent:mine", "idp:open_tools", "idp:device"):
        answer = inside.get(reverse(name))
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_choose")), name
    assert inside.post(reverse("idp:device"), {"user_code": "x"})["Location"] == reverse("mfa_choose")
    page = inside.get(reverse("mfa_choose")).content.decode()
    assert 'id="second-factor-needed"' in page
    assert reverse("mfa_add_webauthn") in page
    assert reverse("mfa_activate_totp") in page


def test_what_it_takes_to_add_one_and_to_leave_stays_open(inside: Client, noemie: Member) -> None:
    asked_of(noemie, LATE)

    confirm_password(inside, NOEMIE_PASSWORD)

    for name in ("mfa_index", "mfa_choose", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"):
        assert inside.get(reverse(name)).status_code == 200, name
    assert inside.post(reverse("set_language"), {"language": "en", "next": "/"}).status_code == 302
    inside.post(reverse("idp:sign_out"))
    assert "_auth_user_id" not in inside.session


def test_with_a_second_factor_everything_is_open(inside: Client, noemie: Member) -> None:
    asked_of(noemie, LATE)
    inside.get(reverse("consent:mine"))
    confirm_password(inside, NOEMIE_PASSWORD)

    added = add(inside, Passkey())
    codes = inside.get(added["Location"]).content.decode()

    assert f'href="{reverse("consent:mine")}"' in codes, "on to the page that was asked for"
    assert inside.get(reverse("launcher:home")).status_code == 200
    assert inside.get(reverse("mfa_choose")).status_code == 302


def test_recovery_codes_alone_are_no_second_factor(inside: Client, noemie: Member) -> None:
    recovery_codes.make(member_id=noemie.pk, now=MONDAY)
    asked_of(noemie, LATE)

    assert inside.get(reverse("launcher:home"))["Location"] == reverse("mfa_choose")


def test_a_stranger_is_asked_who_they_are_as_before(client: Client, noemie: Member) -> None:
    asked_of(noemie, LATE)

    assert client.get(reverse("launcher:home"))["Location"].startswith(reverse("account_login"))


def test_a_tool_waits_while_a_second_factor_is_added_and_is_opened_then(
    client: Client, noemie: Member, wiki: Party
) -> None:
    asked_of(noemie, LATE)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    asking = wiki.authorize(client)
    choosing = client.get(asking["Location"]).content.decode()
    confirm_password(client, NOEMIE_PASSWORD)
    codes = client.get(add(client, Passkey())["Location"]).content.decode()

    assert (asking.status_code, asking["Location"]) == (303, reverse("mfa_choose"))
    assert "Wiki" in choosing
    line = Event.objects.get(action=Action.AUTHORIZATION_REFUSED)
    assert (line.reason, line.subject_id, line.tool) == ("no_factor", noemie.pk, wiki.tool)
    (onward,) = re.findall(r'href="(/oidc/authorize/suite/[^"]*)"', codes)
    assert "code" in answer_of(client.get(onward.replace("&amp;", "&")))


@pytest.mark.spec("OpenID Connect Core", "3.1.2.6")
def test_silently_the_tool_is_told_that_the_member_must_do_something(
    client: Client, noemie: Member, wiki: Party
) -> None:
    asked_of(noemie, LATE)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    answer = answer_of(wiki.authorize(client, prompt="none"))

    assert answer["error"] == "interaction_required"
    assert ProtocolError("interaction_required", "x").code == answer["error"]


def test_a_member_who_used_one_costs_no_statement_more(wiki: Party, member: Member) -> None:
    browser = sign_in(member, methods=("pwd", "otp", "mfa"), acr="2")
    wiki.code(browser)
    with counted() as before:
        wiki.authorize(browser)
    asked_of(member, LATE)

    with counted() as cost:
        assert "code" in answer_of(wiki.authorize(browser))

    assert len(cost.statements) == len(before.statements)


def test_a_tool_that_asks_for_two_factors_leads_to_a_choice_and_back(
    client: Client, noemie: Member, wiki: Party
) -> None:
    wiki.tool.required_acr = "2"
    wiki.tool.save()
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    stopped = wiki.authorize(client).content.decode()
    confirm_password(client, NOEMIE_PASSWORD)
    codes = client.get(add(client, Passkey())["Location"]).content.decode()

    assert f'href="{reverse("mfa_choose")}"' in stopped
    (onward,) = re.findall(r'href="(/oidc/authorize/suite/[^"]*)"', codes)
    assert "code" in answer_of(client.get(onward.replace("&amp;", "&")))


def test_a_session_by_password_steps_up_by_passkey(client: Client, noemie: Member, wiki: Party) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    confirm_password(client, NOEMIE_PASSWORD)
    phone = Passkey()
    add(client, phone)
    HubSession.objects.update(acr="1", methods=["pwd"])
    wiki.tool.required_acr = "2"
    wiki.tool.save()

    asking = wiki.authorize(client)

    assert asking["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))
    assert back_from(asking).startswith("/oidc/authorize/suite/")
    stranger = Client()
    assert "code" in answer_of(
        stranger.get(enter(stranger, phone, next=back_from(wiki.authorize(stranger)))["Location"])
    )


# Reminders -----------------------------------------------------------------------------------------------------


def reminded(member: Member) -> int:
    return OutgoingMail.objects.filter(member=member, kind="factor_reminder").count()


def test_a_member_is_reminded_at_first_a_week_and_a_day_before(member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(second_factor_by=MONDAY + 14 * DAY)
    OutgoingMail.objects.all().delete()
    sent_on = []

    for half_day in range(40):
        now = MONDAY + half_day * DAY / 2
        for _ in range(2):
            if factors.remind_due(now=now):
                sent_on.append(half_day / 2)
                OutgoingMail.objects.filter(member=member).order_by("-pk")[:1].get()

    assert sent_on == [0, 7, 13]
    assert reminded(member) == 3


@pytest.mark.parametrize(("days", "count"), [(5, 2), (1, 1)])
def test_a_short_delay_has_fewer(member: Member, days: int, count: int) -> None:
    Member.objects.filter(pk=member.pk).update(second_factor_by=MONDAY + days * DAY)

    for hour in range(24 * days + 24):
        factors.remind_due(now=MONDAY + timedelta(hours=hour))

    assert reminded(member) == count


def test_the_mail_tells_the_date_in_the_members_language_and_leads_to_the_configured_origin(
    member: Member, settings: Any
) -> None:
    Member.objects.filter(pk=member.pk).update(second_factor_by=MONDAY + 7 * DAY, language="en")
    settings.ORIGIN = "https://hub.example"

    with translation.override("fr"):
        factors.remind_due(now=MONDAY)
    mails.send_due(now=MONDAY)

    (told,) = mail.outbox
    # The hub's own catalogue is compiled where it is installed; months are Django's.
    with translation.override("en"):
        assert date_format(localtime(MONDAY + 7 * DAY), "F") in told.body
    assert "https://hub.example/compte/double-verification/choisir/" in told.body


@pytest.mark.parametrize("why", ["has one", "is suspended", "nothing is asked", "is late"])
def test_nobody_is_reminded_for_nothing(member: Member, why: str) -> None:
    asked = None if why == "nothing is asked" else MONDAY + (LATE if why == "is late" else 7 * DAY)
    hold = Hold.SUSPENDED if why == "is suspended" else Hold.NONE
    Member.objects.filter(pk=member.pk).update(second_factor_by=asked, hold=hold)
    if why == "has one":
        Authenticator.objects.create(user=member, type="totp", data={"secret": ""})

    assert factors.remind_due(now=MONDAY) == 0


def test_a_new_date_years_later_is_told_anew(member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(second_factor_by=MONDAY + DAY)
    factors.remind_due(now=MONDAY)
    Member.objects.filter(pk=member.pk).update(second_factor_by=MONDAY + 500 * DAY)

    assert factors.remind_due(now=MONDAY + 486 * DAY) == 1


# Starting again ------------------------------------------------------------------------------------------------


@pytest.mark.spec("ANSSI MFA", "R18")
@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_a_reset_removes_every_factor_weakens_what_rested_on_them_and_tells_the_member(
    inside: Client, noemie: Member, karim: Member, enrol: Enrol
) -> None:
    enrol(inside, NOEMIE_PASSWORD)
    phone = Passkey()
    add(inside, phone, "Téléphone")
    by_passkey = Client()
    enter(by_passkey, phone)
    assert factors.summary(noemie).any

    factors.reset(member_id=noemie.pk, actor=Actor(member=karim.pk), now=timezone.now())

    assert not Authenticator.objects.exists()
    assert [(s.acr, s.methods, s.ended_reason) for s in HubSession.objects.order_by("started_at")] == [
        ("1", ["pwd"], ""),
        ("2", ["hwk", "user", "mfa"], "factor_removed"),
    ]
    line = Event.objects.get(action=Action.FACTORS_RESET)
    assert (line.actor_id, line.subject_id) == (karim.pk, noemie.pk)
    assert line.facts == {"factor": ["recovery_codes", "totp", "webauthn"]}
    mail.outbox.clear()
    mails.send_due(now=timezone.now())
    assert "Votre double vérification repart de zéro" in [message.subject for message in mail.outbox]
    assert not factors.summary(noemie).any


def test_a_summary_tells_what_there_is(inside: Client, noemie: Member) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)
    add(inside, Passkey(synced=True), "Téléphone")

    found = factors.summary(noemie)

    (passkey,) = found.passkeys
    assert (passkey.name, passkey.synced, passkey.last_used_at) == ("Téléphone", True, None)
    assert (found.totp, found.recovery_codes, found.any) == (False, 10, True)
