"""What the data protection officer sees and does about what is kept."""

from datetime import timedelta
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from audit.keeping import changes, holds, retention, turns
from audit.keeping.rules import Period
from audit.kinds import Retention
from audit.models import Checkpoint, Cosignature, Event, Hold, Removal, Witness
from audit.parts import Role
from audit.types import SYSTEM, Action, RemovalState
from tests.audit.keeping.test_retention import old, parts_of, ran  # noqa: F401 fixtures
from tests.support.cast import browser_of, reader_of
from tests.support.keeping import carried_out

pytestmark = pytest.mark.django_db
PAGE = reverse("audit:keeping")
TRIAL = reverse("audit:keeping_trial")
RULE = reverse("audit:keeping_rule", args=["sign-in"])
HOLD = reverse("audit:keeping_hold")
PERSON = reverse("audit:keeping_person")
CONFIRM = reverse("audit:keeping_confirm")
PAGES = [PAGE, TRIAL, RULE, HOLD, PERSON]
SIGN_IN_RULE = {
    "version": 0,
    "months_c": 12,
    "months_s": 12,
    "months_a": 12,
    "months_x": 6,
    "why": "Délibération du 3 mars",
}


def text_of(response):
    return unescape(response.content.decode())


@pytest.fixture
def browser(dpo):
    return reader_of(dpo)


@pytest.mark.parametrize("url", [*PAGES, CONFIRM])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_officer_opens_every_page_and_nobody_else_does(dpo, member, url, language):
    officer = reader_of(dpo)
    officer.cookies["django_language"] = language

    if url != CONFIRM:
        assert officer.get(url).status_code == 200
    assert browser_of(member).post(url).status_code == 403
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 1


def test_the_page_says_for_how_long_what_is_kept_and_what_was_done(browser, ran):  # noqa: F811
    retention.begin(now=timezone.now())
    carried_out()

    page = text_of(browser.get(PAGE))

    assert 'data-class="sign-in"' in page
    assert "60 mois après le départ, même après un effacement" in page
    assert 'id="keeping-refused"' not in page
    assert 'id="keeping-shortened"' not in page
    assert page.count('<tr role="row">') == 3 + 2  # three heads, two runs


def test_the_trial_counts_and_takes_nothing_until_somebody_is_sure(browser, ran, dpo):  # noqa: F811
    before = Event.objects.count()
    goes = sum(sum(counts.values()) for counts in retention.counted(timezone.now()).values())

    shown = text_of(browser.get(TRIAL))
    unsure = browser.post(TRIAL, {})
    nothing = Event.objects.count()
    browser.post(TRIAL, {"sure": "on"})
    carried_out()

    assert Event.objects.get(action=Action.RETENTION_RUN).actor_id == dpo.pk
    assert Removal.objects.latest("pk").begun_by is None
    assert f"{goes} parties ont dépassé leur durée" in shown
    assert "<strong>6</strong> sur 10" in shown  # sign-ins
    assert unsure.status_code == 422
    assert nothing == before
    assert len(parts_of(Action.DISCLOSED)) == 2


def test_a_rule_is_changed_with_a_reason(browser, dpo):
    response = browser.post(RULE, {**SIGN_IN_RULE, "months_s": 6, "months_a": 6})

    assert response.status_code == 302
    assert 'id="keeping-shortened"' in text_of(browser.get(PAGE))
    assert changes.current().of(Retention.SIGN_IN, Role.SUBJECT) == Period(6)
    assert Event.objects.get(action=Action.RETENTION_CHANGED).actor_id == dpo.pk


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"months_x": 13}, "Le réseau ne peut pas être gardé plus longtemps que les personnes."),
        ({"why": ""}, "Ce champ est obligatoire."),
        ({"version": 4, "months_s": 6}, "Quelqu’un a changé les règles entre-temps."),
        ({}, "Rien n’a changé."),
    ],
)
def test_a_rule_that_cannot_be_says_why(browser, values, said):
    response = browser.post(RULE, {**SIGN_IN_RULE, **values})

    assert response.status_code == 422
    assert said in text_of(response)
    assert changes.current().version == 0


