"""How tries at a password or a code are counted: by account, by known browser, by network, in windows and in a row."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from directory.ldap import passwords as ldap_client
from directory.ldap import sources
from directory.models import Member
from directory.types import MemberState
from idp.models import Browser, HubSession
from idp.services.accounts import attempts, browsers
from idp.signin.people import attempt_by
from tests.support.cast import MONDAY
from tests.support.signin import (
    KARIM_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    WRONG,
    AddMember,
    Enrol,
    confirm_password,
    said,
    totp,
    try_to_sign_in,
)

pytestmark = pytest.mark.django_db
MEMBER = uuid4()
ACCOUNT = attempts.account_of(MEMBER)
# What slapd's policy of the demonstration endures: as many failures, within as long.
DIRECTORY_FAILURES, DIRECTORY_INTERVAL = 10, timedelta(minutes=10)


def taken(now, *, network="192.0.2.1", known=False, account=ACCOUNT):
    return attempts.take(account=account, network=network, known=known, now=now)


def fails(now, times, **how) -> int:
    """How many of so many tries are let through; each from a network of its own."""
    tries = [taken(now + timedelta(milliseconds=n), network=f"192.0.2.{n}", **how) for n in range(times)]
    return sum(each is not None for each in tries)


def reasons() -> list[str]:
    lines = Event.objects.filter(action=Action.SIGN_IN_REFUSED).order_by("id")
    return list(lines.values_list("reason", flat=True))


# The rule ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.1")
@pytest.mark.spec("CNIL 2022-100", "9")
def test_five_strangers_tries_in_ten_minutes_whatever_network_they_come_from():
    assert fails(MONDAY, 20) == 5
    assert fails(MONDAY + timedelta(minutes=10), 20) == 0
    assert fails(MONDAY + timedelta(minutes=11), 20) == 5


@pytest.mark.spec("CNIL 2022-100", "9")
def test_no_more_than_25_failures_in_a_day_from_all_browsers_together():
    let_through = 0
    for minutes in range(0, 24 * 60, 5):
        now = MONDAY + timedelta(minutes=minutes)
        let_through += fails(now, 6) + fails(now, 6, known=True)

    assert let_through == 25


@pytest.mark.spec("NIST SP 800-63B-4", "9")
def test_no_more_than_100_failures_in_a_row_however_slowly_they_come():
    let_through = 0
    for day in range(30):
        for hour in (0, 1, 2, 3, 4):
            now = MONDAY + timedelta(days=day, hours=hour)
            let_through += fails(now, 6) + fails(now, 6, known=True)

    assert let_through == 100


def test_a_completed_sign_in_begins_the_row_anew_and_opens_no_window():
    for day in range(4):
        for hour in (0, 1, 2):
            fails(MONDAY + timedelta(days=day, hours=hour), 6)
    later = MONDAY + timedelta(days=10)
    assert fails(later, 1) == 0

    attempts.succeeded(MEMBER)

    assert fails(later, 6) == 5
    attempts.succeeded(MEMBER)
    assert fails(later + timedelta(seconds=5), 6) == 0


def test_the_directorys_own_lock_cannot_be_reached_through_the_hub():
    """Whoever can have the directory lock an entry locks the member out of everything else that asks it."""
    moments: list[float] = []
    for seconds in range(0, 3 * 3600, 15):
        now = MONDAY + timedelta(seconds=seconds)
        moments += [now.timestamp()] * (fails(now, 2) + fails(now, 2, known=True))

    worst = max(sum(at <= each < at + DIRECTORY_INTERVAL.total_seconds() for each in moments) for at in moments)
    assert 0 < worst < DIRECTORY_FAILURES


def test_after_all_that_the_hub_lets_through_the_directory_still_takes_the_password(client: Client, noemie: Member):
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    for _ in range(8):
        try_to_sign_in(client, NOEMIE, WRONG)
        try_to_sign_in(Client(), NOEMIE, WRONG)

    check = ldap_client.check_password(sources.load(), noemie.entry_uuid, NOEMIE_PASSWORD)

    assert reasons().count("wrong") == 9
    assert check.verdict is ldap_client.Verdict.ACCEPTED


@pytest.mark.incident("django-allauth 65.8.1")
def test_a_try_given_back_opens_neither_the_network_nor_another_account():
    for number in range(19):
        assert taken(MONDAY, account=f"name:{number}") is not None
    for _ in range(30):
        attempt = taken(MONDAY)
        assert attempt is not None
        attempt.give_back()
        attempts.succeeded(MEMBER)

    assert taken(MONDAY, account="name:19") is not None
    assert taken(MONDAY, account="name:20") is None


def test_an_ipv6_network_is_one_network(client: Client, noemie: Member):
    for number in range(20):
        try_to_sign_in_from(client, f"2001:db8:1:2::{number}", f"guess{number}")

    try_to_sign_in_from(client, "2001:db8:1:2:ffff::1", "guess98")
    try_to_sign_in_from(client, "2001:db8:1:3::1", "guess99")

    assert reasons() == ["unknown"] * 20 + ["throttled", "unknown"]


def try_to_sign_in_from(client: Client, address: str, login: str):
    form = {"login": login, "password": WRONG}
    return client.post(reverse("account_login"), form, REMOTE_ADDR=address)


@pytest.mark.gdpr("G24")
def test_until_when_an_account_is_blocked_is_told_and_the_office_opens_it(member: Member):
    account = attempts.account_of(member.pk)
    assert attempts.blocked_until(member.pk, now=MONDAY) is None
    fails(MONDAY, 5, account=account)

    until = attempts.blocked_until(member.pk, now=MONDAY + timedelta(minutes=1))
    assert until == MONDAY + attempts.SHORT
    assert attempts.blocked_until(member.pk, now=until) is None

    office = uuid4()
    attempts.unlock(member_id=member.pk, actor=Actor(member=member.pk), now=MONDAY)

    assert attempts.blocked_until(member.pk, now=MONDAY + timedelta(minutes=1)) is None
    assert Event.objects.get(action=Action.ACCOUNT_UNLOCKED).subject_id == member.pk
    assert not attempts.is_blocked(office)


def test_what_was_typed_is_not_readable_in_the_cache(monkeypatch: pytest.MonkeyPatch):
    keys: list[str] = []
    kept = cache.set

    def seen(key: str, *more: object) -> None:
        keys.append(key)
        kept(key, *more)

    monkeypatch.setattr(cache, "set", seen)

    taken(MONDAY, account=attempt_by("canari-mot-de-passe").budget)

    assert keys
    assert all("canari" not in key for key in keys)


# By the pages ------------------------------------------------------------------------------------------------


@pytest.mark.spec("ANSSI MFA", "R10")
@pytest.mark.incident("CVE-2025-24806", "CVE-2025-64102", "GHSA-xrw9-r35x-x878", "GHSA-hjj4-hfjm-fmrj")
def test_password_and_codes_by_every_name_are_one_budget(client: Client, noemie: Member, enrol: Enrol):
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    secret = enrol(client, NOEMIE_PASSWORD)
    for typed in (NOEMIE.upper(), f" {noemie.email} "):
        try_to_sign_in(Client(), typed, WRONG)
    half_way = Client()
    try_to_sign_in(half_way, noemie.email.upper(), NOEMIE_PASSWORD)
    real = secret.recovery_codes[0]
    for code in ("000000", real[:-1] + ("Y" if real.endswith("X") else "X"), ""):
        half_way.post(reverse("mfa_authenticate"), {"code": code})
    half_way.post(reverse("mfa_authenticate"), {"code": "111111"})

    by_code = half_way.post(reverse("mfa_authenticate"), {"code": totp(secret.secret)})
    by_password = try_to_sign_in(Client(), noemie.email, NOEMIE_PASSWORD)

    assert by_code.status_code == by_password.status_code == 200
    assert reasons() == ["wrong"] * 2 + ["code"] * 3 + ["throttled"] * 2
    assert {line.subject_id for line in Event.objects.filter(refused=True)} == {noemie.pk}


@pytest.mark.gdpr("G24")
@pytest.mark.spec("OWASP ASVS", "6.3.1")
def test_strangers_who_use_up_the_budget_do_not_stop_the_member_on_their_own_browser(client: Client, noemie: Member):
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    for _ in range(8):
        try_to_sign_in(Client(), NOEMIE, WRONG)

    stranger = try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD)
    own = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert (stranger.status_code, own.status_code) == (200, 302)


def test_a_network_that_is_used_up_does_not_stop_the_members_who_are_known(client: Client, noemie: Member):
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    for number in range(21):
        try_to_sign_in(Client(), f"guess{number}", WRONG)

    assert try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD).status_code == 302


def test_a_stolen_cookie_of_a_browser_is_limited_as_well(client: Client, noemie: Member, settings):
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    thief = Client()
    thief.cookies[settings.BROWSER_COOKIE_NAME] = client.cookies[settings.BROWSER_COOKIE_NAME].value

    for _ in range(6):
        try_to_sign_in(thief, NOEMIE, WRONG)

    assert reasons() == ["wrong"] * 4 + ["throttled"] * 2
    assert try_to_sign_in(thief, NOEMIE, NOEMIE_PASSWORD).status_code == 200


def test_the_cookie_of_one_member_is_no_budget_for_another(client: Client, noemie: Member, karim: Member):
    try_to_sign_in(client, karim.login, KARIM_PASSWORD)
    client.post(reverse("idp:sign_out"))
    for _ in range(8):
        try_to_sign_in(Client(), NOEMIE, WRONG)

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert reasons()[-1] == "throttled"


@pytest.mark.incident("django-allauth 65.8.1")
def test_a_good_account_does_not_open_anothers_budget_again(client: Client, noemie: Member, karim: Member):
    for _ in range(5):
        try_to_sign_in(Client(), NOEMIE, WRONG)
        assert try_to_sign_in(client, karim.login, KARIM_PASSWORD).status_code == 302
        client.post(reverse("idp:sign_out"))

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert reasons()[-1] == "throttled"


@pytest.mark.incident("CVE-2026-16103", "CVE-2026-9798")
@pytest.mark.parametrize(
    "entry", ["account_login", "account_reauthenticate", "mfa_reauthenticate", "mfa_activate_totp"]
)
def test_every_entry_of_a_credential_counts_on_the_account(client: Client, noemie: Member, enrol: Enrol, entry: str):
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    if entry == "mfa_reauthenticate":
        enrol(client, NOEMIE_PASSWORD)
    confirm_password(client, NOEMIE_PASSWORD)
    if entry == "mfa_activate_totp":
        client.get(reverse(entry))
    Browser.objects.all().delete()
    form = {"login": NOEMIE, "password": WRONG, "code": "000000", "next": "/"}
    sender = Client() if entry == "account_login" else client

    for _ in range(5):
        sender.post(reverse(entry), form)

    assert attempts.is_blocked(noemie.pk)
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 200
    assert reasons()[-1] == "throttled"


@pytest.mark.incident("CVE-2024-47070", "django-allauth 65.15.1")
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP"])
def test_headers_of_untrusted_peers_name_no_network(client: Client, noemie: Member, header: str):
    for number in range(20):
        value = f"for=192.0.2.{number}" if header == "Forwarded" else f"192.0.2.{number}"
        try_to_sign_in(client, f"guess{number}", WRONG, headers={header: value})

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, headers={header: "198.51.100.7"})

    assert reasons()[-1] == "throttled"
    assert HubSession.objects.count() == 0


@pytest.mark.spec("ANSSI MFA", "R14")
def test_a_wrong_password_with_the_right_code_and_the_reverse_are_answered_alike(
    client: Client, noemie: Member, enrol: Enrol
):
    """The second page comes after a right password; the sentence on it is that of the first."""
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    secret = enrol(client, NOEMIE_PASSWORD).secret
    wrong_password, wrong_code, unknown = Client(), Client(), Client()

    by_password = try_to_sign_in(wrong_password, NOEMIE, WRONG, code=totp(secret))
    try_to_sign_in(wrong_code, NOEMIE, NOEMIE_PASSWORD)
    by_code = wrong_code.post(reverse("mfa_authenticate"), {"code": "000000"})
    by_name = try_to_sign_in(unknown, "nobody.at.all", WRONG)

    def told(page) -> list[str]:
        form = page.context["form"]
        return [str(error) for errors in form.errors.values() for error in errors]

    assert told(by_password) == told(by_code) == told(by_name)
    assert {page.status_code for page in (by_password, by_code, by_name)} == {200}
    assert said(by_password) == said(by_name)
    assert wrong_password.post(reverse("mfa_authenticate"), {"code": totp(secret)})["Location"] == reverse(
        "account_login"
    )
    assert not any("_auth_user_id" in each.session for each in (wrong_password, wrong_code, unknown))


def test_a_suspended_members_known_browser_is_no_way_around(client: Client, add_member: AddMember):
    member = add_member(NOEMIE)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    Member.objects.filter(pk=member.pk).update(state=MemberState.LOCKED)
    browsers.end_all([member.pk], reason="member_ended", actor=SYSTEM, now=MONDAY)

    for _ in range(6):
        try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert reasons() == ["locked"] * 5 + ["throttled"]
