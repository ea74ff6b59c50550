"""What the hub holds of people goes by category, each by its own clock, and the proof that it went stays."""

import json
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from audit.keeping import data, holds, turns
from audit.models import DataPeriod, Event, Removal
from audit.types import Action, Actor, KeepingError, RemovalKind, RemovalState
from consent.ledger import holdings
from consent.models import Disclosure, Holding
from directory.models import Member, MemberPhoto
from directory.types import Hold
from tests.consent.ledger.leaving import leave
from tests.consent.test_services import go_on
from tests.support.cast import MONDAY, browser_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def gone(member, days_ago):
    """They left so many days before Monday, and have a photo and a second factor."""
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=MONDAY - days_ago * DAY)
    MemberPhoto.objects.create(member=member, digest="x", content=b"x", looked_at=MONDAY)
    Authenticator.objects.create(user=member, type="totp", data={"secret": "x"})


def run(now=MONDAY):
    begun = data.begin(now=now)
    while data.step(begun.pk):
        pass
    begun.refresh_from_db()
    return begun


def clock(code, now=MONDAY):
    return next(each for each in data.clocks(now) if each.category.code == code)


@pytest.mark.spec("GDPR", "5(1)(e)")
def test_each_category_has_a_start_a_period_and_an_end():
    for each in data.categories():
        assert each.label
        assert each.trigger
        assert each.outcome in data.Outcome
        assert each.days >= each.least > 0


@pytest.mark.gdpr("G10")
@pytest.mark.parametrize("missing", ["trigger", "outcome", "days"])
def test_a_category_without_one_of_them_is_none(missing):
    values = {"trigger": "x", "outcome": data.Outcome.DELETE, "days": 30} | {missing: 0 if missing == "days" else ""}

    with pytest.raises(ValueError, match="a start, a period and an end"):
        data.Category("x", "X", due=lambda *_: None, go=None, **values)


@pytest.mark.gdpr("G10")
def test_a_departure_begins_a_clock_for_each_category_and_not_one_for_all(member):
    gone(member, days_ago=100)

    begun = run()

    assert not MemberPhoto.objects.exists()
    assert Authenticator.objects.filter(user=member).exists(), "factors have a longer one"
    member.refresh_from_db()
    assert member.email
    assert (begun.state, begun.said) == (RemovalState.OVER, {"data": {"photo": 1}})


def test_what_went_is_on_the_record_by_numbers_and_nobody(member):
    gone(member, days_ago=200)

    run()

    line = Event.objects.get(action=Action.DATA_PURGED)
    assert line.facts["gone_data"] == {"factors": 1, "photo": 1}
    assert line.subject_id is None


def test_a_night_in_which_nothing_is_due_has_no_line(member):
    run()

    assert not Event.objects.filter(action=Action.DATA_PURGED).exists()


def test_nothing_goes_of_somebody_on_hold(member, dpo):
    gone(member, days_ago=200)
    holds.put(actor=Actor(dpo.pk), person=member.pk, why="Litige", now=timezone.now())

    run()

    assert MemberPhoto.objects.exists()
    assert clock("photo").due == 0


def test_nothing_goes_of_a_category_on_hold_until_it_is_lifted(member, dpo):
    gone(member, days_ago=100)
    hold = holds.put(actor=Actor(dpo.pk), retention="photo", why="Contrôle", now=timezone.now())

    run()
    clocks_held = clock("photo")
    page = unescape(browser_of(dpo).get(reverse("audit:keeping")).content.decode())
    holds.lift(actor=Actor(dpo.pk), hold_id=hold.pk, why="Fini", now=timezone.now())

    assert MemberPhoto.objects.exists()
    assert (clocks_held.held, clocks_held.due, clocks_held.running) == (True, 0, 1)
    assert "<strong>Photos</strong>" in page
    assert run(now=MONDAY + DAY).said == {"data": {"photo": 1}}


def test_the_trial_counts_what_the_night_takes_and_changes_nothing(member, other_member):
    gone(member, days_ago=100)
    gone(other_member, days_ago=80)

    before = clock("photo")

    assert (before.running, before.due, before.ahead) == (2, 1, [(30, 2), (90, 2), (365, 2)])
    assert MemberPhoto.objects.count() == 2
    assert run().said["data"]["photo"] == before.due


