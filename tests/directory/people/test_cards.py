"""What of somebody whom sees: each item, each audience, each reader."""

from datetime import timedelta

import pytest

from audit.models import Event
from audit.types import Action, Actor
from directory.models import Collective, MemberPhoto, Membership, Profile
from directory.people import cards, policy
from directory.people.cards import Card
from directory.services.erasure import erase_leavers
from directory.services.showing import Page, show
from directory.types import Audience, CannotChange, Hold, Shown
from tests.support.cast import MONDAY, TUESDAY

pytestmark = pytest.mark.django_db
# What each item shows on a card.
SHOWS = {
    Shown.PHOTO: ("photo", "f" * 64),
    Shown.TRADE: ("trade", "Relieuse"),
    Shown.BUSINESS: ("business", "Le Canari"),
    Shown.SKILLS: ("skills", ("reliure", "dorure")),
    Shown.PRESENTATION: ("presentation", "Je relie."),
    Shown.LINKS: ("links", (("https://canari.example/livres", "canari.example/livres"),)),
    Shown.PLACE: ("place_name", "Lodève (34)"),
    Shown.CONTACT: ("can_be_written_to", True),
    Shown.EMAIL: ("email", "amelie.roux@canari.example"),
    Shown.MOBILE: ("mobile", "+33 6 39 98 00 01"),
    Shown.PHONE: ("phone", "+33 4 65 71 00 01"),
}
EMPTY = Card(member=None, name="", given_name="", collectives=())


@pytest.fixture
def wood(member, other_member) -> Collective:
    found = Collective.objects.create(slug="bois", name="Pôle bois")
    Membership.objects.create(member=member, collective=found)
    return found


@pytest.fixture
def shown(member, wood):
    """Everything that may be shown, with the audience of each to be chosen."""
    member.business_name = "Le Canari"
    member.save()
    MemberPhoto.objects.create(member=member, digest="f" * 64, content=b"webp", looked_at=MONDAY)

    def open_to(**audiences):
        page = Page(
            skills=("reliure", "dorure"),
            presentation="Je relie.",
            links=("https://canari.example/livres",),
            place="34142",
            audiences=audiences,
        )
        show(member_id=member.pk, page=page, actor=Actor(member=member.pk), now=MONDAY)
        return member

    return open_to


def seen_by(reader, member) -> Card:
    return cards.cards([member.pk], cards.reader(reader))[0]


def test_without_a_word_from_its_holder_a_card_has_a_name_and_ordinary_collectives(member, other_member, wood):
    secret = Collective.objects.create(slug="sante", name="Entraide santé", sensitive=True)
    Membership.objects.create(member=member, collective=secret)

    card = seen_by(other_member, member)

    assert (card.name, [each.name for each in card.collectives]) == ("Amélie Roux", ["Pôle bois"])
    assert all(getattr(card, name) == getattr(EMPTY, name) for name, _ in SHOWS.values())


@pytest.mark.parametrize("item", Shown)
def test_what_is_open_to_nobody_is_on_no_card(shown, other_member, wood, item):
    member = shown(**{each: Audience.EVERYBODY for each in Shown if each != item})
    Membership.objects.create(member=other_member, collective=wood)

    card = seen_by(other_member, member)

    for each, (name, value) in SHOWS.items():
        assert getattr(card, name) == (getattr(EMPTY, name) if each == item else value)


@pytest.mark.parametrize("item", Shown)
def test_what_is_open_to_collectives_is_seen_by_those_who_have_one_in_common(shown, other_member, wood, item):
    member = shown(**{item: Audience.COLLECTIVES})
    name, value = SHOWS[item]

    assert getattr(seen_by(other_member, member), name) == getattr(EMPTY, name)
    Membership.objects.create(member=other_member, collective=wood)
    assert getattr(seen_by(other_member, member), name) == value


def test_a_status_is_no_collective_in_common(shown, other_member):
    member = shown(trade=Audience.COLLECTIVES)
    associates = Collective.objects.create(slug="associes", name="Associés", status="associate", kind="status")
    for each in (member, other_member):
        Membership.objects.create(member=each, collective=associates)

    assert seen_by(other_member, member).trade == ""


