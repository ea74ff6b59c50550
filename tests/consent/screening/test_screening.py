"""Whether an impact assessment is due: asked of each processing, answered for good, asked again after three years."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor, AppendOnlyError
from consent.models import ScreeningVersion
from consent.register import services as register
from consent.register.types import Data, Kind, Rubric
from consent.screening import policy, selectors, services
from consent.screening.types import Criterion, Outcome, Screening, ScreeningChanged, ScreeningInvalid
from consent.types import Ending
from tests.consent.register.conftest import engaged, paie  # noqa: F401  (fixtures)
from tests.consent.register.test_policy import FULL
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, browser_of
from tests.support.cost import counted

TODAY = date(2026, 11, 18)
NO = Screening(date(2026, 11, 17), (Criterion.VULNERABLE,), Outcome.NOT_DUE, "Un seul critère.")
TWO = (Criterion.VULNERABLE, Criterion.MONITORING)
CANARY = "Canari Zéphyrin"


@pytest.fixture
def officer(dpo) -> Actor:
    return Actor(dpo.pk)


def lines():
    return list(Event.objects.filter(action=Action.SCREENING_MADE).order_by("pk"))


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"advice": " "}, {"advice": "missing"}),
        ({"on": TODAY + timedelta(days=1)}, {"on": "future"}),
        ({"criteria": TWO}, {"reason": "against_criteria"}),
        ({"outcome": Outcome.DONE}, {"document": "missing"}),
        ({"advice": "x" * 4001}, {"advice": "too_long"}),
    ],
)
def test_an_answer_without_its_reasons_is_not_kept(said, wrong):
    with pytest.raises(ScreeningInvalid) as refused:
        policy.checked(replace(NO, **said), today=TODAY)

    assert refused.value.problems == wrong


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"criteria": TWO, "outcome": Outcome.DUE},
        {"criteria": TWO, "reason": "Déjà couvert par une autre analyse."},
        {"outcome": Outcome.DONE, "document": "Analyse du 3 novembre, classeur 4."},
    ],
)
def test_a_whole_answer_comes_back_the_same(said):
    whole = replace(NO, **said)

    assert policy.screening_of(policy.to_json(policy.checked(whole, today=TODAY))) == whole


@pytest.mark.gdpr("G33")
@pytest.mark.parametrize(
    ("said", "due_on"),
    [
        ({}, date(2029, 11, 17)),
        ({"on": date(2024, 2, 29)}, date(2027, 2, 28)),
        ({"outcome": Outcome.DONE}, date(2029, 11, 17)),
        ({"outcome": Outcome.DUE}, date(2026, 11, 17)),
    ],
)
def test_it_is_asked_again_after_three_years_and_what_is_due_at_once(said, due_on):
    assert policy.due_on(replace(NO, **said)) == due_on


@pytest.mark.gdpr("G33")
def test_two_of_nine_criteria_ask_for_an_assessment():
    assert len(Criterion) == 9
    assert [policy.suggests(TWO[:number]) for number in (0, 1, 2)] == [False, False, True]


def test_sensitive_data_in_the_register_is_a_criterion_already():
    union = Data(Rubric.UNION, "Mandat", "1 an", "le mandat", Ending.DELETE, "9(2)(b)")

    assert policy.seen_in(FULL) == ()
    assert policy.seen_in(replace(FULL, data=(*FULL.data, union))) == (Criterion.SENSITIVE,)


@pytest.mark.django_db
class TestKept:
    def test_each_answer_is_a_version_also_when_it_is_no(self, officer, paie):  # noqa: F811
        services.screen(of=paie, screening=NO, version=0, actor=officer, now=TUESDAY)
        again = replace(NO, criteria=TWO, outcome=Outcome.DUE, advice=CANARY)
        services.screen(of=paie, screening=again, version=1, actor=officer, now=WEDNESDAY)

        kept = selectors.versions(paie)
        assert [(row.version, row.register_version, said) for row, said in kept] == [(2, 1, again), (1, 1, NO)]
        assert [each.facts["outcome"] for each in lines()] == ["not_due", "due"]
        assert lines()[1].facts["criteria"] == ["monitoring", "vulnerable"] or lines()[1].facts["criteria"] == [
            "vulnerable",
            "monitoring",
        ]
        assert CANARY not in str([each.facts for each in lines()])

    def test_nothing_of_it_is_ever_changed_or_removed(self, officer, paie):  # noqa: F811
        made = services.screen(of=paie, screening=NO, version=0, actor=officer, now=TUESDAY)

        for act in (
            made.save,
            made.delete,
            ScreeningVersion.objects.all().delete,
            lambda: ScreeningVersion.objects.update(version=9),
        ):
            with pytest.raises(AppendOnlyError), transaction.atomic():
                act()

    def test_who_writes_after_another_answer_is_told(self, officer, paie):  # noqa: F811
        services.screen(of=paie, screening=NO, version=0, actor=officer, now=TUESDAY)

        with pytest.raises(ScreeningChanged):
            services.screen(of=paie, screening=NO, version=0, actor=officer, now=WEDNESDAY)

        assert ScreeningVersion.objects.count() == 1

    def test_what_was_never_asked_or_long_ago_is_due(self, officer, paie, engaged):  # noqa: F811
        services.screen(of=paie, screening=NO, version=0, actor=officer, now=TUESDAY)

        def due(now):
            return [each.reference for each in selectors.due(now)]

        assert due(WEDNESDAY) == ["O-001"]
        assert due(WEDNESDAY + timedelta(days=3 * 366)) == ["O-001", "T-001"]
        services.screen(
            of=engaged.register_record,
            screening=replace(NO, outcome=Outcome.DUE),
            version=0,
            actor=officer,
            now=WEDNESDAY,
        )
        assert due(WEDNESDAY) == ["O-001"], "an assessment that is owed"

    def test_the_list_takes_two_statements_however_many_there_are(self, officer, paie):  # noqa: F811
        for number in range(4):
            register.add(
                kind=Kind.CONTROLLER, content=replace(FULL, name=f"N {number}"), actor=officer, note="", now=MONDAY
            )
        for number in range(3):
            services.screen(of=paie, screening=NO, version=number, actor=officer, now=TUESDAY)

        with counted() as cost:
            assert len(selectors.asked()) == 5

        assert len(cost.statements) == 2


@pytest.mark.django_db
class TestPages:
    def test_the_officer_asks_and_the_answer_stays(self, dpo, paie):  # noqa: F811
        browser = browser_of(dpo)
        assert "jamais examiné" in browser.get("/analyses/").content.decode()
        said = {
            "version": "0",
            "criteria": ["vulnerable", "monitoring"],
            "outcome": "not_due",
            "advice": CANARY,
            "on": str(timezone.localdate()),
        }

        refused = browser.post("/analyses/T-001/", said)
        assert refused.status_code == 422
        assert 'id="id_reason_error"' in refused.content.decode()
        assert CANARY in refused.content.decode()
        assert browser.post("/analyses/T-001/", said | {"reason": "Couvert ailleurs."}).status_code == 302

        assert "jamais examiné" not in browser.get("/analyses/").content.decode()
        assert 'data-version="1"' in browser.get("/analyses/T-001/").content.decode()
        assert browser.post("/analyses/T-001/", said | {"reason": "Encore."}).status_code == 422
        assert [each.reason for each in lines() if each.refused] == ["screening_invalid", "screening_changed"]
        assert browser.get("/analyses/T-999/").status_code == 404