def test_the_ledger_and_what_is_made_of_it_go_together(member, louty):
    go_on(member, louty)
    leave(member, louty, "name", now=MONDAY)
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=MONDAY - 2000 * DAY)

    run()

    assert not Disclosure.objects.exists()
    assert not Holding.objects.exists()
    assert holdings.differences() == {}


def test_longer_holds_at_once_and_shorter_in_two_weeks(dpo):
    def said(days, shown, now):
        data.change(actor=Actor(dpo.pk), code="photo", days=days, why="Décision du 16", shown=shown, now=now)

    said(200, 90, MONDAY)
    longer = data.days_in_force(MONDAY)["photo"]
    said(40, 200, MONDAY + DAY)

    assert longer == 200
    assert data.days_in_force(MONDAY + 10 * DAY)["photo"] == 200
    assert data.days_in_force(MONDAY + 16 * DAY)["photo"] == 40
    assert [(row.days, row.why) for row in data.history("photo")] == [(40, "Décision du 16"), (200, "Décision du 16")]
    lines = Event.objects.filter(action=Action.RETENTION_CHANGED).order_by("pk")
    assert [line.facts["days_after"] for line in lines] == [200, 40]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"days": 3}, "days"),
        ({"why": " "}, "why_missing"),
        ({"shown": 91}, "rules_changed"),
        ({"days": 90}, "nothing_changed"),
        ({"code": "details"}, "period_fixed"),
    ],
)
def test_a_period_that_cannot_be_is_not_saved(dpo, values, why):
    said = {"code": "photo", "days": 120, "why": "x", "shown": 90} | values

    with pytest.raises(KeepingError, match=why):
        data.change(actor=Actor(dpo.pk), now=MONDAY, **said)

    assert not DataPeriod.objects.exists()


def test_it_goes_on_after_it_was_killed_and_nothing_is_counted_twice(member, other_member, monkeypatch):
    monkeypatch.setattr(data, "AT_ONCE", 1)
    gone(member, days_ago=100)
    gone(other_member, days_ago=100)
    begun = data.begin(now=MONDAY)
    while not Removal.objects.get(pk=begun.pk).unsaid:
        data.step(begun.pk)

    again = run(now=MONDAY + DAY)

    assert (again.pk, again.said) == (begun.pk, {"data": {"photo": 2}})


def test_the_night_lets_both_go_and_a_doubtful_clock_neither(member):
    gone(member, days_ago=100)
    turns.begin(now=MONDAY - DAY)
    turns.begin(now=MONDAY)
    began = Removal.objects.filter(kind=RemovalKind.DATA).count()
    while turns.turn(now=MONDAY):
        pass

    turns.begin(now=MONDAY + 30 * DAY)

    assert began == Removal.objects.filter(kind=RemovalKind.DATA).count() == 1
    assert not MemberPhoto.objects.exists()


def test_the_command_counts_and_lets_go_as_the_night_does(member):
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=timezone.now() - 100 * DAY)
    MemberPhoto.objects.create(member=member, digest="x", content=b"x", looked_at=MONDAY)
    turns.begin(now=timezone.now() - DAY)

    def told(*options):
        out = StringIO()
        call_command("run_retention", "--json", *options, stdout=out)
        return json.loads(out.getvalue())["data"]

    dry = told("--dry-run")
    assert MemberPhoto.objects.exists()
    done = told()

    assert (dry["photo"], done) == (1, {"photo": 1})
    assert not MemberPhoto.objects.exists()


def test_the_officer_reads_rules_trial_and_clocks_and_changes_one(dpo, member):
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=timezone.now() - 100 * DAY)
    MemberPhoto.objects.create(member=member, digest="x", content=b"x", looked_at=MONDAY)
    browser = browser_of(dpo)
    page = reverse("audit:keeping_days", args=["photo"])

    trial = unescape(browser.get(reverse("audit:keeping_trial")).content.decode())
    clocks = unescape(browser.get(reverse("audit:keeping_clocks")).content.decode())
    bad = browser.post(page, {"days": "3", "why": "Trop long", "shown": "90"})
    done = browser.post(page, {"days": "365", "why": "Annuaire des anciens", "shown": "90"})

    assert "<strong>1</strong> sur 1" in trial
    assert "Photos" in clocks
    assert "Roux" not in clocks + trial
    assert (bad.status_code, done.status_code) == (422, 302)
    assert "Trop long" in bad.content.decode(), "nothing that was typed is lost"
    assert "365 jours" in unescape(browser.get(reverse("audit:keeping")).content.decode())
