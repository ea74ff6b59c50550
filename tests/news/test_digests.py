"""News by mail: to those who chose it, once, nothing where nothing is new, and ended by one press."""

import json
from datetime import datetime, timedelta
from email import message_from_string, policy
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from audit.models import Event
from audit.sealing import unseal
from audit.types import Action, Actor
from directory.models import Collective, Member
from directory.types import Hold
from idp.models import OutgoingMail
from idp.services.accounts import mails
from news import digests
from news.models import Subscription
from news.policy import last_slot
from news.types import Audience, Rhythm
from tests.support.oidc import sign_in
from tests.support.smtp import post_office

pytestmark = pytest.mark.django_db
PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)
# A Wednesday, and the Monday after it.
WEDNESDAY = datetime(2026, 11, 18, 12, 0, tzinfo=PARIS)
MONDAY = datetime(2026, 11, 23, 7, 5, tzinfo=PARIS)
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def weekly(insider) -> Member:
    digests.choose(member_id=insider.pk, rhythm=Rhythm.WEEKLY, actor=Actor(insider.pk), now=WEDNESDAY)
    return insider


def letters():
    rows = OutgoingMail.objects.filter(kind="news").order_by("pk")
    return [json.loads(unseal(bytes(row.sealed), purpose=mails.PURPOSE)) for row in rows]


@pytest.mark.parametrize(
    ("rhythm", "at", "slot"),
    [
        (Rhythm.DAILY, datetime(2026, 11, 18, 6, 59, tzinfo=PARIS), datetime(2026, 11, 17, 7, tzinfo=PARIS)),
        (Rhythm.DAILY, datetime(2026, 11, 18, 7, 0, tzinfo=PARIS), datetime(2026, 11, 18, 7, tzinfo=PARIS)),
        (Rhythm.WEEKLY, datetime(2026, 11, 23, 6, 59, tzinfo=PARIS), datetime(2026, 11, 16, 7, tzinfo=PARIS)),
        (Rhythm.WEEKLY, datetime(2026, 11, 23, 7, 0, tzinfo=PARIS), datetime(2026, 11, 23, 7, tzinfo=PARIS)),
        (Rhythm.WEEKLY, datetime(2026, 11, 29, 23, 0, tzinfo=PARIS), datetime(2026, 11, 23, 7, tzinfo=PARIS)),
        # Over the end of summer time it is still seven o'clock.
        (Rhythm.DAILY, datetime(2026, 10, 25, 6, 0, tzinfo=PARIS), datetime(2026, 10, 24, 7, tzinfo=PARIS)),
    ],
)
def test_a_digest_is_due_at_seven(rhythm, at, slot):
    assert last_slot(rhythm, at) == slot


def test_nobody_gets_news_by_mail_who_did_not_choose(tell, insider, lead, outsider):
    tell(now=WEDNESDAY, audience=Audience.EVERYBODY)

    assert digests.send_due(now=MONDAY) == 0
    assert letters() == []


def test_what_came_since_the_last_one_is_told_once(tell, weekly):
    tell("D’avant", now=WEDNESDAY - DAY)
    tell("Séchoir", now=WEDNESDAY + DAY, text="Le **séchoir** marche &amp; [chauffe](https://bois.example).")
    tell("Pour plus tard", now=WEDNESDAY, since=MONDAY + DAY)

    digests.send_due(now=MONDAY)
    digests.send_due(now=MONDAY + timedelta(minutes=5))
    digests.send_due(now=MONDAY + DAY)

    (letter,) = letters()
    assert letter["to"] == weekly.email
    assert letter["subject"] == "Les brèves de la semaine"
    assert "Pôle bois, 19 novembre 2026\n> Séchoir\n> Le séchoir marche & chauffe.\nhttp" in letter["body"]
    assert "/breves/" in letter["body"]
    assert "D’avant" not in letter["body"]
    assert "plus tard" not in letter["body"]
    assert "<" not in letter["body"]

    digests.send_due(now=MONDAY + 7 * DAY)
    assert "Pour plus tard" in letters()[1]["body"]


def test_a_title_is_one_quoted_line_and_never_the_hubs_own_way(tell, weekly):
    tell("https://canari.example/\u2028-- ", now=WEDNESDAY + DAY, text="Ouvrez vite.")

    digests.send_due(now=MONDAY)

    assert "\n> https://canari.example/ --\n> Ouvrez vite.\n" in letters()[0]["body"]


def test_what_is_published_late_with_an_early_date_is_told_as_well(tell, weekly):
    tell("Antidatée", now=WEDNESDAY + DAY, since=WEDNESDAY - 30 * DAY)

    digests.send_due(now=MONDAY)

    assert "Antidatée" in letters()[0]["body"]


def test_nothing_new_sends_nothing_and_is_not_looked_for_again(weekly):
    assert digests.send_due(now=MONDAY) == 1
    assert digests.send_due(now=MONDAY + timedelta(minutes=5)) == 0
    assert letters() == []


