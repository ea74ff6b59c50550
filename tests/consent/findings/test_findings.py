"""Findings from what is declared, agreed and sent: none on any path of the hub, each as soon as there is one."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from audit.models import Event, Gap, Reconciliation
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from consent import selectors as consent_selectors
from consent import services
from consent.findings import selectors
from consent.findings import services as deciding
from consent.findings.types import ERASED, OBSERVED, OFTEN, DecisionInvalid, FindingGone, Kind, Stopped
from consent.ledger import services as ledger
from consent.models import Consent, FindingDecision
from consent.policy import asked_items
from consent.types import ALWAYS, Channel, Disclosed
from directory.models import Collective, Member, Membership
from directory.services import erase_leavers, mark_sensitive
from directory.types import MemberState
from tests.consent.ledger.leaving import MINUTE, leave
from tests.consent.register.conftest import ENGAGED_LOUTY
from tests.consent.test_services import go_on, new_version, withdraw
from tests.support.cast import ALL_SCOPES, FORMATION, LOUTY, MONDAY, TUESDAY, WEDNESDAY, with_items

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

    with django_assert_num_queries(17):
        selectors.findings(now=WEDNESDAY)


# Later kinds


def of(kind, now=WEDNESDAY):
    return [each for each in selectors.findings(now=now) if each.kind is kind]


def test_f8_an_item_that_no_member_has_is_told(member, louty):
    go_on(member, louty, now=MONDAY)
    services.declare(
        tool_id=louty.pk,
        sheet=with_items(LOUTY, *LOUTY.items, replace(LOUTY.items[0], item="town")),
        actor=SYSTEM,
        now=MONDAY,
    )
    leave(member, louty, "name", now=TUESDAY, times=OFTEN)

    (finding,) = of(Kind.EMPTY)

    assert (finding.tool, set(finding.items)) == (louty.pk, {"town", "employee_number"})


def test_f9_a_contract_that_is_over_is_a_task_about_its_record(louty):
    over = replace(ENGAGED_LOUTY.engagement, contract_end=date(2026, 11, 1))
    services.declare(tool_id=louty.pk, sheet=replace(ENGAGED_LOUTY, engagement=over), actor=SYSTEM, now=MONDAY)

    (finding,) = of(Kind.OVERDUE)

    assert (finding.tool, finding.reference, finding.items) == (louty.pk, "O-001", ("contract_over",))


def test_f10_a_tool_that_knew_the_collectives_before_one_became_sensitive_is_told(member, other_member, louty):
    crowd = Collective.objects.create(entry_uuid=uuid4(), name="Suivi santé", slug="suivi", present=True)
    Membership.objects.create(collective=crowd, member=member)
    for person in (member, other_member):
        leave(person, louty, "groups", now=MONDAY)
    assert of(Kind.SENSITIVE) == []

    mark_sensitive(collective_id=crowd.pk, sensitive=True, actor=SYSTEM, now=TUESDAY)

    (finding,) = of(Kind.SENSITIVE)
    assert (finding.tool, finding.count, finding.since) == (louty.pk, 1, TUESDAY)


def test_f10_what_is_told_after_it_became_sensitive_leaves_that_collective_out(member, louty):
    crowd = Collective.objects.create(entry_uuid=uuid4(), name="Suivi santé", slug="suivi", present=True)
    Membership.objects.create(collective=crowd, member=member)
    mark_sensitive(collective_id=crowd.pk, sensitive=True, actor=SYSTEM, now=MONDAY)

    leave(member, louty, "groups", now=TUESDAY)

    assert of(Kind.SENSITIVE) == []


def test_f11_somebody_who_looks_far_more_often_than_before_is_counted_and_not_named(member, dpo):
    def looks(now, times):
        for _ in range(times):
            record(Entry(Action.MEMBER_CONSULTED, actor=Actor(dpo.pk), subject=member.pk, at=now))

    looks(WEDNESDAY - timedelta(days=20), 2)
    looks(WEDNESDAY - timedelta(days=10), 2)
    assert of(Kind.LOOKUPS) == []

    looks(WEDNESDAY - timedelta(days=1), 12)

    (finding,) = of(Kind.LOOKUPS)
    assert (finding.tool, finding.count) == (None, 1)


def test_f12_a_gap_of_the_journal_is_told_until_it_is_explained():
    run = Reconciliation.objects.create(since=MONDAY, until=TUESDAY, leaf=0, at=TUESDAY, examined=1, found=1)
    gap = Gap.objects.create(found_by=run, source="consent.disclosure", row="1", at=MONDAY)

    (finding,) = of(Kind.UNLOGGED)
    assert (finding.count, finding.since) == (1, MONDAY)

    gap.settled_at = TUESDAY
    gap.save()
    assert of(Kind.UNLOGGED) == []


def test_f13_a_tool_that_has_not_confirmed_an_erasure_is_told_after_a_month(member, louty):
    leave(member, louty, "name", now=MONDAY)
    Member.objects.filter(pk=member.pk).update(erased_at=TUESDAY)

    assert of(Kind.KEPT, TUESDAY + ERASED - MINUTE) == []
    (finding,) = of(Kind.KEPT, TUESDAY + ERASED + MINUTE)
    assert (finding.tool, finding.count, finding.items) == (louty.pk, 1, ("name",))

    with transaction.atomic():
        ledger.confirm_erasure(member_id=member.pk, tool_id=louty.pk, actor=SYSTEM, now=TUESDAY + ERASED + MINUTE)
    assert of(Kind.KEPT, TUESDAY + ERASED + 2 * MINUTE) == []


# What the officer says of them


def decide(code, dpo, *, until=None, now=WEDNESDAY, reason="Vérifié avec la technique."):
    return deciding.decide(code=code, reason=reason, until=until, actor=Actor(dpo.pk), now=now)


def test_a_finding_that_was_settled_waits_no_more_and_is_back_when_it_happens_again(member, dpo, louty):
    leave(member, louty, "address", now=TUESDAY)

    decide(f"F1-{louty.pk}", dpo)

    assert selectors.open_findings(now=WEDNESDAY) == []
    leave(member, louty, "address", now=WEDNESDAY + MINUTE)
    assert [each.kind for each in selectors.open_findings(now=WEDNESDAY + 2 * MINUTE)] == [Kind.UNDECLARED]


def test_the_journal_says_that_a_finding_was_decided_and_never_what_was_typed(member, dpo, louty):
    leave(member, louty, "address", now=TUESDAY)

    decide(f"F1-{louty.pk}", dpo, reason="Bachir Haddad s’est trompé de réglage.")

    line = Event.objects.get(action=Action.FINDING_DECIDED)
    assert (line.facts, line.tool_id, line.actor_id) == ({"finding": "F1"}, louty.pk, dpo.pk)
    assert FindingDecision.objects.get().reason == "Bachir Haddad s’est trompé de réglage."


def test_what_is_accepted_holds_until_its_day(dpo, louty):
    started = consent_selectors.sheet(louty.pk).started_at
    now = started + OBSERVED + MINUTE
    until = now.date() + timedelta(days=30)

    decide(f"F6-{louty.pk}", dpo, until=until, now=now)

    assert selectors.open_findings(now=now) == []
    assert [each.kind for each in selectors.open_findings(now=now + timedelta(days=31))] == [Kind.UNOBSERVED]


def test_what_is_no_finding_and_what_must_never_happen_is_not_accepted(member, dpo, louty):
    leave(member, louty, "address", now=TUESDAY)

    with pytest.raises(FindingGone):
        decide("F2-1", dpo)
    with pytest.raises(DecisionInvalid):
        decide(f"F1-{louty.pk}", dpo, until=WEDNESDAY.date())

    assert not FindingDecision.objects.exists()
    assert not Event.objects.filter(action=Action.FINDING_DECIDED).exists()


@pytest.mark.parametrize("word", ["Amélie Roux", "amelie.roux", "AMELIE.ROUX@canari.example"])
def test_a_reason_goes_with_whom_it_names_and_the_decision_stays(member, other_member, dpo, louty, word):
    for reason in (f"Vu avec {word}.", "Vu avec la technique."):
        FindingDecision.objects.create(kind="F1", tool=louty, reason=reason, author=dpo, at=TUESDAY)
    Member.objects.filter(pk=member.pk).update(state=MemberState.LEFT, state_since=TUESDAY)

    assert erase_leavers(now=TUESDAY + timedelta(days=4000)) == 1

    assert [each.reason for each in FindingDecision.objects.order_by("pk")] == ["", "Vu avec la technique."]
