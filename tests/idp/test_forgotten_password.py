"""A forgotten password: one answer for everybody, a mail that is true, and a link that skips no second factor."""

import logging
import statistics
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as hub_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from demo.slapd import EmbeddedDirectory
from directory.ldap import connection
from directory.models import Member
from directory.signals import addresses_changed, members_ended
from directory.types import ChangeUncertain, Hold, MailState, MemberState
from idp.models import AccountLink, Browser, HubSession, OutgoingMail
from idp.services import refusals
from idp.services.accounts import attempts, links, mails, resets
from idp.types import LinkKind
from tests.support.links import ask_for_reset, choose, follow, link_in, waiting
from tests.support.oidc import sign_in
from tests.support.signin import (
    HUGO,
    INES,
    KARIM,
    NEW_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    AddMember,
    Enrol,
    said,
    totp,
    try_to_sign_in,
)
from tests.support.slapd import ldap_settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resets, "ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(refusals, "MINUTE", 86_400)
    cache.clear()


def lines(action: Action) -> list[tuple[str, Any]]:
    return [(line.reason, line.subject_id) for line in Event.objects.filter(action=action).order_by("id")]


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def reset_link(client: Client, identifier: str = NOEMIE) -> str:
    ask_for_reset(client, identifier)
    return link_in(waiting("reset")[-1]["body"])


# Asking --------------------------------------------------------------------------------------------------------


