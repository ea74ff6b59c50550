"""The journal: written in the change's transaction, never changed, found and said in words."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from audit import keyring, selectors, words
from audit.models import Event, Pending, PersonKey
from audit.parts import Role, canonical
from audit.services import record, record_all
from audit.types import Action, Actor, AppendOnlyError, By, Cursor, Entry, EventFilter
from idp.services.sessions import SESSION_FIELD
from idp.signin import journal
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY

pytestmark = pytest.mark.django_db


def found(**criteria):
    return [event.action for event in selectors.events(EventFilter(**criteria)).order_by("pk")]


# Writing


@pytest.mark.django_db(transaction=True)
def test_a_line_outside_a_transaction_is_refused():
    with pytest.raises(transaction.TransactionManagementError):
        record(Entry(Action.SIGN_IN))

    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_line_disappears_with_the_change_that_was_rolled_back():
    with transaction.atomic():
        record(Entry(Action.SIGN_IN))
        transaction.set_rollback(True)

    assert not Event.objects.exists()


def test_many_lines_are_two_statements_at_most(django_assert_num_queries):
    """The lines, and their turns in the queue of the log; PostgreSQL takes both at once."""
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
        record_all([Entry(Action.SIGN_IN)] * 20)

    record_all([])
    assert Event.objects.count() == 20


def test_of_lines_that_are_written_together_each_tells_its_own(member, other_member, wiki):
    """What several in a row have in common is worked out once; nothing of one is told by another."""
    session, facts = uuid4(), {"items": ["é"], "n": 1}
    tool = wiki.tool.pk
    lines = [
        Entry(Action.MEMBER_CHANGED, subject=member.pk, facts=facts, at=MONDAY),
        Entry(Action.MEMBER_CHANGED, subject=other_member.pk, facts=facts, at=MONDAY),
        Entry(Action.MEMBER_CHANGED, subject=other_member.pk, facts=facts, at=TUESDAY),
        Entry(Action.MEMBER_CHANGED, subject=other_member.pk, facts={**facts, "n": 2}, at=TUESDAY),
        Entry(Action.MEMBER_CHANGED, Actor(member.pk), member.pk, facts=facts, session=session),
        Entry(Action.MEMBER_CHANGED, Actor(member.pk), other_member.pk, facts=facts, session=session),
        Entry(Action.MEMBER_CHANGED, Actor(tool=tool), member.pk, tool=tool, facts=facts),
        Entry(Action.MEMBER_LEFT, subject=member.pk, facts=facts, reason="former_branch"),
        Entry(Action.MEMBER_LEFT, subject=member.pk, facts=facts, refused=True),
        Entry(Action.SYNC_APPLIED, facts=facts),
    ]
    first = Event.objects.order_by("pk").last()
    Pending.objects.all().delete()

    record_all(lines)

    rows = list(Event.objects.filter(pk__gt=first.pk if first else 0).order_by("pk"))
    waiting = list(Pending.objects.order_by("pk"))
    for line, row, queued in zip(lines, rows, waiting, strict=True):
        alone = line.actor.member in (None, line.subject)
        assert (row.action, row.refused, row.reason, row.facts) == (line.action, line.refused, line.reason, line.facts)
        assert (row.tool_id, row.actor_tool_id, row.subject_id) == (line.tool, line.actor.tool, line.subject)
        assert (row.actor_id, row.session) == (line.actor.member, line.session)
        assert line.at in (None, row.at)
        assert row.by == (By.TOOL if line.actor.tool else By.HUB if not line.actor.member else by_whom(alone))
        parts = [part for role in (Role.COMMON, Role.SUBJECT, Role.ACTOR) if (part := row.part(role))]
        assert [part.text for part in parts] == [canonical(part.facts) for part in parts]
        assert bytes(queued.commitments) == b"".join(part.role.encode() + part.commitment for part in parts)
    assert len({bytes(row.salt) for row in rows}) == len(lines)


def by_whom(alone: bool) -> By:
    return By.SELF if alone else By.MEMBER


def test_of_newcomers_no_key_is_looked_up_and_of_others_it_is(member):
    """Of a hundred thousand people who came just now, nobody can have one."""
    record(Entry(Action.MEMBER_CHANGED, subject=member.pk))
    keyring.forget()
    newcomers = {uuid4() for _ in range(3)}
    lines = [Entry(Action.MEMBER_JOINED, subject=each) for each in [*newcomers, member.pk]]

    with CaptureQueriesContext(connection) as cost:
        record_all(lines[:3], newcomers=newcomers)
    record_all(lines, newcomers=newcomers)

    assert [each["sql"] for each in cost if each["sql"].startswith("SELECT")] == []
    assert PersonKey.objects.filter(person=member).count() == 1
    assert {row.subject_key.person_id for row in Event.objects.filter(action=Action.MEMBER_JOINED)} == {
        *newcomers,
        member.pk,
    }


@pytest.mark.gdpr("G34")
def test_lines_are_added_never_changed_or_removed():
    record(Entry(Action.SIGN_IN))
    line = Event.objects.get()

    line.action = Action.SIGN_OUT
    for attempt in (
        line.save,
        line.delete,
        Event.objects.all().delete,
        lambda: Event.objects.update(refused=True),
        lambda: Event.objects.bulk_update([line], ["action"]),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            attempt()

    line.refresh_from_db()
    assert line.action == Action.SIGN_IN


# Finding


def test_a_person_is_found_in_what_they_did_and_in_what_happened_to_them(happened, member, dpo):
    assert found(member=member.pk) == [Action.SIGN_IN, Action.DISCLOSED]
    assert found(member=dpo.pk) == []


@pytest.mark.parametrize("text", ["Amélie", "amelie", "ROUX am", "amelie.roux"])
def test_a_name_is_found_without_accents_or_case(member, other_member, text):
    assert selectors.matching_members(text) == {member.pk: ("Amélie Roux", "amelie.roux")}


def test_an_identifier_is_known_as_long_as_there_are_lines(happened, member):
    gone = member.pk
    member.delete()

    assert [*selectors.matching_members(str(gone))] == [gone]
    assert selectors.matching_members(str(uuid4())) == {}


def test_lines_are_found_by_each_criterion(happened):
    assert found(tool="louty") == [Action.DISCLOSED]
    assert found(action=Action.SIGN_IN) == [Action.SIGN_IN, Action.SIGN_IN]
    assert found(family="release") == [Action.DISCLOSED, Action.DISCLOSED]
    assert found(by="tool") == [Action.DISCLOSED, Action.DISCLOSED]
    assert found(by="hub") == [Action.SIGN_IN_REFUSED, Action.SYNC_FAILED]
    assert found(result="refused") == [Action.SIGN_IN_REFUSED]
    assert len(found(result="accepted")) == 5
    assert found(reason="unreachable") == [Action.SYNC_FAILED]
    assert found(tool="louty", by="hub") == []


def test_the_reasons_are_those_that_the_journal_has(happened):
    assert selectors.reasons() == ["bad_password", "unreachable"]


def test_days_are_whole_and_in_the_hubs_time_zone(happened):
    # Half past midnight on the 18th in Paris is still the 17th in UTC.
    record(Entry(Action.KEY_ROTATED, at=datetime(2026, 11, 17, 23, 30, tzinfo=UTC)))

    assert found(since=WEDNESDAY.date()) == [Action.SIGN_IN_REFUSED, Action.SYNC_FAILED, Action.KEY_ROTATED]
    assert found(until=MONDAY.date()) == [Action.SIGN_IN, Action.DISCLOSED]
    assert found(since=TUESDAY.date(), until=TUESDAY.date()) == [Action.SIGN_IN, Action.DISCLOSED]
    assert found(since=WEDNESDAY.date(), until=WEDNESDAY.date(), hour=0) == [Action.KEY_ROTATED]


def test_pages_follow_each_other_both_ways_and_lines_that_arrive_move_nothing(db):
    record_all([Entry(Action.SIGN_IN, at=MONDAY + timedelta(minutes=n)) for n in range(7)])
    rows = selectors.events(EventFilter())

    first = selectors.page(rows, Cursor(), size=3)
    record(Entry(Action.SIGN_OUT))
    second = selectors.page(rows, Cursor(before=first.older), size=3)
    third = selectors.page(rows, Cursor(before=second.older), size=3)
    back = selectors.page(rows, Cursor(after=second.newer), size=3)

    numbers = [[event.pk for event in page.events] for page in (first, second, third)]
    assert [pk for page in numbers for pk in page] == sorted((pk for page in numbers for pk in page), reverse=True)
    assert [len(page) for page in numbers] == [3, 3, 1]
    assert (first.newer, third.older) == (None, None)
    assert back.events == first.events
    assert back.newer is not None


def test_the_lines_of_a_page_take_one_statement(happened, django_assert_num_queries):
    with django_assert_num_queries(1):
        page = selectors.page(selectors.events(EventFilter()), Cursor())
        assert all(words.sentence(event) for event in page.events)


# Saying


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_action_has_a_sentence(action, language, member, louty):
    assert action in words.SENTENCES
    record(Entry(action, Actor(member.pk), member.pk, louty.pk))

    with translation.override(language):
        said = words.sentence(Event.objects.latest("pk"))

    assert said.endswith(".")
    assert "{" not in said


def test_whoever_is_gone_is_named_by_their_identifier(member, louty):
    gone = member.pk
    record(Entry(Action.DISCLOSED, Actor(tool=987), gone, 987, facts={"items": ["email", "ancient"]}))
    member.delete()

    line = selectors.events(EventFilter()).first()

    assert str(gone) in words.sentence(line)
    assert "987" in words.sentence(line)
    assert words.facts(line) == [("données", "Adresse e-mail, ancient")]


@pytest.mark.parametrize(
    ("fact", "code", "said"),
    [
        ("step", "code", "double vérification"),
        ("methods", "otp", "code de l’application"),
        ("factor", "totp", "application de codes"),
        ("items", "phone", "Téléphone"),
        ("items", "mobile", "Téléphone mobile"),
        ("language", "fr", "français"),
        ("state", "missing", "absent de l’annuaire"),
        ("state", "maintenance", "en maintenance"),
        ("role", "technician", "technicien·ne"),
        ("held", "attribute town", "trop de valeurs vidées (town)"),
        ("page", "audit:journal", "journal"),
        ("page", "idp:deliveries", "avis de déconnexion"),
        ("action", "idp:session:start", "Connexion"),
        ("step", "from_the_future", "from_the_future"),
    ],
)
def test_the_codes_of_facts_are_said_in_words(fact, code, said):
    assert words.name(fact, code) == said


def test_every_criterion_of_a_reading_has_its_word():
    assert {each.name for each in fields(EventFilter)} | {"refused"} == set(words.CRITERIA)


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("2026-12-12T18:22:00+00:00", "12/12/2026, 19\u00a0h\u00a022"),
        ("2026-12-31", "31/12/2026"),
        ("2026-13-45", "2026-13-45"),
        ("someday", "someday"),
    ],
)
def test_days_and_moments_are_said_as_people_read_them(kept, said):
    line = Event(action=Action.MEMBER_CHANGED, facts={"by": kept})

    with translation.override("fr"):
        assert words.facts(line) == [("avant le", said)]


def test_numbers_of_rows_stand_aside_from_what_a_line_says(formation):
    facts = {"items": ["email"], "notice": 7, "digest": "0123456789abcdef"}
    line = Event(action=Action.DISCLOSED, tool=formation, facts=facts)

    assert words.facts(line) == [("données", "Adresse e-mail")]
    assert words.particulars(line) == [("information", "n° 7"), ("empreinte", "0123456789ab…")]


def test_a_line_says_what_the_data_was_for_by_the_name_of_its_sheet(formation):
    known = Event(action=Action.DISCLOSED, tool=formation, facts={"processing": formation.processings.get().pk})
    gone = Event(action=Action.DISCLOSED, tool=formation, facts={"processing": 999_999})

    assert words.facts(known) == [("traitement", "Inscription aux formations (1)")]
    assert words.facts(gone) == [("traitement", "n° 999999")]


# Whose session it is


@pytest.mark.parametrize("subject_is_actor", [True, False])
def test_a_session_stands_in_the_part_of_whose_it_is(member, other_member, subject_is_actor):
    subject, acted, ended = member if subject_is_actor else other_member, uuid4(), uuid4()
    with transaction.atomic():
        record(
            Entry(Action.SIGN_IN_REFUSED, Actor(member.pk, session=acted), subject.pk),
            Entry(Action.SIGN_OUT, Actor(member.pk), subject.pk, session=ended),
            Entry(Action.SIGN_IN_REFUSED, Actor(member.pk, session=acted)),
        )

    refused, closed, alone = Event.objects.order_by("-pk")[:3][::-1]
    assert (refused.session, closed.session, alone.session) == (acted, ended, acted)
    assert refused.part(Role.SUBJECT).facts.get("session") == (str(acted) if subject_is_actor else None)
    assert closed.part(Role.SUBJECT).facts["session"] == str(ended)
    if not subject_is_actor:
        assert refused.part(Role.ACTOR).facts["session"] == str(acted)
        assert "session" not in closed.part(Role.ACTOR).facts


def test_whoever_tries_to_be_somebody_else_leaves_their_own_session_in_their_own_part(member, other_member, rf):
    """The member they tried takes their lines away with them, and finds there nothing of anybody else's."""
    session = uuid4()
    request = rf.post("/")
    request.user, request.session = member, {SESSION_FIELD: str(session)}

    journal.refused(request, member_id=other_member.pk, reason="wrong", step="sign_in")

    line = Event.objects.get(action=Action.SIGN_IN_REFUSED)
    assert line.part(Role.SUBJECT).facts == {"person": str(other_member.pk)}
    assert line.part(Role.ACTOR).facts == {"person": str(member.pk), "session": str(session)}
