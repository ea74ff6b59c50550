"""A password changed by somebody signed in, and one that must be replaced at the door."""

from typing import Any

import pytest
from django.conf import settings as hub_settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory.ldap import connection
from directory.models import Member
from idp.models import HubSession
from tests.support.links import choose, waiting
from tests.support.oidc import sign_in
from tests.support.signin import (
    NEW_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    WRONG,
    Enrol,
    confirm_password,
    totp,
    try_to_sign_in,
)

pytestmark = pytest.mark.django_db
ENTRY = f"uid={NOEMIE},ou=membres,ou=personnes,dc=alizarine,dc=example"


@pytest.fixture
def inside(client: Client, noemie: Member) -> Client:
    cache.clear()
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    return client


def change(client: Client, current: str = NOEMIE_PASSWORD, new: str = NEW_PASSWORD, **more: str) -> Any:
    return client.post(reverse("account_password"), {"current": current, "new": new, **more})


def opens(password: str) -> bool:
    return try_to_sign_in(Client(), NOEMIE, password).status_code == 302


# Signed in -----------------------------------------------------------------------------------------------------


def test_the_page_is_for_somebody_signed_in(client: Client) -> None:
    assert reverse("account_login") in client.get(reverse("account_password"))["Location"]
    assert reverse("account_login") in change(client)["Location"]


@pytest.mark.spec("OWASP ASVS", "6.2.2")
@pytest.mark.spec("OWASP ASVS", "6.2.3")
@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_the_change_holds_at_once_and_the_member_is_told(inside: Client, noemie: Member) -> None:
    elsewhere = sign_in(noemie)
    key = inside.session.session_key

    answer = change(inside, end_others="on")

    assert answer["Location"] == reverse("mfa_index")
    assert (opens(NEW_PASSWORD), opens(NOEMIE_PASSWORD)) == (True, False)
    assert elsewhere.get(reverse("launcher:home")).status_code == 302
    assert inside.get(reverse("launcher:home")).status_code == 200
    assert inside.session.session_key != key
    (told,) = [mail for mail in waiting("security") if mail["subject"] == "Votre mot de passe a changé"]
    assert told["to"] == noemie.email
    line = Event.objects.get(action=Action.PASSWORD_CHANGED)
    assert (line.reason, line.actor_id, line.facts["sessions"]) == ("by_member", noemie.pk, 1)


def test_other_devices_stay_signed_in_on_request(inside: Client, noemie: Member) -> None:
    elsewhere = sign_in(noemie)

    change(inside)

    assert elsewhere.get(reverse("launcher:home")).status_code == 200


def test_ending_the_other_sessions_is_ticked_in_advance(inside: Client) -> None:
    page = inside.get(reverse("account_password")).content.decode()

    assert 'name="end_others" id="id_end_others" checked' in page or "checked" in page.split("end_others")[1][:80]


@pytest.mark.spec("OWASP ASVS", "6.2.3")
def test_without_the_right_current_one_nothing_changes(inside: Client) -> None:
    page = change(inside, current=WRONG)

    assert page.status_code == 200
    assert "ne convient pas" in page.content.decode()
    assert WRONG not in page.content.decode()
    assert opens(NOEMIE_PASSWORD)
    assert "Votre mot de passe a changé" not in [mail["subject"] for mail in waiting("security")]
    refused = Event.objects.filter(action=Action.PASSWORD_REFUSED).values_list("reason", flat=True)
    assert list(refused) == ["directory_wrong_old"]


@pytest.mark.incident("CVE-2026-16103", "CVE-2026-9798")
def test_tries_at_the_current_one_count_as_tries_to_sign_in(inside: Client) -> None:
    for _ in range(4):
        change(inside, current=WRONG)

    page = change(inside)

    assert "Trop d’essais" in page.content.decode()
    # The count is that of her own browsers: at sign-in, too.
    here = Client()
    here.cookies = inside.cookies.copy()
    here.cookies.pop(hub_settings.SESSION_COOKIE_NAME, None)
    try_to_sign_in(here, NOEMIE, NOEMIE_PASSWORD)
    assert "_auth_user_id" not in here.session
    reasons = Event.objects.filter(action=Action.SIGN_IN_REFUSED).order_by("id").values_list("reason", flat=True)
    assert list(reasons) == ["wrong"] * 4 + ["throttled"] * 2


