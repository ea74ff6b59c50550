"""The site map: every page that somebody may open, and none that they may not (RGAA 12.1, 12.3, 12.4)."""

import pytest
from django.test import Client
from django.urls import reverse

from hub import sitemap
from tests.hub.access import TABLE, Answer, Who
from tests.hub.test_access_matrix import people, tools  # noqa: F401
from tests.support.pages import ROLES

OPENS = (Answer.PAGE, Answer.WHY)
# Steps within something else, answers to programs, and files: nobody goes there by their names.
NOT_ON_IT = {
    "healthz", "manifest", "service_worker", "offline", "log_keys", "log_program", "mailbox", "style", "site_map",
    "idp:discovery", "idp:server_metadata", "idp:resource_metadata", "idp:userinfo_metadata", "idp:jwks",
    "idp:device_linked", "idp:device_refused", "idp:logged_out", "idp:end_session",
    "account_reauthenticate", "account_forgotten_sent", "launcher:towns", "consent:download",
    "idp:office_purpose", "idp:erasure_purpose", "audit:purpose", "evidence:purpose", "incidents:purpose",
    "idp:look_try", "idp:look_try_style", "audit:reveal_all",
}  # fmt: skip


def on_it(browser: Client) -> set[str]:
    return {page.route for part in browser.get(reverse("site_map")).context["parts"] for page in part.pages}


@pytest.mark.parametrize("who", [*ROLES.values(), Who.LEAD])
def test_everybody_finds_every_page_that_opens_for_them_and_no_other(people, tools, who):  # noqa: F811
    rows = [row for row in TABLE if not row.objects and not row.query]
    opens = {row.route for row in rows if row.get[who] in OPENS} - NOT_ON_IT
    if who is not Who.NOBODY:
        # The way back in is a stranger's.
        opens -= {"account_login", "account_forgotten"}

    assert on_it(people[who]) == opens


def test_every_name_of_a_page_is_on_it_once():
    pages = [page for part in sitemap.OF_MEMBERS for page in part.pages]

    assert len({page.route for page in pages}) == len(pages)
    assert all(reverse(page.route) for page in pages)


def test_every_page_leads_to_it(db):
    link = f'href="{reverse("site_map")}"'

    assert link in Client().get("/compte/connexion/").content.decode()
    assert link in Client().get("/nulle-part/").content.decode()
