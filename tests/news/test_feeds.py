"""A collective's news in a feed reader: an address that is a secret, and opens no more than its member may read."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from collectives import services as collectives
from collectives.models import Follow
from directory.models import Collective, Member, Membership
from directory.services import mark_sensitive
from directory.signals import members_ended, members_erased, memberships_ended
from directory.types import Hold
from idp.services.accounts.alarms import raise_alarm
from news import feeds
from news.models import FeedLink
from news.receiving import READINGS_A_MINUTE
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def address(insider, wood) -> str:
    """Of somebody who is in it; a path, as the reader asks it."""
    made = feeds.make(member=insider, collective_id=wood.pk, actor=Actor(insider.pk), now=timezone.now())
    return urlsplit(made).path


@pytest.mark.spec("RFC 4287", "4.1")
def test_the_feed_is_atom_with_what_its_elements_must_have(address, tell, wood):
    tell("Un <b>", text="**gras** & \x0b\n\n<script>x</script>")
    tell("Ailleurs", of=None)

    answer = Client().get(address)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    feed = ElementTree.fromstring(answer.content)  # noqa: S314 (our own)
    assert feed.tag == f"{ATOM}feed"
    assert [feed.findtext(f"{ATOM}{name}") for name in ("title", "author/" + ATOM + "name")] == [wood.name] * 2
    assert feed.findtext(f"{ATOM}id")
    assert feed.findtext(f"{ATOM}updated")
    (entry,) = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "Un <b>"
    assert all(entry.findtext(f"{ATOM}{name}") for name in ("id", "updated", "published"))
    told = entry.findtext(f"{ATOM}summary")
    assert "<strong>gras</strong> &amp;" in told
    assert "<script" not in told
    secret = address.split("/")[-2]
    assert secret not in answer.content.decode()


def test_the_address_is_shown_once_and_only_its_digest_is_kept(insider, wood, caplog):
    browser = sign_in(insider)

    page = browser.post(reverse("news:make_feed", args=[wood.slug])).content.decode()

    secret = page.partition("/breves/flux/")[2].partition("/")[0]
    row = FeedLink.objects.get()
    assert len(secret) == 43
    assert secret not in str([getattr(row, field.name) for field in row._meta.fields])
    assert secret not in browser.get(reverse("news:receive")).content.decode()
    line = Event.objects.get(action=Action.FEED_MADE)
    assert secret not in str(line.told)
    assert secret not in caplog.text


def test_a_renewed_address_ends_the_one_before_and_a_deleted_one_opens_nothing(insider, wood, address):
    browser = sign_in(insider)
    browser.post(reverse("news:make_feed", args=[wood.slug]))
    assert Client().get(address).status_code == 404
    assert FeedLink.objects.count() == 1

    browser.post(reverse("news:end_feed", args=[wood.slug]))

    assert not FeedLink.objects.exists()
    assert Event.objects.filter(action=Action.FEED_ENDED).count() == 1


def leaves(member, wood):
    Membership.objects.filter(member=member, collective=wood).delete()


def is_suspended(member, wood):
    Member.objects.filter(pk=member.pk).update(hold=Hold.SUSPENDED)


def becomes_sensitive(member, wood):
    Collective.objects.filter(pk=wood.pk).update(sensitive=True)


def closes(member, wood):
    Collective.objects.filter(pk=wood.pk).update(present=False)


@pytest.mark.parametrize("happens", [leaves, is_suspended, becomes_sensitive, closes])
def test_the_address_is_dead_at_once(address, insider, wood, tell, happens):
    tell()
    assert Client().get(address).status_code == 200

    happens(insider, wood)

    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("signal", [members_ended, members_erased])
def test_an_address_does_not_come_back_with_its_member(address, insider, signal):
    signal.send(sender=None, member_ids=[insider.pk], named=[], now=timezone.now())

    assert not FeedLink.objects.exists()


def test_an_alarm_ends_every_address_of_its_member_and_nobody_elses(address, insider, lead, wood):
    feeds.make(member=lead, collective_id=wood.pk, actor=Actor(lead.pk), now=timezone.now())

    raise_alarm(member=insider, actor=Actor(insider.pk), now=timezone.now())

    assert Client().get(address).status_code == 404
    assert FeedLink.objects.get().member == lead


def test_unfollowing_ends_the_address_but_of_whoever_is_in_it(address, insider, outsider, wood):
    now = timezone.now()
    for each in (insider, outsider):
        Follow.objects.create(member=each, collective=wood, since=now)
    followed = urlsplit(feeds.make(member=outsider, collective_id=wood.pk, actor=Actor(outsider.pk), now=now)).path

    for each in (insider, outsider):
        collectives.unfollow(member=each, collective_id=wood.pk, actor=Actor(each.pk), now=now)
    Follow.objects.create(member=outsider, collective=wood, since=now)

    assert Client().get(followed).status_code == 404
    assert Client().get(address).status_code == 200


def test_a_collective_that_becomes_sensitive_ends_the_addresses_of_whoever_is_out_of_it(
    address, insider, lead, outsider, wood
):
    now = timezone.now()
    Follow.objects.create(member=outsider, collective=wood, since=now)
    for each in (lead, outsider):
        feeds.make(member=each, collective_id=wood.pk, actor=Actor(each.pk), now=now)

    mark_sensitive(collective_id=wood.pk, sensitive=True, actor=Actor(lead.pk), now=now)

    assert set(FeedLink.objects.values_list("member", flat=True)) == {insider.pk, lead.pk}
    mark_sensitive(collective_id=wood.pk, sensitive=False, actor=Actor(lead.pk), now=now)
    assert FeedLink.objects.count() == 2


def test_whoever_a_pass_takes_out_has_no_address_when_they_are_back(address, insider, lead, wood):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Cuisine", slug="cuisine")
    Membership.objects.create(collective=other, member=insider)
    feeds.make(member=insider, collective_id=other.pk, actor=Actor(insider.pk), now=timezone.now())
    leaves(insider, wood)

    memberships_ended.send(sender=None, member_ids=[insider.pk], now=timezone.now())

    assert FeedLink.objects.get().collective == other


def test_an_address_that_opens_nothing_just_now_is_listed_and_can_be_ended(address, insider, wood):
    becomes_sensitive(insider, wood)
    browser = sign_in(insider)

    page = browser.get(reverse("news:receive")).content.decode()

    assert reverse("news:end_feed", args=[wood.slug]) in page.partition('id="closed-feeds"')[2]
    browser.post(reverse("news:end_feed", args=[wood.slug]))
    assert not FeedLink.objects.exists()
    assert "closed-feeds" not in browser.get(reverse("news:receive")).content.decode()


def test_whoever_is_not_near_a_collective_gets_no_address(outsider, wood):
    browser = sign_in(outsider)
    assert browser.post(reverse("news:make_feed", args=[wood.slug])).status_code == 404

    Follow.objects.create(member=outsider, collective=wood, since=timezone.now())

    assert browser.post(reverse("news:make_feed", args=[wood.slug])).status_code == 200


def test_nobody_ends_another_ones_address(address, outsider, wood):
    assert sign_in(outsider).post(reverse("news:end_feed", args=[wood.slug])).status_code == 404
    assert Client().get(address).status_code == 200


def test_the_feed_holds_what_is_published_now_and_no_more_than_twenty(address, tell):
    now = timezone.now()
    for number in range(25):
        tell(f"N° {number}", since=now - timedelta(hours=number + 1))
    tell("Brouillon", is_draft=True)

    content = Client().get(address).content.decode()

    assert content.count("<entry>") == 20
    assert "Brouillon" not in content
    assert "N° 24" not in content


def test_guesses_are_slowed_down_and_write_nothing(address, freezer_minute):
    before = Event.objects.count()
    codes = [Client().get("/breves/flux/x/").status_code for _ in range(READINGS_A_MINUTE + 1)]

    assert set(codes[:-1]) == {404}
    assert codes[-1] == 429
    assert Client().get(address).status_code == 429
    assert Event.objects.count() == before


@pytest.fixture
def freezer_minute(monkeypatch):
    """All of it within one minute, however slow the machine."""
    moment = timezone.now()
    monkeypatch.setattr("news.receiving.timezone.now", lambda: moment)


def test_the_log_holds_the_route_and_no_secret(address, caplog, settings):
    import logging

    from hub.logs import Lines

    with caplog.at_level(logging.INFO):
        Client().get(address)
        Client().get("/breves/flux/secret-of-nobody/")

    lines = [Lines().format(record) for record in caplog.records]
    assert any("news:feed" in line for line in lines)
    assert not any(address.split("/")[-2] in line or "secret-of-nobody" in line for line in lines)


def test_the_proxy_keeps_the_secret_out_of_its_log():
    from pathlib import Path

    conf = (Path(__file__).resolve().parents[2] / "deploy/nginx.conf").read_text()

    assert "~^/breves/flux/. /breves/flux/-/;" in conf
    assert "~^/breves/desabonnement/. /breves/desabonnement/-/;" in conf


def test_another_members_address_shows_what_that_member_may_read(tell, wood, address):
    other = make_member("fanny.x", "Fanny X")
    Follow.objects.create(member=other, collective=wood, since=timezone.now())
    tell("Séchoir")

    made = feeds.make(member=other, collective_id=wood.pk, actor=Actor(other.pk), now=timezone.now())

    assert "Séchoir" in Client().get(urlsplit(made).path).content.decode()
