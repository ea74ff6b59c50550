"""Signing in by the pages, against a real directory."""

import logging
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as hub_settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory.ldap import connection
from directory.models import Member
from directory.types import MemberState
from idp.models import HubSession
from idp.services import sessions
from idp.signin import adapter
from tests.support.signin import (
    HUGO,
    HUGO_PASSWORD,
    INES,
    INES_PASSWORD,
    KARIM_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    WRONG,
    AddMember,
    add_member_from,
    said,
    try_to_sign_in,
)

pytestmark = pytest.mark.django_db


def refusals() -> list[str]:
    return list(Event.objects.filter(action=Action.SIGN_IN_REFUSED).order_by("id").values_list("reason", flat=True))


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# Entering ----------------------------------------------------------------------------------------------------


@pytest.mark.incident("GHSA-hjj4-hfjm-fmrj")
@pytest.mark.parametrize("way", ["login", "mail", "upper", "spaces"])
def test_a_member_signs_in_by_login_or_by_mail_in_any_case(client: Client, noemie: Member, way: str) -> None:
    typed = {
        "login": NOEMIE,
        "mail": noemie.email,
        "upper": noemie.email.upper(),
        "spaces": f"  {NOEMIE.upper()} ",
    }[way]

    answer = try_to_sign_in(client, typed, NOEMIE_PASSWORD)

    assert answer.status_code == 302
    session = HubSession.objects.get()
    assert (session.member, session.methods, session.acr) == (noemie, ["pwd"], "1")
    assert Event.objects.get(action=Action.SIGN_IN).subject_id == noemie.pk


@pytest.mark.incident("CVE-2026-7507")
def test_the_session_key_changes_at_sign_in_and_the_planted_one_is_dead(client: Client, noemie: Member) -> None:
    client.get(reverse("account_login"))
    planted = client.session
    planted["flow"] = "planted"
    planted.save()
    client.cookies[hub_settings.SESSION_COOKIE_NAME] = planted.session_key or ""

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert client.session.session_key != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()
    assert HubSession.objects.get().session_key == client.session.session_key


def test_a_password_is_not_stripped(client: Client, noemie: Member) -> None:
    try_to_sign_in(client, NOEMIE, f" {NOEMIE_PASSWORD} ")

    assert not signed_in(client)


def test_the_form_speaks_to_password_managers(client: Client, db: None) -> None:
    page = client.get(reverse("account_login")).content.decode()

    assert 'autocomplete="username webauthn"' in page
    assert 'autocomplete="current-password"' in page


def test_a_post_from_elsewhere_is_refused(noemie: Member) -> None:
    strict = Client(enforce_csrf_checks=True)

    answer = try_to_sign_in(strict, NOEMIE, NOEMIE_PASSWORD)

    assert answer.status_code == 403
    assert not signed_in(strict)


