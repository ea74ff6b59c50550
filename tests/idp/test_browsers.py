"""Browsers known again: what their cookie is worth, who is told of a new one, and what trust in one spares."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from directory.models import Member
from directory.signals import members_ended
from idp import networks, user_agents
from idp.models import Browser, Grant, HubSession, Tool
from idp.services.accounts import browsers, mails
from idp.services.purge import purge_expired
from tests.support.authorize import posted  # noqa: F401
from tests.support.cast import MONDAY
from tests.support.oidc import Party, answer_of
from tests.support.signin import (
    KARIM_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    Enrol,
    Enrolled,
    confirm_password,
    totp,
    try_to_sign_in,
)

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
PIXEL = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Mobile Safari/537.36"
)


# What is kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        (FIREFOX, "Firefox, Linux"),
        (IPHONE, "Safari, iOS"),
        (PIXEL, "Chrome, Android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Safari/537.36 Edg/138.0",
         "Edge, Windows"),
        ("", ""),
        ("Appelez-le-06-00-00-00-00/1.0", ""),
        ("<script>alert(1)</script>", ""),
        ("x" * 100_000, ""),
    ],
)  # fmt: skip
def test_a_browser_is_called_by_make_and_system_and_nothing_that_it_says_itself(sent: str, label: str) -> None:
    assert user_agents.label_of(sent) == label


@pytest.mark.parametrize(
    ("address", "kept", "shown"),
    [
        ("82.64.17.203", "82.64.0.0/16", "82.64…"),
        ("::ffff:82.64.17.203", "82.64.0.0/16", "82.64…"),
        ("2a01:e0a:2b:5d10::7", "2a01:e0a::/32", "2a01:0e0a…"),
        ("10.20.0.9", "Bureau", "Bureau"),
        ("nonsense", "", ""),
    ],
)
def test_a_network_is_kept_too_short_to_name_a_household(address: str, kept: str, shown: str) -> None:
    known = {"Bureau": ip_network("10.20.0.0/16"), "Serre": ip_network("fd00::/8")}

    assert networks.cut(address, known) == kept
    assert networks.shown(kept) == shown


@pytest.mark.spec("OWASP ASVS", "7.2.3")
def test_the_cookie_holds_256_random_bits_and_the_database_a_digest(client: Client, noemie: Member, settings) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, headers={"user-agent": FIREFOX})

    cookie = client.cookies[settings.BROWSER_COOKIE_NAME]
    row = Browser.objects.get()
    assert len(cookie.value) >= 43
    assert cookie.value not in str(Browser.objects.values())
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert int(cookie["max-age"]) == browsers.MEMORY.total_seconds() == timedelta(days=180).total_seconds()
    session = HubSession.objects.get()
    assert (session.browser, session.label, session.network) == (row, "Firefox, Linux", "127.0.0.0/16")


def test_under_tls_the_cookie_is_of_this_host_alone(client: Client, noemie: Member, settings) -> None:
    settings.SECURE = True

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert client.cookies[settings.BROWSER_COOKIE_NAME]["secure"]


@pytest.mark.incident("CVE-2026-7507")
def test_a_cookie_planted_or_copied_before_a_sign_in_is_worth_nothing_after_it(
    client: Client, noemie: Member, karim: Member, settings
) -> None:
    attacker = Client()
    try_to_sign_in(attacker, karim.login, KARIM_PASSWORD)
    planted = attacker.cookies[settings.BROWSER_COOKIE_NAME].value
    client.cookies[settings.BROWSER_COOKIE_NAME] = planted

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    now = timezone.now()
    given = client.cookies[settings.BROWSER_COOKIE_NAME].value
    assert given != planted
    assert browsers.known(member_id=noemie.pk, secret=planted, now=now) is None
    assert browsers.known(member_id=noemie.pk, secret=given, now=now) is not None


def test_one_browser_of_two_members_is_known_to_each_of_them(client: Client, noemie: Member, karim: Member) -> None:
    for _ in range(2):
        for login, password in ((NOEMIE, NOEMIE_PASSWORD), (karim.login, KARIM_PASSWORD)):
            try_to_sign_in(client, login, password)
            client.post(reverse("idp:sign_out"))

    assert Browser.objects.count() == 2
    assert Browser.objects.values("digest").distinct().count() == 1
    assert {row.member_id for row in Browser.objects.all()} == {noemie.pk, karim.pk}


def test_a_browser_not_used_for_180_days_is_known_no_more_and_purged(member: Member) -> None:
    begun = browsers.begin(member=member, secret="", label="Firefox, Linux", now=MONDAY)
    later = MONDAY + browsers.MEMORY

    assert browsers.known(member_id=member.pk, secret=begun.secret, now=later - timedelta(seconds=1))
    assert browsers.known(member_id=member.pk, secret=begun.secret, now=later) is None
    purge_expired(now=later + timedelta(seconds=1))
    assert not Browser.objects.exists()


# Telling -----------------------------------------------------------------------------------------------------


def told() -> list[mail.EmailMessage]:
    mail.outbox.clear()
    mails.send_due(now=timezone.now())
    return list(mail.outbox)


@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_a_sign_in_from_a_new_browser_is_told_by_mail_the_first_one_ever_is_not(noemie: Member, settings) -> None:
    try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD, headers={"user-agent": FIREFOX})
    first = told()

    headers = {"user-agent": IPHONE, "host": "evil.example", "x-forwarded-host": "evil.example"}
    settings.ALLOWED_HOSTS = ["*"]
    try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD, headers=headers)

    assert first == []
    (message,) = told()
    assert message.to == [noemie.email]
    assert "Safari, iOS" in message.body
    assert "127.0…" in message.body
    assert f"{settings.ORIGIN}{reverse('idp:sessions_not_me')}" in message.body
    assert "evil.example" not in message.body
    assert "18_5" not in message.body
    assert Event.objects.about(noemie.pk).filter(action=Action.BROWSER_ADDED).count() == 2


def test_a_browser_that_is_known_is_no_news(client: Client, noemie: Member) -> None:
    for _ in range(3):
        try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
        client.post(reverse("idp:sign_out"))

    assert told() == []
    assert Browser.objects.count() == 1


def test_the_mail_is_in_the_members_language(client: Client, noemie: Member) -> None:
    Member.objects.update(language="en")
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD)

    (message,) = told()

    assert message.subject == "New sign-in to your account"
    assert "Unknown browser" in message.body


def test_a_browser_that_was_forgotten_is_news_again(client: Client, noemie: Member) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    answer = client.post(reverse("idp:sessions_forget", args=[Browser.objects.get().pk]))
    client.post(reverse("idp:sign_out"))

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert answer["Location"] == reverse("idp:sessions")
    assert len(told()) == 1
    line = Event.objects.get(action=Action.BROWSER_FORGOTTEN)
    assert (line.subject_id, line.actor_id, line.reason) == (noemie.pk, noemie.pk, "by_hand")


# Trust -------------------------------------------------------------------------------------------------------


@pytest.fixture
def enrolled(client: Client, noemie: Member, enrol: Enrol) -> Enrolled:
    """Noémie has an application of codes; her browser is signed out."""
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    found = enrol(client, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    return found


def sign_in_and_trust(client: Client, enrolled: Enrolled, *, step: int = 0) -> Any:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    form = {"code": totp(enrolled.secret, step=step), "trust": "on"}
    return client.post(reverse("mfa_authenticate"), form)


def asked_for_a_code(client: Client) -> bool:
    """Sign out and in again: is the second factor asked for?"""
    client.post(reverse("idp:sign_out"))
    return bool(try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)["Location"] == reverse("mfa_authenticate"))


def test_a_trusted_browser_skips_the_code_and_claims_the_password_alone(client: Client, enrolled: Enrolled) -> None:
    sign_in_and_trust(client, enrolled)
    assert HubSession.objects.latest("started_at").acr == "2"

    assert not asked_for_a_code(client)

    session = HubSession.objects.latest("started_at")
    assert (session.methods, session.acr) == (["pwd"], "1")
    assert Event.objects.filter(action=Action.BROWSER_TRUSTED).count() == 1


def test_trust_is_never_given_unasked(client: Client, enrolled: Enrolled) -> None:
    page = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, follow=True)
    shown = client.get(reverse("mfa_authenticate")).content.decode()
    client.post(reverse("mfa_authenticate"), {"code": totp(enrolled.secret)})

    assert page.status_code in (200, 302)
    assert 'name="trust"' in shown
    assert "30 jours" in shown
    assert "checked" not in shown
    assert asked_for_a_code(client)


def test_a_wrong_code_with_the_box_ticked_trusts_nothing(client: Client, enrolled: Enrolled) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    client.post(reverse("mfa_authenticate"), {"code": "000000", "trust": "on"})
    client.post(reverse("mfa_authenticate"), {"code": totp(enrolled.secret)})

    assert asked_for_a_code(client)


def test_where_trust_is_switched_off_the_box_is_absent_and_older_trust_over(
    client: Client, enrolled: Enrolled, settings
) -> None:
    sign_in_and_trust(client, enrolled)
    settings.BROWSER_TRUST = timedelta(0)

    assert asked_for_a_code(client)
    assert 'name="trust"' not in client.get(reverse("mfa_authenticate")).content.decode()


def test_a_tool_that_needs_two_factors_asks_for_the_code_in_a_trusted_browser(
    client: Client, enrolled: Enrolled, wiki: Party
) -> None:
    sign_in_and_trust(client, enrolled)
    assert not asked_for_a_code(client)
    Tool.objects.filter(pk=wiki.tool.pk).update(required_acr="2")

    answer = wiki.authorize(client)
    silent = wiki.authorize(client, prompt="none")

    assert reverse("mfa_reauthenticate") in answer["Location"]
    assert "error" in answer_of(silent)
    assert not Grant.objects.exists()
    client.post(reverse("mfa_reauthenticate"), {"code": totp(enrolled.secret, step=1), "next": "/"})
    assert "code" in answer_of(wiki.authorize(client))


@pytest.mark.parametrize(
    "event", ["factor removed", "new recovery codes", "forgotten", "ended", "over", "suspended", "password", "alarm"]
)
def test_trust_ends_with(client: Client, noemie: Member, enrolled: Enrolled, event: str, settings) -> None:
    sign_in_and_trust(client, enrolled)
    browser = Browser.objects.get()
    assert browser.trusted_until
    now = timezone.now()
    if event == "factor removed":
        confirm_password(client, NOEMIE_PASSWORD)
        client.post(reverse("mfa_deactivate_totp"))
    elif event == "new recovery codes":
        confirm_password(client, NOEMIE_PASSWORD)
        client.post(reverse("mfa_generate_recovery_codes"))
    elif event == "forgotten":
        client.post(reverse("idp:sessions_forget", args=[browser.pk]))
    elif event == "ended":
        client.post(reverse("idp:sessions_ask_code", args=[browser.pk]))
    elif event == "over":
        now += settings.BROWSER_TRUST
    elif event == "suspended":
        members_ended.send(sender=None, member_ids=[noemie.pk], now=now)
    elif event == "password":
        browsers.end_trust(member_id=noemie.pk, now=now)
    elif event == "alarm":
        confirm_password(client, NOEMIE_PASSWORD)
        client.post(reverse("idp:sessions_not_me"))

    secret = client.cookies[settings.BROWSER_COOKIE_NAME].value
    assert not browsers.is_trusted(member=noemie, secret=secret, now=now)
    if event not in ("over", "factor removed"):
        assert asked_for_a_code(client)


def test_using_a_trusted_browser_does_not_put_off_its_end(client: Client, enrolled: Enrolled) -> None:
    sign_in_and_trust(client, enrolled)
    until = Browser.objects.get().trusted_until

    assert not asked_for_a_code(client)

    assert Browser.objects.get().trusted_until == until


def test_the_trust_of_one_member_is_not_that_of_another_in_the_same_browser(
    client: Client, enrolled: Enrolled, noemie: Member, karim: Member, settings
) -> None:
    sign_in_and_trust(client, enrolled)
    client.post(reverse("idp:sign_out"))
    try_to_sign_in(client, karim.login, KARIM_PASSWORD)

    secret = client.cookies[settings.BROWSER_COOKIE_NAME].value

    assert not browsers.is_trusted(member=karim, secret=secret, now=timezone.now())
    assert browsers.is_trusted(member=noemie, secret=secret, now=timezone.now())


def test_a_departure_forgets_every_browser(member: Member) -> None:
    browsers.begin(member=member, secret="", label="", now=MONDAY)

    members_ended.send(sender=None, member_ids=[member.pk], now=MONDAY)

    assert Browser.objects.get().ended_at == MONDAY
    assert Event.objects.get(action=Action.BROWSER_FORGOTTEN).reason == "member_ended"
    assert browsers.end_all([member.pk], reason="member_ended", actor=SYSTEM, now=MONDAY) == 0