def test_the_sign_in_page_leads_to_it(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()

    assert f'href="{reverse("account_forgotten")}"' in page


@pytest.mark.parametrize("typed", [NOEMIE, "NOEMIE.FERRAND", "noemie.ferrand@alizarine.example", "  noemie.ferrand "])
def test_a_member_gets_a_link_by_mail(client: Client, noemie: Member, typed: str) -> None:
    answer = ask_for_reset(client, typed)

    (sent,) = waiting("reset")
    assert answer.status_code == 302
    assert sent["to"] == noemie.email
    assert AccountLink.objects.get().member == noemie
    assert lines(Action.RESET_ASKED) == [("", noemie.pk)]


@pytest.mark.spec("OWASP ASVS", "6.3.8")
@pytest.mark.spec("CNIL 2022-100", "12")
@pytest.mark.parametrize(
    ("case", "reason", "kind"),
    [
        ("known", "", "reset"),
        ("unknown", "unknown", ""),
        ("nul", "unknown", ""),
        ("ambiguous", "ambiguous", ""),
        ("no mail", "no_address", ""),
        ("shared mail", "no_address", ""),
        ("erased", "no_address", ""),
        ("suspended", "suspended", "help"),
        ("locked", "locked", "help"),
        ("left", "left", "help"),
        ("gone", "absent", "help"),
        ("departed", "left", "help"),
        ("no write account", "no_write_account", "help"),
    ],
)
def test_everybody_gets_one_answer_and_the_mail_is_true(
    client: Client,
    add_member: AddMember,
    own_directory: EmbeddedDirectory,
    settings: Any,
    case: str,
    reason: str,
    kind: str,
) -> None:
    reference = ask_for_reset(Client(), "somebody.else")
    changes: dict[str, dict[str, Any]] = {
        "no mail": {"email": "", "email_key": "", "email_state": MailState.NONE},
        "shared mail": {"email_state": MailState.SHARED},
        "erased": {"erased_at": timezone.now()},
        "suspended": {"hold": Hold.SUSPENDED},
        "locked": {"state": MemberState.LOCKED},
        "left": {"state": MemberState.LEFT},
        "gone": {"state": MemberState.MISSING},
        "departed": {"hold": Hold.LEFT},
    }
    typed = NOEMIE
    if case == "unknown":
        typed = "nobody"
    elif case == "nul":
        typed = "no\x01body"
    else:
        member = add_member(NOEMIE, **changes.get(case, {}))
    if case == "ambiguous":
        add_member(KARIM, email=member.email, email_key=member.email_key)
        typed = member.email
    if case == "no write account":
        settings.LDAP = ldap_settings(own_directory, write_dn="")

    answer = ask_for_reset(client, typed)

    assert (answer.status_code, answer["Location"]) == (reference.status_code, reference["Location"])
    assert said(client.get(answer["Location"])) == said(Client().get(reference["Location"]))
    sent = [row.kind for row in OutgoingMail.objects.all()]
    assert sent == ([kind] if kind else [])
    assert AccountLink.objects.exists() == (kind == "reset")
    if kind == "help":
        assert "/lien/" not in waiting("help")[0]["body"]
        assert hub_settings.OFFICE_CONTACT in waiting("help")[0]["body"]
        assert lines(Action.RESET_ASKED)[-1][0] == reason
    elif reason:
        assert lines(Action.RESET_REFUSED)[-1][0] == reason


def test_what_the_help_says_differs_by_what_is_wrong(client: Client, add_member: AddMember) -> None:
    people: list[tuple[str, dict[str, Any]]] = [
        (NOEMIE, {"hold": Hold.SUSPENDED}),
        (HUGO, {"state": MemberState.LOCKED}),
        (INES, {"state": MemberState.LEFT}),
    ]
    for uid, changes in people:
        add_member(uid, **changes)
        ask_for_reset(client, uid)

    suspended, locked, left = (sent["body"] for sent in waiting("help"))
    assert "suspendu" in suspended
    assert "verrouillé" in locked
    assert "fermé" in left


def test_the_link_comes_with_what_else_keeps_the_member_out(client: Client, noemie: Member) -> None:
    for _try in range(6):
        attempts.take(account=f"member:{noemie.pk}", network="192.0.2.7", known=False, now=timezone.now())

    ask_for_reset(client, NOEMIE)

    body = waiting("reset")[0]["body"]
    assert "/lien/" in body
    assert "Trop d’essais ont été faits" in body
    assert "Écrivez à la structure" in body


def test_the_mail_is_in_the_members_language(client: Client, add_member: AddMember) -> None:
    add_member(NOEMIE, language="en")

    ask_for_reset(client, NOEMIE)

    assert waiting("reset")[0]["subject"] == "Choose a new password"


@pytest.mark.spec("OWASP ASVS", "6.3.8")
def test_known_and_unknown_names_take_the_same_time(
    client: Client, add_member: AddMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resets, "ANSWER_SECONDS", 0.15)
    monkeypatch.setattr(resets, "MAILS", 1_000)
    monkeypatch.setattr("idp.signin.passwords.ASKS_A_MINUTE", 1_000)
    add_member(NOEMIE)
    add_member(HUGO, state=MemberState.LOCKED)
    times: dict[str, list[float]] = {NOEMIE: [], HUGO: [], "nobody": []}

    for _ in range(12):
        for name, took in times.items():
            began = time.perf_counter()
            ask_for_reset(client, name)
            took.append(time.perf_counter() - began)

    medians = {name: statistics.median(took) for name, took in times.items()}
    spread = max(statistics.pstdev(took) for took in times.values())
    assert max(medians.values()) - min(medians.values()) < max(0.005, spread), medians


@pytest.mark.spec("CNIL 2022-100", "7")
def test_nobody_s_mail_box_is_filled(client: Client, noemie: Member) -> None:
    answers = [ask_for_reset(client, typed) for typed in (NOEMIE, noemie.email, NOEMIE.upper(), f" {NOEMIE} ")]

    assert len({answer["Location"] for answer in answers}) == 1
    assert OutgoingMail.objects.count() == resets.MAILS
    assert lines(Action.RESET_REFUSED) == [("throttled", noemie.pk)]


def test_one_network_asks_so_often_and_no_more(client: Client, noemie: Member) -> None:
    for number in range(10):
        ask_for_reset(client, f"guess{number}")

    answer = ask_for_reset(client, NOEMIE)

    assert answer.status_code == 429
    assert "forgotten-form" in answer.content.decode()
    assert not OutgoingMail.objects.exists()


@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
@pytest.mark.parametrize("body", [{}, {"identifier": ""}, {"identifier": ["", ""]}, {"identifier": "x" * 255}])
def test_an_odd_question_asks_for_nothing(client: Client, noemie: Member, body: dict[str, Any]) -> None:
    answer = client.post(reverse("account_forgotten"), body)

    assert answer.status_code == 200
    assert not OutgoingMail.objects.exists()


# The link ------------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2023-49097", "GHSA-93m4-mfpg-c3xf", "CVE-2025-64101", "GHSA-pfrf-9r5f-73f5")
@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-host": "evil.test"},
        {"forwarded": "host=evil.test;proto=http"},
        {"x-forwarded-server": "evil.test", "x-original-host": "evil.test", "x-host": "evil.test"},
        {"x-forwarded-proto": "http", "x-forwarded-port": "8443"},
        {"host": "testserver"},
    ],
)
def test_the_address_in_the_mail_is_of_the_configured_origin(
    client: Client, noemie: Member, headers: dict[str, str]
) -> None:
    ask_for_reset(client, NOEMIE, **headers)

    (sent,) = waiting("reset")
    found = [word for word in sent["body"].split() if "/lien/" in word]
    assert [word.startswith(f"{hub_settings.ORIGIN}/compte/lien/") for word in found] == [True]
    assert "evil" not in sent["body"]


