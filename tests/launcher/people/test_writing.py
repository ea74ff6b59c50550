"""Writing to a member: their address stays hidden, so does the sender’s unless they give it."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from directory.services.showing import Page, show
from directory.types import Audience
from idp.models import OutgoingMail
from idp.services.accounts.mails import send_due
from launcher.people import services

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(other_member) -> Client:
    client = Client()
    client.force_login(other_member)
    return client


@pytest.fixture
def reachable(member):
    def open_to(audience=Audience.EVERYBODY):
        page = Page(audiences={"contact": audience})
        show(member_id=member.pk, page=page, actor=Actor(member=member.pk), now=timezone.now())
        return reverse("launcher:write", args=[member.pk])

    return open_to


def test_a_message_comes_with_a_name_and_neither_address(browser, reachable, member, other_member):
    address = reachable()
    assert member.email not in browser.get(address).content.decode()

    answer = browser.post(address, {"text": "Bonjour <Amélie>,\nun café ?"}, follow=True)

    assert "Votre message part." in answer.content.decode()
    assert member.email not in answer.content.decode()
    assert send_due(now=timezone.now()) == 1
    [sent] = mail.outbox
    assert sent.to == [member.email]
    assert sent.reply_to == []
    assert sent.body.startswith("Ces mots sont de Bachir Haddad :\n\n> Bonjour <Amélie>,\n> un café ?\n\n-- \n")
    assert "Bachir Haddad" in sent.subject
    assert other_member.email not in sent.body + str(sent.message())
    assert reverse("launcher:card", args=[other_member.pk]) in sent.body
    assert sent.body.count(reverse("launcher:my_page")) == 1, "where one closes the door"


def test_nothing_of_a_message_looks_like_the_hubs_own_call(browser, reachable):
    forged = "Bonjour,\r\n\r\nOuvrez ce lien :\r\nhttps://canari.example/lien/\r\n\r\n-- \r\nLes Canaris"

    browser.post(reachable(), {"text": forged})

    send_due(now=timezone.now())
    [sent] = mail.outbox
    [page] = [content for content, kind in sent.alternatives if kind == "text/html"]
    assert sent.body.count("\n-- \n") == 1
    assert "> https://canari.example/lien/\n>\n> --\n> Les Canaris\n" in sent.body
    quotation = page.partition("<blockquote>")[2].partition("</blockquote>")[0]
    assert 'href="https://canari.example/lien/"' in quotation
    assert "Les Canaris" in quotation
    assert page.count("canari.example") == quotation.count("canari.example")
    assert 'class="way"' not in page.partition('class="end"')[0]
    assert "blockquote a { color: inherit; }" in page, "no link in it has the cooperative's colour"


def test_the_senders_address_goes_where_they_give_it(browser, reachable, other_member):
    browser.post(reachable(), {"text": "Bonjour", "gives_address": "on"})

    send_due(now=timezone.now())

    assert mail.outbox[0].reply_to == [other_member.email]
    assert Event.objects.get(action=Action.MEMBER_WRITTEN_TO).told["address_given"] is True


@pytest.mark.gdpr("G1")
def test_the_journal_says_that_and_to_whom_and_nothing_of_what(browser, reachable, member, other_member):
    browser.post(reachable(), {"text": "hurluberlu"})

    event = Event.objects.get(action=Action.MEMBER_WRITTEN_TO)
    assert (event.actor_id, event.subject_id) == (other_member.pk, member.pk)
    assert "hurluberlu" not in str(event.told)


@pytest.mark.parametrize("audience", [Audience.NOBODY, Audience.COLLECTIVES])
def test_whoever_does_not_open_it_is_not_written_to(browser, reachable, audience):
    address = reachable(audience)

    assert browser.get(address).status_code == 404
    assert browser.post(address, {"text": "Bonjour"}).status_code == 404
    assert not OutgoingMail.objects.exists()
    assert Event.objects.get(action=Action.MEMBER_WRITTEN_TO).reason == "not_written_to"


def test_nobody_writes_to_themselves(reachable, member):
    address = reachable()
    own = Client()
    own.force_login(member)

    assert own.get(address).status_code == 404
    assert own.post(address, {"text": "Bonjour"}).status_code == 404


def test_an_empty_message_is_said_and_not_sent(browser, reachable):
    answer = browser.post(reachable(), {"text": " \n "})

    assert answer.status_code == 422
    assert not OutgoingMail.objects.exists()


def test_so_many_in_a_day_are_enough_and_nothing_typed_is_lost(browser, reachable, monkeypatch):
    monkeypatch.setattr(services, "MESSAGES_A_DAY", 1)
    address = reachable()
    browser.post(address, {"text": "Un"})

    answer = browser.post(address, {"text": "Deux mots"})

    assert answer.status_code == 429
    assert "Deux mots" in answer.content.decode()
    assert OutgoingMail.objects.count() == 1
    assert Event.objects.get(action=Action.MEMBER_WRITTEN_TO, refused=True).reason == "too_many_messages"
