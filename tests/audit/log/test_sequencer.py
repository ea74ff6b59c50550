"""Every event gets one place in one log, and what it says can be proved from there."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import transaction

from audit import merkle, sequencer
from audit.models import Event, Leaf, Log, Pending, Tile
from audit.parts import Role, parse_entry
from audit.sequencer import DatabaseTiles, sequence
from audit.services import record
from audit.types import Action, Actor, Entry
from tests.support.cast import MONDAY

pytestmark = pytest.mark.django_db
# As late as the tests are likely to be run, and always in the same half-year as Monday.
LATER = MONDAY + timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _empty(member, other_member) -> None:
    """The cast has a history of its own."""
    Pending.objects.all().delete()


def written(count: int = 1, **values) -> list[str]:
    entries = [Entry(Action.FAVOURITE_CHANGED, facts={"n": n}, at=MONDAY, **values) for n in range(count)]
    last = Event.objects.order_by("pk").values_list("pk", flat=True).last() or 0
    record(*entries)
    Pending.objects.update(since=MONDAY)
    return [str(each) for each in Event.objects.filter(pk__gt=last).order_by("pk").values_list("reference", flat=True)]


def log_of(family: str) -> Log:
    return Log.objects.get(family=family, closed_at=None)


def entries_of(log: Log) -> list[bytes]:
    return [bytes(entry) for entry in log.leaves.order_by("index").values_list("entry", flat=True)]


def test_an_event_leaves_the_queue_as_it_enters_the_tree():
    references = written(3)
    assert Pending.objects.count() == 3

    moved = sequence(now=LATER)

    assert moved == 3
    assert not Pending.objects.exists()
    log = log_of("access")
    assert [str(parse_entry(entry).reference) for entry in entries_of(log)] == references
    assert merkle.root(DatabaseTiles(log), 3) == merkle.root_of([merkle.leaf_hash(each) for each in entries_of(log)])


def test_what_must_be_proved_for_years_and_what_is_forgotten_stand_in_different_logs(member):
    record(Entry(Action.CONSENT_GIVEN, Actor(member.pk), member.pk, at=MONDAY))
    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=MONDAY))

    sequence(now=LATER)

    for family, action in (("ledger", Action.CONSENT_GIVEN), ("access", Action.SIGN_IN)):
        (entry,) = entries_of(log_of(family))
        assert parse_entry(entry).event == action


def test_an_entry_holds_nothing_personal_and_commits_to_each_part(member, other_member):
    record(Entry(Action.MEMBER_SUSPENDED, Actor(other_member.pk), member.pk, reason="misuse", at=MONDAY))

    sequence(now=LATER)

    (entry,) = entries_of(log_of("ledger"))
    for personal in (member.pk.hex, str(member.pk), str(other_member.pk), "misuse", member.login):
        assert personal.encode() not in entry
    event = Event.objects.get(action=Action.MEMBER_SUSPENDED)
    parts = [event.part(role) for role in (Role.COMMON, Role.SUBJECT, Role.ACTOR)]
    assert [(part.role, part.commitment) for part in parts] == list(parse_entry(entry).commitments)
    assert [part.facts.get("person") for part in parts] == [None, str(member.pk), str(other_member.pk)]


def test_a_tree_grows_over_many_batches_as_over_one(monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 100)
    for _ in range(4):
        written(150)

    batches = 0
    while sequence(now=LATER):
        batches += 1

    log = log_of("access")
    leaves = [merkle.leaf_hash(entry) for entry in entries_of(log)]
    assert (batches, log.size, len(leaves)) == (6, 600, 600)
    assert list(log.leaves.order_by("index").values_list("index", flat=True)) == list(range(600))
    for size in (1, 99, 100, 255, 256, 257, 512, 600):
        assert merkle.root(DatabaseTiles(log), size) == merkle.root_of(leaves[:size])


def test_a_batch_that_fails_moves_nothing(monkeypatch):
    written(5)
    monkeypatch.setattr(Tile.objects, "bulk_create", lambda *args, **kwargs: 1 / 0)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        sequence(now=LATER)

    assert (Pending.objects.count(), Leaf.objects.count(), Log.objects.count()) == (5, 0, 0)


def test_the_time_of_a_batch_never_falls_though_the_clock_does():
    written()
    sequence(now=LATER)
    written()

    sequence(now=LATER - timedelta(hours=1))

    first, second = (parse_entry(entry) for entry in entries_of(log_of("access")))
    assert first.at == second.at == int(LATER.timestamp())


def test_an_entry_is_never_older_than_the_writing_of_what_it_holds():
    """A worker that was frozen in the middle of a turn knows an old time; a checker would cry forgery for ever."""
    written()
    Pending.objects.update(since=LATER + timedelta(minutes=5))

    sequence(now=LATER)

    (entry,) = entries_of(log_of("access"))
    assert parse_entry(entry).at == int((LATER + timedelta(minutes=5)).timestamp())


def test_a_new_half_year_opens_a_new_log_and_says_so_in_the_ledger():
    written()
    sequence(now=LATER)
    written()

    sequence(now=LATER + timedelta(days=190))

    names = list(Log.objects.filter(family="access").order_by("pk").values_list("name", "size"))
    assert [size for _, size in names] == [1, 1]
    assert names[0][0] < names[1][0]
    closed = Event.objects.get(action=Action.LOG_CLOSED, facts__log=names[0][0])
    assert closed.facts["log_size"] == 1


def test_a_clock_that_jumped_back_keeps_the_log_that_is_open():
    written()
    sequence(now=LATER + timedelta(days=190))
    written()

    sequence(now=LATER)

    assert log_of("access").size == 2


@pytest.mark.parametrize(
    "spoiled",
    [{"commitments": b""}, {"commitments": b"z" + bytes(32)}, {"commitments": b"c" + bytes(9)}, {"action": "É"}],
)
def test_a_row_that_somebody_spoiled_waits_and_keeps_nobody_out(spoiled):
    (first,) = written()
    Pending.objects.update(**spoiled)
    (second,) = written()

    assert sequence(now=LATER) == 1

    assert [str(parse_entry(entry).reference) for entry in entries_of(log_of("access"))] == [second]
    assert str(Pending.objects.get().reference) == first


def test_an_empty_queue_costs_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert sequence(now=LATER) == 0


def test_a_batch_takes_the_same_statements_whatever_its_size(django_assert_max_num_queries):
    written()
    sequence(now=LATER)
    written(500)

    # Is there any; the logs, the rows; entries, the tile before, new tiles, the size; the queue.  In a savepoint.
    with django_assert_max_num_queries(11):
        sequence(now=LATER)


def test_a_kind_that_a_newer_version_wrote_is_kept_as_long_as_anything():
    written()
    Pending.objects.update(action="audit:future:event")

    sequence(now=LATER)

    (entry,) = entries_of(log_of("ledger"))
    assert (parse_entry(entry).event, parse_entry(entry).retention) == ("audit:future:event", "administration")


def test_the_parts_of_somebody_open_for_them_and_no_other_role(member, other_member):
    record(Entry(Action.SIGN_OUT, Actor(other_member.pk), member.pk, at=MONDAY))

    event = Event.objects.get(action=Action.SIGN_OUT)

    assert (event.subject_id, event.actor_id) == (member.pk, other_member.pk)
    assert event.part(Role.SUBJECT).facts == {"person": str(member.pk)}
    event.subject_sealed, event.subject_key = event.actor_sealed, event.actor_key
    assert event.part(Role.SUBJECT) is None


def test_without_their_key_nobody_can_tell_whom_a_part_is_about(member):
    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=MONDAY))
    Event.objects.get(action=Action.SIGN_IN).subject_key.delete()

    event = Event.objects.with_people().get(action=Action.SIGN_IN)

    assert (event.subject_id, event.subject, event.actor_id, event.session) == (None, None, None, None)
    assert not Event.objects.about(member).exists()
    assert event.by == "self"


def test_whoever_has_a_key_that_opens_no_more_gets_another(member, settings):
    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=MONDAY))
    settings.KEY_ENCRYPTION_KEY = Fernet.generate_key().decode()

    record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk, at=MONDAY))

    assert Event.objects.get(action=Action.SIGN_OUT).part(Role.SUBJECT).facts == {"person": str(member.pk)}
    assert Event.objects.get(action=Action.SIGN_IN).part(Role.SUBJECT) is None