def test_a_closed_collective_is_none_in_common(shown, other_member, wood):
    member = shown(trade=Audience.COLLECTIVES)
    Membership.objects.create(member=other_member, collective=wood)
    wood.present = False
    wood.save()

    assert seen_by(other_member, member).trade == ""


def test_a_sensitive_collective_is_named_to_those_who_are_in_it(member, other_member):
    secret = Collective.objects.create(slug="sante", name="Entraide santé", sensitive=True)
    for each in (member, other_member):
        Membership.objects.create(member=each, collective=secret)

    assert [each.name for each in seen_by(other_member, member).collectives] == ["Entraide santé"]


@pytest.mark.parametrize("gone", [{"hold": Hold.SUSPENDED}, {"state": "left"}, {"entry_uuid": None}])
def test_whoever_is_gone_or_no_person_of_the_directory_has_no_card(shown, other_member, gone):
    member = shown(trade=Audience.EVERYBODY)
    type(member).objects.filter(pk=member.pk).update(**gone)

    assert cards.cards([member.pk], cards.reader(other_member)) == []


def test_whoever_does_not_want_to_stand_in_the_list_has_no_card(member, other_member):
    show(member_id=member.pk, page=Page(listed=False), actor=Actor(member=member.pk), now=MONDAY)

    assert cards.cards([member.pk], cards.reader(other_member)) == []


def test_the_preview_is_what_they_see(shown, other_member, wood):
    member = shown(trade=Audience.EVERYBODY, mobile=Audience.COLLECTIVES)

    assert cards.own(member, cards.stranger()) == seen_by(other_member, member)
    Membership.objects.create(member=other_member, collective=wood)
    assert cards.own(member, cards.colleague(member)) == seen_by(other_member, member)


def test_a_photo_is_for_those_to_whom_it_is_open(shown, other_member, wood):
    member = shown(photo=Audience.COLLECTIVES)

    assert cards.may_see_photo(member, member.pk)
    assert not cards.may_see_photo(other_member, member.pk)
    Membership.objects.create(member=other_member, collective=wood)
    assert cards.may_see_photo(other_member, member.pk)
    other_member.hold = Hold.SUSPENDED
    assert not cards.may_see_photo(other_member, member.pk)


@pytest.mark.gdpr("G1")
def test_the_journal_says_what_was_changed_and_no_value(shown, member):
    shown(trade=Audience.EVERYBODY)

    event = Event.objects.get(action=Action.PAGE_CHANGED)

    assert event.told["items"] == ["links", "place", "presentation", "skills", "trade"]
    assert "relie" not in str(event.told)
    assert (
        show(
            member_id=member.pk,
            page=Page(
                True,
                ("reliure", "dorure"),
                "Je relie.",
                ("https://canari.example/livres",),
                "34142",
                {"trade": "everybody"},
            ),
            actor=Actor(member=member.pk),
            now=TUESDAY,
        )
        == ()
    )
    assert Event.objects.filter(action=Action.PAGE_CHANGED).count() == 1


def test_nobody_shows_anything_of_somebody_else(member, other_member):
    with pytest.raises(CannotChange, match="not_own_entry"):
        show(member_id=member.pk, page=Page(skills=("x",)), actor=Actor(member=other_member.pk), now=MONDAY)
    assert not Profile.objects.exists()


def test_an_unknown_item_or_audience_opens_nothing():
    assert policy.cleaned({"trade": "everybody", "salary": "everybody", "phone": "world", "email": ""}) == {
        "trade": "everybody"
    }
    assert policy.open_items({"trade": "world"}, near=True) == frozenset()


def test_a_page_of_cards_costs_as_many_statements_as_one(shown, other_member, django_assert_num_queries):
    people = [shown(trade=Audience.EVERYBODY).pk, other_member.pk]
    who = cards.reader(other_member)

    for some in (people[:1], people):
        with django_assert_num_queries(2):
            assert len(cards.cards(some, who)) == len(some)


def test_what_somebody_showed_goes_with_them(shown, member):
    shown(trade=Audience.EVERYBODY)
    type(member).objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=MONDAY - timedelta(days=4_000))

    assert erase_leavers(now=MONDAY) == 1
    assert not Profile.objects.exists()
