"""The journal: written in the change's transaction, never changed, read by the officer only."""

import csv
import io
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from audit import selectors, services, words
from audit.models import Event
from audit.services import record, record_all
from audit.types import SYSTEM, Action, Actor, AppendOnlyError, Cursor, Entry, EventFilter
from audit.views import safe_cell
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of, make_member

pytestmark = pytest.mark.django_db
JOURNAL = reverse("audit:journal")
EXPORT = reverse("audit:export")


@pytest.fixture
def happened(member, other_member, louty, formation):
    """Six lines about two people and two tools, over three days."""
    Event.objects.all()._raw_delete("default")
    record(
        Entry(Action.SIGN_IN, Actor(member=member.pk), member.pk, at=MONDAY),
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, facts={"items": ["email"]}, at=MONDAY),
        Entry(Action.SIGN_IN, Actor(member=other_member.pk), other_member.pk, at=TUESDAY),
        Entry(Action.DISCLOSED, Actor(tool=formation.pk), other_member.pk, formation.pk, at=TUESDAY),
        Entry(Action.SIGN_IN_REFUSED, SYSTEM, other_member.pk, refused=True, reason="bad_password", at=WEDNESDAY),
        Entry(Action.SYNC_FAILED, reason="unreachable", at=WEDNESDAY),
    )


def found(**criteria):
    return [event.action for event in selectors.events(EventFilter(**criteria)).order_by("pk")]


def text_of(response):
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def table_of(response):
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=";"))


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


def test_many_lines_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        record_all([Entry(Action.SIGN_IN)] * 20)

    record_all([])
    assert Event.objects.count() == 20


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


@pytest.mark.parametrize("text", ["Amélie", "amelie", "ROUX am", "amelie.roux"])
def test_a_person_is_found_by_name_or_login_without_accents_or_case(happened, text):
    assert found(member=text) == [Action.SIGN_IN, Action.DISCLOSED]


def test_a_person_is_found_by_identifier_even_when_gone(happened, member):
    assert len(found(member=str(member.pk))) == 2
    assert found(member=str(uuid4())) == []


def test_nobody_matches_nothing(happened):
    assert found(member="zzz") == []


def test_lines_are_found_by_tool_action_and_refusal(happened):
    assert found(tool="louty") == [Action.DISCLOSED]
    assert found(action=Action.SIGN_IN) == [Action.SIGN_IN, Action.SIGN_IN]
    assert found(refused=True) == [Action.SIGN_IN_REFUSED]
    assert found(tool="louty", member="bachir") == []


def test_days_are_whole_and_in_the_hubs_time_zone(happened):
    # Half past midnight on the 18th in Paris is still the 17th in UTC.
    record(Entry(Action.KEY_ROTATED, at=datetime(2026, 11, 17, 23, 30, tzinfo=UTC)))

    assert found(since=WEDNESDAY.date()) == [Action.SIGN_IN_REFUSED, Action.SYNC_FAILED, Action.KEY_ROTATED]
    assert found(until=MONDAY.date()) == [Action.SIGN_IN, Action.DISCLOSED]
    assert found(since=TUESDAY.date(), until=TUESDAY.date()) == [Action.SIGN_IN, Action.DISCLOSED]


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
    with translation.override(language):
        said = words.sentence(Event(action=action, actor=member, subject=member, tool=louty))

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
    assert {each.name for each in fields(EventFilter)} == set(words.CRITERIA)


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("2026-12-12T18:22:00+00:00", "12/12/2026, 19\u00a0h\u00a022"),
        ("2026-12-31", "31/12/2026"),
        ("2026-13-45", "2026-13-45"),
        ("someday", "someday"),
    ],
)
def test_days_and_moments_are_said_as_people_read_them(member, kept, said):
    line = Event(action=Action.MEMBER_CHANGED, subject=member, facts={"by": kept})

    with translation.override("fr"):
        assert words.facts(line) == [("avant le", said)]


def test_numbers_of_rows_stand_aside_from_what_a_line_says(member, formation):
    facts = {"items": ["email"], "processing": 1, "notice": 7, "digest": "0123456789abcdef"}
    line = Event(action=Action.DISCLOSED, subject=member, tool=formation, facts=facts)

    assert words.facts(line) == [("données", "Adresse e-mail")]
    assert words.particulars(line) == [("traitement", "n° 1"), ("information", "n° 7"), ("empreinte", "0123456789ab…")]


# The page


def test_a_stranger_is_sent_to_sign_in():
    for url in (JOURNAL, EXPORT):
        response = Client().get(url)

        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("url", [JOURNAL, EXPORT])
def test_a_member_who_is_not_the_officer_is_refused_and_that_is_recorded(member, url):
    response = browser_of(member).get(url)

    assert response.status_code == 403
    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert (line.actor_id, line.refused, line.reason) == (member.pk, True, "role_missing")
    assert not Event.objects.filter(action=Action.JOURNAL_READ).exists()


def test_a_member_who_asks_over_and_over_is_few_lines(member, other_member, monkeypatch):
    monkeypatch.setattr(services, "MINUTE", timedelta(days=1))
    asking = browser_of(member)

    answers = {asking.get(EXPORT).status_code for _ in range(services.REFUSED_PAGES_A_MINUTE + 5)}
    browser_of(other_member).get(EXPORT)

    lines = Event.objects.filter(action=Action.ACCESS_REFUSED)
    assert answers == {403}
    assert lines.filter(actor=member).count() == services.REFUSED_PAGES_A_MINUTE
    assert lines.filter(actor=other_member).count() == 1


