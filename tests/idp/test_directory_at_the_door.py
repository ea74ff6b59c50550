"""What a member is told of their password and of the directory, by the pages and from a real slapd."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import passwords
from directory.ldap import connection, sources
from directory.models import DirectorySource, Member, RoleGrant
from directory.services import synchronise
from directory.types import MailState, Role
from idp.accounts import facts_of
from idp.models import HubSession
from idp.signin import adapter
from idp.standing import Ask, Code, obstacles
from tests.support.cast import helping, make_member
from tests.support.oidc import Party, answer_of, connect, sign_in
from tests.support.passkeys import Passkey, add, enter
from tests.support.signin import (
    NEW_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    WRONG,
    confirm_password,
    said,
    try_to_sign_in,
)
from tests.support.slapd import ZOE, ZOE_PASSWORD, Second
from tests.support.slapd_control import DATABASE

pytestmark = pytest.mark.django_db
DAY_SECONDS = 86_400
AWAY = "L’annuaire ne répond pas"
ONE_AWAY = "Un des annuaires ne répond pas"


@pytest.fixture(autouse=True)
def _fresh_counts() -> Any:
    cache.clear()
    yield
    cache.clear()


def policy(server: EmbeddedDirectory, **values: int) -> None:
    dn = f"cn=defaut,ou=politiques,{server.base}"
    lines = "-\n".join(f"replace: {name}\n{name}: {value}\n" for name, value in values.items())
    server.modify(f"dn: {dn}\nchangetype: modify\n{lines}")


def tells_of_locks(server: EmbeddedDirectory) -> None:
    """By default slapd answers a locked account as it does a wrong password."""
    server.modify(
        f"dn: olcOverlay={{3}}ppolicy,{DATABASE}\nchangetype: modify\n"
        "replace: olcPPolicyUseLockout\nolcPPolicyUseLockout: TRUE\n"
    )


def entry(server: EmbeddedDirectory) -> str:
    return f"uid={NOEMIE},ou=membres,ou=personnes,{server.base}"


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# A password that ends --------------------------------------------------------------------------------------------


def test_a_password_that_will_soon_be_over_is_told_by_its_day_and_opens(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory
) -> None:
    passwords.reset(noemie, new=NEW_PASSWORD)
    policy(own_directory, pwdMaxAge=3 * DAY_SECONDS, pwdExpireWarning=5 * DAY_SECONDS)
    last_day = date_format(localtime(timezone.now() + timedelta(days=3)), "DATE_FORMAT")

    try_to_sign_in(client, NOEMIE, NEW_PASSWORD)
    page = client.get(reverse("launcher:home")).content.decode()

    assert is_in(client)
    assert f"Votre mot de passe n’est plus valable après le {last_day}." in page
    assert "n’est plus valable" not in client.get(reverse("launcher:home")).content.decode(), "once"


def test_one_that_still_lasts_is_not_spoken_of(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory
) -> None:
    passwords.reset(noemie, new=NEW_PASSWORD)
    policy(own_directory, pwdMaxAge=60 * DAY_SECONDS, pwdExpireWarning=5 * DAY_SECONDS)

    answer = try_to_sign_in(client, NOEMIE, NEW_PASSWORD)

    assert is_in(client)
    assert not list(get_messages(answer.wsgi_request))


def test_one_that_is_over_and_still_lets_in_a_few_times_says_how_many(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory
) -> None:
    passwords.reset(noemie, new=NEW_PASSWORD)
    policy(own_directory, pwdMaxAge=1, pwdGraceAuthNLimit=3)
    time.sleep(2.1)

    first = try_to_sign_in(client, NOEMIE, NEW_PASSWORD)
    page = client.get(reverse("account_choose_password")).content.decode()
    later = Client()
    try_to_sign_in(later, NOEMIE, NEW_PASSWORD)

    assert first["Location"] == reverse("account_choose_password")
    assert "Sinon, il laisse encore entrer 2 fois." in page
    assert "encore entrer 1 fois" in later.get(reverse("account_choose_password")).content.decode()
    assert not is_in(client), "nothing opens before another one is chosen"
    assert not HubSession.objects.exists()


# The directory's own lock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tells", [False, True])
def test_a_lock_of_the_directory_is_told_to_no_stranger_and_ends_by_itself(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory, tells: bool
) -> None:
    policy(own_directory, pwdLockoutDuration=2)
    if tells:
        tells_of_locks(own_directory)
    now = timezone.now().strftime("%Y%m%d%H%M%SZ")
    own_directory.modify(
        f"dn: {entry(own_directory)}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: {now}\n"
    )
    reference = said(try_to_sign_in(client, "nobody.at.all", WRONG))

    locked = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    time.sleep(3.1)
    again = try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD)

    assert said(locked) == reference
    assert str(adapter.SIGN_IN_FAILED) in locked.content.decode()
    assert "écrivez à la structure" in str(adapter.SIGN_IN_FAILED), "everybody reads whom to ask"
    assert again.status_code == 302


def test_a_lock_that_is_met_inside_is_told_to_its_holder(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory
) -> None:
    """Whoever is in has proved who they are: they read why their password does not do, and what to do about it."""
    tells_of_locks(own_directory)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    confirm_password(client, NOEMIE_PASSWORD)
    now = timezone.now().strftime("%Y%m%d%H%M%SZ")
    own_directory.modify(
        f"dn: {entry(own_directory)}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: {now}\n"
    )

    form = {"current": NOEMIE_PASSWORD, "new": NEW_PASSWORD}
    page = client.post(reverse("account_password"), form).content.decode()

    assert "verrouillé ce compte après trop d’essais" in page
    assert is_in(client)


# The directory is away -------------------------------------------------------------------------------------------


@pytest.fixture
def two(noemie: Member, second: Second) -> Second:
    """A second directory that was read: Zoé is a member by it."""
    Member.objects.filter(pk=noemie.pk).update(source=sources.settings_source())
    synchronise(now=timezone.now(), source=second.source)
    return second


def test_with_one_of_several_directories_away_its_members_and_strangers_read_the_same(two: Second) -> None:
    two.server.stop()

    pages = [try_to_sign_in(Client(), *who) for who in ((ZOE, ZOE_PASSWORD), (ZOE, WRONG), ("nobody.at.all", WRONG))]
    inside = Client()
    others = try_to_sign_in(inside, NOEMIE, NOEMIE_PASSWORD)

    assert {page.status_code for page in pages} == {503}
    assert all(int(page["Retry-After"]) > 0 for page in pages)
    assert ONE_AWAY in pages[0].content.decode()
    assert len({said(page) for page in pages}) == 1
    assert others.status_code == 302
    assert is_in(inside)


def test_what_nobody_looked_at_counts_on_no_account(two: Second) -> None:
    two.server.stop()
    for _ in range(7):
        try_to_sign_in(Client(), ZOE, ZOE_PASSWORD)
    two.server.start(two.server.port)
    connection.breaker_of(two.server.uri).reset()

    assert try_to_sign_in(Client(), ZOE, ZOE_PASSWORD).status_code == 302


# The directory has been away for long ----------------------------------------------------------------------------


@pytest.fixture
def inside(client: Client, noemie: Member) -> Client:
    """Noémie, of a directory that was read a moment ago."""
    source = sources.settings_source()
    DirectorySource.objects.filter(pk=source.pk).update(read_at=timezone.now())
    Member.objects.filter(pk=noemie.pk).update(source=source)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    confirm_password(client, NOEMIE_PASSWORD)
    return client


def read_long_ago(hours: int = 25) -> None:
    DirectorySource.objects.update(read_at=timezone.now() - timedelta(hours=hours))


def test_a_passkey_opens_for_a_day_on_what_was_read_and_then_says_why_not(
    inside: Client, own_directory: EmbeddedDirectory
) -> None:
    phone = Passkey()
    assert add(inside, phone).status_code == 302
    own_directory.stop()
    within, late = Client(), Client()

    read_long_ago(23)
    enter(within, phone)
    read_long_ago(25)
    page = late.get(enter(late, phone)["Location"]).content.decode()

    assert is_in(within)
    assert not is_in(late)
    assert "L’annuaire n’a pas pu être lu depuis trop longtemps" in page
    assert "écrivez à la structure" in page
    assert Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id").reason == "directory_old"


def test_a_passkey_of_nobody_is_told_nothing_of_the_directory(inside: Client) -> None:
    read_long_ago()
    stranger = Client()

    page = stranger.get(enter(stranger, Passkey(user_handle=b"0" * 32))["Location"]).content.decode()

    assert "Cette clé d’accès ne convient pas." in page
    assert "annuaire" not in page


@pytest.mark.usefixtures("signing_key")
def test_sessions_and_tools_go_on_however_long_the_directory_is_away(
    transactional_db: None, inside: Client, own_directory: EmbeddedDirectory
) -> None:
    agenda: Party = connect("agenda", offline_access=True)
    held = agenda.exchange(agenda.code(inside, scope="openid offline_access")).json()
    own_directory.stop()
    read_long_ago(24 * 30)

    assert inside.get(reverse("launcher:home")).status_code == 200
    assert "code" in answer_of(agenda.authorize(inside, prompt="none"))
    assert agenda.userinfo(held["access_token"]).status_code == 200
    assert "access_token" in agenda.refresh(held["refresh_token"]).json()
    down = try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD)
    assert down.status_code == 503
    assert AWAY in down.content.decode()
    assert "cet essai ne compte pas" in down.content.decode()


def test_the_account_that_is_kept_for_this_enters_by_passkey_and_by_password(
    noemie: Member, own_directory: EmbeddedDirectory
) -> None:
    """An account of the hub's own: a technician's, to see what is wrong when no directory answers."""
    spare = Member(login="secours", login_key="secours", display_name="Secours")
    spare.set_password(NEW_PASSWORD)
    spare.save()
    desk, phone = Client(), Passkey()
    try_to_sign_in(desk, "secours", NEW_PASSWORD)
    confirm_password(desk, NEW_PASSWORD)
    assert add(desk, phone).status_code == 302
    sources.settings_source()
    read_long_ago(24 * 30)
    own_directory.stop()

    by_passkey, by_password = Client(), Client()
    enter(by_passkey, phone)
    first = try_to_sign_in(by_password, "secours", NEW_PASSWORD)

    assert is_in(by_passkey)
    assert first["Location"] == reverse("mfa_authenticate"), "and then the passkey"


# Two people behind one name --------------------------------------------------------------------------------------

CODES = {
    "login": Code.SHARED_NAME,
    "mail": Code.MAIL_SHARED,
    "login is mail": Code.LOGIN_IS_MAIL,
    "mail is login": Code.MAIL_IS_LOGIN,
}


def office() -> Client:
    karim = make_member("karim.de.la.structure", "Karim Benali")
    RoleGrant.objects.create(member=karim, role=Role.OFFICE)
    return helping(sign_in(karim, methods=("pwd", "otp", "mfa"), acr="2"))


@pytest.mark.parametrize("what", ["login", "mail", "login is mail", "mail is login"])
def test_a_name_that_means_two_people_opens_nothing_and_the_office_reads_why(
    client: Client, noemie: Member, what: str
) -> None:
    twin = Member.objects.create(entry_uuid=uuid4(), login="x", login_key="x", display_name="Double")
    if what == "login":
        Member.objects.filter(pk__in=[noemie.pk, twin.pk]).update(
            login=NOEMIE, login_key=noemie.login_key, login_ambiguous=True
        )
    elif what == "login is mail":
        word = "noemie@ailleurs.example"
        Member.objects.filter(pk=noemie.pk).update(login=word, login_key=word)
        Member.objects.filter(pk=twin.pk).update(email=word, email_key=word, email_state=MailState.OK)
    elif what == "mail is login":
        Member.objects.filter(pk=twin.pk).update(login=noemie.email, login_key=noemie.email_key)
    else:
        Member.objects.filter(pk__in=[noemie.pk, twin.pk]).update(
            email=noemie.email, email_key=noemie.email_key, email_state=MailState.SHARED
        )
    reference = said(try_to_sign_in(client, "nobody.at.all", WRONG))
    noemie.refresh_from_db()
    name, other = (noemie.login, noemie.email) if what.startswith("login") else (noemie.email, noemie.login)

    answer = try_to_sign_in(client, name, NOEMIE_PASSWORD)
    now = timezone.now()
    facts = facts_of(noemie, now)

    assert said(answer) == reference, "a stranger does not learn that there is anybody of this name"
    assert Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id").reason == "ambiguous"
    (found,) = (each for each in obstacles(facts, now) if not each.code.startswith("invitation"))
    assert (found.code, found.stops, found.ask) == (CODES[what], False, Ask.DIRECTORY)
    page = office().get(reverse("idp:office_member", args=[noemie.pk])).content.decode()
    assert f'data-obstacle="{found.code}"' in page
    assert "À corriger dans l’annuaire, par qui le tient." in page
    # By the name that is theirs alone they still come in, to the right account.
    assert try_to_sign_in(Client(), other, NOEMIE_PASSWORD).status_code == 302
