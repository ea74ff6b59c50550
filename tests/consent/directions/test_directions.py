"""Directions for data after death: left, changed, withdrawn by their holder, opened by the officer once they left."""

import json
from datetime import timedelta
from functools import partial
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.sealing import InvalidToken, unseal
from audit.types import Action, Actor
from consent.directions import selectors, services
from consent.directions.models import Directions
from consent.directions.selectors import PURPOSE
from consent.directions.types import MOST_CHARACTERS, DirectionsRefused
from directory.models import RoleGrant
from directory.services import erasure
from directory.types import Hold, MemberState, Role
from idp.services.reseal import reseal_all
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of, make_member
from tests.support.races import together

pytestmark = pytest.mark.django_db
MINE, WITHDRAW = reverse("consent:directions"), reverse("consent:withdraw_directions")
TEXT, CONTACT = "Effacez tout, sauf le carnet de dorure.", "Lucie Marchand, 06 39 98 00 11"


def leave(member, text=TEXT, contact=CONTACT, now=MONDAY, actor=None):
    return services.leave(member_id=member.pk, text=text, contact=contact, actor=actor or Actor(member.pk), now=now)


def gone(member):
    member.hold, member.hold_since = Hold.LEFT, TUESDAY
    member.save()
    return member


def read(member, reader, now=WEDNESDAY):
    return services.read(member_id=member.pk, actor=Actor(reader.pk), now=now)


def lines():
    found = Event.objects.filter(action__startswith="consent:directions").order_by("pk")
    return [(line.action, line.actor_id, line.subject_id, line.reason, line.facts) for line in found]


def line(action, actor, subject, reason=""):
    return (action, actor.pk, subject.pk if subject else None, reason, {})


def text_of(answer):
    return " ".join(unescape(answer.content.decode()).replace("\u00a0", " ").split())


def opening(member):
    return reverse("protection:directions", args=[member.pk])


# Left by their holder --------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G37")
def test_what_is_left_can_be_read_by_whoever_left_it(member):
    assert leave(member)

    said = selectors.own(member.pk)
    assert (said.text, said.contact, said.left_at, said.changed_at) == (TEXT, CONTACT, MONDAY, MONDAY)
    assert lines() == [line(Action.DIRECTIONS_LEFT, member, member)]


@pytest.mark.parametrize(("text", "contact"), [(TEXT, ""), ("", CONTACT)])
def test_either_is_enough(member, text, contact):
    leave(member, f" {text} ", contact)

    assert (selectors.own(member.pk).text, selectors.own(member.pk).contact) == (text, contact)


def test_nothing_at_all_is_refused(member):
    with pytest.raises(DirectionsRefused, match="directions_empty"):
        leave(member, "  ", "\n")

    assert not selectors.has_left(member.pk)


def test_nobody_leaves_or_withdraws_those_of_another_person(member, other_member):
    with pytest.raises(DirectionsRefused, match="directions_not_own"):
        leave(member, actor=Actor(other_member.pk))
    leave(member)
    with pytest.raises(DirectionsRefused, match="directions_not_own"):
        services.withdraw(member_id=member.pk, actor=Actor(other_member.pk), now=TUESDAY)

    assert selectors.own(member.pk).text == TEXT


@pytest.mark.gdpr("G37")
def test_a_change_takes_the_place_of_what_was_there(member):
    leave(member)

    assert leave(member, "Gardez tout.", "", now=TUESDAY)
    assert not leave(member, "Gardez tout. ", "", now=WEDNESDAY), "the same is no change"

    said = selectors.own(member.pk)
    assert (said.text, said.contact, said.left_at, said.changed_at) == ("Gardez tout.", "", MONDAY, TUESDAY)
    assert [each[0] for each in lines()] == [Action.DIRECTIONS_LEFT, Action.DIRECTIONS_CHANGED]


@pytest.mark.gdpr("G37")
def test_a_withdrawal_leaves_nothing_and_says_so_once(member):
    leave(member)

    assert services.withdraw(member_id=member.pk, actor=Actor(member.pk), now=TUESDAY)
    assert not services.withdraw(member_id=member.pk, actor=Actor(member.pk), now=WEDNESDAY)

    assert not Directions.objects.exists()
    assert [each[0] for each in lines()] == [Action.DIRECTIONS_LEFT, Action.DIRECTIONS_WITHDRAWN]


