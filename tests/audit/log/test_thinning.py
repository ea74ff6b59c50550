"""Checkpoints that nobody would miss go; what is left proves as much."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit import signer, thinning, verify, witnesses
from audit.bundle import Folder
from audit.exporting import export_logs
from audit.models import Checkpoint, Log
from audit.note import Algorithm, SigningKey, cosign
from audit.sequencer import sequence
from audit.services import record
from audit.thinning import Point, superfluous
from audit.types import Action, Actor, Entry

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
GARANCE = SigningKey("garance.example/temoin", Algorithm.ED25519_COSIGNATURE, bytes([9]) * 32)


def kept(ages: list[timedelta]) -> list[timedelta]:
    points = [Point(number, NOW - age) for number, age in enumerate(ages)]
    gone = set(superfluous(points, NOW))
    return [age for number, age in enumerate(ages) if number not in gone]


def minutes(start: timedelta, count: int) -> list[timedelta]:
    return [start - timedelta(minutes=number) for number in range(count)]


def test_all_of_a_day_stay():
    ages = minutes(timedelta(hours=23), 600)

    assert kept(ages) == ages


def test_then_the_last_of_each_hour():
    ages = minutes(timedelta(days=10), 600)

    # From noon on, ten hours.
    assert kept(ages) == [timedelta(days=10) - timedelta(minutes=59 + 60 * hour) for hour in range(10)]


def test_then_the_last_of_each_day():
    ages = [timedelta(days=40) - timedelta(hours=hour) for hour in range(72)]

    found = kept(ages)

    assert [(NOW - age).hour for age in found] == [23, 23, 23, 11]
    assert len({(NOW - age).date() for age in found}) == 4


def test_what_stays_stays_as_time_goes_by():
    """Thinned every hour or once: no span is left without its checkpoint."""
    ages = minutes(timedelta(days=45), 60 * 24 * 45)
    points = [Point(number, NOW - age) for number, age in enumerate(ages)]
    little_by_little = points
    for hours in range(24 * 40, -1, -24):
        then = NOW - timedelta(hours=hours)
        gone = set(superfluous([each for each in little_by_little if each.at <= then], then))
        little_by_little = [each for each in little_by_little if each.pk not in gone]
    at_once = set(superfluous(points, NOW))

    assert little_by_little == [each for each in points if each.pk not in at_once]


@pytest.fixture
def log(db, settings, tmp_path) -> Log:
    """Sixty signatures; the last one is of now, the others of two months ago, a minute between two."""
    settings.AUDIT_DIR = tmp_path / "audit"
    for _ in range(60):
        with transaction.atomic():
            record(Entry(Action.FAVOURITE_CHANGED), Entry(Action.CONSENT_GIVEN))
        sequence(now=timezone.now())
        signer.sign_due(now=timezone.now())
    for each in Log.objects.all():
        start = timezone.now().replace(hour=9, minute=0) - timedelta(days=60)
        for number, point in enumerate(each.checkpoints.order_by("size")[:59]):
            Checkpoint.objects.filter(pk=point.pk).update(at=start + timedelta(minutes=number))
    return Log.objects.get(family="access")


def sizes(log: Log) -> list[int]:
    return list(log.checkpoints.order_by("size").values_list("size", flat=True))


def run() -> list[int]:
    found = []
    while gone := thinning.thin_out(now=timezone.now()):
        found.append(gone)
    return found


def test_the_first_the_last_and_what_a_witness_signed_stay_and_exports_are_sound(log, tmp_path):
    witnesses.add(key=GARANCE.verifier.text, owner="Garance", actor=Actor(), now=timezone.now())
    before = sizes(log)
    seen = log.checkpoints.get(size=before[20])
    saved = log.checkpoints.get(size=before[30]).note
    witnesses.receive(
        log_name=log.name, text=cosign(seen.note, GARANCE, at=int(timezone.now().timestamp())), now=timezone.now()
    )

    run()

    assert sizes(log) == [before[0], before[20], before[58], before[59]]
    assert signer.sign_due(now=timezone.now()) == 0, "the signer goes on from where it was"
    export_logs(Folder(tmp_path / "export"), with_people=True, now=timezone.now())
    report = verify.verify(
        str(tmp_path / "export"),
        [verify.key_of(each.key) for each in Log.objects.all()],
        [("kept", saved)],
        [verify.key_of(GARANCE.verifier.text)],
    )
    assert report.verdict == "sound", [each.said(1) for each in report.findings]
    assert {each["log"]: each["witnessed"] for each in report.logs}[log.name] == {GARANCE.name: before[20]}


def test_many_go_bit_by_bit(log, monkeypatch):
    monkeypatch.setattr(thinning, "BATCH", 25)

    batches = run()

    assert all(each <= 25 for each in batches)
    assert len(batches) >= 5
    assert all(len(sizes(each)) == 3 for each in Log.objects.all())


def test_more_than_is_looked_at_in_one_turn_goes_too(log, monkeypatch):
    monkeypatch.setattr(thinning, "LOOKED_AT", 10)

    run()

    assert all(len(sizes(each)) == 3 for each in Log.objects.all())


def test_where_nothing_is_to_go_it_costs_a_statement_for_each_log(log, django_assert_num_queries):
    run()

    with django_assert_num_queries(1 + Log.objects.count()):
        assert thinning.thin_out(now=timezone.now()) == 0
