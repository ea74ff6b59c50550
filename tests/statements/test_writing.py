"""Rows added as they stand: the same as Django's own way would have left, and nothing that a value could change."""

import re
from contextlib import nullcontext, suppress
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Event, Pending
from audit.services import record
from audit.types import Action, Actor, Entry
from consent.models import Disclosure
from directory.models import Member, Membership, StatusPeriod
from directory.types import MemberState
from idp.models import AccessToken, Grant
from statements import writing
from statements.writing import InsertingQuerySet
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
# Kinds of column whose values come to a driver as one of those that COPY has a text for.
WRITTEN = (
    models.BinaryField,
    models.BooleanField,
    models.CharField,
    models.DateField,
    models.DurationField,
    models.ForeignKey,
    models.IntegerField,
    models.JSONField,
    models.TextField,
    models.UUIDField,
)
OURS = {"id", "reference"}


def line(**values):
    return {"at": timezone.now(), "action": Action.SIGN_IN.value, "salt": b"salt", **values}


def stored(pk):
    row = Event.objects.values().get(pk=pk)
    return {name: bytes(value) if name == "salt" else value for name, value in row.items() if name not in OURS}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"by": "self", "salt": b"\x00'\xff", "refused": True, "reason": 'l’un’ " % %s'},
        {"facts": {"items": ["é", "'"], "n": 1, "none": None}, "actor_tool_id": 7},
        {"facts": {}},
    ],
)
def test_a_row_is_stored_as_djangos_own_way_stores_it(values):
    values = line(**values)
    theirs = Event.objects.create(**values)

    Event.objects.insert([values])

    ours = Event.objects.exclude(pk=theirs.pk).get()
    assert stored(ours.pk) == stored(theirs.pk)
    assert ours.reference != theirs.reference


def test_many_rows_are_stored_as_one_is(monkeypatch):
    """PostgreSQL is sent them by COPY, which writes every value in another way."""
    monkeypatch.setattr(writing, "COPIED", 2)
    rows = [
        line(),
        line(by="self", salt=b"\x00'\\\xff", refused=True, reason='l’un\\t\t\\N\r\n\\. " %s', actor_tool_id=7),
        line(facts={"items": ["é", "'", "\\"], "n": 1, "none": None}, action=Action.SIGN_IN),
        line(reason="\\N"),
        line(reason=""),
    ]
    theirs = [Event.objects.create(**row).pk for row in rows]

    Event.objects.insert(rows)

    ours = list(Event.objects.exclude(pk__in=theirs).order_by("pk").values_list("pk", flat=True))
    assert [stored(pk) for pk in ours] == [stored(pk) for pk in theirs]
    assert Event.objects.values("reference").distinct().count() == 2 * len(rows)


def set_interval_style(style):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL IntervalStyle = {style}")


@pytest.mark.parametrize("style", ["postgres", "sql_standard"])
def test_many_people_are_stored_as_one_is(monkeypatch, style):
    monkeypatch.setattr(writing, "COPIED", 2)
    set_interval_style(style)
    now = timezone.now()
    rows = [
        {"display_name": "Léa\tRoux\\", "absent_from": timedelta(days=3, microseconds=7), "state": MemberState.MISSING},
        {"display_name": "", "absent_from": -timedelta(seconds=1), "erased_at": now},
        {"display_name": "", "absent_from": timedelta(days=-2, hours=3, microseconds=1)},
        {"display_name": "Zoé", "absent_from": None, "login_ambiguous": True},
    ]
    rows = [{"id": uuid4(), "entry_uuid": uuid4(), "state_since": now, **row} for row in rows]
    expected = [Member(**row) for row in rows]

    InsertingQuerySet(Member).insert(rows)

    set_interval_style("postgres")  # the driver reads no other
    known = ("display_name", "absent_from", "state", "erased_at", "login_ambiguous", "entry_uuid", "state_since")
    found = Member.objects.in_bulk([row["id"] for row in rows])
    assert [[getattr(found[each.pk], name) for name in known] for each in expected] == [
        [getattr(each, name) for name in known] for each in expected
    ]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_a_driver_gives_back_for_bytes_is_written_as_them(monkeypatch, kind):
    monkeypatch.setattr(writing, "COPIED", 2)

    Event.objects.insert([line(salt=kind(b"a\\\x00\xff")) for _ in range(3)])

    assert {bytes(salt) for salt in Event.objects.values_list("salt", flat=True)} == {b"a\\\x00\xff"}


