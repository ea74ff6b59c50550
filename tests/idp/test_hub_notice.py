"""What the hub itself keeps, said to members: the journal and what it is for, and every cookie."""

import pytest
from django.urls import reverse

from tests.support.cast import browser_of

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
