"""The list of collectives, who sees which, and following one without being in it."""

from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from collectives import selectors, services
from collectives.models import Follow, MembershipChange
from directory.models import Collective, Member, Membership, RoleGrant
from directory.services import collectives as marking
from directory.signals import members_erased
from directory.types import Kind, Role
from tests.support.cast import MONDAY, browser_of, make_member

LIST = reverse("collectives:list")


@pytest.fixture
def bindery(db) -> Collective:
    return Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure", kind=Kind.SELF_RUN)


@pytest.fixture
def union(db) -> Collective:
    return Collective.objects.create(entry_uuid=uuid4(), name="Section Canari", slug="section", sensitive=True)


def one(collective: Collective) -> str:
    return reverse("collectives:one", args=[collective.slug])


def press(browser, collective, wanted):
    return browser.post(reverse("collectives:follow", args=[collective.slug]), {"suivre": wanted})


def test_the_list_has_mine_those_i_follow_and_all_others(member, bindery):
    mine, other = (
        Collective.objects.create(entry_uuid=uuid4(), name=name, slug=name.lower()) for name in ("Compta", "Vigne")
    )
    Membership.objects.create(member=member, collective=mine)
    Follow.objects.create(member=member, collective=bindery, since=MONDAY)
    Collective.objects.create(entry_uuid=uuid4(), name="Fermé", slug="ferme", present=False)
    Collective.objects.create(status="partner", name="Associés", slug="associes", kind=Kind.STATUS)

    found = selectors.shelves(member)

    assert (found.mine, found.followed, found.others) == ([mine], [bindery], [other])
    text = browser_of(member).get(LIST).text
    assert text.index("Compta") < text.index("Reliure") < text.index("Vigne")
    assert "Associés" not in text


def test_an_empty_hub_says_where_collectives_come_from(member):
    assert 'id="no-collective"' in browser_of(member).get(LIST).text


def test_whoever_is_in_none_is_told_how_to_join(member, bindery):
    text = browser_of(member).get(LIST).text

    assert 'id="in-none"' in text
    assert 'id="follows-none"' in text


def test_members_are_counted_who_stand_in_the_list_of_members(member, other_member, bindery):
    hidden = make_member("cachee.x", "Cachée X")
    for each in (other_member, hidden, make_member("locale.x", "Locale X", entry_uuid=None)):
        Membership.objects.create(member=each, collective=bindery)
    hidden_profile(hidden)

    assert [each.people for each in selectors.shelves(member).others] == [1]


def hidden_profile(member: Member) -> None:
    from directory.models import Profile

    Profile.objects.create(member=member, listed=False, updated_at=MONDAY)


def test_a_collective_is_followed_and_no_longer_each_with_its_line(member, bindery):
    browser = browser_of(member)

    assert press(browser, bindery, "1").status_code == 303
    assert list(selectors.following(member)) == [bindery]
    assert list(selectors.followers(bindery)) == [member]
    assert 'id="is-followed"' in browser.get(one(bindery)).text
    press(browser, bindery, "0")

    assert not Follow.objects.exists()
    lines = Event.objects.filter(action=Action.COLLECTIVE_FOLLOWED).order_by("pk")
    assert [line.told["followed"] for line in lines] == [True, False]
    assert {line.subject for line in lines} == {member}


@pytest.mark.parametrize("wanted", ["1", "0"])
def test_a_second_press_changes_nothing_and_writes_nothing(member, bindery, wanted):
    browser = browser_of(member)
    for _ in range(3):
        press(browser, bindery, wanted)

    assert Event.objects.filter(action=Action.COLLECTIVE_FOLLOWED).count() == (1 if wanted == "1" else 0)


def test_whoever_is_in_it_does_not_follow_it(member, bindery):
    Membership.objects.create(member=member, collective=bindery)

    press(browser_of(member), bindery, "1")

    assert not Follow.objects.exists()
    assert 'id="follow-form"' not in browser_of(member).get(one(bindery)).text