def test_half_a_character_is_refused_without_telling_what_stands_beside_it(monkeypatch):
    monkeypatch.setattr(writing, "COPIED", 2)
    rows = [line(reason="somebody's name"), line(reason="\udc80")]

    with pytest.raises(ValueError, match=r"surrogates not allowed|half a character") as refused, transaction.atomic():
        Event.objects.insert(rows)

    shown = (refused.value, refused.value.__context__, refused.value.__cause__)
    assert not any("somebody" in repr(vars(each)) + str(getattr(each, "object", "")) for each in shown if each)
    assert not Event.objects.exists()


def test_every_column_of_a_table_that_grows_has_a_text_for_copy():
    """What has none is refused before anything is sent: on PostgreSQL alone, and with many rows."""
    tables = [each for each in apps.get_models() if isinstance(each._default_manager.all(), InsertingQuerySet)]
    tables += [Member, Membership, StatusPeriod]
    other = {str(field): type(field) for each in tables for field in each._meta.local_concrete_fields}

    assert len(tables) > 10
    assert [name for name, kind in other.items() if not issubclass(kind, WRITTEN)] == []
    with pytest.raises(TypeError, match="Decimal"):
        writing._text(Decimal(1))


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b\tc", "\\", "\r\n", "", "\\."],
        ["a", None, "\\N"],
        [Action.SIGN_IN, "plain\\t"],
        [b"", b"\\x", b"\x00\xff"],
        [0, -7, 2**60],
        [True, False],
        [None, None],
    ],
)
def test_copy_reads_of_a_column_what_was_written(values):
    """As the manual of PostgreSQL has it: a tab parts values, a backslash begins whatever cannot stand for itself."""
    texts = writing._texts(values)

    assert not set("\t\n\r") & set("".join(texts))
    assert [read_as_copy_reads(text, type(value)) for text, value in zip(texts, values, strict=True)] == values


def read_as_copy_reads(text, kind):
    if text == r"\N":
        return None
    plain = re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1]), text)
    if kind is bytes:
        return bytes.fromhex(plain.removeprefix(r"\x"))
    return {"t": True, "f": False}[plain] if kind is bool else kind(plain)


def test_of_many_rows_one_that_the_database_refuses_spoils_all(monkeypatch, member, wiki, browser):
    monkeypatch.setattr(writing, "COPIED", 2)
    wiki.code(sign_in(member))
    code = Grant.objects.values().get()
    del code["id"]

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            Grant.objects.insert([{**code, "code": "another"}, code])
        assert transaction.get_connection().needs_rollback
        transaction.set_rollback(True)
    assert Grant.objects.count() == 1


def test_a_credential_is_stored_as_djangos_own_way_stores_it(signing_key, wiki, browser):
    held = wiki.exchange(wiki.code(browser)).json()
    known = AccessToken.objects.values().get()

    AccessToken.objects.create(**{**known, "id": None, "token": held["access_token"] + "x"})

    again = AccessToken.objects.values().exclude(pk=known["id"]).get()
    # The two dates are the moment of each; the toolkit derives the digest from the token.
    apart = {"id", "created", "updated", "token", "token_checksum"}
    assert {name for name in known if known[name] != again[name]} <= apart
    assert None not in (known["created"], known["updated"])


def test_several_rows_take_one_statement():
    rows = [line(reason=str(number)) for number in range(3)]

    with CaptureQueriesContext(connection) as cost:
        Event.objects.insert(rows)

    assert len(cost) == 1
    assert list(Event.objects.order_by("pk").values_list("reason", flat=True)) == ["0", "1", "2"]


def test_more_rows_than_a_statement_can_hold_are_written_all_the_same():
    """A first synchronisation, or a mass departure: PostgreSQL takes 65,535 values at once."""
    count = 6_500

    Event.objects.insert([line() for _ in range(count)])

    assert Event.objects.count() == count


