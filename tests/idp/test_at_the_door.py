"""What somebody at the door could try beside the right password: other forms of one, counts opened anew, sessions."""

from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from django.conf import settings as hub_settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from directory import backends
from directory.ldap import passwords as ldap_client
from directory.ldap import sources
from directory.ldap.passwords import Check, Verdict
from directory.models import Member
from directory.types import DirectoryUnavailable
from idp.services import refusals, sessions
from idp.services.accounts import alarms, attempts, invitations
from tests.idp.test_attempts import reasons
from tests.support.links import ask_for_reset, choose, link_in, waiting
from tests.support.signin import NEW_PASSWORD, NOEMIE, NOEMIE_PASSWORD, WRONG, Enrol, totp, try_to_sign_in

pytestmark = pytest.mark.django_db
# With the space that a French keyboard makes beside a letter: the hub writes another one.
TWO_FORMS = "canari\u00a0faux"
RIGHT = "pelican bureau ancre lilas"


# One password in two forms -------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.1")
def test_a_password_in_two_forms_is_two_tries_and_stays_below_the_directorys_lock(
    client: Client, noemie: Member
) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))

    for _ in range(8):
        try_to_sign_in(client, NOEMIE, TWO_FORMS)
        try_to_sign_in(Client(), NOEMIE, TWO_FORMS)

    check = ldap_client.check_password(sources.load(), noemie.entry_uuid, NOEMIE_PASSWORD)
    assert check.verdict is Verdict.ACCEPTED
    assert "throttled" in reasons()


def test_a_right_password_in_its_second_form_costs_nothing(noemie: Member) -> None:
    assert noemie.entry_uuid is not None
    ldap_client.reset_password(sources.load(), noemie.entry_uuid, RIGHT)

    answers = [try_to_sign_in(Client(), NOEMIE, RIGHT.replace(" ", "\u00a0", 1)) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [302] * 4
    assert reasons() == []


def test_a_form_that_was_looked_at_counts_when_the_directory_falls_silent_before_the_other(
    client: Client, noemie: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is silent to whoever asks too much at once: wrong guesses would be free."""
    shown: list[str] = []

    def check(_config: Any, _uuid: Any, password: str, **_: Any) -> Check:
        shown.append(password)
        if password == TWO_FORMS:
            return Check(Verdict.REFUSED)
        raise DirectoryUnavailable("too many sign-ins at once")

    monkeypatch.setattr(ldap_client, "check_password", check)

    for _ in range(12):
        try_to_sign_in(client, NOEMIE, TWO_FORMS)

    assert shown.count(TWO_FORMS) == 5


@pytest.mark.spec("OWASP ASVS", "6.3.8")
@pytest.mark.parametrize("name", [NOEMIE, "nobody.at.all"])
def test_two_forms_take_two_steps_for_members_whose_hash_is_slow_and_for_nobody(
    client: Client, noemie: Member, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Argon2 takes a member's two binds longer than one step; nobody's take no time at all."""
    step = 0.2
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", step)
    asked = ldap_client._bind

    def bind(*args: Any) -> Check:
        if args[2].dn.startswith(f"uid={NOEMIE},"):
            sleep(0.6 * step)
        return asked(*args)

    monkeypatch.setattr(ldap_client, "_bind", bind)
    took = []
    for _ in range(4):
        began = monotonic()
        try_to_sign_in(client, name, TWO_FORMS)
        took.append((monotonic() - began) / step)

    assert min(took) >= 2, "the last one is refused unseen"
    assert reasons()[-1] == "throttled"


# Counts opened anew --------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.1")
@pytest.mark.incident("CVE-2026-16103", "CVE-2026-9798")
def test_a_wrong_guess_at_the_current_password_opens_no_count_where_the_cache_knows_no_transaction(
    client: Client, noemie: Member, settings: Any
) -> None:
    """Redis: a change that failed is rolled back, and what it had cleared there would stay cleared."""
    if "redis" not in settings.CACHES["default"]["BACKEND"]:
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "door"}}
    cache.clear()
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    for _ in range(12):
        client.post(reverse("account_password"), {"current": WRONG, "new": NEW_PASSWORD})

    assert reasons().count("wrong") == attempts.OWN_BROWSERS.windows[0].tries
    check = ldap_client.check_password(sources.load(), noemie.entry_uuid, NOEMIE_PASSWORD)
    assert check.verdict is Verdict.ACCEPTED, "nor was the directory's own lock reached"
    cache.clear()