def test_a_hold_is_put_on_somebody_found_by_name_and_lifted(browser, member, dpo):
    put = browser.post(HOLD, {"member": "Amélie Roux", "why": "Instance prud’homale"})
    page = text_of(browser.get(PAGE))
    hold = Hold.objects.get()
    lift = reverse("audit:keeping_lift", args=[hold.pk])
    asked = browser.get(lift).status_code
    unsaid = browser.post(lift, {"why": ""}).status_code
    browser.post(lift, {"why": "Jugement rendu"})

    assert put.status_code == 302
    assert "Amélie Roux" in page
    assert "Instance prud’homale" in page
    assert (hold.person, hold.put_by_id) == (member.pk, dpo.pk)
    assert (asked, unsaid) == (200, 422)
    assert not holds.in_force(timezone.now()).exists()
    assert browser.get(lift).status_code == 404


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"why": "x"}, "Dites de qui, ou de quelle catégorie."),
        ({"member": "zzz", "why": "x"}, "Personne ne correspond."),
        ({"member": "a", "why": "x"}, "Plusieurs personnes correspondent"),
        ({"retention": "consent", "why": "x", "until": "2020-01-01"}, "Cette date est passée."),
    ],
)
def test_a_hold_that_cannot_be_says_why(browser, member, other_member, values, said):
    response = browser.post(HOLD, values)

    assert response.status_code == 422
    assert said in text_of(response)


def test_a_class_can_be_held(browser):
    browser.post(HOLD, {"retention": "consent", "why": "Contrôle"})

    assert "suspendu" in text_of(browser.get(TRIAL))


def test_what_would_go_of_somebody_is_shown_with_why_the_rest_stays(browser, happened, member, dpo):
    response = browser.post(PERSON, {"member": member.login})

    page = text_of(response)
    assert "Preuve à garder, même effacée la personne (RGPD, article 17, 3, e)" in page
    line = Event.objects.get(action=Action.JOURNAL_READ)
    assert (line.actor_id, line.subject_id) == (dpo.pk, member.pk)
    assert not Removal.objects.exists()

    holds.put(actor=SYSTEM, person=member.pk, why="Instance", now=timezone.now())
    held = text_of(browser.post(PERSON, {"member": member.login}))
    assert "Une suspension protège cette personne" in held
    assert "badge--bad" not in held


def test_what_is_shown_to_go_of_somebody_is_what_goes(happened, member):
    from django.db import transaction

    from audit import services
    from audit.keeping import erasure

    told = [each for each in erasure.preview(member.pk, timezone.now()) if not each.stays]
    with transaction.atomic():
        services.erase_person(member.pk, now=timezone.now())
    carried_out()

    said = Removal.objects.get().said
    gone = sum(count for roles in said.values() for role, count in roles.items() if role != "c")
    assert sum(each.number for each in told) == gone


def test_a_doubtful_clock_is_told_everywhere_and_somebody_says_that_it_is_right(browser, ran, client):  # noqa: F811
    Removal.objects.update(began_at=timezone.now() - timedelta(days=400))
    turns.night(now=timezone.now())

    page = text_of(browser.get(PAGE))
    proof = text_of(browser.get(reverse("audit:proof")))
    health = client.get("/healthz").json()["journal_retention_stopped"]
    browser.post(CONFIRM, {})
    unsure = retention.refusal()
    browser.post(CONFIRM, {"sure": "on"})

    assert 'id="keeping-refused"' in page
    assert 'id="proof-retention"' in proof
    assert health is True
    assert unsure is not None
    assert retention.refusal() is None
    assert client.get("/healthz").json()["journal_retention_stopped"] is False
    assert browser.post(CONFIRM, {"sure": "on"}).status_code == 302


def test_erasures_that_are_under_way_are_counted_by_state(browser, happened, member):
    from django.db import transaction

    from audit import services

    with transaction.atomic():
        services.erase_person(member.pk, now=timezone.now())
    carried_out()

    assert "Presque fini" in text_of(browser.get(PAGE))


def test_the_page_takes_few_statements(browser, ran, member, django_assert_max_num_queries):  # noqa: F811
    holds.put(actor=SYSTEM, retention=Retention.CONSENT, why="x", now=timezone.now())

    with django_assert_max_num_queries(12):
        browser.get(PAGE)