def test_whoever_becomes_a_member_counts_as_one(member, bindery):
    Follow.objects.create(member=member, collective=bindery, since=MONDAY)
    Membership.objects.create(member=member, collective=bindery)

    assert list(selectors.following(member)) == []
    assert list(selectors.followers(bindery)) == []
    assert selectors.shelves(member).mine == [bindery]


def test_nobody_follows_twice(member, bindery):
    Follow.objects.create(member=member, collective=bindery, since=MONDAY)

    with pytest.raises(IntegrityError):
        Follow.objects.create(member=member, collective=bindery, since=MONDAY)


def test_whoever_left_hears_of_nothing(member, bindery):
    Follow.objects.create(member=member, collective=bindery, since=MONDAY)
    Member.objects.filter(pk=member.pk).update(hold="left")

    assert list(selectors.followers(bindery)) == []


def test_what_was_followed_goes_with_the_member(member, other_member, bindery):
    Follow.objects.create(member=member, collective=bindery, since=MONDAY)

    MembershipChange.objects.create(member=member, collective=bindery, joins=True, at=MONDAY)
    theirs = MembershipChange.objects.create(member=other_member, collective=bindery, joins=True, by=member, at=MONDAY)

    members_erased.send(sender=Member, member_ids=[member.pk], named={}, now=timezone.now())

    assert not Follow.objects.exists()
    assert list(MembershipChange.objects.values_list("pk", "by")) == [(theirs.pk, None)]


# Sensitive ones ------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G13")
def test_a_sensitive_one_is_not_there_for_whoever_is_not_in_it(member, other_member, union):
    RoleGrant.objects.create(member=other_member, role=Role.OFFICE)
    for person in (member, other_member):
        browser = browser_of(person)

        assert "Canari" not in browser.get(LIST).text
        assert browser.get(one(union)).status_code == 404
        assert press(browser, union, "1").status_code == 404
        assert press(browser, union, "0").status_code == 404
    assert not Event.objects.filter(action=Action.COLLECTIVE_FOLLOWED).exists()


def test_whoever_is_in_a_sensitive_one_reads_its_page(member, union):
    Membership.objects.create(member=member, collective=union)
    browser = browser_of(member)

    assert "Canari" in browser.get(LIST).text
    page = browser.get(one(union))
    assert page.status_code == 200
    assert 'id="follow-form"' not in page.text


def test_whoever_leads_a_sensitive_one_sees_it_and_cannot_follow_it(member, union):
    union.leads.add(member)

    assert browser_of(member).get(one(union)).status_code == 200
    press(browser_of(member), union, "1")

    assert not Follow.objects.exists()


def test_what_becomes_sensitive_is_followed_by_nobody_and_seen_no_more(member, bindery):
    press(browser_of(member), bindery, "1")

    marking.mark_sensitive(collective_id=bindery.pk, sensitive=True, actor=SYSTEM, now=MONDAY)

    assert list(selectors.following(member)) == []
    assert list(selectors.followers(bindery)) == []
    assert "Reliure" not in browser_of(member).get(LIST).text


# Leads ---------------------------------------------------------------------------------------------------------


def test_the_directory_says_who_leads(member, other_member, bindery):
    bindery.leads.add(member)

    assert selectors.may_lead(member, bindery)
    assert not selectors.may_lead(other_member, bindery)


@pytest.mark.parametrize("people", [2, 12])
def test_the_list_costs_the_same_however_many_there_are(member, people, django_assert_num_queries):
    for number in range(people):
        each = Collective.objects.create(entry_uuid=uuid4(), name=f"C{number}", slug=f"c{number}")
        Membership.objects.create(member=member, collective=each)

    with django_assert_num_queries(1):
        assert len(selectors.shelves(member).mine) == people


def test_a_service_cannot_be_talked_into_a_sensitive_one(member, union):
    assert not services.follow(member=member, collective_id=union.pk, actor=Actor(member.pk), now=MONDAY)