# Sealed ----------------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G37")
def test_a_copy_of_the_database_says_only_that_there_are_some(member):
    leave(member)

    kept = bytes(Directions.objects.get().sealed)

    assert b"dorure" not in kept
    assert json.loads(unseal(kept, purpose=PURPOSE)) == {"text": TEXT, "contact": CONTACT}
    with pytest.raises(InvalidToken):
        unseal(kept, purpose="another")


def test_the_journal_has_no_word_of_them(member, dpo):
    leave(gone(member))
    read(member, dpo)

    for event in Event.objects.all():
        assert "dorure" not in json.dumps(event.facts)
        assert "Lucie" not in json.dumps(event.facts)


def test_they_are_sealed_again_under_a_new_key(member, settings):
    leave(member)
    old = django_settings.KEY_ENCRYPTION_KEY
    new = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0="
    settings.KEY_ENCRYPTION_KEY = f"{new} {old}"

    counts = reseal_all(now=TUESDAY)
    settings.KEY_ENCRYPTION_KEY = new

    assert counts["directions"] == 1
    assert selectors.own(member.pk).text == TEXT


def test_what_no_key_opens_is_said_to_be_so_and_can_be_written_anew(member):
    leave(member)
    Directions.objects.update(sealed=b"nothing that was sealed here")

    page = text_of(browser_of(member).get(MINE))

    assert "directions-unreadable" in page
    assert leave(member, now=TUESDAY)
    assert selectors.own(member.pk).is_readable


# Opened by the officer -------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G37")
@pytest.mark.parametrize(
    "state",
    [{"hold": Hold.LEFT}, {"state": MemberState.LEFT}, {"state": MemberState.MISSING, "absent_for_good_at": MONDAY}],
    ids=["by the office", "by the directory", "absent for good"],
)
def test_the_officer_opens_those_of_somebody_who_left_and_each_time_has_its_line(dpo, state):
    person = make_member("zoe.blanc", "Zoé Blanc", **state)
    leave(person)

    assert read(person, dpo).text == TEXT
    assert read(person, dpo).contact == CONTACT

    assert lines()[1:] == [line(Action.DIRECTIONS_READ, dpo, person)] * 2


@pytest.mark.gdpr("G37")
@pytest.mark.parametrize(
    "state",
    [{}, {"hold": Hold.SUSPENDED}, {"state": MemberState.LOCKED}, {"state": MemberState.MISSING}],
    ids=["active", "suspended", "locked", "absent for now"],
)
def test_those_of_somebody_who_has_not_left_stay_closed_and_that_is_on_the_record(dpo, state):
    person = make_member("zoe.blanc", "Zoé Blanc", **state)
    leave(person)

    with pytest.raises(DirectionsRefused, match="directions_still_there"):
        read(person, dpo)

    assert lines()[-1] == line(Action.DIRECTIONS_READ, dpo, person, "directions_still_there")
    assert Event.objects.filter(refused=True).count() == 1


def test_where_there_are_none_that_is_on_the_record_too(member, dpo):
    with pytest.raises(DirectionsRefused, match="directions_none"):
        read(gone(member), dpo)

    assert lines() == [line(Action.DIRECTIONS_READ, dpo, None, "directions_none")]


@pytest.mark.gdpr("G37")
def test_with_all_of_somebody_they_go(member):
    leave(gone(member))

    with transaction.atomic():
        erasure._forget(member, actor=Actor(), reason="retention_over", now=WEDNESDAY)

    assert not Directions.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_forms_sent_at_once_leave_one_and_say_so_once(member):
    together(partial(leave, member), partial(leave, member))

    assert [each[0] for each in lines()] == [Action.DIRECTIONS_LEFT]


# The pages -------------------------------------------------------------------------------------------------------