def test_no_row_takes_no_statement():
    with CaptureQueriesContext(connection) as cost:
        Event.objects.insert([])

    assert len(cost) == 0


def test_a_name_that_is_no_column_is_an_error_and_nothing_is_written():
    with pytest.raises(TypeError, match="Event has no column tool"):
        Event.objects.insert([line(), line(tool=None)])

    assert not Event.objects.exists()


def test_a_row_that_the_database_refuses_spoils_its_transaction(member, wiki, browser):
    """As with ``save``: nothing of the same transaction may be kept by mistake."""
    wiki.code(sign_in(member))
    code = Grant.objects.values().get()
    del code["id"]

    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.insert([code])
        Event.objects.insert([line(reason="alone")])

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            Grant.objects.insert([code])
        assert transaction.get_connection().needs_rollback
        transaction.set_rollback(True)
    assert Event.objects.filter(reason="alone").count() == 1


# Marking -----------------------------------------------------------------------------------------------------


def test_a_row_is_marked_and_no_other(wiki, browser):
    for _ in range(2):
        wiki.code(browser)
    first, second = Grant.objects.order_by("pk")
    now = timezone.now()

    with CaptureQueriesContext(connection) as cost:
        Grant.objects.mark(first.pk, used_at=now, nonce="' %s")

    assert len(cost) == 1
    first.refresh_from_db()
    assert (first.used_at, first.nonce) == (now, "' %s")
    assert Grant.objects.get(pk=second.pk).used_at is None


def test_only_columns_can_be_marked(wiki, browser):
    wiki.code(browser)

    with pytest.raises(TypeError, match="Grant has no column tool_session"):
        Grant.objects.mark(Grant.objects.get().pk, tool_session=None)


def test_what_is_only_ever_added_cannot_be_marked():
    assert not hasattr(Event.objects, "mark")
    assert not hasattr(AccessToken.objects, "mark")


# Together ------------------------------------------------------------------------------------------------------


def test_few_rows_of_several_tables_go_in_one_statement_to_postgresql():
    reference = uuid4()
    row = {"reference": reference, "action": "idp:session:start", "commitments": b"\x00'%s"}
    with CaptureQueriesContext(connection) as cost, writing.together():
        Event.objects.insert([line(reference=reference), line(refused=True)])
        Pending.objects.insert([row])
        Pending.objects.insert([])
        seen_within = Event.objects.count()

    assert seen_within == 0
    assert len(cost) - 1 == (1 if connection.vendor == "postgresql" else 2)
    assert sorted(Event.objects.values_list("refused", flat=True)) == [False, True]
    assert bytes(Pending.objects.get(reference=reference).commitments) == b"\x00'%s"


def test_inside_another_together_there_is_one_end():
    with writing.together():
        with writing.together():
            Event.objects.insert([line()])
        assert not Event.objects.exists()

    assert Event.objects.count() == 1
    Event.objects.insert([line()])
    assert Event.objects.count() == 2, "and after it rows are sent at once"


@pytest.mark.parametrize("within", [nullcontext, writing.together])
def test_what_a_savepoint_takes_back_is_not_sent_later(within):
    with writing.together():
        Event.objects.insert([line()])
        with suppress(KeyError), transaction.atomic(), within():
            Event.objects.insert([line(refused=True)])
            raise KeyError
        assert not Event.objects.exists()

    assert list(Event.objects.values_list("refused", flat=True)) == [False]


def test_what_a_savepoint_keeps_is_sent_before_its_end():
    with writing.together():
        with transaction.atomic():
            Event.objects.insert([line()])
            assert Event.objects.count() == 1
        with transaction.atomic(), writing.together():
            Event.objects.insert([line()])
            assert Event.objects.count() == 1, "one end for what is within it"
        assert Event.objects.count() == 2


def test_a_line_of_what_was_rolled_back_is_not_there(member):
    with transaction.atomic(), writing.together():
        with suppress(KeyError), transaction.atomic():
            record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk))
            raise KeyError
        record(Entry(Action.FAVOURITE_CHANGED, Actor(member.pk), member.pk))

    assert [event.action for event in Event.objects.exclude(action=Action.SIGN_IN)] == [Action.FAVOURITE_CHANGED]
    assert Pending.objects.filter(action=Action.SIGN_OUT).count() == 0