def test_a_foreign_host_gets_no_page_at_all(client: Client, noemie: Member) -> None:
    assert ask_for_reset(client, NOEMIE, host="evil.test").status_code == 400
    assert not OutgoingMail.objects.exists()


@pytest.mark.spec("ANSSI MFA", "R5")
@pytest.mark.spec("CNIL 2022-100", "5")
def test_the_secret_is_long_random_and_kept_as_a_digest(client: Client, noemie: Member, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = set()
    for _ in range(3):
        path = reset_link(client)
        secrets.add(path.split("/")[3])
        client.get(path)

    assert len(secrets) == 3
    assert {len(secret) for secret in secrets} == {43}, "256 bits"
    kept = f"{list(AccountLink.objects.values())} {list(Event.objects.values())} {list(OutgoingMail.objects.values())}"
    kept += str([row.get_decoded() for row in Session.objects.all()])
    told = " ".join(r.getMessage() for r in caplog.records if not r.name.startswith("django.db"))
    assert not any(secret in kept + told for secret in secrets)


def test_the_mail_forgets_the_link_once_it_has_left(client: Client, noemie: Member) -> None:
    ask_for_reset(client, NOEMIE)

    mails.send_due(now=timezone.now())

    assert mail.outbox[-1].to == [noemie.email]
    assert not any(bytes(row.sealed) for row in OutgoingMail.objects.all())


def test_reading_a_link_uses_nothing_up_and_leaves_no_secret_in_the_address(client: Client, noemie: Member) -> None:
    path = reset_link(client)
    for _ in range(3):
        scanner = Client().get(path)

    opened = client.get(path)
    page = client.get(opened["Location"])

    assert scanner.status_code == opened.status_code == 302
    assert opened["Location"] == reverse("account_link_page")
    assert opened["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert page.status_code == 200
    assert noemie.display_name in page.content.decode()
    assert AccountLink.objects.get().opened_at is None
    assert page["Referrer-Policy"] == "same-origin"


def test_the_way_back_in(client: Client, noemie: Member) -> None:
    first = follow(client, reset_link(client))
    page = client.get(first["Location"])
    answer = choose(client)

    assert first["Location"] == reverse("account_choose_password")
    assert 'autocomplete="new-password"' in page.content.decode()
    assert answer["Location"] == reverse("launcher:home")
    session = HubSession.objects.get()
    assert (session.member, session.methods, session.acr) == (noemie, ["pwd"], "1")
    assert AccountLink.objects.get().used_at is not None
    assert try_to_sign_in(Client(), NOEMIE, NEW_PASSWORD).status_code == 302
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 200
    assert lines(Action.LINK_OPENED) == [("", noemie.pk)]
    assert lines(Action.PASSWORD_CHANGED) == [("by_link", noemie.pk)]


@pytest.mark.spec("NIST SP 800-63B-4", "12")
def test_a_link_alone_opens_nothing(client: Client, noemie: Member) -> None:
    follow(client, reset_link(client))

    assert not signed_in(client)
    assert not HubSession.objects.exists()
    for name in ("launcher:home", "consent:mine", "mfa_index", "account_password", "account_notice"):
        assert reverse("account_login") in client.get(reverse(name))["Location"], name


@pytest.mark.spec("OWASP ASVS", "6.4.3")
@pytest.mark.spec("ANSSI MFA", "R30")
@pytest.mark.incident("canaille 0.2.0")
def test_a_reset_never_skips_the_second_factor(client: Client, noemie: Member, enrol: Enrol) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    enrolled = enrol(client, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    OutgoingMail.objects.all().delete()

    first = follow(client, reset_link(client))
    skipped = client.get(reverse("account_choose_password"))
    posted = choose(client)
    by_code = client.post(reverse("mfa_authenticate"), {"code": totp(enrolled.secret)})
    answer = choose(client)

    assert first["Location"] == reverse("mfa_authenticate")
    assert skipped["Location"] == posted["Location"] == reverse("account_login")
    assert by_code["Location"] == reverse("account_choose_password")
    assert answer["Location"] == reverse("launcher:home")
    session = HubSession.objects.get(ended_at=None)
    assert (session.methods, session.acr) == (["pwd", "otp", "mfa"], "2")


def test_a_code_that_is_wrong_leads_nowhere(client: Client, noemie: Member, enrol: Enrol) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    enrol(client, NOEMIE_PASSWORD)
    client.post(reverse("idp:sign_out"))
    OutgoingMail.objects.all().delete()
    follow(client, reset_link(client))

    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    choose(client)

    assert not signed_in(client)
    assert AccountLink.objects.get().used_at is None


@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_after_a_reset_nothing_old_goes_on(client: Client, noemie: Member, karim: Member) -> None:
    elsewhere, somebody_else = sign_in(noemie), sign_in(karim)
    now = timezone.now()
    later = now + timedelta(days=1)
    browser = Browser.objects.create(
        member=noemie, digest="d", first_seen_at=now, last_seen_at=now, expires_at=later, trusted_until=later
    )
    links.issue(member_id=noemie.pk, kind=LinkKind.BY_HAND, actor=SYSTEM, lifetime=timedelta(hours=1), now=now)

    follow(client, reset_link(client))
    choose(client)

    assert elsewhere.get(reverse("launcher:home")).status_code == 302
    assert somebody_else.get(reverse("launcher:home")).status_code == 200
    browser.refresh_from_db()
    assert browser.trusted_until is None
    assert not AccountLink.objects.filter(used_at=None, ended_at=None).exists()
    assert lines(Action.SIGN_OUT) == [("password_changed", noemie.pk)]
    (told,) = waiting("security")
    assert told["to"] == noemie.email
    assert "a changé" in told["body"]
    facts = Event.objects.get(action=Action.PASSWORD_CHANGED).facts
    assert facts == {"sessions": 1, "browsers": 1, "link_kind": "reset"}


# Links that open nothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["unknown", "used", "replaced", "expired", "left", "moved", "suspended", "at its end"])
def test_a_link_that_is_over_gets_one_page_and_a_line(
    client: Client, noemie: Member, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = Client().get(reverse("account_link", args=["x" * 43]))
    Event.objects.filter(action=Action.LINK_REFUSED)._raw_delete("default")
    path = reset_link(client)
    now = timezone.now()
    reason = {"used": "link_used", "replaced": "link_ended", "left": "link_ended", "moved": "link_ended"}.get(how, "")
    if how == "unknown":
        path, reason = path[:-4] + "AAA/", "link_unknown"
    elif how == "used":
        follow(client, path)
        choose(client)
        client.post(reverse("idp:sign_out"))
    elif how == "replaced":
        reset_link(client)
    elif how == "expired":
        AccountLink.objects.update(expires_at=now - timedelta(seconds=1))
        reason = "link_expired"
    elif how == "at its end":
        end = AccountLink.objects.get().expires_at
        monkeypatch.setattr(timezone, "now", lambda: end)
        reason = "link_expired"
    elif how == "left":
        members_ended.send(sender=None, member_ids=[noemie.pk], now=now)
    elif how == "moved":
        addresses_changed.send(sender=None, former={noemie.pk: ""}, now=now)
    elif how == "suspended":
        Member.objects.update(hold=Hold.SUSPENDED)
        reason = "member_inactive"

    answer = client.get(path)
    page = client.get(answer["Location"])

    assert answer["Location"] == reference["Location"] == reverse("account_link_refused")
    assert page.status_code == 410
    assert reverse("account_forgotten") in page.content.decode()
    assert lines(Action.LINK_REFUSED)[-1][0] == reason


@pytest.mark.incident("CVE-2025-64708")
def test_a_link_ends_at_its_end(client: Client, noemie: Member) -> None:
    _link, secret = links.issue(
        member_id=noemie.pk,
        kind=LinkKind.RESET,
        actor=SYSTEM,
        lifetime=timedelta(minutes=30),
        now=(now := timezone.now()),
    )

    assert links.find(secret, now=now + timedelta(minutes=30) - timedelta(microseconds=1))
    for late in (timedelta(minutes=30), timedelta(minutes=30, seconds=1)):
        with pytest.raises(links.LinkRefused):
            links.find(secret, now=now + late)


@pytest.mark.spec("OWASP ASVS", "6.5.1")
def test_a_link_serves_once_in_whichever_browser(client: Client, noemie: Member) -> None:
    path = reset_link(client)
    other = Client()
    follow(client, path)
    follow(other, path)
    choose(client)

    late = choose(other, "un-autre-tilleul-cascade-velours")

    assert late["Location"] == reverse("account_link_refused")
    assert not signed_in(other)
    assert try_to_sign_in(Client(), NOEMIE, NEW_PASSWORD).status_code == 302


def test_a_link_that_ends_meanwhile_changes_nothing(client: Client, noemie: Member) -> None:
    follow(client, reset_link(client))
    AccountLink.objects.update(ended_at=timezone.now())

    assert choose(client)["Location"] == reverse("account_link_refused")
    assert client.get(reverse("account_choose_password"))["Location"] == reverse("account_login")
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 302


def test_lines_of_invented_links_are_limited(client: Client, db: None) -> None:
    for number in range(40):
        client.get(reverse("account_link", args=[f"guess{number}"]))

    assert len(lines(Action.LINK_REFUSED)) == refusals.LINES


def test_the_page_of_a_link_without_one_says_so(client: Client, db: None) -> None:
    refused = reverse("account_link_refused")
    assert client.get(reverse("account_link_page"))["Location"] == refused
    assert client.post(reverse("account_link_page"))["Location"] == refused
    assert client.get(refused).status_code == 410


# Two people, one browser ---------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2026-18963")
def test_a_reset_begun_for_one_is_never_finished_as_another(client: Client, noemie: Member, karim: Member) -> None:
    for_noemie, for_karim = reset_link(client), reset_link(client, KARIM)
    follow(client, for_noemie)
    # In another tab: the second link takes the place of the first, with all it had begun.
    client.get(for_karim)

    lost = choose(client)
    follow(client, for_karim)
    choose(client)

    assert lost["Location"] == reverse("account_login")
    assert HubSession.objects.get().member == karim
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 302
    assert try_to_sign_in(Client(), KARIM, NEW_PASSWORD).status_code == 302


@pytest.mark.incident("CVE-2026-18963")
def test_an_identifier_swapped_between_the_steps_opens_nothing(client: Client, noemie: Member, karim: Member) -> None:
    follow(client, reset_link(client))
    reset_link(Client(), KARIM)
    theirs = AccountLink.objects.get(member=karim)
    session = client.session
    session["account_login"]["state"]["stages"]["choose_password"]["data"]["link"] = str(theirs.pk)
    session.save()

    answer = choose(client)

    assert answer["Location"] == reverse("account_link_refused")
    assert not signed_in(client)
    theirs.refresh_from_db()
    assert theirs.used_at is None
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 302


@pytest.mark.incident("CVE-2026-7507")
def test_a_session_planted_in_the_browser_learns_nothing_of_the_link(client: Client, noemie: Member) -> None:
    planted = Client()
    planted.get(reverse("account_login"))
    session = planted.session
    session["flow"] = "planted"
    session.save()
    path = reset_link(Client())
    client.cookies[hub_settings.SESSION_COOKIE_NAME] = planted.cookies[hub_settings.SESSION_COOKIE_NAME] = (
        session.session_key or ""
    )

    follow(client, path)

    assert client.session.session_key != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()
    assert "flow" not in client.session
    assert planted.get(reverse("account_link_page"))["Location"] == reverse("account_link_refused")
    assert choose(planted)["Location"] == reverse("account_login")
    choose(client)
    assert planted.get(reverse("launcher:home")).status_code == 302


@pytest.mark.incident("CVE-2026-7507")
def test_a_sign_in_left_half_way_by_somebody_else_does_not_mix_with_it(
    client: Client, noemie: Member, karim: Member, enrol: Enrol
) -> None:
    attacker = Client()
    try_to_sign_in(attacker, KARIM, "alizarine-chantier")
    enrol(attacker, "alizarine-chantier")
    attacker.post(reverse("idp:sign_out"))
    try_to_sign_in(client, KARIM, "alizarine-chantier")
    assert client.get(reverse("mfa_authenticate")).status_code == 200

    client.get(reset_link(Client()))

    assert client.get(reverse("mfa_authenticate"))["Location"] == reverse("account_login")


def test_where_somebody_else_is_signed_in_that_is_said_first(client: Client, noemie: Member, karim: Member) -> None:
    path = reset_link(Client())
    try_to_sign_in(client, KARIM, "alizarine-chantier")

    client.get(path)
    page = client.get(reverse("account_link_page")).content.decode()
    ignored = client.post(reverse("account_link_page"))
    still_there = signed_in(client)
    client.post(reverse("account_link_page"), {"sign_out": "1"})
    after = client.get(reverse("account_link_page")).content.decode()

    assert karim.display_name in page
    assert noemie.display_name not in page
    assert ignored["Location"] == reverse("account_link_page")
    assert still_there
    assert not signed_in(client)
    assert noemie.display_name in after
    assert HubSession.objects.get(member=karim).ended_at is not None


def test_a_tools_request_waits_through_a_reset(client: Client, noemie: Member) -> None:
    session = client.session
    session["pending_request"] = {
        "url": "/oidc/authorize?client_id=louty",
        "tool": "Louty",
        "origin": "https://louty.test",
    }
    session.save()
    client.cookies[hub_settings.SESSION_COOKIE_NAME] = session.session_key or ""

    client.get(reset_link(Client()))

    assert client.session["pending_request"]["tool"] == "Louty"


# When the directory says no ------------------------------------------------------------------------------------


def test_a_weak_password_is_refused_with_a_reason_and_the_link_still_serves(client: Client, noemie: Member) -> None:
    follow(client, reset_link(client))

    page = choose(client, "motdepasse123456")

    assert page.status_code == 200
    assert "se devine trop vite" in page.content.decode()
    assert "<meter" in page.content.decode()
    assert "motdepasse123456" not in page.content.decode()
    assert lines(Action.PASSWORD_REFUSED) == [("password_weak", noemie.pk)]
    assert choose(client).status_code == 302


def test_what_the_directory_refuses_is_said_and_nothing_has_happened(client: Client, noemie: Member) -> None:
    elsewhere = sign_in(noemie)
    follow(client, reset_link(client))
    choose(client)
    client.post(reverse("idp:sign_out"))
    elsewhere = sign_in(noemie)
    follow(client, reset_link(client))

    page = choose(client, NEW_PASSWORD)

    assert "déjà utilisé" in page.content.decode()
    assert elsewhere.get(reverse("launcher:home")).status_code == 200
    assert AccountLink.objects.latest("created_at").used_at is None
    assert lines(Action.PASSWORD_REFUSED) == [("directory_in_history", noemie.pk)]


def test_a_silent_directory_leaves_everything_as_it_was(
    client: Client, noemie: Member, own_directory: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "OPEN_SECONDS", 0.0)
    elsewhere = sign_in(noemie)
    follow(client, reset_link(client))
    port = own_directory.port
    own_directory.stop()

    page = choose(client)

    assert page.status_code == 503
    assert "Rien n’a changé" in page.content.decode()
    assert "password-form" in page.content.decode()
    assert elsewhere.get(reverse("launcher:home")).status_code == 200
    assert AccountLink.objects.get().used_at is None
    assert not waiting("security")
    assert lines(Action.PASSWORD_REFUSED) == [("directory_down", noemie.pk)]
    own_directory.start(port, ldaps=True)
    assert choose(client).status_code == 302


def test_a_change_that_nobody_can_confirm_is_said_as_it_is(
    client: Client, noemie: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uncertain(*_: Any, **__: Any) -> None:
        raise ChangeUncertain

    follow(client, reset_link(client))
    monkeypatch.setattr("directory.passwords.reset", uncertain)

    page = choose(client)

    assert page.status_code == 503
    assert "n’a pas confirmé" in page.content.decode()
    assert lines(Action.PASSWORD_REFUSED) == [("directory_uncertain", noemie.pk)]


@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"new": ""},
        {"new": ["", ""]},
        {"new": " " * 20},
        {"new": NEW_PASSWORD, "again": ""},
        {"new": NEW_PASSWORD, "again": NEW_PASSWORD + "x"},
        {"new": "x" * 5000},
        {"new": "abc\x00def ghi jkl mno"},
        {"current": NEW_PASSWORD},
    ],
)
def test_an_odd_post_chooses_nothing(client: Client, noemie: Member, body: dict[str, Any]) -> None:
    follow(client, reset_link(client))

    page = client.post(reverse("account_choose_password"), body)

    assert page.status_code == 200
    assert not signed_in(client)
    assert AccountLink.objects.get().used_at is None


@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
def test_a_step_reached_by_its_address_alone_leads_to_the_door(client: Client, noemie: Member) -> None:
    assert client.get(reverse("account_choose_password"))["Location"] == reverse("account_login")
    assert choose(client)["Location"] == reverse("account_login")
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    assert choose(client)["Location"] == reverse("launcher:home")
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 302


def test_a_phrase_is_proposed_on_request_and_kept_nowhere(client: Client, noemie: Member) -> None:
    follow(client, reset_link(client))

    page = client.post(reverse("account_choose_password"), {"propose": "1", "new": "half typed"})
    proposed = page.context["proposed"]

    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert proposed in page.content.decode()
    assert len(proposed.split("-")) == 5
    assert proposed not in str([row.get_decoded() for row in Session.objects.all()])
    assert choose(client, proposed).status_code == 302
