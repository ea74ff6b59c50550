"""Objecting to what rests on legitimate interest: at once, for that purpose alone, and for as long as it stands."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import policy, selectors, services
from consent.models import Consent, Objection
from consent.policy import asked_items
from consent.types import ALWAYS, Decision, LegalBasis, NothingToObjectTo, Origin, Purpose, SheetItem
from idp.views.agreement import NUMBER
from tests.consent.ledger.leaving import leave
from tests.support.cast import (
    AGENDA,
    ALL_SCOPES,
    FORMATION,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    browser_of,
    make_tool,
    notice_of,
    with_items,
)
from tests.support.races import in_the_middle, meets_inside, together

pytestmark = pytest.mark.django_db
BY_INTEREST, COUNTED = LegalBasis.LEGITIMATE_INTEREST, (SheetItem("town", "Compter par commune."),)


@pytest.fixture
def agenda(db):
    tool = make_tool("agenda", "Agenda")
    services.declare(tool_id=tool.pk, sheet=AGENDA, actor=SYSTEM, now=MONDAY)
    return tool


def purposes(tool):
    return list(selectors.sheet(tool.pk).purposes.all())


def read(member, tool, *objected, now=TUESDAY):
    return services.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice_of(tool),
        accepted=frozenset(),
        objected=frozenset(each.pk for each in objected),
        actor=Actor(member=member.pk),
        language="fr",
        now=now,
    )


def object_to(member, purpose, now=TUESDAY):
    return services.object_to(member_id=member.pk, purpose_id=purpose.pk, actor=Actor(member=member.pk), now=now)


def take_back(member, objection, now=WEDNESDAY):
    return services.end_objection(
        member_id=member.pk, objection_id=objection.pk, actor=Actor(member=member.pk), now=now
    )


def released(member, tool):
    release = selectors.release(member.pk, tool.pk, asked_items(ALL_SCOPES))
    return release.items - ALWAYS, release.legal_basis


def test_what_nobody_objects_to_leaves_once_the_notice_was_read(member, agenda):
    assert released(member, agenda) == (set(), "contract"), "the identifiers, for what nobody can object to"

    read(member, agenda)

    assert released(member, agenda) == ({"name", "email", "phone"}, "contract legitimate_interest")


@pytest.mark.gdpr("G23")
def test_an_objection_stops_its_purpose_at_once_and_nothing_else(member, agenda):
    read(member, agenda)
    _contract, reminders = purposes(agenda)

    objection = object_to(member, reminders)

    assert released(member, agenda) == ({"name"}, "contract")
    assert selectors.question(member.pk, agenda.pk, asked_items(ALL_SCOPES)) is None, "nobody is asked again"
    assert (objection.items, objection.tool) == (["email", "phone"], agenda)
    before, after = Consent.objects.order_by("pk")
    assert (before.ended_at, before.ended_reason) == (TUESDAY, "replaced")
    assert (after.decision, after.origin, after.notice) == (Decision.INFORMED, Origin.OWN_DATA, before.notice)
    line = Event.objects.get(action=Action.OBJECTED)
    assert (line.facts["items"], line.tool_id) == (["email", "phone"], agenda.pk)


@pytest.mark.gdpr("G23")
def test_it_can_be_made_on_the_page_that_is_shown_first(member, agenda):
    _contract, reminders = purposes(agenda)

    consent = read(member, agenda, reminders)

    assert (consent.items, consent.refused_items) == (["name"], ["email", "phone"])
    assert released(member, agenda)[0] == {"name"}
    assert Objection.objects.get().purpose == reminders
    assert Event.objects.filter(action__in=[Action.OBJECTED, Action.NOTICE_SEEN]).count() == 2


def test_a_purpose_that_cannot_be_objected_to_is_not_even_if_the_form_says_so(member, agenda):
    contract, _reminders = purposes(agenda)

    read(member, agenda, contract)

    assert released(member, agenda)[0] == {"name", "email", "phone"}
    assert not Objection.objects.exists()


@pytest.mark.gdpr("G23")
def test_it_stands_when_the_sheet_changes(member, agenda):
    read(member, agenda)
    object_to(member, purposes(agenda)[1])
    services.declare(tool_id=agenda.pk, sheet=with_items(AGENDA, retention="Deux ans."), actor=SYSTEM, now=WEDNESDAY)

    read(member, agenda, now=WEDNESDAY)

    assert released(member, agenda)[0] == {"name"}
    with pytest.raises(NothingToObjectTo):
        object_to(member, purposes(agenda)[1])


def test_one_made_before_any_notice_was_read_counts_from_the_first(member, agenda):
    """Of a tool that knows the member by its own number alone."""
    leave(member, agenda, now=MONDAY)
    object_to(member, purposes(agenda)[1])
    assert not Consent.objects.exists()

    read(member, agenda)

    assert released(member, agenda)[0] == {"name"}


def test_it_is_taken_back(member, agenda):
    read(member, agenda)
    objection = object_to(member, purposes(agenda)[1])

    take_back(member, objection)

    assert released(member, agenda)[0] == {"name", "email", "phone"}
    objection.refresh_from_db()
    assert objection.ended_at == WEDNESDAY
    assert Event.objects.get(action=Action.OBJECTION_ENDED).facts["items"] == ["email", "phone"]
    with pytest.raises(NothingToObjectTo):
        take_back(member, objection)


def test_a_refusal_is_not_undone_by_taking_an_objection_back(member, agenda):
    leave(member, agenda, now=MONDAY)
    objection = object_to(member, purposes(agenda)[1])
    services.refuse(
        member_id=member.pk,
        tool_id=agenda.pk,
        notice_id=notice_of(agenda),
        actor=Actor(member=member.pk),
        language="fr",
        now=TUESDAY,
    )

    take_back(member, objection)

    assert released(member, agenda)[0] == set()
    assert Consent.objects.get().decision == Decision.REFUSED


def test_what_rests_on_a_contract_or_is_no_longer_in_force_cannot_be_objected_to(member, agenda):
    contract, reminders = purposes(agenda)
    services.declare(tool_id=agenda.pk, sheet=with_items(AGENDA, text="Autrement."), actor=SYSTEM, now=TUESDAY)

    for purpose in (contract, reminders):
        with pytest.raises(NothingToObjectTo):
            object_to(member, purpose)

    assert not Event.objects.filter(action=Action.OBJECTED).exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_leave_one_objection(member, agenda):
    read(member, agenda)
    purpose = purposes(agenda)[1]

    def click():
        try:
            object_to(member, purpose)
        except NothingToObjectTo:
            return 0
        return 1

    assert sum(together(click, click, click)) == 1
    assert Objection.objects.count() == 1
    assert Consent.objects.filter(ended_at=None).count() == 1


# The pages -----------------------------------------------------------------------------------------------------------


def test_the_card_offers_it_and_takes_it_back(member, agenda):
    read(member, agenda)
    browser, mine = browser_of(member), reverse("consent:mine")
    reminders = purposes(agenda)[1]
    offered = reverse("consent:object", args=[reminders.pk])
    assert offered in browser.get(mine).content.decode()

    done = browser.post(offered, follow=True)

    taking_back = reverse("consent:end_objection", args=[Objection.objects.get().pk])
    page = done.content.decode()
    assert "plus rien ne part pour cet usage" in page
    assert taking_back in page
    assert offered not in page

    page = browser.post(taking_back, follow=True).content.decode()
    assert offered in page
    assert released(member, agenda)[0] == {"name", "email", "phone"}


def test_a_purpose_without_objection_is_refused_in_words_and_on_the_record(member, agenda):
    contract, _reminders = purposes(agenda)

    page = browser_of(member).post(reverse("consent:object", args=[contract.pk]), follow=True)

    assert "Il n’y a rien à changer" in page.content.decode()
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "nothing_to_object_to"


def test_a_tool_that_the_member_has_nothing_to_do_with_is_not_shown_by_its_purposes(member):
    tool = make_tool("secretariat", "Secrétariat", everyone=False)
    services.declare(tool_id=tool.pk, sheet=AGENDA, actor=SYSTEM, now=MONDAY)

    page = browser_of(member).post(reverse("consent:object", args=[purposes(tool)[1].pk]))

    assert page["Location"] == reverse("consent:mine")
    assert not Objection.objects.exists()
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "nothing_to_object_to"


def test_somebody_elses_objection_is_not_found(member, other_member, agenda):
    read(other_member, agenda)
    objection = object_to(other_member, purposes(agenda)[1])

    answer = browser_of(member).post(reverse("consent:end_objection", args=[objection.pk]))

    assert answer.status_code == 404
    objection.refresh_from_db()
    assert objection.ended_at is None
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "not_yours"


def test_it_takes_a_form_and_a_session(member, agenda):
    address = reverse("consent:object", args=[purposes(agenda)[1].pk])

    assert browser_of(member).get(address).status_code == 405
    assert Client().post(address)["Location"].startswith(reverse("account_login"))
    assert not Objection.objects.exists()


# When the sheet, or the member, changes something else --------------------------------------------------------------


def test_an_item_that_rests_on_another_basis_from_now_on_ends_its_objection_and_that_is_said(member, agenda):
    read(member, agenda)
    object_to(member, purposes(agenda)[1])
    name, email, phone = AGENDA.items
    moved = with_items(with_items(AGENDA, name, phone), email, purpose=1)

    services.declare(tool_id=agenda.pk, sheet=moved, actor=SYSTEM, now=WEDNESDAY)

    over = Event.objects.get(action=Action.OBJECTION_ENDED)
    assert (over.reason, over.facts["items"], over.actor_key) == ("basis_changed", ["email", "phone"], None)
    assert selectors.objected(member.pk, agenda.pk) == {"email"}
    assert Event.objects.filter(action=Action.OBJECTED).count() == 2
    read(member, agenda, now=WEDNESDAY)
    assert released(member, agenda)[0] == {"name", "phone"}


def test_an_item_that_left_the_sheet_stays_objected_to_until_it_is_back(member, agenda):
    read(member, agenda)
    object_to(member, purposes(agenda)[1])
    services.declare(
        tool_id=agenda.pk, sheet=replace(AGENDA, purposes=AGENDA.purposes[:1]), actor=SYSTEM, now=WEDNESDAY
    )
    services.declare(tool_id=agenda.pk, sheet=AGENDA, actor=SYSTEM, now=WEDNESDAY)

    read(member, agenda, now=WEDNESDAY)

    assert released(member, agenda)[0] == {"name"}


def test_a_decision_that_follows_an_objection_is_named_in_its_line(member, agenda):
    read(member, agenda)
    objection = object_to(member, purposes(agenda)[1])
    take_back(member, objection)

    _read, objected, taken_back = Consent.objects.order_by("pk")
    assert Event.objects.get(action=Action.OBJECTED).facts["consent"] == objected.pk
    assert Event.objects.get(action=Action.OBJECTION_ENDED).facts["consent"] == taken_back.pk


@pytest.mark.django_db(transaction=True)
@meets_inside
def test_a_withdrawal_is_not_undone_by_an_objection_at_the_same_moment(member):
    tool = make_tool("formation", "Formation")
    sheet = replace(FORMATION, purposes=(*FORMATION.purposes, Purpose("Compter.", BY_INTEREST, "Un an.", COUNTED)))
    services.declare(tool_id=tool.pk, sheet=sheet, actor=SYSTEM, now=MONDAY)
    services.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice_of(tool),
        accepted=frozenset({"phone"}),
        actor=Actor(member=member.pk),
        language="fr",
        now=TUESDAY,
    )
    interest = purposes(tool)[2]

    def withdraw():
        services.end_consent(member_id=member.pk, tool_id=tool.pk, actor=Actor(member=member.pk), now=WEDNESDAY)

    in_the_middle(lambda: object_to(member, interest, now=WEDNESDAY), withdraw, at=(policy, "split"))

    assert not Consent.objects.filter(tool=tool, ended_at=None, decision=Decision.GIVEN).exists()
    assert released(member, tool)[0] == set()


@pytest.mark.parametrize("said", ["9" * 5000, "1e3", "-1", "x"])
def test_what_is_no_number_objects_to_nothing(said):
    assert not NUMBER.fullmatch(said)