@pytest.mark.django_db(transaction=True)
def test_rows_of_a_transaction_that_began_within_are_rolled_back_with_it():
    with writing.together(), suppress(KeyError), transaction.atomic():
        Event.objects.insert([line()])
        raise KeyError

    assert not Event.objects.exists()


def test_where_something_is_raised_nothing_is_sent():
    with pytest.raises(RuntimeError), writing.together():  # noqa: PT012
        Event.objects.insert([line()])
        raise RuntimeError

    with writing.together():
        pass
    assert not Event.objects.exists()


def test_many_rows_do_not_wait(monkeypatch):
    monkeypatch.setattr(writing, "COPIED", 3)

    with writing.together():
        Event.objects.insert([line(), line(), line()])
        assert Event.objects.count() == 3


def test_more_tables_than_go_in_one_statement_take_another(monkeypatch):
    monkeypatch.setattr(writing, "MAX_TABLES", 2)

    with writing.together():
        for _ in range(5):
            Event.objects.insert([line()])

    assert Event.objects.count() == 5


def test_what_the_database_refuses_at_the_end_breaks_the_transaction(member):
    reference = uuid4()

    with pytest.raises(IntegrityError), transaction.atomic(), writing.together():  # noqa: PT012
        for _ in range(2):
            Event.objects.insert([line(reference=reference)])

    assert not Event.objects.exists()


# Rows that count


def release(member, tool, profile="a", **values):
    now = timezone.now()
    told = {"at": now, "last_at": now, "day": now.date(), "channel": "userinfo", "items": [], "profile": profile}
    return {"member_id": member.pk, "tool_id": tool.pk, **told, **values}


def test_a_row_that_says_the_same_as_an_open_one_is_counted_there(member, louty):
    told = []
    for rows in (
        [release(member, louty), release(member, louty, "b", count=3)],
        [release(member, louty, "c"), release(member, louty, "b", count=2), release(member, louty)],
    ):
        Disclosure.objects.merge(rows, told.append)

    assert told == [[True, True], [True, False, False]]
    assert sorted(Disclosure.objects.values_list("profile", "count")) == [("a", 2), ("b", 5), ("c", 1)]


def test_the_later_time_stays_whichever_comes_first(member, louty):
    now = timezone.now()
    for at in (now, now.replace(year=2020)):
        Disclosure.objects.merge([release(member, louty, last_at=at, day=now.date())])

    assert Disclosure.objects.get().last_at == now


def test_what_is_merged_is_sent_with_the_rest_and_its_answer_comes_when_it_is_there(member, louty):
    told = []

    def tell(firsts):
        told.extend([*firsts, Disclosure.objects.count(), Event.objects.filter(action=Action.SIGN_IN).count()])

    with transaction.atomic(), CaptureQueriesContext(connection) as queries, writing.together():
        Disclosure.objects.merge([release(member, louty)], tell)
        Event.objects.insert([line()])
        before = (list(told), Disclosure.objects.count())

    sent = [query["sql"] for query in queries.captured_queries if "INSERT" in query["sql"]]
    assert before == ([], 0)
    assert told == [True, 1, 1]
    assert len(sent) == (1 if connection.vendor == "postgresql" else 2)


def test_two_tables_that_are_merged_together_are_each_answered(member, louty):
    told = []
    with transaction.atomic(), writing.together():
        Disclosure.objects.merge([release(member, louty)], told.append)
        Event.objects.insert([line()])
        Disclosure.objects.merge([release(member, louty), release(member, louty, "b")], told.append)

    assert told == [[True], [False, True]]


def test_nothing_merged_asks_nobody(member, django_assert_num_queries):
    with django_assert_num_queries(0):
        Disclosure.objects.merge([], lambda _: pytest.fail("asked"))
    with pytest.raises(TypeError, match="Disclosure has no column place"):
        Disclosure.objects.merge([{"place": 1}])