def test_a_worker_that_was_off_makes_up_for_it_once(tell, insider):
    digests.choose(member_id=insider.pk, rhythm=Rhythm.DAILY, actor=Actor(insider.pk), now=WEDNESDAY)
    tell(now=WEDNESDAY + DAY)

    for _turn in range(3):
        digests.send_due(now=WEDNESDAY + 5 * DAY)

    assert len(letters()) == 1
    assert letters()[0]["subject"] == "Les brèves du jour"


def test_a_worker_that_is_killed_has_done_both_or_neither(tell, weekly, monkeypatch):
    tell(now=WEDNESDAY + DAY)

    def killed(*_arguments, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mails, "queue_text", killed)
        with pytest.raises(KeyboardInterrupt):
            digests.send_due(now=MONDAY)
    assert Subscription.objects.get().told_at == WEDNESDAY

    digests.send_due(now=MONDAY)
    assert len(letters()) == 1


@pytest.mark.gdpr("G13")
def test_what_a_sensitive_collective_says_is_sent_to_nobody(tell, weekly, wood):
    tell("Réunion", now=WEDNESDAY + DAY)
    tell("Fermeture", of=None, now=WEDNESDAY + DAY)
    Collective.objects.filter(pk=wood.pk).update(sensitive=True)

    digests.send_due(now=MONDAY)

    assert "Fermeture" in letters()[0]["body"]
    assert "Réunion" not in letters()[0]["body"]
    assert wood.name not in letters()[0]["body"]


def test_whoever_is_suspended_gets_nothing(tell, weekly):
    tell(now=WEDNESDAY + DAY)
    Member.objects.filter(pk=weekly.pk).update(hold=Hold.SUSPENDED)

    digests.send_due(now=MONDAY)

    assert letters() == []


# Choosing, and ending -----------------------------------------------------------------------------------------------


def test_a_member_chooses_on_a_page_and_the_journal_says_so(insider):
    browser = sign_in(insider)
    assert '<option value="never" selected>' in browser.get(reverse("news:receive")).content.decode()

    answer = browser.post(reverse("news:choose"), {"rhythm": "daily"})

    assert answer.status_code == 303
    assert Subscription.objects.get().rhythm == Rhythm.DAILY
    assert Event.objects.get(action=Action.DIGEST_CHOSEN).told["rhythm"] == "daily"
    browser.post(reverse("news:choose"), {"rhythm": "daily"})
    assert browser.post(reverse("news:choose"), {"rhythm": "hourly"}).status_code == 422
    assert Event.objects.filter(action=Action.DIGEST_CHOSEN).count() == 1


@pytest.fixture
def sent(tell, weekly):
    """As a mail server takes it."""
    tell(now=WEDNESDAY + DAY)
    digests.send_due(now=MONDAY)
    with post_office() as post, override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=post.port):
        mails.send_due(now=MONDAY)
    return message_from_string(post.taken[0], policy=policy.default)


@pytest.mark.spec("RFC 8058", "3.1")
def test_the_mail_says_how_it_is_ended(sent, weekly):
    address = str(sent["List-Unsubscribe"]).strip()

    assert address.startswith("<http")
    assert address.endswith("/>")
    assert str(sent["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    text, page = (sent.get_body((kind,)) for kind in ("plain", "html"))
    assert address.strip("<>") in text.get_content()
    assert f'href="{address.strip("<>")}"' in page.get_content()
    assert str(weekly.pk) not in address
    assert weekly.email not in address


@pytest.mark.spec("RFC 8058", "3.2")
def test_one_post_without_cookies_ends_it(sent, weekly):
    address = urlsplit(str(sent["List-Unsubscribe"]).strip(" <>")).path
    program = Client(enforce_csrf_checks=True)

    answer = program.post(address, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert Subscription.objects.get().rhythm == Rhythm.NEVER
    line = Event.objects.filter(action=Action.DIGEST_CHOSEN).latest("pk")
    assert (line.subject_id, line.reason, line.told["rhythm"]) == (weekly.pk, "by_mail_link", "never")
    assert program.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Event.objects.filter(action=Action.DIGEST_CHOSEN).count() == 2
    digests.send_due(now=MONDAY + 7 * DAY)
    assert OutgoingMail.objects.filter(kind="news").count() == 1


@pytest.mark.spec("RFC 8058", "3")
def test_looking_ends_nothing_and_shows_a_button(sent):
    address = urlsplit(str(sent["List-Unsubscribe"]).strip(" <>")).path

    page = Client().get(address)

    assert 'id="unsubscribe-form"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert Subscription.objects.get().rhythm == Rhythm.WEEKLY


def test_an_address_that_was_made_up_ends_nothing(sent, weekly):
    address = urlsplit(str(sent["List-Unsubscribe"]).strip(" <>")).path
    number, _, rest = address.rstrip("/").rpartition("/")[2].partition(":")

    for token in (f"{int(number) + 1}:{rest}", f"{number}:x", number, "x"):
        assert Client().post(reverse("news:unsubscribe", args=[token])).status_code == 404
    assert Subscription.objects.get().rhythm == Rhythm.WEEKLY
