"""Declaring, agreeing, withdrawing, disclosing: against a database."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import selectors, services
from consent.models import Consent, Notice, Processing
from consent.policy import asked_items
from consent.types import ALWAYS, Decision, NoticeOutdated, SheetInvalid, SheetItem
from tests.support.cast import ALL_SCOPES, FORMATION, LOUTY, MONDAY, TUESDAY, WEDNESDAY, notice_of, with_items

pytestmark = pytest.mark.django_db


def go_on(member, tool, *accepted, now=TUESDAY, notice=None):
    return services.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice or notice_of(tool),
        accepted=frozenset(accepted),
        actor=Actor(member=member.pk),
        language="fr",
        now=now,
    )


def turn_away(member, tool, now=TUESDAY):
    return services.refuse(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice_of(tool),
        actor=Actor(member=member.pk),
        language="fr",
        now=now,
    )


def withdraw(member, tool, now=WEDNESDAY):
    return services.end_consent(member_id=member.pk, tool_id=tool.pk, actor=Actor(member=member.pk), now=now)


def asked(member, tool, scopes=ALL_SCOPES):
    return selectors.question(member.pk, tool.pk, asked_items(scopes))


def released(member, tool, scopes=ALL_SCOPES):
    return selectors.release(member.pk, tool.pk, asked_items(scopes)).items - ALWAYS


def new_version(tool, sheet, now=WEDNESDAY):
    return services.declare(tool_id=tool.pk, sheet=sheet, actor=SYSTEM, now=now)


def actions(member):
    return list(Event.objects.about(member.pk).order_by("pk").values_list("action", flat=True))


# Declaring


def test_the_same_sheet_twice_makes_one_version_and_one_line(louty):
    again = new_version(louty, LOUTY)

    assert again.version == 1
    assert Notice.objects.count() == 1
    assert Event.objects.filter(action=Action.SHEET_DECLARED).count() == 1


def test_a_changed_sheet_ends_the_old_version_and_starts_a_new_one(louty):
    processing = new_version(louty, with_items(LOUTY, retention="Dix ans."))

    old = Processing.objects.get(tool=louty, version=1)
    assert (processing.version, processing.notice.version) == (2, 2)
    assert old.ended_at == WEDNESDAY
    assert selectors.sheet(louty.pk) == processing
    assert processing.notice.digest != old.notice.digest


def test_a_sheet_that_is_refused_leaves_the_old_one_in_force(louty):
    with pytest.raises(SheetInvalid):
        new_version(louty, with_items(LOUTY, SheetItem("shoe_size", "Pour rire.")))

    assert selectors.sheet(louty.pk).version == 1


def test_a_sheet_with_a_name_too_long_to_keep_is_refused_in_words(louty):
    with pytest.raises(SheetInvalid, match="retention: "):
        new_version(louty, with_items(LOUTY, retention="x" * 201))


def test_one_sheet_is_in_force_per_tool(louty):
    with pytest.raises(IntegrityError), transaction.atomic():
        Processing.objects.create(tool=louty, version=7, name="x", started_at=MONDAY)


# Contract: informed once


def test_a_contract_tool_gets_nothing_before_its_notice_was_shown(member, louty):
    assert asked(member, louty).asks is False
    assert released(member, louty) == set()

    go_on(member, louty)

    assert released(member, louty) == {"name", "email", "employee_number"}


def test_a_member_is_informed_once_per_notice_version(member, louty):
    go_on(member, louty)
    assert asked(member, louty) is None

    new_version(louty, with_items(LOUTY, text="Établir aussi vos devis."))

    question = asked(member, louty)
    assert question.asks is False
    assert question.changes.parts == ("purpose",)
    assert released(member, louty) == set()
    go_on(member, louty, now=WEDNESDAY)
    assert asked(member, louty) is None


def test_reading_a_notice_is_no_consent(member, louty):
    consent = go_on(member, louty)

    assert consent.decision == Decision.INFORMED
    assert withdraw(member, louty) is False
    assert actions(member) == [Action.NOTICE_SEEN]


# Consent: item by item


def test_a_member_grants_item_by_item(member, formation):
    consent = go_on(member, formation, "phone")

    assert consent.decision == Decision.GIVEN
    assert (consent.items, consent.refused_items) == (["name", "email", "phone"], ["trade"])
    assert released(member, formation) == {"name", "email", "phone"}
    assert asked(member, formation) is None


def test_a_member_who_refuses_every_optional_item_still_enters(member, formation):
    go_on(member, formation)

    assert asked(member, formation) is None
    assert released(member, formation) == {"name", "email"}


@pytest.mark.gdpr("G1")
def test_a_member_who_refuses_all_sends_nothing_and_is_asked_at_the_next_opening(member, formation):
    consent = turn_away(member, formation)

    assert consent.decision == Decision.REFUSED
    assert released(member, formation) == set()
    assert asked(member, formation).asks is True
    line = Event.objects.get(action=Action.CONSENT_REFUSED)
    assert line.refused
    assert line.facts["refused_items"] == ["name", "email", "phone", "trade"]


def test_going_on_with_every_switch_off_is_not_journaled_as_an_agreement(member, formation):
    new_version(formation, replace(FORMATION, purposes=FORMATION.purposes[1:]))

    go_on(member, formation, now=WEDNESDAY)

    assert asked(member, formation) is None
    assert released(member, formation) == set()
    assert actions(member) == [Action.CONSENT_REFUSED]


def test_consent_of_one_member_says_nothing_of_another(member, other_member, formation):
    go_on(member, formation, "phone", "trade")

    assert released(other_member, formation) == set()
    assert asked(other_member, formation) is not None


def test_consent_for_one_tool_says_nothing_of_another(member, formation, louty):
    go_on(member, formation, "phone")

    assert released(member, louty) == set()


def test_a_form_sent_twice_leaves_one_decision_and_one_line(member, formation):
    first = go_on(member, formation, "phone")

    second = go_on(member, formation, "phone", now=WEDNESDAY)

    assert first == second
    assert actions(member) == [Action.CONSENT_GIVEN]


@pytest.mark.gdpr("G2")
def test_a_changed_mind_ends_the_former_decision_and_keeps_it(member, formation):
    go_on(member, formation, "phone")

    go_on(member, formation, "trade", now=WEDNESDAY)

    former, current = Consent.objects.order_by("pk")
    assert (former.ended_at, former.ended_reason) == (WEDNESDAY, "replaced")
    assert current.ended_at is None
    assert released(member, formation) == {"name", "email", "trade"}


@pytest.mark.gdpr("G2")
def test_nobody_agrees_to_a_text_they_did_not_see(member, formation):
    seen = notice_of(formation)
    new_version(formation, with_items(FORMATION, text="Tout autre chose."))

    with pytest.raises(NoticeOutdated):
        go_on(member, formation, notice=seen)

    assert not Consent.objects.exists()


def test_a_notice_of_another_tool_is_no_notice(member, formation, louty, bare_tool):
    for tool, notice in ((formation, notice_of(louty)), (bare_tool, notice_of(louty)), (formation, 999)):
        with pytest.raises(NoticeOutdated):
            go_on(member, tool, notice=notice)


def test_a_new_version_asks_again_and_says_what_changed(member, formation):
    go_on(member, formation, "phone", "trade")
    _phone, trade = FORMATION.purposes[1].items

    new_version(formation, with_items(FORMATION, trade, SheetItem("town", "Choisir le lieu."), purpose=1))

    question = asked(member, formation)
    assert question.asks is True
    assert (question.changes.added, question.changes.removed) == (("town",), ("phone",))
    assert released(member, formation) == set()


def test_a_version_that_was_taken_back_asks_for_itself(member, formation):
    go_on(member, formation)
    new_version(formation, with_items(FORMATION, retention="Dix ans."))
    new_version(formation, FORMATION)

    assert asked(member, formation) is not None


# Withdrawing


def test_withdrawal_ends_what_was_given_at_once(member, formation):
    go_on(member, formation, "phone")

    assert withdraw(member, formation) is True

    assert released(member, formation) == set()
    assert asked(member, formation).asks is True
    ended = Consent.objects.get()
    assert (ended.ended_at, ended.ended_reason) == (WEDNESDAY, "withdrawn")
    line = Event.objects.get(action=Action.CONSENT_WITHDRAWN)
    assert line.facts["items"] == ["name", "email", "phone"]


def test_after_withdrawal_nothing_is_booked_on_consent(member, formation):
    go_on(member, formation)
    withdraw(member, formation)

    release = selectors.release(member.pk, formation.pk, asked_items(ALL_SCOPES))

    # The identifiers, for what a contract asks for.
    assert (release.legal_basis, release.notice, release.consent) == ("contract", None, None)


def test_withdrawing_twice_or_nothing_is_said_and_leaves_no_line(member, formation):
    assert withdraw(member, formation) is False
    turn_away(member, formation)
    assert withdraw(member, formation) is False

    assert Action.CONSENT_WITHDRAWN not in actions(member)


# No sheet


def test_without_a_sheet_a_tool_gets_its_own_identifiers_only(member, bare_tool):
    assert asked(member, bare_tool) is None
    release = selectors.release(member.pk, bare_tool.pk, asked_items(ALL_SCOPES))

    assert release.items == ALWAYS
    assert release.processing is None


# Frugality


def test_a_release_takes_one_statement_once_the_sheet_is_known(member, louty, django_assert_num_queries):
    go_on(member, louty)

    selectors.terms(louty.pk)

    with django_assert_num_queries(1):
        selectors.release(member.pk, louty.pk, asked_items(ALL_SCOPES))


def test_a_sheet_that_changed_elsewhere_counts_as_soon_as_a_decision_names_it(member, formation):
    go_on(member, formation)
    before = selectors.terms(formation.pk)
    new_version(formation, with_items(FORMATION, retention="Dix ans."))
    go_on(member, formation)

    # Another process still keeps the former sheet.
    selectors._sheets[formation.pk] = selectors.InForce(before, None)

    assert released(member, formation, ALL_SCOPES)


def test_a_release_without_a_sheet_takes_no_statement_once_that_is_known(member, bare_tool, django_assert_num_queries):
    selectors.terms(bare_tool.pk)

    with django_assert_num_queries(0):
        selectors.release(member.pk, bare_tool.pk, asked_items(ALL_SCOPES))


def test_a_question_about_a_changed_notice_takes_three_statements(member, formation, django_assert_num_queries):
    go_on(member, formation)
    new_version(formation, with_items(FORMATION, retention="Dix ans."))

    with django_assert_num_queries(3):
        assert selectors.question(member.pk, formation.pk, asked_items(ALL_SCOPES)).changes