@pytest.mark.incident("django-allauth, blank passwords")
@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"current": "", "new": NEW_PASSWORD},
        {"current": NOEMIE_PASSWORD, "new": ""},
        {"new": NEW_PASSWORD},
        {"current": " ", "new": NEW_PASSWORD},
        {"current": "\x00", "new": NEW_PASSWORD},
        {"current": NOEMIE_PASSWORD, "new": " " * 30},
        {"current": NOEMIE_PASSWORD, "new": NEW_PASSWORD, "again": "other"},
    ],
)
def test_an_odd_post_changes_nothing(inside: Client, body: dict[str, Any]) -> None:
    assert inside.post(reverse("account_password"), body).status_code == 200

    assert opens(NOEMIE_PASSWORD)


def test_a_member_with_a_second_factor_shows_it_lately(inside: Client, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    session = inside.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 600
    session.save()
    confirm_password(inside, NOEMIE_PASSWORD)

    sent_away, refused = inside.get(reverse("account_password")), change(inside)
    inside.post(reverse("mfa_reauthenticate"), {"code": totp(enrolled.secret), "next": reverse("account_password")})
    page = inside.get(reverse("account_password"))

    assert sent_away["Location"].startswith(reverse("mfa_reauthenticate"))
    assert refused["Location"].startswith(reverse("mfa_reauthenticate"))
    assert page.status_code == 200
    assert change(inside)["Location"] == reverse("mfa_index")
    assert HubSession.objects.filter(ended_at=None).latest("started_at").acr == "2"


def test_a_silent_directory_changes_nothing_and_keeps_the_form(
    inside: Client, noemie: Member, own_directory: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OPEN_SECONDS", 0.0)
    elsewhere = sign_in(noemie)
    port = own_directory.port
    own_directory.stop()

    pages = [change(inside, end_others="on") for _ in range(6)]

    assert {page.status_code for page in pages} == {503}
    assert "Rien n’a changé" in pages[-1].content.decode()
    assert "password-form" in pages[-1].content.decode()
    assert elsewhere.get(reverse("launcher:home")).status_code == 200
    own_directory.start(port, ldaps=True)
    assert change(inside)["Location"] == reverse("mfa_index"), "and no try was counted"


def test_an_account_of_the_hubs_own_changes_its_own(client: Client, own_directory: EmbeddedDirectory) -> None:
    member = Member(login="secours", login_key="secours", display_name="Secours")
    member.set_password(NEW_PASSWORD)
    member.save()
    own_directory.stop()
    try_to_sign_in(client, "secours", NEW_PASSWORD)
    elsewhere = Client()
    try_to_sign_in(elsewhere, "secours", NEW_PASSWORD)

    answer = change(client, current=NEW_PASSWORD, new="un-tilleul-cascade-velours", end_others="on")

    assert answer["Location"] == reverse("mfa_index")
    assert client.get(reverse("launcher:home")).status_code == 200
    assert elsewhere.get(reverse("launcher:home")).status_code == 302
    assert try_to_sign_in(Client(), "secours", "un-tilleul-cascade-velours").status_code == 302


@pytest.mark.spec("OWASP ASVS", "6.2.7")
@pytest.mark.spec("NIST SP 800-63B-4", "6")
@pytest.mark.spec("CNIL 2022-100", "10")
@pytest.mark.spec("CNIL 2022-100", "13")
def test_the_form_speaks_to_managers_tells_its_rule_and_can_be_shown(inside: Client) -> None:
    page = inside.get(reverse("account_password")).content.decode()

    for part in (
        'autocomplete="new-password"',
        'autocomplete="current-password"',
        'autocomplete="username"',
        'passwordrules="minlength: 15;"',
        "data-reveal",
        "Au moins 15 caractères",
    ):
        assert part in page
    assert "onpaste" not in page
    assert 'maxlength="4096"' in page


@pytest.mark.spec("OWASP ASVS", "6.2.10")
@pytest.mark.spec("ANSSI MFA", "R24")
@pytest.mark.spec("CNIL 2022-100", "4")
def test_no_password_of_the_hub_ends_by_itself() -> None:
    from hub.env import Env

    assert not [name for name in Env.model_fields if "password" in name and ("age" in name or "days" in name)]


# At the door ---------------------------------------------------------------------------------------------------


@pytest.fixture
def marked(noemie: Member, own_directory: EmbeddedDirectory) -> Member:
    """The office has just set Noémie's password in the directory."""
    own_directory.modify(f"dn: {ENTRY}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
    return noemie


@pytest.mark.spec("OWASP ASVS", "6.4.1")
@pytest.mark.spec("OWASP ASVS", "6.4.6")
def test_a_password_that_the_office_has_set_serves_to_choose_another(client: Client, marked: Member) -> None:
    first = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, next="/mes-donnees/")
    inside = client.get(reverse("launcher:home"))
    answer = choose(client, current=NOEMIE_PASSWORD)

    assert first["Location"] == reverse("account_choose_password")
    assert inside.status_code == 302
    assert answer["Location"] == "/mes-donnees/"
    assert HubSession.objects.get().methods == ["pwd"]
    assert (opens(NEW_PASSWORD), opens(NOEMIE_PASSWORD)) == (True, False)
    assert Event.objects.get(action=Action.PASSWORD_CHANGED).reason == "had_to_change"


def test_it_is_asked_for_once_more_and_a_wrong_one_counts(client: Client, marked: Member) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    wrong = choose(client, current=WRONG)
    missing = choose(client)

    assert wrong.status_code == missing.status_code == 200
    assert not HubSession.objects.exists()
    assert [line.reason for line in Event.objects.filter(action=Action.SIGN_IN_REFUSED)] == ["wrong"]


def test_the_second_factor_comes_before_it(client: Client, noemie: Member, own_directory: Any, enrol: Enrol) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    enrolled = enrol(client, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    own_directory.modify(f"dn: {ENTRY}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")

    first = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    skipped = choose(client, current=NOEMIE_PASSWORD)
    second = client.post(reverse("mfa_authenticate"), {"code": totp(enrolled.secret)})
    choose(client, current=NOEMIE_PASSWORD)

    assert first["Location"] == reverse("mfa_authenticate")
    assert skipped["Location"] == reverse("account_login")
    assert second["Location"] == reverse("account_choose_password")
    assert HubSession.objects.get(ended_at=None).acr == "2"


def test_the_same_again_is_no_other_password(client: Client, marked: Member) -> None:
    """One that the rule would take, set by the office and typed again by its holder."""
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    choose(client, current=NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))

    assert opens(NEW_PASSWORD)
    answer = try_to_sign_in(client, NOEMIE, NEW_PASSWORD)
    assert answer["Location"] == reverse("launcher:home"), "the mark went with the change"
    page = change(client, current=NEW_PASSWORD, new=NEW_PASSWORD)
    assert "déjà utilisé" in page.content.decode()


def test_one_that_has_expired_is_replaced_by_the_write_account(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory
) -> None:
    import time

    from directory import passwords

    passwords.reset(noemie, new="alizarine-et-la-garance")
    policy = f"cn=defaut,ou=politiques,{own_directory.base}"
    own_directory.modify(f"dn: {policy}\nchangetype: modify\nreplace: pwdMaxAge\npwdMaxAge: 1\n")
    time.sleep(2.1)

    first = try_to_sign_in(client, NOEMIE, "alizarine-et-la-garance")
    page = client.get(reverse("account_choose_password")).content.decode()
    answer = choose(client)

    assert first["Location"] == reverse("account_choose_password")
    assert "arrivé à son terme" in page
    assert 'name="current"' not in page
    assert answer["Location"] == reverse("launcher:home")
