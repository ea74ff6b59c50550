"""Breaches: everything is kept step by step, and on the record."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from audit.keeping import data
from audit.models import Event
from audit.types import Action, Actor, AppendOnlyError, Purpose, Reading
from consent.incidents import selectors, services
from consent.incidents.types import (
    Aside,
    Closing,
    Decision,
    Facts,
    IncidentChanged,
    IncidentInvalid,
    Nature,
    Notice,
    Phase,
    Risk,
)
from consent.models import Holding, Incident, IncidentStep
from consent.types import ALWAYS
from tests.consent.incidents.test_policy import FACTS, HOUR
from tests.consent.ledger.leaving import leave
from tests.consent.ledger.test_holdings import erased
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY
from tests.support.cost import counted
from tests.support.races import together

pytestmark = pytest.mark.django_db
CANARY = "Canari Zéphyrin"


@pytest.fixture
def officer(dpo) -> Actor:
    return Actor(dpo.pk)


@pytest.fixture
def stolen(officer) -> str:
    return services.open_incident(facts=replace(FACTS, happened=CANARY), actor=officer, now=TUESDAY)


def lines(action):
    return list(Event.objects.filter(action=action).order_by("pk"))


def known(reference, now=WEDNESDAY):
    return selectors.incident(reference, now)


@pytest.mark.gdpr("G31")
def test_a_breach_is_kept_with_its_delay_and_a_line_that_says_nothing_of_it(officer, stolen, settings):
    line = lines(Action.INCIDENT_OPENED)[0]

    assert stolen == "V-2026-001"
    assert known(stolen).standing.facts.hours == 72
    assert (line.actor_id, line.facts["incident"]) == (officer.member, stolen)
    assert CANARY not in str([each.facts for each in Event.objects.all()])
    settings.BREACH_HOURS = "72 2026-01-01=96"
    again = services.open_incident(facts=FACTS, actor=officer, now=TUESDAY)
    assert known(again).standing.facts.hours == 96
    assert known(stolen).standing.facts.hours == 72, "as the law was when it was written"


def test_each_step_is_added_and_on_the_record_and_the_last_word_stands(officer, stolen):
    decided = Decision(Risk.NONE, "Disque chiffré.")
    services.write(reference=stolen, content=decided, version=1, actor=officer, now=TUESDAY)
    services.write(
        reference=stolen, content=Decision(Risk.SOME, "Mot de passe collé."), version=2, actor=officer, now=WEDNESDAY
    )

    found = known(stolen)
    assert found.standing.decision.risk is Risk.SOME
    assert [each.kind for each in found.steps] == ["facts", "risk", "risk"]
    assert [each.facts["incident_step"] for each in lines(Action.INCIDENT_CHANGED)] == ["risk", "risk"]
    assert found.steps[1].digest == lines(Action.INCIDENT_CHANGED)[0].facts["digest"]


@pytest.mark.gdpr("G31")
def test_nothing_of_it_is_ever_changed_or_removed(stolen):
    row, step = Incident.objects.get(), IncidentStep.objects.get()

    for act in (
        row.delete,
        row.save,
        step.delete,
        step.save,
        IncidentStep.objects.all().delete,
        Incident.objects.all().delete,
        lambda: IncidentStep.objects.update(content={}),
        lambda: row.steps.update(content={}),
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            act()


def test_who_wrote_it_may_go_and_it_stays(stolen, member):
    services.write(reference=stolen, content=FACTS, version=1, actor=Actor(member.pk), now=TUESDAY)

    member.delete()

    assert known(stolen).steps[1].author is None


def test_who_writes_after_something_they_did_not_see_is_told(officer, stolen):
    services.write(reference=stolen, content=FACTS, version=1, actor=officer, now=TUESDAY)

    with pytest.raises(IncidentChanged):
        services.write(reference=stolen, content=Closing(), version=1, actor=officer, now=WEDNESDAY)

    assert known(stolen).version == 2


def test_what_contradicts_itself_is_not_written(officer, stolen):
    with pytest.raises(IncidentInvalid):
        services.write(reference=stolen, content=Closing(), version=1, actor=officer, now=WEDNESDAY)

    assert known(stolen).version == 1
    assert lines(Action.INCIDENT_CHANGED) == []


@pytest.mark.django_db(transaction=True)
def test_two_breaches_noted_at_once_have_two_references(dpo):
    facts = Facts("Panne", (Nature.AVAILABILITY,), aware=MONDAY, hours=72)

    def note():
        services.open_incident(facts=facts, actor=Actor(dpo.pk), now=TUESDAY)

    together(note, note)

    assert set(Incident.objects.values_list("reference", flat=True)) == {"V-2026-001", "V-2026-002"}


# The helper


@pytest.mark.gdpr("G31")
def test_the_answer_is_a_recount_of_what_is_held(officer, stolen, member, other_member, louty, formation):
    leave(member, louty, "name", "email", now=MONDAY)
    leave(other_member, louty, "email", now=TUESDAY)
    leave(other_member, formation, "name", now=MONDAY)
    erased(member, louty, WEDNESDAY)
    window = {"since": WEDNESDAY + HOUR, "until": WEDNESDAY + 2 * HOUR}

    services.ask(reference=stolen, tool_id=louty.pk, since=MONDAY, until=TUESDAY, actor=officer, now=WEDNESDAY)
    services.ask(reference=stolen, tool_id=louty.pk, **window, actor=officer, now=WEDNESDAY + 3 * HOUR)

    (_two, first), (_three, second) = known(stolen).standing.counts
    rows = Holding.objects.filter(tool=louty)
    assert (first.people, first.entries) == (2, rows.count()) == (2, 3 + 2 * len(ALWAYS))
    assert first.items == {"identifier": 2, "session": 2, "name": 1, "email": 2}
    assert first.categories == {"connection": 2, "contact": 2, "identity": 1}
    assert (second.people, second.items) == (1, {"identifier": 1, "session": 1, "email": 1})
    assert known(stolen).people == 2
    line = lines(Action.INCIDENT_COUNTED)[0]
    assert (line.tool_id, line.facts["people"], line.facts["held_items"]) == (louty.pk, 2, first.entries)


def test_a_count_of_the_wrong_tool_is_set_aside_and_stays_in_the_file(officer, stolen, member, louty, formation):
    leave(member, louty, "groups", now=MONDAY)
    leave(member, formation, "name", now=MONDAY)
    window = {"since": MONDAY, "until": TUESDAY, "actor": officer, "now": WEDNESDAY}
    wrong = services.ask(reference=stolen, tool_id=louty.pk, **window)
    services.ask(reference=stolen, tool_id=formation.pk, **window)

    aside = Aside(wrong)
    services.write(reference=stolen, content=aside, version=known(stolen).version, actor=officer, now=WEDNESDAY)

    assert [each.tool for _number, each in known(stolen).standing.counts] == [formation.pk]
    assert [each.kind for each in known(stolen).steps] == ["facts", "count", "count", "aside"]
    assert lines(Action.INCIDENT_CHANGED)[-1].facts["incident_step"] == "aside"
    with pytest.raises(IncidentInvalid) as refused:
        services.write(reference=stolen, content=aside, version=known(stolen).version, actor=officer, now=WEDNESDAY)
    assert refused.value.problems == {"number": "no_count"}


def test_what_article_9_may_be_about_is_flagged(officer, stolen, member, louty):
    leave(member, louty, "groups", now=MONDAY)

    services.ask(reference=stolen, tool_id=louty.pk, since=MONDAY, until=TUESDAY, actor=officer, now=WEDNESDAY)

    assert known(stolen).standing.counts[0][1].sensitive == ("groups",)


def test_a_tool_that_is_none_is_not_counted(officer, stolen):
    with pytest.raises(IncidentInvalid) as refused:
        services.ask(reference=stolen, tool_id=0, since=MONDAY, until=TUESDAY, actor=officer, now=WEDNESDAY)

    assert refused.value.problems == {"tool": "no_tool"}


def test_whoever_is_on_the_list_has_a_line_about_it(officer, stolen, member, other_member, louty):
    leave(member, louty, "name", now=MONDAY)
    leave(other_member, louty, "email", now=MONDAY)
    services.ask(reference=stolen, tool_id=louty.pk, since=MONDAY, until=TUESDAY, actor=officer, now=WEDNESDAY)
    asked = known(stolen).standing.counts[0][1]
    reading = Reading(member.pk, officer.member, Purpose.SECURITY_INCIDENT, "", WEDNESDAY)

    found = list(selectors.addressees(asked))
    services.note_list(
        reference=stolen, asked=asked, people=[each.concerned for each in found], reading=reading, now=WEDNESDAY
    )

    assert {each.subject_id for each in lines(Action.INCIDENT_LISTED)} == {member.pk, other_member.pk}
    assert all(each.facts["purpose"] == "security_incident" for each in lines(Action.INCIDENT_LISTED))


def test_all_breaches_are_read_in_two_statements(officer, stolen):
    with counted() as one:
        selectors.incidents(WEDNESDAY)
    for _ in range(4):
        services.open_incident(facts=FACTS, actor=officer, now=TUESDAY)

    with counted() as many:
        assert len(selectors.incidents(WEDNESDAY)) == 5

    assert len(one.statements) == len(many.statements) == 2


def test_what_is_due_is_told_with_its_day_until_it_is_done(officer, stolen):
    def due(now):
        return [(each.what, each.at, each.is_late) for each in selectors.due(now)]

    deadline = MONDAY + timedelta(hours=72)
    assert due(WEDNESDAY) == [("decide", deadline, False)]
    assert due(deadline + HOUR) == [("notify", deadline, True)]
    services.write(reference=stolen, content=Decision(Risk.HIGH, "Copié."), version=1, actor=officer, now=WEDNESDAY)
    assert due(WEDNESDAY) == [("notify", deadline, False), ("tell", deadline, False)]
    services.write(reference=stolen, content=Notice(WEDNESDAY, Phase.INITIAL), version=2, actor=officer, now=WEDNESDAY)
    assert due(WEDNESDAY) == [("tell", deadline, False)]
    services.write(reference=stolen, content=Closing("Disque chiffré."), version=3, actor=officer, now=WEDNESDAY)
    assert due(WEDNESDAY) == []


@pytest.mark.gdpr("G10")
def test_a_file_goes_five_years_after_it_was_closed_and_what_is_open_stays(officer, stolen):
    harmless = Decision(Risk.NONE, "Disque chiffré.")
    services.write(reference=stolen, content=harmless, version=1, actor=officer, now=TUESDAY)
    services.write(reference=stolen, content=Closing(), version=2, actor=officer, now=WEDNESDAY)
    still_open = services.open_incident(facts=FACTS, actor=officer, now=TUESDAY)

    def gone(after: timedelta) -> int:
        data.begin(now=WEDNESDAY + after)
        return data.finish().get("incidents", 0)

    assert gone(timedelta(days=1826)) == 0
    assert gone(timedelta(days=1827)) == 1
    assert [row.reference for row in Incident.objects.all()] == [still_open]
    assert not IncidentStep.objects.filter(incident__reference=stolen).exists()
    assert lines(Action.DATA_PURGED)[-1].facts["gone_data"]["incidents"] == 1