def test_other_roles_do_not_open_the_journal(member):
    member.role_grants.create(role="technician")
    member.role_grants.create(role="office")

    assert browser_of(member).get(JOURNAL).status_code == 403


def test_the_officer_reads_sentences_references_and_refusals(dpo, happened):
    page = text_of(browser_of(dpo).get(JOURNAL))

    for said in (
        "Amélie Roux se connecte.",
        "Louty reçoit des données sur Amélie Roux.",
        "Adresse e-mail",
        "bad_password",
    ):
        assert said in page, said
    assert str(Event.objects.latest("pk").reference) in page


def test_reading_the_journal_is_recorded_without_what_was_typed(dpo, member, happened):
    browser_of(dpo).get(JOURNAL, {"member": "Amélie", "refused": "on"})

    line = Event.objects.get(action=Action.JOURNAL_READ)
    assert (line.actor_id, line.subject_id) == (dpo.pk, member.pk)
    assert line.facts == {"filters": ["member", "refused"]}


def test_a_search_that_names_several_people_is_about_none_of_them(dpo, happened):
    browser_of(dpo).get(JOURNAL, {"member": "a"})

    assert Event.objects.get(action=Action.JOURNAL_READ).subject_id is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "2026-02-31"}, "Cette date n’existe pas"),
        ({"until": "hier"}, "Cette date n’existe pas"),
        ({"since": "2026-11-18", "until": "2026-11-16"}, "La fin vient avant le début."),
        ({"tool": "no-such"}, "Aucun outil « no-such »."),
        ({"action": "idp:nothing"}, "Aucune action « idp:nothing »."),
        ({"before": "x"}, "repartez de la première"),
        ({"after": "9" * 30}, "repartez de la première"),
        ({"member": "a\x00b"}, "Membre"),
    ],
)
def test_a_criterion_that_cannot_be_read_is_said_and_nothing_is_lost(dpo, happened, query, said):
    response = browser_of(dpo).get(JOURNAL, {"member": "Amélie", **query})

    page = text_of(response)
    assert response.status_code == 400
    assert said in page
    assert "journal-table" not in page
    if "member" not in query:
        assert 'value="Amélie"' in page
    assert not Event.objects.filter(action=Action.JOURNAL_READ).exists()


def test_a_date_that_no_calendar_knows_stays_where_it_was_typed(dpo):
    page = text_of(browser_of(dpo).get(JOURNAL, {"since": "31/02/26", "until": "2026-11-16"}))

    assert '<input type="text" name="since" value="31/02/26"' in page
    assert '<input type="date" name="until" value="2026-11-16"' in page


def test_nothing_found_says_so_and_offers_a_way_on(dpo, happened):
    page = text_of(browser_of(dpo).get(JOURNAL, {"member": "zzz"}))

    assert "Rien ne correspond à ces critères." in page
    assert "Voir tout le journal" in page


def test_a_page_keeps_its_criteria_from_page_to_page(dpo, member):
    record_all([Entry(Action.SIGN_IN, Actor(member=member.pk), member.pk)] * 60)
    browser = browser_of(dpo)

    first = text_of(browser.get(JOURNAL, {"action": Action.SIGN_IN.value, "member": "amelie"}))
    link = first[first.index('rel="next" href="') + len('rel="next" href="') :].split('"')[0]
    second = text_of(browser.get(JOURNAL + link))

    assert first.count('role="row" data-action') == 50
    assert second.count('role="row" data-action') == 10


def test_markup_in_a_name_stays_text(dpo, db):
    person = make_member("robert", "<script>alert(1)</script>")
    record(Entry(Action.SIGN_IN, Actor(member=person.pk), person.pk))

    assert b"<script>alert" not in browser_of(dpo).get(JOURNAL).content


def test_the_page_takes_few_statements(dpo, happened, django_assert_max_num_queries):
    browser = browser_of(dpo)

    # Session, person, roles; then the form's tools, the people, this reading's line in its savepoint, the lines.
    with django_assert_max_num_queries(10):
        browser.get(JOURNAL, {"member": "amelie"})


# The export


def test_the_export_holds_the_filtered_lines_and_no_others(dpo, happened, louty):
    rows = table_of(browser_of(dpo).get(EXPORT, {"tool": "louty"}))

    assert [row["Action"] for row in rows] == [Action.DISCLOSED.value]
    assert rows[0]["Phrase"] == "Louty reçoit des données sur Amélie Roux."
    assert Event.objects.get(action=Action.JOURNAL_READ).facts == {"filters": ["tool"], "export": True}


def test_the_export_has_no_ceiling(dpo, member):
    record_all([Entry(Action.SIGN_IN, Actor(member=member.pk), member.pk)] * 2500)

    assert len(table_of(browser_of(dpo).get(EXPORT, {"action": Action.SIGN_IN.value}))) == 2500


def test_a_bad_criterion_exports_nothing(dpo, happened):
    response = browser_of(dpo).get(EXPORT, {"since": "hier"})

    assert response.status_code == 400
    assert "Content-Disposition" not in response


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_cell_is_never_a_formula(start):
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"
    assert safe_cell("plain = text") == "plain = text"


def test_a_name_made_for_spreadsheets_is_exported_as_text(dpo):
    person = make_member("eve", '=HYPERLINK("http://evil.example")')
    record(Entry(Action.SIGN_IN, Actor(member=person.pk), person.pk))

    rows = table_of(browser_of(dpo).get(EXPORT, {"action": Action.SIGN_IN.value}))

    assert rows[0]["Phrase"].startswith("'=HYPERLINK")
