"""Rows added as they stand: the same as Django's own way would have left, and nothing that a value could change."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from idp.models import AccessToken, Grant
from statements import writing
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
OURS = {"id", "reference"}


def line(**values):
    return {"at": timezone.now(), "action": Action.SIGN_IN.value, **values}


def stored(pk):
    return {name: value for name, value in Event.objects.values().get(pk=pk).items() if name not in OURS}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"subject_id": uuid4(), "session": uuid4(), "refused": True, "reason": 'l’un’ " % %s'},
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
        line(subject_id=uuid4(), session=uuid4(), refused=True, reason='l’un\\t\t\\N\r\n\\. " %s', actor_tool_id=7),
        line(facts={"items": ["é", "'", "\\"], "n": 1, "none": None}, action=Action.SIGN_IN),
        line(reason="\\N"),
        line(reason=""),
    ]
    theirs = [Event.objects.create(**row).pk for row in rows]

    Event.objects.insert(rows)

    ours = list(Event.objects.exclude(pk__in=theirs).order_by("pk").values_list("pk", flat=True))
    assert [stored(pk) for pk in ours] == [stored(pk) for pk in theirs]
    assert Event.objects.values("reference").distinct().count() == 2 * len(rows)


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
    with pytest.raises(TypeError, match="Event has no column subject"):
        Event.objects.insert([line(), line(subject=None)])

    assert not Event.objects.exists()


def test_a_row_that_the_database_refuses_spoils_its_transaction(member, wiki, browser):
    """As with ``save``: nothing of the same transaction may be kept by mistake."""
    wiki.code(sign_in(member))
    code = Grant.objects.values().get()
    del code["id"]

    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.insert([code])
        Event.objects.insert([line()])

    with transaction.atomic():
        with pytest.raises(IntegrityError):
            Grant.objects.insert([code])
        assert transaction.get_connection().needs_rollback
        transaction.set_rollback(True)
    assert Event.objects.filter(action=Action.SIGN_IN.value, subject=None).count() == 1


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
