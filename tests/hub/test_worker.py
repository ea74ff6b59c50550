"""The worker's jobs: each at its own pace, none in the way of the others."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hub.management.commands.run_worker import MORE, Job

NOW = timezone.now()


def job(work) -> Job:
    return Job("essai", timedelta(minutes=10), work)


def test_a_job_runs_at_once_and_then_when_its_time_has_come():
    ran = []
    each = job(ran.append)

    for minutes in (0, 5, 9, 10, 11):
        each.run_if_due(NOW + timedelta(minutes=minutes))

    assert ran == [NOW, NOW + timedelta(minutes=10)]


def test_a_job_that_has_more_to_do_goes_on_at_the_next_turn():
    answers = iter([MORE, MORE, None, None])
    ran = []

    each = job(lambda now: (ran.append(now), next(answers))[1])
    for seconds in range(5):
        each.run_if_due(NOW + timedelta(seconds=seconds))

    assert ran == [NOW + timedelta(seconds=seconds) for seconds in range(3)]


def test_a_job_that_fails_is_tried_again_at_its_next_time(caplog):
    ran = []

    def fails(now):
        ran.append(now)
        raise ValueError("odile@alizarine.example")

    each = job(fails)
    for minutes in (0, 5, 10):
        each.run_if_due(NOW + timedelta(minutes=minutes))

    assert len(ran) == 2
    assert "essai failed: ValueError" in caplog.text
    assert "alizarine" not in caplog.text


@pytest.mark.django_db
def test_a_tools_session_that_outlived_its_hub_session_is_closed(agenda, browser):
    """Begun by a request that was under way when the member signed out."""
    from hub.management.commands import run_worker
    from idp.models import HubSession, ToolSession

    agenda.code(browser)
    now = timezone.now()
    HubSession.objects.update(ended_at=now)

    run_worker._end_stale(now)
    open_at_once = ToolSession.objects.filter(ended_at=None).count()
    run_worker._end_stale(now + timedelta(minutes=2))

    assert open_at_once == 1
    assert not ToolSession.objects.filter(ended_at=None).exists()


@pytest.mark.django_db
def test_removal_goes_on_while_whole_batches_go(agenda, browser, monkeypatch):
    from hub.management.commands import run_worker
    from idp.models import AccessToken

    monkeypatch.setattr(run_worker.purge, "BATCH", 2)
    for _ in range(5):
        agenda.exchange(agenda.code(browser))
    AccessToken.objects.update(expires=NOW - timedelta(days=2))

    turns = [run_worker._purge(timezone.now()) for _ in range(4)]

    assert turns == [MORE, MORE, None, None]
    assert not AccessToken.objects.exists()


def test_a_clock_that_was_a_year_ahead_stops_no_job_once_it_is_right_again():
    done = []
    job = Job("x", timedelta(seconds=20), done.append)
    right = timezone.now()
    ahead = right + timedelta(days=365)

    for now in (right, ahead, right + timedelta(seconds=30), right + timedelta(seconds=40)):
        job.run_if_due(now)

    assert done == [right, ahead, right + timedelta(seconds=30)]
