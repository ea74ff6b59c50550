"""The first technician: a link at the terminal, a password, a second factor, and only then the role."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as hub_settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from demo.slapd import EmbeddedDirectory
from directory import backends
from directory.models import Member
from directory.services import grant_role, revoke_role
from directory.types import Role
from idp.models import AccountLink
from tests.support.links import choose, follow
from tests.support.signin import NEW_PASSWORD, Enrol, totp, try_to_sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)


def run(login: str = "secours", **options: Any) -> str:
    out = StringIO()
    call_command("first_technician", login, stdout=out, stderr=StringIO(), **options)
    return out.getvalue().strip()


def path_of(address: str) -> str:
    return address.removeprefix(hub_settings.ORIGIN)


def has_role(login: str = "secours") -> bool:
    return Role.TECHNICIAN in Member.objects.get(login=login).roles


@pytest.mark.spec("OWASP ASVS", "6.3.2")
@pytest.mark.spec("OWASP ASVS", "6.4.1")
def test_the_terminal_gets_a_link_and_no_password(db: None) -> None:
    address = run(name="Léa", mail="lea@example.org")

    member = Member.objects.get()
    assert address.startswith(f"{hub_settings.ORIGIN}/compte/lien/")
    assert (member.login, member.display_name, member.is_local) == ("secours", "Léa", True)
    assert not member.has_own_password
    assert not has_role()
    link = AccountLink.objects.get()
    assert link.expires_at - link.created_at == timedelta(hours=1)
    assert Event.objects.about(member.pk).filter(action=Action.LOCAL_ACCOUNT_CREATED).count() == 1
    assert Event.objects.about(member.pk).filter(action=Action.FIRST_ACCOUNT_MADE).count() == 1


def test_it_works_without_any_directory_and_the_role_comes_with_the_second_factor(
    client: Client, transactional_db: None, settings: Any, enrol: Enrol
) -> None:
    settings.LDAP = {"uri": "", "base": ""}

    follow(client, path_of(run()))
    entered = choose(client)
    before = client.get(reverse("account_first")).content.decode()
    half = has_role()
    enrol(client, NEW_PASSWORD)

    assert entered["Location"] == reverse("account_first")
    assert reverse("mfa_activate_totp") in before
    assert not half
    assert has_role()
    assert Event.objects.get(action=Action.ROLE_GRANTED).facts == {"role": "technician"}
    assert client.get(reverse("idp:deliveries")).status_code == 200
    assert client.get(reverse("account_first"))["Location"] == reverse("launcher:home")


def test_the_account_opens_with_both_steps_while_the_directory_is_down(
    client: Client, transactional_db: None, own_directory: EmbeddedDirectory, enrol: Enrol
) -> None:
    follow(client, path_of(run()))
    choose(client)
    enrolled = enrol(client, NEW_PASSWORD)
    client.post(reverse("idp:sign_out"))
    own_directory.stop()

    first = try_to_sign_in(client, "secours", NEW_PASSWORD)
    second = client.post(reverse("mfa_authenticate"), {"code": totp(enrolled.secret)})
    nobody = try_to_sign_in(Client(), "nobody", NEW_PASSWORD)
    wrong = try_to_sign_in(Client(), "secours", "wrong")

    assert first["Location"] == reverse("mfa_authenticate")
    assert second["Location"] == reverse("launcher:home")
    assert nobody.status_code == wrong.status_code == 503


def test_tries_at_it_are_counted_while_the_directory_is_down_and_nobody_sees_it(
    transactional_db: None, own_directory: EmbeddedDirectory, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.services.refusals.MINUTE", 86_400)
    follow(client, path_of(run()))
    choose(client)
    client.post(reverse("idp:sign_out"))
    own_directory.stop()

    answers = [try_to_sign_in(Client(), "secours", "wrong").status_code for _ in range(12)]
    right = try_to_sign_in(Client(), "secours", NEW_PASSWORD)

    assert set(answers) == {503}
    assert right.status_code == 503, "as for a name that nobody has"


def test_where_one_is_nothing_changes(noemie: Member) -> None:
    grant_role(member_id=noemie.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=timezone.now())

    with pytest.raises(CommandError, match="already"):
        run()

    assert Member.objects.count() == 1
    assert not AccountLink.objects.exists()


def test_a_technician_who_is_locked_out_of_the_hub_does_not_count(noemie: Member) -> None:
    grant_role(member_id=noemie.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=timezone.now())
    Member.objects.update(hold="suspended")

    assert run()


@pytest.mark.parametrize("login", ["noemie.ferrand", "NOEMIE.FERRAND", "", "a\x01b"])
def test_the_login_of_somebody_else_or_of_nobody_is_refused(noemie: Member, login: str) -> None:
    with pytest.raises(CommandError, match="login"):
        run(login)

    assert Member.objects.count() == 1


def test_asked_again_the_earlier_link_ends_and_the_account_is_the_same(client: Client, db: None) -> None:
    first, second = run(), run()

    assert Member.objects.count() == 1
    assert client.get(path_of(first))["Location"] == reverse("account_link_refused")
    assert client.get(path_of(second))["Location"] == reverse("account_link_page")


def test_after_an_hour_the_link_opens_nothing(client: Client, db: None) -> None:
    path = path_of(run())
    AccountLink.objects.update(expires_at=timezone.now())

    assert client.get(path)["Location"] == reverse("account_link_refused")


def test_the_role_is_given_once_and_not_to_whoever_comes_late(
    client: Client, transactional_db: None, noemie: Member, enrol: Enrol
) -> None:
    follow(client, path_of(run()))
    choose(client)
    grant_role(member_id=noemie.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=timezone.now())

    enrol(client, NEW_PASSWORD)

    assert not has_role()
    revoke_role(member_id=noemie.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=timezone.now())


def test_a_second_factor_of_anybody_else_gives_no_role(client: Client, noemie: Member, enrol: Enrol) -> None:
    try_to_sign_in(client, "noemie.ferrand", "alizarine-garrigue")

    enrol(client, "alizarine-garrigue")

    assert not Event.objects.filter(action=Action.ROLE_GRANTED).exists()
    assert client.get(reverse("account_first"))["Location"] == reverse("launcher:home")
