"""Invitations: sent, sent again, taken back, and the way through to the page of tools."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from audit.models import Event
from audit.types import Action, Actor
from demo.slapd import EmbeddedDirectory
from directory.models import Member
from directory.types import Hold, MailState, MemberState
from idp.models import AccountLink, HubSession, OutgoingMail
from idp.services.accounts import invitations, links, mails
from idp.services.accounts.invitations import CannotInvite, Stage
from idp.types import OutgoingState
from tests.support.links import choose, follow, link_in, waiting
from tests.support.oidc import sign_in
from tests.support.signin import NEW_PASSWORD, NOEMIE, NOEMIE_PASSWORD, AddMember, try_to_sign_in
from tests.support.slapd import ldap_settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(karim: Member) -> Actor:
    return Actor(member=karim.pk)


def invited(member: Member, office: Actor) -> str:
    invitations.invite(member_id=member.pk, actor=office, now=timezone.now())
    return link_in(waiting("invitation")[-1]["body"])


def test_an_invitation_names_who_invites_and_what_for(noemie: Member, karim: Member, office: Actor) -> None:
    invited(noemie, office)

    (sent,) = waiting("invitation")
    assert sent["to"] == noemie.email
    for word in (karim.display_name, noemie.display_name, noemie.login, "7 jours"):
        assert word in sent["body"]
    line = Event.objects.get(action=Action.INVITED)
    assert (line.actor_id, line.subject_id) == (karim.pk, noemie.pk)


@pytest.mark.incident("CVE-2026-16072")
def test_nobody_can_read_the_link_of_an_invitation_afterwards(noemie: Member, office: Actor) -> None:
    secret = invited(noemie, office).split("/")[3]

    kept = f"{list(AccountLink.objects.values())} {list(OutgoingMail.objects.values())} {list(Event.objects.values())}"
    shown = invitations.preview(noemie)[1] + repr(invitations.latest(noemie, now=timezone.now()))
    assert secret not in kept + shown
    mails.send_due(now=timezone.now())
    assert bytes(OutgoingMail.objects.get().sealed) == b""


@pytest.mark.parametrize(("language", "word"), [("fr", "vous invite"), ("en", "invites you")])
def test_the_office_sees_beforehand_what_a_member_would_get(
    add_member: AddMember, office: Actor, language: str, word: str
) -> None:
    member = add_member(NOEMIE, language=language)

    subject, body = invitations.preview(member)

    assert word in body
    assert member.display_name in body
    assert subject.startswith(("Ouvrez", "Open"))
    assert invitations.preview(member, "en")[1] != invitations.preview(member, "fr")[1]
    path = "/" + links_in(body)[0].split("/", 3)[3]
    assert Client().get(path)["Location"] == reverse("account_link_refused")


def links_in(body: str) -> list[str]:
    return re.findall(r"https?://\S+", body)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("came", "already_came"),
        ("no mail", "no_address"),
        ("shared", "no_address"),
        ("left", "member_inactive"),
        ("suspended", "member_inactive"),
        ("no write account", "no_write_account"),
        ("just now", "too_often"),
    ],
)
def test_who_cannot_be_invited_and_why(
    noemie: Member, office: Actor, own_directory: EmbeddedDirectory, settings: Any, case: str, reason: str
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "no mail": {"email": "", "email_state": MailState.NONE},
        "shared": {"email_state": MailState.SHARED},
        "left": {"state": MemberState.LEFT},
        "suspended": {"hold": Hold.SUSPENDED},
    }
    Member.objects.filter(pk=noemie.pk).update(**changes.get(case, {"town": "Lodève"}))
    if case == "came":
        sign_in(noemie)
    elif case == "no write account":
        settings.LDAP = ldap_settings(own_directory, write_password="")
    elif case == "just now":
        invited(noemie, office)
    before = AccountLink.objects.count()

    with pytest.raises(CannotInvite) as raised:
        invitations.invite(member_id=noemie.pk, actor=office, now=timezone.now())

    assert raised.value.reason == reason
    assert AccountLink.objects.count() == before


def test_sent_again_the_earlier_link_ends(client: Client, noemie: Member, office: Actor) -> None:
    first = invited(noemie, office)
    AccountLink.objects.update(created_at=timezone.now() - timedelta(hours=1))
    second = invited(noemie, office)

    assert client.get(first)["Location"] == reverse("account_link_refused")
    assert client.get(second)["Location"] == reverse("account_link_page")


def test_five_a_day_are_enough(noemie: Member, office: Actor) -> None:
    now = timezone.now()
    for hours in range(5):
        invitations.invite(member_id=noemie.pk, actor=office, now=now + timedelta(hours=hours))

    assert invitations.why_not(noemie, now=now + timedelta(hours=6)) == "too_often"
    assert invitations.why_not(noemie, now=now + timedelta(hours=25)) == ""


def test_taken_back_it_opens_nothing(client: Client, noemie: Member, office: Actor) -> None:
    path = invited(noemie, office)

    invitations.take_back(member_id=noemie.pk, actor=office, now=timezone.now())
    invitations.take_back(member_id=noemie.pk, actor=office, now=timezone.now())

    assert client.get(path)["Location"] == reverse("account_link_refused")
    assert Event.objects.filter(action=Action.INVITATION_ENDED).count() == 1


@pytest.mark.incident("CVE-2025-64708", "CVE-2025-64521")
def test_an_invitation_is_over_at_its_end_and_a_second_later(noemie: Member, office: Actor, settings: Any) -> None:
    now = timezone.now()
    invitations.invite(member_id=noemie.pk, actor=office, now=now)
    secret = link_in(waiting("invitation")[0]["body"]).split("/")[3]
    end = now + settings.INVITATION_LIFETIME

    assert links.find(secret, now=end - timedelta(seconds=1))
    for late in (end, end + timedelta(seconds=1)):
        with pytest.raises(links.LinkRefused, match="link_expired"):
            links.find(secret, now=late)


def test_how_far_an_invitation_has_come(client: Client, noemie: Member, office: Actor) -> None:
    now = timezone.now()

    def stage() -> Stage | None:
        found = invitations.latest(noemie, now=now)
        return found.stage if found else None

    assert stage() is None
    path = invited(noemie, office)
    now = timezone.now()
    assert stage() is Stage.WAITING
    OutgoingMail.objects.update(state=OutgoingState.FAILED)
    assert stage() is Stage.FAILED
    OutgoingMail.objects.update(state=OutgoingState.SENT)
    assert stage() is Stage.SENT
    follow(client, path)
    assert stage() is Stage.OPENED
    now += timedelta(days=8)
    assert stage() is Stage.EXPIRED
    now = timezone.now()
    choose(client)
    assert stage() is Stage.USED


def test_the_way_through(client: Client, noemie: Member, karim: Member, office: Actor) -> None:
    path = invited(noemie, office)

    client.get(path)
    welcome = client.get(reverse("account_link_page")).content.decode()
    client.post(reverse("account_link_page"))
    chosen = choose(client)
    notice = client.get(chosen["Location"])
    seen = client.post(reverse("account_notice"), {"digest": notice.context["digest"]})

    assert karim.display_name in welcome
    assert welcome.count("<li") >= 3
    assert chosen["Location"] == reverse("account_notice")
    assert "Mes données" in notice.content.decode()
    assert seen["Location"] in (reverse("launcher:home"), reverse("account_passkey_offer"))
    assert client.get(reverse("launcher:home")).status_code == 200
    line = Event.objects.get(action=Action.HUB_NOTICE_SEEN)
    assert (line.subject_id, line.facts["digest"]) == (noemie.pk, notice.context["digest"])
    assert HubSession.objects.get().methods == ["pwd"]
    assert not waiting("security"), "nothing changed that there was"


def test_nobody_is_said_to_have_read_a_text_they_did_not_see(client: Client, noemie: Member, office: Actor) -> None:
    follow(client, invited(noemie, office))
    choose(client)

    for body in ({}, {"digest": ""}, {"digest": "x" * 64}):
        assert client.post(reverse("account_notice"), body)["Location"] == reverse("account_notice")

    assert not Event.objects.filter(action=Action.HUB_NOTICE_SEEN).exists()


def test_the_digest_is_of_the_text_in_its_language(client: Client) -> None:
    from idp.services.accounts.welcome import notice_digest

    with translation.override("fr"):
        french = notice_digest()
    with translation.override("en"):
        english = notice_digest()

    assert french != english


def test_an_invitation_leads_through_the_second_factor_of_somebody_who_has_one(
    client: Client, noemie: Member, office: Actor, enrol: Any
) -> None:
    try_to_sign_in(client, NOEMIE, "alizarine-garrigue")
    enrol(client, "alizarine-garrigue")
    client.post(reverse("idp:sign_out"))
    HubSession.objects.all().delete()
    OutgoingMail.objects.all().delete()

    assert follow(client, invited(noemie, office))["Location"] == reverse("mfa_authenticate")
    assert try_to_sign_in(Client(), NOEMIE, NEW_PASSWORD).status_code == 200


def test_whoever_comes_by_their_own_password_leaves_no_way_to_another_one_in_their_mail(
    noemie: Member, office: Actor
) -> None:
    link = invited(noemie, office)

    try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD)

    assert HubSession.objects.filter(member=noemie).exists()
    with pytest.raises(links.LinkRefused, match="link_ended"):
        links.find(link.split("/")[3], now=timezone.now())
    line = Event.objects.get(action=Action.INVITATION_ENDED)
    assert (line.actor_id, line.reason) == (noemie.pk, "already_came")
