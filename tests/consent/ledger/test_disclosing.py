"""What leaves is in the ledger, by its day: the first with its line at once, the others counted."""

import json

import pytest
from django.db import transaction

from audit import releases
from audit.models import Event, ReleaseProfile
from audit.services import record
from audit.types import Action, AppendOnlyError, Entry
from consent import selectors
from consent.ledger import services as ledger
from consent.models import Consent, Disclosure
from consent.policy import asked_items
from consent.types import ALWAYS, Channel, Disclosed
from tests.consent.test_services import go_on, turn_away
from tests.support.cast import ALL_SCOPES, WEDNESDAY
from tests.support.cost import counted
from tests.support.races import together

pytestmark = pytest.mark.django_db


def disclosed(member, tool, items=frozenset({"name", "email"})):
    release = selectors.release(member.pk, tool.pk, asked_items(ALL_SCOPES))
    return Disclosed(member.pk, tool.pk, Channel.ID_TOKEN, items | ALWAYS, release)


def test_the_ledger_says_what_went_where_on_which_ground(member, louty):
    go_on(member, louty)

    with transaction.atomic():
        ledger.disclose([disclosed(member, louty)], now=WEDNESDAY)

    row = Disclosure.objects.get()
    assert (row.member, row.tool, row.at, row.channel) == (member, louty, WEDNESDAY, Channel.ID_TOKEN)
    assert row.items == ["email", "identifier", "name", "session"]
    assert row.processing.version == row.notice.version == 1
    assert row.legal_basis == "contract"
    line = Event.objects.get(action=Action.DISCLOSED)
    assert line.told["items"] == row.items
    assert line.actor_tool == louty


def test_many_disclosures_are_one_statement(member, louty, formation, django_capture_on_commit_callbacks):
    rows = [disclosed(member, louty), disclosed(member, formation)] * 5
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        ledger.disclose(rows, now=WEDNESDAY)
    first = Event.objects.filter(action__in=(Action.RELEASE_DESCRIBED, Action.DISCLOSED)).count()

    with transaction.atomic(), counted() as cost:
        ledger.disclose(rows, now=WEDNESDAY)
        ledger.disclose([], now=WEDNESDAY)

    assert len(cost.statements) == 1
    assert first == 4, "two profiles are described, and leave for the first time"
    assert Event.objects.filter(action__in=(Action.RELEASE_DESCRIBED, Action.DISCLOSED)).count() == first
    assert {(row.tool, row.count) for row in Disclosure.objects.all()} == {(louty, 10), (formation, 10)}


def test_what_leaves_again_and_again_is_described_once_and_named_by_what_it_says(member, louty, formation):
    for tool, items in ((louty, {"name"}), (louty, {"name"}), (louty, {"name", "email"}), (formation, {"name"})):
        with transaction.atomic():
            ledger.disclose([disclosed(member, tool, frozenset(items))], now=WEDNESDAY)

    described = list(Event.objects.filter(action=Action.RELEASE_DESCRIBED).order_by("pk"))
    named = list(Event.objects.filter(action=Action.DISCLOSED).order_by("pk").values_list("facts", flat=True))
    assert [line.tool for line in described] == [louty, louty, formation]
    assert named == [{"profile": described[at].facts["profile"]} for at in (0, 1, 2)]
    for line in described:
        said = {name: value for name, value in line.facts.items() if name != "profile"}
        assert releases.name_of(line.tool_id, said) == line.facts["profile"]
        assert line.subject_id is None
        assert line.actor_id is None
    assert described[1].facts["items"] == ["email", "identifier", "name", "session"]
    assert described[1].facts["categories"] == ["connection", "contact", "identity"]


def test_a_profile_that_was_rolled_back_is_described_again(member, louty, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        ledger.disclose([disclosed(member, louty)], now=WEDNESDAY)
        transaction.set_rollback(True)

    with transaction.atomic():
        ledger.disclose([disclosed(member, louty)], now=WEDNESDAY)

    assert Event.objects.filter(action=Action.RELEASE_DESCRIBED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_describe_the_same_at_once_leave_one_description(member, louty, formation):
    rows = [disclosed(member, louty), disclosed(member, formation)]

    def write(order):
        with transaction.atomic():
            ledger.disclose(order, now=WEDNESDAY)

    together(lambda: write(rows), lambda: write(rows[::-1]))

    assert Event.objects.filter(action=Action.RELEASE_DESCRIBED).count() == ReleaseProfile.objects.count() == 2
    assert Event.objects.filter(action=Action.DISCLOSED).count() == 2
    assert set(Disclosure.objects.values_list("count", flat=True)) == {2}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_disclosed_or_journaled_outside_a_transaction(member, louty):
    with pytest.raises(transaction.TransactionManagementError):
        ledger.disclose([disclosed(member, louty)], now=WEDNESDAY)
    with pytest.raises(transaction.TransactionManagementError):
        record(Entry(Action.DISCLOSED, subject=member.pk, tool=louty.pk))

    assert not Event.objects.filter(action=Action.DISCLOSED).exists()
    assert not Disclosure.objects.exists()


def test_ledger_rows_are_added_never_changed_or_removed(member, louty):
    with transaction.atomic():
        ledger.disclose([disclosed(member, louty)], now=WEDNESDAY)
    row = Disclosure.objects.get()

    row.items = []
    for attempt in (
        row.save,
        row.delete,
        Disclosure.objects.all().delete,
        lambda: Disclosure.objects.update(items=[]),
        lambda: Disclosure.objects.bulk_update([row], ["items"]),
        lambda: member.disclosures.all().delete(),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            attempt()

    row.refresh_from_db()
    assert row.items


def test_the_ledger_goes_with_the_member_it_is_about(member, louty):
    with transaction.atomic():
        ledger.disclose([disclosed(member, louty)], now=WEDNESDAY)

    member.delete()

    assert not Disclosure.objects.exists()


def test_names_of_items_are_kept_and_values_never(member, louty, formation):
    go_on(member, louty)
    go_on(member, formation, "phone", "trade")
    with transaction.atomic():
        rows = [disclosed(member, louty), disclosed(member, formation, frozenset({"name", "phone", "trade"}))]
        ledger.disclose(rows, now=WEDNESDAY)
    turn_away(member, formation, now=WEDNESDAY)

    kept = json.dumps(
        [
            *Event.objects.values(),
            *Disclosure.objects.values(),
            *Consent.objects.values(),
        ],
        default=str,
        ensure_ascii=False,
    )

    values = [member.email, member.phone, member.mobile, member.display_name, member.login, member.trade]
    assert [value for value in values if value in kept] == []
