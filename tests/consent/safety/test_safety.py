"""Security of processing: what was done and tried, with its day; what is older than a year is to be done again."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor, AppendOnlyError
from consent.models import SafetyLine
from consent.safety import policy, selectors, services
from consent.safety.types import Kind, Line, Result, SafetyInvalid
from tests.support.cast import WEDNESDAY, browser_of

TODAY = timezone.localdate(WEDNESDAY)
CANARY = "Canari Zéphyrin"
RESTORED = Line(Kind.RESTORE, TODAY, "Karim, la technique", "Sauvegarde de la nuit, base entière", Result.DONE)
PAGE = "/mesures/"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"who": " "}, {"who": "missing"}),
        ({"what": ""}, {"what": "missing"}),
        ({"what": "x" * 4001}, {"what": "too_long"}),
        ({"who": "x" * 201}, {"who": "too_long"}),
        ({"on": TODAY + timedelta(days=1)}, {"on": "future"}),
        ({"result": Result.FAILED}, {"note": "unexplained"}),
        ({"result": Result.PARTLY}, {"note": "unexplained"}),
    ],
)
def test_a_line_says_who_what_when_and_why_it_failed(said, wrong):
    with pytest.raises(SafetyInvalid) as refused:
        policy.checked(replace(RESTORED, **said), today=TODAY)

    assert refused.value.problems == wrong


@pytest.mark.gdpr("G30")
@pytest.mark.parametrize(
    ("lines", "due"),
    [
        ([], {Kind.RESTORE: None, Kind.REVIEW: None}),
        ([(Kind.RESTORE, Result.DONE, date(2025, 11, 18))], {Kind.REVIEW: None}),
        ([(Kind.RESTORE, Result.DONE, date(2025, 11, 17))], {Kind.RESTORE: date(2025, 11, 17), Kind.REVIEW: None}),
        ([(Kind.RESTORE, Result.FAILED, date(2026, 11, 18))], {Kind.RESTORE: None, Kind.REVIEW: None}),
        ([(each, Result.DONE, date(2026, 1, 2)) for each in Kind], {}),
    ],
)
def test_what_did_not_succeed_within_a_year_is_to_be_done(lines, due):
    assert policy.due(lines, today=date(2026, 11, 18)) == due


@pytest.mark.django_db
class TestKept:
    def test_a_line_stays_with_its_digest_in_the_journal_and_nothing_of_what_it_says(self, dpo):
        made = services.note(line=replace(RESTORED, what=CANARY), actor=Actor(dpo.pk), now=WEDNESDAY)

        (line,) = Event.objects.filter(action=Action.SAFETY_NOTED)
        assert line.facts == {
            "safety": "restore",
            "safety_day": TODAY.isoformat(),
            "safety_result": "done",
            "digest": made.digest,
        }
        assert list(selectors.due(WEDNESDAY)) == [Kind.REVIEW]
        for act in (
            made.save,
            made.delete,
            SafetyLine.objects.all().delete,
            lambda: SafetyLine.objects.update(who="x"),
        ):
            with pytest.raises(AppendOnlyError), transaction.atomic():
                act()

    @pytest.mark.gdpr("G30")
    def test_the_officer_notes_a_restore_test_and_the_day_asks_no_more(self, dpo):
        browser = browser_of(dpo)
        assert "Essais de sécurité à faire" in browser.get("/protection/").content.decode()
        said = {"on": timezone.localdate().isoformat(), "who": "Karim", "what": CANARY, "result": "done"}

        for kind in ("restore", "review"):
            assert browser.post(PAGE, said | {"kind": kind}).status_code == 302

        assert CANARY in browser.get(PAGE).content.decode()
        assert "data-due" not in browser.get(PAGE).content.decode()
        assert "Essais de sécurité à faire" not in browser.get("/protection/").content.decode()

    def test_what_is_not_kept_is_said_and_on_the_record(self, dpo):
        said = {"kind": "restore", "on": "2026-01-02", "who": "Karim", "what": CANARY, "result": "failed"}

        answer = browser_of(dpo).post(PAGE, said)

        assert answer.status_code == 422
        assert 'id="id_note_error"' in answer.content.decode()
        (line,) = Event.objects.filter(action=Action.SAFETY_NOTED)
        assert (line.refused, line.reason, line.facts) == (True, "safety_invalid", {})
