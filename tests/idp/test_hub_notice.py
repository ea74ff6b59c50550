"""What the hub itself keeps, said to members: the journal and what it is for, and every cookie."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.keeping import data
from audit.models import Event
from audit.types import Action
from consent.models import HubNotice
from directory.models import Member
from directory.types import Hold
from idp.services.accounts import welcome
from tests.support.cast import MONDAY, browser_of
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
COOKIES = ("votre session", "les formulaires", "la langue", "votre navigateur habituel", "la déconnexion des outils")


@pytest.mark.gdpr("G36")
def test_every_cookie_is_named_where_members_read_what_is_kept(member):
    page = browser_of(member).get(reverse("account_notice")).content.decode()

    assert all(each in page for each in COOKIES)
    assert "Rien n’est mesuré" in page


@pytest.mark.gdpr("G38")
def test_the_journal_and_what_it_is_not_for_is_said_before_it_begins(member):
    page = browser_of(member).get(reverse("account_notice")).content.decode()

    assert "jamais à suivre votre travail" in page


def test_it_can_be_read_again_from_ones_own_data(member):
    assert f'href="{reverse("account_notice")}"' in browser_of(member).get(reverse("consent:mine")).content.decode()


# On the page of tools, for whoever was never invited ----------------------------------------------------------------

HOME, NOTICE = reverse("launcher:home"), reverse("account_notice")
BANNER = 'id="hub-notice"'


def home(browser):
    return browser.get(HOME).content.decode()


def digest_in(html):
    return re.search(r'name="digest" value="([0-9a-f]{64})"', html)[1]


@pytest.mark.gdpr("G38")
def test_whoever_signs_in_without_an_invitation_finds_it_on_the_page_of_tools(member):
    html = home(sign_in(member))

    banner = html.split(BANNER)[1].split("</section>")[0]
    assert "cinq cookies" in banner
    assert "jamais à suivre votre travail" in banner
    assert f'action="{NOTICE}"' in banner
    assert "csrfmiddlewaretoken" in banner


def test_it_says_so_until_it_is_read_and_then_never_again(member):
    browser = sign_in(member)
    html = home(browser)
    assert BANNER in home(browser), "looking at it is not reading it"

    answer = browser.post(NOTICE, {"digest": digest_in(html), "home": "1"})

    assert answer["Location"] == HOME
    assert BANNER not in home(browser)
    assert BANNER not in home(sign_in(member))
    kept = HubNotice.objects.get(member=member)
    assert (kept.version, kept.language, kept.digest) == (welcome.notice_version(), "fr", digest_in(html))
    line = Event.objects.get(action=Action.HUB_NOTICE_SEEN)
    assert line.facts == {"language": "fr", "digest": kept.digest}


def test_another_language_is_the_same_text(member):
    browser = sign_in(member)
    html = browser.get(HOME, HTTP_ACCEPT_LANGUAGE="en").content.decode()
    browser.post(NOTICE, {"digest": digest_in(html), "home": "1"}, HTTP_ACCEPT_LANGUAGE="en")

    assert BANNER not in home(browser)
    assert HubNotice.objects.get().language == "en"
    assert HubNotice.objects.get().digest != HubNotice.objects.get().version


def test_a_text_that_changed_is_shown_once_more(member, monkeypatch):
    browser = sign_in(member)
    browser.post(NOTICE, {"digest": digest_in(home(browser)), "home": "1"})

    monkeypatch.setattr(welcome, "notice_version", lambda: "f" * 64)

    assert BANNER in home(browser)
    assert BANNER in home(sign_in(member))


def test_what_was_read_in_another_browser_is_read_here_too(member):
    here, there = sign_in(member), sign_in(member)
    there.post(NOTICE, {"digest": digest_in(home(there)), "home": "1"})

    assert BANNER not in home(here)


def test_nothing_is_kept_of_a_text_that_was_not_shown(member):
    browser = sign_in(member)

    for body in ({}, {"digest": "x" * 64, "home": "1"}):
        assert browser.post(NOTICE, body)["Location"] == NOTICE

    assert BANNER in home(browser)
    assert not HubNotice.objects.exists()


def test_the_page_of_tools_asks_the_database_nothing_for_it_once_it_was_read(member):
    browser = sign_in(member)

    def asked():
        with CaptureQueriesContext(connection) as found:
            home(browser)
        return [each["sql"] for each in found if "hubnotice" in each["sql"]]

    html = home(browser)
    assert len(asked()) == 1
    browser.post(NOTICE, {"digest": digest_in(html), "home": "1"})

    assert asked() == []
    browser = sign_in(member)
    assert asked() == [], "a new session knows it from the sign-in"


def test_it_goes_with_what_proves_decisions(member):
    HubNotice.objects.create(member=member, version="v", language="fr", digest="d", at=MONDAY)
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=MONDAY - timedelta(days=1830))

    begun = data.begin(now=MONDAY)
    while data.step(begun.pk):
        pass

    assert not HubNotice.objects.exists()
