"""Whom news reach: on the page of tools, among all of them, and alone."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from audit.models import Event
from collectives.models import Follow
from directory.models import Collective, Membership
from directory.signals import members_erased
from directory.types import Hold
from news import selectors, services
from news.models import Brief, Dismissal
from news.types import Audience
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
ALL = reverse("news:all")


def titles(member, now=None):
    return [each.title for each in selectors.reaching(member, now or timezone.now())]


def test_a_collectives_news_reach_its_members_and_leads_and_nobody_else(tell, insider, lead, outsider):
    tell("Séchoir")

    assert titles(insider) == titles(lead) == ["Séchoir"]
    assert titles(outsider) == []


def test_what_is_for_everybody_reaches_everybody(tell, outsider):
    tell("Portes ouvertes", audience=Audience.EVERYBODY)
    tell("Fermeture", of=None)

    assert sorted(titles(outsider)) == ["Fermeture", "Portes ouvertes"]


def test_whoever_follows_reads_it_until_it_is_sensitive(tell, wood, outsider):
    Follow.objects.create(member=outsider, collective=wood, since=timezone.now())
    tell()
    assert titles(outsider) == ["Séchoir"]

    Collective.objects.filter(pk=wood.pk).update(sensitive=True)

    assert titles(outsider) == []


@pytest.mark.gdpr("G13")
def test_a_collective_that_becomes_sensitive_keeps_its_news_to_its_members(tell, wood, insider, outsider):
    tell("Réunion", audience=Audience.EVERYBODY)
    assert titles(outsider) == ["Réunion"]

    Collective.objects.filter(pk=wood.pk).update(sensitive=True)

    assert titles(outsider) == []
    assert titles(insider) == ["Réunion"]


def test_a_collective_that_is_gone_says_nothing_more(tell, wood, insider, outsider):
    tell(audience=Audience.EVERYBODY)

    Collective.objects.filter(pk=wood.pk).update(present=False)

    assert titles(insider) == titles(outsider) == []


def test_whoever_leaves_the_collective_reads_it_no_longer(tell, insider):
    brief = tell()
    Membership.objects.filter(member=insider).delete()

    assert sign_in(insider).get(reverse("news:brief", args=[brief.pk])).status_code == 404


@pytest.mark.parametrize(
    "moments",
    [
        {"is_draft": True},
        {"since": timezone.now() + timedelta(days=3650)},
        {"until": timezone.now() - timedelta(minutes=1)},
    ],
)
def test_what_is_not_published_now_reaches_nobody_and_its_writer_only(tell, insider, lead, moments):
    brief = tell(**moments)
    address = reverse("news:brief", args=[brief.pk])

    assert titles(insider) == titles(lead) == []
    assert sign_in(insider).get(address).status_code == 404
    assert sign_in(lead).get(address).status_code == 200


def test_the_text_is_cleaned_of_what_could_act(tell, insider):
    brief = tell(text="**gras** <script>alert(1)</script> [x](javascript:alert(1)) ![i](https://spy.example/x.png)")

    page = sign_in(insider).get(reverse("news:brief", args=[brief.pk])).content.decode()

    assert "<strong>gras</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<img" not in page.partition('id="brief-text"')[2]


# On the page of tools -----------------------------------------------------------------------------------------------


def on_tools(browser):
    page = browser.get("/").content.decode()
    return [title for title in ("Un", "Deux", "Trois", "Tous", "Avant") if f">{title}</a>" in page]


def test_two_stand_on_the_page_of_tools_and_the_next_comes_when_one_is_put_aside(tell, insider):
    now = timezone.now()
    for age, title in enumerate(("Un", "Deux", "Trois"), 1):
        tell(title, since=now - timedelta(hours=age))
    browser = sign_in(insider)
    assert on_tools(browser) == ["Un", "Deux"]
    assert reverse("news:receive") in browser.get(reverse("launcher:home")).content.decode()

    first = Brief.objects.get(title="Un")
    answer = browser.post(reverse("news:put_aside", args=[first.pk]))

    assert answer.status_code == 302
    assert on_tools(browser) == ["Deux", "Trois"]
    assert [f">{title}</a>" in browser.get(ALL).content.decode() for title in ("Un", "Deux", "Trois")] == [True] * 3


def test_what_the_whole_cooperative_is_told_is_not_written_away_by_collectives(tell, insider):
    now = timezone.now()
    for age, title, of in ((1, "Un", "wood"), (2, "Deux", "wood"), (3, "Tous", None), (4, "Avant", None)):
        tell(title, since=now - timedelta(hours=age), of=of, audience=Audience.EVERYBODY)
    browser = sign_in(insider)

    assert on_tools(browser) == ["Un", "Tous"]
    browser.post(reverse("news:put_aside", args=[Brief.objects.get(title="Tous").pk]))
    assert on_tools(browser) == ["Un", "Avant"]
    browser.post(reverse("news:put_aside", args=[Brief.objects.get(title="Avant").pk]))
    assert on_tools(browser) == ["Un", "Deux"]


def test_what_does_not_reach_somebody_cannot_be_put_aside_by_them(tell, outsider):
    brief = tell()

    assert sign_in(outsider).post(reverse("news:put_aside", args=[brief.pk])).status_code == 404
    assert not Dismissal.objects.exists()


@pytest.mark.gdpr("G38")
def test_reading_and_putting_aside_leave_no_trace_of_who_read_what(tell, insider):
    brief = tell()
    browser = sign_in(insider)
    before = Event.objects.count()

    for address in ("/", ALL, reverse("news:brief", args=[brief.pk])):
        assert browser.get(address).status_code == 200
    assert not Dismissal.objects.exists()
    browser.post(reverse("news:put_aside", args=[brief.pk]))
    browser.post(reverse("news:put_aside", args=[brief.pk]))

    assert Event.objects.count() == before
    assert Dismissal.objects.count() == 1
    assert {field.name for field in Dismissal._meta.fields} == {"id", "member", "brief"}


def test_what_was_put_aside_goes_with_the_member_and_with_the_news(tell, insider, lead):
    brief = tell()
    services.put_aside(member_id=insider.pk, brief_id=brief.pk)
    services.put_aside(member_id=lead.pk, brief_id=brief.pk)

    members_erased.send(sender=None, member_ids=[insider.pk], named=[], now=timezone.now())
    assert [each.member_id for each in Dismissal.objects.all()] == [lead.pk]

    brief.delete()
    assert not Dismissal.objects.exists()


def test_what_an_erased_member_wrote_stays_without_them(tell, lead, insider):
    tell()

    members_erased.send(sender=None, member_ids=[lead.pk], named=[], now=timezone.now())

    assert Brief.objects.get().author_id is None
    assert titles(insider) == ["Séchoir"]


def test_what_is_on_top_costs_one_statement(tell, insider, django_assert_num_queries):
    for number in range(30):
        tell(f"N° {number}")

    with django_assert_num_queries(1):
        found = selectors.on_top(insider, timezone.now())
        assert [each.collective.name for each in found] == ["Pôle bois"] * 2


# On the page of the collective -------------------------------------------------------------------------------------


def test_the_page_of_a_collective_shows_its_newest_as_far_as_they_reach_the_reader(tell, wood, insider, outsider, lead):
    now = timezone.now()
    for age, title in enumerate(("Un", "Deux", "Trois", "Quatre"), 1):
        tell(title, since=now - timedelta(hours=age))
    tell("Ailleurs", of=None)
    address = reverse("collectives:one", args=[wood.slug])
    every = f"{ALL}?collectif={wood.slug}"

    page = sign_in(insider).get(address).content.decode()
    assert [f">{title}</a>" in page for title in ("Un", "Deux", "Trois", "Quatre", "Ailleurs")] == [True] * 3 + [
        False
    ] * 2
    assert every in page
    listed = sign_in(insider).get(every).content.decode()
    assert [f">{title}</a>" in listed for title in ("Quatre", "Ailleurs")] == [True, False]

    assert 'id="news"' not in sign_in(outsider).get(address).content.decode()
    led = sign_in(lead).get(address).content.decode()
    assert [reverse(name) in led for name in ("news:write", "news:written")] == [True, True]
    brief = reverse("news:brief", args=[Brief.objects.get(title="Un").pk])
    assert f'<a href="{address}">' in sign_in(insider).get(brief).content.decode()
    Collective.objects.filter(pk=wood.pk).update(sensitive=True)
    assert sign_in(outsider).get(every).status_code == 404


# Pictures -----------------------------------------------------------------------------------------------------------


def test_a_page_leaves_the_place_for_its_picture(tell, insider):
    from tests.directory.test_pictures import with_place

    brief = tell(picture=with_place(), picture_alt="Le séchoir")

    page = sign_in(insider).get(reverse("news:brief", args=[brief.pk])).content.decode()

    width, height = Image.open(BytesIO(brief.picture)).size
    assert f'width="{width}" height="{height}" alt="Le séchoir"' in page


def test_a_picture_is_made_anew_and_opens_for_whom_the_text_is(tell, insider, outsider):
    from tests.directory.test_pictures import PLACE, with_place

    brief = tell(picture=with_place(), picture_alt="Le séchoir")
    address = reverse("news:picture", args=[brief.pk, brief.picture_digest])

    answer = sign_in(insider).get(address)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/webp"
    assert "private" in answer["Cache-Control"]
    assert answer.content[8:12] == b"WEBP"
    assert PLACE not in answer.content
    assert b"Exif" not in answer.content
    assert sign_in(outsider).get(address).status_code == 404
    assert Client().get(address).status_code == 302
    assert sign_in(insider).get(reverse("news:picture", args=[brief.pk, "0" * 64])).status_code == 404


def test_somebody_suspended_reads_nothing(tell, insider):
    brief = tell()
    browser = sign_in(insider)
    make_member("x.x", "X X")
    type(insider).objects.filter(pk=insider.pk).update(hold=Hold.SUSPENDED)

    assert browser.get(reverse("news:brief", args=[brief.pk])).status_code == 302