def test_a_new_password_is_kept_when_the_cache_is_gone_by_then(
    client: Client, noemie: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_member_id: Any) -> None:
        raise OSError("the cache is away")

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    monkeypatch.setattr(attempts, "clear", away)

    answer = client.post(reverse("account_password"), {"current": NOEMIE_PASSWORD, "new": NEW_PASSWORD})

    assert answer["Location"] == reverse("mfa_index")


# Accounts of the hub's own -------------------------------------------------------------------------------------


@pytest.fixture
def secours(own_directory: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> Member:
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    member = Member(login="secours", login_key="secours", display_name="Secours")
    member.set_password(NEW_PASSWORD)
    member.save()
    return member


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let so many minutes go by, as everything that counts tries sees them."""
    began, gone = timezone.now(), [0]
    monkeypatch.setattr(timezone, "now", lambda: began + timedelta(minutes=gone[0]))

    def go(number: int) -> None:
        gone[0] += number

    return go


@pytest.mark.spec("OWASP ASVS", "6.3.1")
@pytest.mark.spec("CNIL 2022-100", "9")
def test_while_the_directory_is_away_an_own_account_is_guessed_at_no_faster_than_any_other(
    secours: Member, own_directory: Any, minutes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_directory.stop()
    looks: list[str] = []

    def check(_member: Member, password: str) -> bool:
        looks.append(password)
        return False

    monkeypatch.setattr(Member, "check_password", check)

    answers = set()
    for _ in range(60):
        answers.add(try_to_sign_in(Client(), "secours", WRONG).status_code)
        minutes(20)

    assert len(looks) == 15, "in twenty hours"
    assert answers == {503}, "whoever asks hears what everybody hears"


def test_strangers_do_not_keep_the_holder_of_an_own_account_out_of_their_browser_meanwhile(
    client: Client, secours: Member, own_directory: Any
) -> None:
    try_to_sign_in(client, "secours", NEW_PASSWORD)
    client.post(reverse("idp:sign_out"))
    own_directory.stop()

    for _ in range(12):
        try_to_sign_in(Client(), "secours", WRONG)

    assert try_to_sign_in(Client(), "secours", NEW_PASSWORD).status_code == 503
    assert try_to_sign_in(client, "secours", NEW_PASSWORD).status_code == 302


def test_the_office_opens_this_count_as_well(secours: Member, own_directory: Any) -> None:
    own_directory.stop()
    for _ in range(6):
        try_to_sign_in(Client(), "secours", WRONG)

    attempts.clear(secours.pk)

    assert try_to_sign_in(Client(), "secours", NEW_PASSWORD).status_code == 302


# Sessions ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.4.5")
def test_who_opened_a_link_while_signed_in_is_signed_out_with_everybody(client: Client, noemie: Member) -> None:
    """The link gives the session a new key: whoever ends the session must find it under that one."""
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    ask_for_reset(Client(), NOEMIE)
    client.get(link_in(waiting("reset")[0]["body"]))
    assert client.get(reverse("account_link_page")).status_code == 200

    sessions.end_member([noemie.pk], reason="office_asked", now=timezone.now())

    assert client.get(reverse("mfa_index"))["Location"].startswith(reverse("account_login"))
    assert not Session.objects.filter(session_key=client.cookies[hub_settings.SESSION_COOKIE_NAME].value).exists()


@pytest.mark.spec("OWASP ASVS", "7.2.4")
@pytest.mark.incident("CVE-2026-7507")
def test_a_session_planted_at_the_door_learns_nothing_of_what_is_proved_in_it(
    client: Client, noemie: Member, own_directory: Any
) -> None:
    """A copy of the cookie of a shared computer would stand at the second step, or choose the password there."""
    entry = f"uid={NOEMIE},ou=membres,ou=personnes,dc=alizarine,dc=example"
    own_directory.modify(f"dn: {entry}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
    copy = Client()
    copy.post(reverse("mfa_login_webauthn_options"))
    name = hub_settings.SESSION_COOKIE_NAME
    client.cookies[name] = copy.cookies[name].value

    first = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert first["Location"] == reverse("account_choose_password")
    assert client.get(reverse("account_choose_password")).status_code == 200
    assert copy.get(reverse("account_choose_password"))["Location"] == reverse("account_login")


@pytest.mark.parametrize("ended_by", ["password", "alarm"])
def test_who_waits_at_the_second_step_has_proved_nothing_once_everything_has_ended(
    client: Client, noemie: Member, enrol: Enrol, ended_by: str
) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    secret = enrol(client, NOEMIE_PASSWORD).secret
    waiting_there = Client()
    try_to_sign_in(waiting_there, NOEMIE, NOEMIE_PASSWORD)

    if ended_by == "password":
        client.post(reverse("account_password"), {"current": NOEMIE_PASSWORD, "new": NEW_PASSWORD})
    else:
        alarms.raise_alarm(member=noemie, actor=Actor(member=noemie.pk), now=timezone.now())
    answer = waiting_there.post(reverse("mfa_authenticate"), {"code": totp(secret)})

    assert answer["Location"] == reverse("account_login")
    assert waiting_there.get(reverse("mfa_index")).status_code == 302
    assert reasons() == ["password_changed"]
    # The code that was shown there is used up: this browser takes the next one.
    now = NEW_PASSWORD if ended_by == "password" else NOEMIE_PASSWORD
    assert try_to_sign_in(waiting_there, NOEMIE, now)["Location"] == reverse("mfa_authenticate")
    opened = waiting_there.post(reverse("mfa_authenticate"), {"code": totp(secret, step=1)})
    assert opened["Location"] == reverse("launcher:home")


def test_who_waits_with_an_expired_password_does_not_replace_a_newer_one(noemie: Member, own_directory: Any) -> None:
    """The write account sets it, and asks for no current one."""
    assert noemie.entry_uuid is not None
    ldap_client.reset_password(sources.load(), noemie.entry_uuid, RIGHT)
    policy = f"cn=defaut,ou=politiques,{own_directory.base}"
    own_directory.modify(f"dn: {policy}\nchangetype: modify\nreplace: pwdMaxAge\npwdMaxAge: 1\n")
    sleep(2.1)
    attacker, holder = Client(), Client()
    at_the_step = [try_to_sign_in(each, NOEMIE, RIGHT)["Location"] for each in (attacker, holder)]

    choose(holder)
    late = choose(attacker, new="un-tilleul-cascade-velours")

    assert at_the_step == [reverse("account_choose_password")] * 2
    assert late["Location"] == reverse("account_login")
    assert holder.get(reverse("launcher:home")).status_code == 200
    assert Event.objects.filter(action=Action.PASSWORD_CHANGED, refused=False).count() == 1


def test_an_invitation_is_over_once_its_member_has_come_by_another_way(client: Client, noemie: Member) -> None:
    """A mail that was kept or passed on would otherwise set their password, for as long as invitations are good."""
    invitations.invite(member_id=noemie.pk, actor=SYSTEM, now=timezone.now())
    path = link_in(waiting("invitation")[0]["body"])

    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert Client().get(path)["Location"] == reverse("account_link_refused")
    assert Event.objects.about(noemie).filter(action=Action.INVITATION_ENDED).count() == 1
    assert Event.objects.get(action=Action.LINK_REFUSED).reason == "link_ended"


# The journal ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["blank", "directory_down"])
def test_what_no_count_stops_does_not_fill_the_journal(
    client: Client, noemie: Member, own_directory: Any, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setattr(refusals, "MINUTE", 86_400)
    if reason == "directory_down":
        own_directory.stop()

    for _ in range(refusals.LINES + 5):
        try_to_sign_in(client, NOEMIE, "" if reason == "blank" else WRONG)

    assert reasons() == [reason] * refusals.LINES