# The command ----------------------------------------------------------------------------------------------------


def told_by(*arguments):
    from io import StringIO

    out = StringIO()
    call_command("run_retention", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_counts_first_and_then_lets_go(ran):  # noqa: F811
    import json

    dry = json.loads(told_by("--dry-run", "--json"))
    shown = told_by("--dry-run")
    untouched = len(parts_of(Action.DISCLOSED))
    done = json.loads(told_by("--json"))

    assert dry["goes"]["release"] == {"c": 3, "s": 3, "a": 0, "x": 0}
    assert "Nothing was written" in shown
    assert untouched == 5
    assert done["state"] == RemovalState.OVER
    assert sum(roles.get("s", 0) for roles in done["gone"].values()) == sum(each["s"] for each in dry["goes"].values())
    assert len(parts_of(Action.DISCLOSED)) == 2


def test_the_command_asks_an_officer_about_a_doubtful_clock(ran, dpo, member):  # noqa: F811
    Removal.objects.update(began_at=timezone.now() - timedelta(days=400))

    with pytest.raises(CommandError, match="is the clock right"):
        told_by()
    with pytest.raises(CommandError, match="Somebody has to say so"):
        told_by("--clock-is-right")
    for login in (member.login, "nobody"):
        with pytest.raises(CommandError, match="is nobody who may"):
            told_by("--clock-is-right", "--as", login)
    untouched = len(parts_of(Action.DISCLOSED))
    told_by("--clock-is-right", "--as", dpo.login)

    assert untouched == 5
    assert len(parts_of(Action.DISCLOSED)) == 2
    lines = Event.objects.filter(action__in=[Action.RETENTION_CONFIRMED, Action.RETENTION_RUN])
    assert [line.actor_id for line in lines] == [dpo.pk, dpo.pk]


@pytest.mark.parametrize(("days", "goes_on"), [(400, False), (-400, False), (6, True), (-6, True)])
def test_nobody_confirms_a_date_that_a_witness_outside_contradicts(ran, dpo, days, goes_on):  # noqa: F811
    Removal.objects.update(began_at=timezone.now() - timedelta(days=400))
    seen_by_a_witness(timezone.now() - timedelta(days=days))

    if goes_on:
        told_by("--clock-is-right", "--as", dpo.login)
    else:
        with pytest.raises(CommandError, match="witness_clock"):
            told_by("--clock-is-right", "--as", dpo.login)

    assert len(parts_of(Action.DISCLOSED)) == (2 if goes_on else 5)
    assert Event.objects.filter(action=Action.RETENTION_CONFIRMED).exists() is goes_on


@pytest.mark.parametrize("changed", [{"outside": False}, {"ended_at": timezone.now()}])
def test_a_witness_who_does_not_count_contradicts_no_date(ran, dpo, changed):  # noqa: F811
    Removal.objects.update(began_at=timezone.now() - timedelta(days=400))
    seen_by_a_witness(timezone.now() - timedelta(days=400), **changed)

    told_by("--clock-is-right", "--as", dpo.login)

    assert len(parts_of(Action.DISCLOSED)) == 2


def seen_by_a_witness(at, **changed):
    witness = Witness.objects.create(
        **{"key": "garance.example/temoin+0+0", "owner": "Garance", "outside": True, "added_at": at, **changed}
    )
    point = Checkpoint.objects.latest("pk")
    Cosignature.objects.create(checkpoint=point, witness=witness, line="", at=at, received_at=at)


@pytest.mark.parametrize(("text", "results"), [("Roux", 1), ("zzz", 0)])
@pytest.mark.parametrize("url", [HOLD, PERSON])
def test_a_name_that_is_looked_for_is_on_the_record_whatever_becomes_of_it(dpo, member, url, text, results):
    reader_of(dpo).post(url, {"member": text, "why": ""})

    (line,) = Event.objects.filter(action=Action.MEMBERS_SEARCHED)
    assert (line.actor_id, line.subject_id, line.facts["results"]) == (dpo.pk, None, results)
    assert line.facts.get("purpose") == ("internal_control" if url == PERSON else None)
