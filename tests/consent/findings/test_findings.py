"""Findings from what is declared, agreed and sent: none on any path of the hub, each as soon as there is one."""

from datetime import timedelta

import pytest
from django.db import transaction

from audit.types import Actor
from consent import selectors as consent_selectors
from consent import services
from consent.findings import selectors
from consent.findings.types import OBSERVED, Kind, Stopped
from consent.ledger import services as ledger
from consent.models import Consent
from consent.policy import asked_items
from consent.types import ALWAYS, Channel, Disclosed
from directory.types import MemberState
from tests.consent.ledger.leaving import MINUTE, leave
from tests.consent.test_services import go_on, new_version, withdraw
from tests.support.cast import ALL_SCOPES, FORMATION, MONDAY, TUESDAY, WEDNESDAY, with_items

pytestmark = pytest.mark.django_db


def released(member, tool, now):
    """Exactly what may leave, as the provider has it leave."""
    release = consent_selectors.release(member.pk, tool.pk, asked_items(ALL_SCOPES))
    with transaction.atomic():
        ledger.disclose([Disclosed(member.pk, tool.pk, Channel.USERINFO, release.items, release)], now=now)
    return release


def found(now=WEDNESDAY):
    return [(each.kind, each.tool, each.count) for each in selectors.findings(now=now)]


def test_what_leaves_as_the_rules_have_it_is_no_finding(member, other_member, louty, formation):
    go_on(member, louty, now=MONDAY)
    go_on(member, formation, "phone", now=MONDAY)
    released(member, louty, TUESDAY)
    released(member, formation, TUESDAY)
    withdraw(member, formation, now=TUESDAY + MINUTE)
    released(member, formation, TUESDAY + 5 * MINUTE)
    go_on(member, formation, now=TUESDAY + 6 * MINUTE)
    released(member, formation, TUESDAY + 7 * MINUTE)

    assert found() == []


def test_each_kind_is_found_where_it_happened(member, louty, formation):
    go_on(member, louty, now=MONDAY)
    go_on(member, formation, "phone", now=MONDAY)
    leave(member, louty, "address", now=TUESDAY, times=3)
    leave(member, formation, "trade", now=TUESDAY, times=2)

    assert found() == [(Kind.UNDECLARED, louty.pk, 3), (Kind.NOT_AGREED, formation.pk, 2)]


def test_what_leaves_on_an_agreement_that_was_taken_back_is_found(member, formation):
    go_on(member, formation, "phone", now=MONDAY)
    standing = consent_selectors.release(member.pk, formation.pk, asked_items(ALL_SCOPES))
    withdraw(member, formation, now=TUESDAY)
    late = Disclosed(member.pk, formation.pk, Channel.USERINFO, standing.items, standing)
    with transaction.atomic():
        ledger.disclose([late], now=TUESDAY + 2 * MINUTE)

    (finding,) = selectors.findings(now=WEDNESDAY)

    assert (finding.kind, finding.tool, finding.since) == (Kind.ENDED, formation.pk, TUESDAY + 2 * MINUTE)
    assert set(finding.items) == standing.items - ALWAYS


@pytest.mark.parametrize(
    "end",
    [
        {"state": MemberState.LEFT, "state_since": MONDAY},
        {"state": MemberState.MISSING, "state_since": MONDAY},
        {"erased_at": MONDAY},
    ],
)
def test_what_leaves_of_somebody_who_is_gone_is_found(member, louty, end):
    go_on(member, louty, now=MONDAY)
    released(member, louty, TUESDAY)
    type(member).objects.filter(pk=member.pk).update(**end)

    assert found() == [(Kind.ENDED, louty.pk, 1)]


def test_who_knows_a_former_notice_is_counted_and_who_refused_is_not(member, other_member, formation):
    go_on(member, formation, now=MONDAY)
    services.refuse(
        member_id=other_member.pk,
        tool_id=formation.pk,
        notice_id=Consent.objects.get().notice_id,
        actor=Actor(other_member.pk),
        language="fr",
        now=MONDAY,
    )

    new_version(formation, with_items(FORMATION, retention="Dix ans."), now=TUESDAY)

    (finding,) = selectors.findings(now=WEDNESDAY)
    assert (finding.kind, finding.count, finding.since) == (Kind.OUTDATED, 1, TUESDAY)


def test_what_a_sheet_declares_and_nobody_was_asked_for_is_told_after_90_days(member, louty):
    sheet = consent_selectors.sheet(louty.pk)
    started = sheet.started_at
    go_on(member, louty, now=started)
    leave(member, louty, "name", now=started + timedelta(days=60))

    before = found(started + OBSERVED - MINUTE)
    (after,) = selectors.findings(now=started + OBSERVED + MINUTE)

    assert before == []
    assert after.kind == Kind.UNOBSERVED
    assert "name" not in after.items
    assert set(after.items) == {item.item for item in sheet.items.all()} - {"name"}


def test_a_change_of_a_sheet_is_previewed_against_what_left_lately(member, other_member, louty, formation):
    leave(member, louty, "name", "email", now=TUESDAY, times=3)
    leave(other_member, louty, "email", now=TUESDAY, times=2)
    leave(member, louty, "phone", now=TUESDAY - OBSERVED - MINUTE)
    leave(member, formation, "phone", now=TUESDAY)

    assert selectors.preview(louty.pk, {"name"}, now=TUESDAY) == Stopped(5, 2, ("email",))
    assert selectors.preview(louty.pk, {"name", "email"}, now=TUESDAY) == Stopped()


def test_findings_take_as_many_statements_however_much_there_is(member, louty, formation, django_assert_num_queries):
    for tool in (louty, formation):
        go_on(member, tool, now=MONDAY)
        released(member, tool, TUESDAY)

    with django_assert_num_queries(9):
        selectors.findings(now=WEDNESDAY)