@pytest.mark.parametrize(
    "name",
    [
        "account_signup",
        "account_email",
        "account_change_password",
        "account_set_password",
        "account_reset_password",
        "account_confirm_email",
        "account_inactive",
    ],
)
def test_nothing_is_opened_changed_or_recovered_here(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


# Failing -----------------------------------------------------------------------------------------------------


def twins(add_member: AddMember) -> str:
    """Two people behind one mail, as a shared mailbox would make them."""
    first = add_member(NOEMIE)
    Member.objects.create(
        entry_uuid=uuid4(),
        login="twin",
        login_key="twin",
        display_name="x",
        email=first.email,
        email_key=first.email_key,
    )
    return first.email


@pytest.mark.parametrize(
    "case", ["unknown", "wrong", "locked", "left", "absent", "ambiguous", "blank", "no_name", "nul", "throttled"]
)
def test_every_failure_says_the_same_and_the_journal_knows_better(
    client: Client, add_member: AddMember, case: str
) -> None:
    try_to_sign_in(client, "nobody.at.all", WRONG)
    reference = said(try_to_sign_in(client, "nobody.at.all", WRONG))
    Event.objects.filter(action=Action.SIGN_IN_REFUSED)._raw_delete("default")
    member = None
    login, password, reason = "somebody.else", WRONG, "unknown"
    if case == "wrong":
        member, login, reason = add_member(NOEMIE), NOEMIE, "wrong"
    elif case == "locked":
        member, login, password, reason = add_member(HUGO, state=MemberState.LOCKED), HUGO, HUGO_PASSWORD, "locked"
    elif case == "left":
        member, login, password, reason = add_member(INES, state=MemberState.LEFT), INES, INES_PASSWORD, "left"
    elif case == "absent":
        member, login, password, reason = add_member(INES, state=MemberState.MISSING), INES, INES_PASSWORD, "absent"
    elif case == "ambiguous":
        login, password, reason = twins(add_member), NOEMIE_PASSWORD, "ambiguous"
    elif case == "blank":
        add_member(NOEMIE)
        login, password, reason = NOEMIE, "", "blank"
    elif case == "no_name":
        login, reason = "", "blank"
    elif case == "nul":
        login, reason = "a\x00b", "blank"
    elif case == "throttled":
        member, login, reason = add_member(NOEMIE), NOEMIE, "throttled"
        for _ in range(5):
            try_to_sign_in(client, NOEMIE, WRONG)
        password = NOEMIE_PASSWORD

    answer = try_to_sign_in(client, login, password)

    assert answer.status_code == 200
    assert str(adapter.SIGN_IN_FAILED) in answer.content.decode()
    assert said(answer) == reference
    assert not signed_in(client)
    line = Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id")
    assert (line.reason, line.refused) == (reason, True)
    assert line.subject_id == (member.pk if member else None)


@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login": NOEMIE},
        {"password": NOEMIE_PASSWORD},
        {"login": [NOEMIE, ""], "password": NOEMIE_PASSWORD},
        {"login": NOEMIE, "password": "x" * 2000},
    ],
)
def test_odd_posts_open_nothing(client: Client, noemie: Member, body: dict[str, Any]) -> None:
    answer = client.post(reverse("account_login"), body)

    assert answer.status_code == 200
    assert not signed_in(client)
    assert not HubSession.objects.exists()


def test_a_wrong_password_is_written_nowhere(client: Client, noemie: Member, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    page = try_to_sign_in(client, NOEMIE, WRONG)
    try_to_sign_in(client, WRONG, WRONG)

    assert WRONG not in page.content.decode()
    assert WRONG not in caplog.text
    assert all(
        WRONG not in str(getattr(record, "args", ""))
        for record in caplog.records
        if not record.name.startswith("django.db")
    )
    assert all(WRONG not in str(row) for row in Event.objects.values())
    assert all(WRONG not in str(row.get_decoded()) for row in Session.objects.all())


# Limits ------------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2025-24806")
def test_login_mail_case_and_spaces_share_five_tries(client: Client, noemie: Member) -> None:
    for typed in (NOEMIE, noemie.email, NOEMIE.upper(), f" {noemie.email.upper()} ", NOEMIE):
        try_to_sign_in(client, typed, WRONG)

    by_login = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    by_mail = try_to_sign_in(client, noemie.email, NOEMIE_PASSWORD)

    assert by_login.status_code == by_mail.status_code == 200
    assert not signed_in(client)
    assert refusals() == ["wrong"] * 5 + ["throttled"] * 2


def test_a_success_gives_back_its_own_try_only(client: Client, noemie: Member) -> None:
    for _ in range(4):
        try_to_sign_in(client, NOEMIE, WRONG)
    try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD)

    try_to_sign_in(client, NOEMIE, WRONG)
    after_five = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert after_five.status_code == 200
    assert refusals()[-1] == "throttled"


@pytest.mark.incident("django-allauth 65.8.1")
def test_one_good_account_does_not_reset_the_count_of_its_network(client: Client, noemie: Member) -> None:
    for number in range(20):
        try_to_sign_in(client, f"guess{number}", WRONG)
        if number % 5 == 0:
            assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 302

    answer = try_to_sign_in(client, "guess99", WRONG)

    assert answer.status_code == 200
    assert refusals() == ["unknown"] * 20 + ["throttled"]


@pytest.mark.incident("CVE-2024-47070", "django-allauth 65.15.1")
def test_a_forged_forwarding_header_is_no_other_network(client: Client, noemie: Member) -> None:
    for number in range(20):
        try_to_sign_in(client, f"guess{number}", WRONG, headers={"x-forwarded-for": f"192.0.2.{number}"})

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, headers={"x-forwarded-for": "198.51.100.1"})

    assert refusals()[-1] == "throttled"