def test_a_member_leaves_changes_and_withdraws_them_on_their_page(member):
    browser = browser_of(member)
    empty = text_of(browser.get(MINE))
    left = browser.post(MINE, {"text": TEXT, "contact": CONTACT}, follow=True)
    changed = browser.post(MINE, {"text": "", "contact": CONTACT}, follow=True)
    withdrawn = browser.post(WITHDRAW, follow=True)

    assert "Retirer mes directives" not in empty
    assert TEXT in text_of(left)
    assert "Vos directives sont enregistrées." in text_of(left)
    assert left["Cache-Control"] == "no-store, private"
    assert TEXT not in text_of(changed)
    assert CONTACT in text_of(changed)
    assert "il n’en reste rien ici" in text_of(withdrawn)
    assert CONTACT not in text_of(withdrawn)


def test_an_empty_form_and_one_too_long_keep_nothing(member):
    browser = browser_of(member)

    empty = browser.post(MINE, {"text": " ", "contact": ""})
    long = browser.post(MINE, {"text": "x" * (MOST_CHARACTERS + 1), "contact": ""})

    assert (empty.status_code, long.status_code) == (422, 422)
    assert "Écrivez vos directives, ou nommez une personne." in text_of(empty)
    assert not Directions.objects.exists()


def test_reading_the_page_withdraws_nothing(member):
    leave(member)

    assert browser_of(member).get(WITHDRAW).status_code == 405
    assert selectors.has_left(member.pk)


@pytest.mark.gdpr("G37")
def test_they_are_in_what_the_member_takes(member):
    leave(member)

    taken = json.loads(browser_of(member).get(reverse("consent:download")).getvalue())

    assert [(each["text"], each["contact"]) for each in taken["directions"]] == [(TEXT, CONTACT)]


def test_the_officer_opens_them_by_a_button_and_never_by_a_link(member, dpo):
    leave(gone(member))
    browser = browser_of(dpo)

    by_link, opened = browser.get(opening(member)), browser.post(opening(member))

    assert by_link.status_code == 405
    assert TEXT in text_of(opened)
    assert CONTACT in text_of(opened)
    assert opened["Cache-Control"] == "no-store, private"
    assert [each[0] for each in lines()] == [Action.DIRECTIONS_LEFT, Action.DIRECTIONS_READ]


def test_the_officer_reads_why_those_of_somebody_who_is_there_stay_closed(member, dpo):
    leave(member)

    answer = browser_of(dpo).post(opening(member))

    assert answer.status_code == 422
    assert "ses directives restent fermées" in text_of(answer)
    assert TEXT not in text_of(answer)


@pytest.mark.gdpr("G37")
@pytest.mark.parametrize("role", [None, Role.OFFICE, Role.TECHNICIAN])
def test_nobody_but_the_officer_opens_any(member, role):
    leave(gone(member))
    person = make_member("quelqu.un", "Quelqu Un")
    if role:
        RoleGrant.objects.create(member=person, role=role)

    assert browser_of(person).post(opening(member)).status_code == 403
    assert Client().post(opening(member)).status_code == 302
    assert [each[0] for each in lines()] == [Action.DIRECTIONS_LEFT]


def test_the_office_reads_that_there_are_some_and_not_one_word(member):
    office = make_member("karim.benali", "Karim Benali")
    RoleGrant.objects.create(member=office, role=Role.OFFICE)
    leave(member)
    browser = browser_of(office)
    browser.post(reverse("idp:office_purpose"), {"purpose": "member_request"})

    page = text_of(browser.get(reverse("idp:office_member", args=[member.pk])))

    assert "a laissé des directives pour après son décès" in page.partition('id="has-directions"')[2]
    assert "dorure" not in page


def test_whoever_prepares_an_erasure_reads_that_there_are_some(member, dpo):
    leave(gone(member))
    browser = browser_of(dpo)
    browser.post(reverse("idp:erasure_purpose"), {"purpose": "member_request"})
    asked = {"member": member.pk, "tool": "", "ground": "not_needed"}

    page = text_of(browser.post(reverse("idp:erasure_ask"), asked))
    services.withdraw(member_id=member.pk, actor=Actor(member.pk), now=timezone.now() + timedelta(minutes=1))
    without = text_of(browser.post(reverse("idp:erasure_ask"), asked))

    assert f'action="{opening(member)}"' in page
    assert "dorure" not in page
    assert "directions-left" not in without