def test_one_person_s_failures_do_not_stop_another(client: Client, noemie: Member, karim: Member) -> None:
    for _ in range(6):
        try_to_sign_in(client, NOEMIE, WRONG)

    assert try_to_sign_in(client, karim.login, KARIM_PASSWORD).status_code == 302


def test_limits_live_where_every_process_sees_them() -> None:
    assert "LocMem" not in hub_settings.CACHES["default"]["BACKEND"]
    assert "Dummy" not in hub_settings.CACHES["default"]["BACKEND"]


# A silent directory ------------------------------------------------------------------------------------------


def test_a_silent_directory_is_said_calmly_and_costs_no_try(
    client: Client, db: None, own_directory: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OPEN_SECONDS", 0.0)
    noemie = add_member_from(own_directory, NOEMIE)
    port = own_directory.port
    own_directory.stop()

    pages = [try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD) for _ in range(8)]

    assert {page.status_code for page in pages} == {503}
    assert "L’annuaire ne répond pas" in pages[-1].content.decode()
    assert "sign-in-form" in pages[-1].content.decode()
    assert str(adapter.SIGN_IN_FAILED) not in pages[-1].content.decode()
    assert refusals() == ["directory_down"] * 8
    assert Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id").subject_id == noemie.pk
    own_directory.start(port, ldaps=True)
    assert try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD).status_code == 302


def test_a_flood_is_stopped_before_anything_is_looked_at(client: Client, db: None, monkeypatch: Any) -> None:
    # One share of lines for the whole test, wherever the minute ends.
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)
    for _ in range(60):
        client.post(reverse("account_login"), {})

    answer = client.post(reverse("account_login"), {})

    assert answer.status_code == 429
    assert 'id="error-page"' in answer.content.decode()
    # Thirty lines, and one for the thirty after them: the flood is told of, and fills nothing.
    assert len(refusals()) == 31


# Going on ----------------------------------------------------------------------------------------------------


def test_the_browser_goes_on_to_where_it_was(client: Client, noemie: Member) -> None:
    answer = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, next="/mes-donnees/?a=1")

    assert answer["Location"] == "/mes-donnees/?a=1"


@pytest.mark.incident("django-allauth 65.14.1")
@pytest.mark.parametrize(
    "address",
    [
        "//evil.test",
        "///evil.test",
        "\\\\evil.test",
        "/\\evil.test",
        "https:evil.test",
        "https:/evil.test",
        "https://evil.test",
        "https://testserver@evil.test",
        "https://evil.test@testserver",
        "@evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
    ],
)
def test_a_return_address_elsewhere_leads_home(client: Client, noemie: Member, address: str) -> None:
    by_form = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, next=address)
    when_signed_in = client.get(reverse("account_login"), {"next": address})

    assert by_form["Location"] == when_signed_in["Location"] == reverse("launcher:home")


def test_a_session_ended_elsewhere_signs_in_again_instead_of_going_round(client: Client, noemie: Member) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    HubSession.objects.update(ended_at=timezone.now())

    page = client.get(reverse("account_login"), {"next": "/mes-donnees/"})

    assert page.status_code == 200
    assert not signed_in(client)


def test_signing_in_over_a_session_ends_it_and_changes_every_identifier(
    client: Client, noemie: Member, karim: Member
) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    first, key = HubSession.objects.get(), client.session.session_key
    client.post(reverse("idp:sign_out"))

    try_to_sign_in(client, karim.login, KARIM_PASSWORD)

    first.refresh_from_db()
    assert first.ended_at is not None
    assert client.session[sessions.SESSION_FIELD] != str(first.pk)
    assert client.session.session_key != key
    assert not Session.objects.filter(session_key=key).exists()


def test_a_name_that_can_be_nobody_s_is_not_everybody_s(client: Client, noemie: Member) -> None:
    Member.objects.update(login="", login_key="", email="", email_key="")

    try_to_sign_in(client, "\u200b@", NOEMIE_PASSWORD)
    try_to_sign_in(client, "a\x01b", NOEMIE_PASSWORD)

    lines = Event.objects.filter(action=Action.SIGN_IN_REFUSED)
    assert [(line.reason, line.subject_id) for line in lines] == [("unknown", None)] * 2
