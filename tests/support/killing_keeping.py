"""Erasures and runs of the rules that are killed without a word, again and again, while others go on writing.

    python -m tests.support.killing_keeping KILLS SEED FOLDER

Runs on a database of its own, which the environment names; tells what it found as one line of JSON.
"""

import json
import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import django
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from tests.support.killing import forked

PEOPLE, EACH, LOOKED_AT_EVERY = 24, 40, 15
GONE_FOR_GOOD = PEOPLE // 2


def happen(people: list[UUID]) -> None:
    from audit import place
    from audit.keeping.rules import months_before
    from audit.services import record
    from audit.types import Action, Actor, Entry

    long_ago = months_before(timezone.now(), 13) - timedelta(days=1)
    with transaction.atomic(), place.coming_from(lambda: {"address": "192.0.2.0/24"}):
        for number in range(EACH):
            at = long_ago if number % 2 else timezone.now()
            for person, other in zip(people, people[1:] + people[:1], strict=True):
                record(
                    Entry(Action.SIGN_IN, Actor(person), person, at=at),
                    Entry(Action.CONSENT_GIVEN, Actor(person), person, at=at),
                    Entry(Action.MEMBER_SUSPENDED, Actor(other), person, reason="misuse", at=at),
                )


def write_on(people: list[UUID]) -> None:
    """Others remember the keys of those who are being erased."""
    from audit.services import record
    from audit.types import Action, Actor, Entry

    while True:
        person = random.choice(people)  # noqa: S311 no secret
        with transaction.atomic():
            record(Entry(Action.SIGN_OUT, Actor(person), person))
        time.sleep(random.uniform(0, 0.05))  # noqa: S311 no secret


def work() -> None:
    from audit import sequencer, signer
    from audit.keeping import erasure, retention, turns

    erasure.AT_ONCE, retention.AT_ONCE = 7, 25
    while True:
        turns.turn(now=timezone.now())
        sequencer.sequence(now=timezone.now())
        signer.sign_due(now=timezone.now())


def main() -> None:
    kills, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    random.seed(seed)
    django.setup()
    call_command("migrate", verbosity=0)
    from audit import services
    from audit.keeping import retention
    from audit.models import Event, PersonKey, Removal
    from audit.types import Action, RemovalState
    from tests.support.keeping import carried_out, settle, verified

    people = [uuid4() for _ in range(PEOPLE)]
    happen(people)
    settle()
    yesterday = timezone.now() - timedelta(days=1)
    Removal.objects.create(kind="retention", state=RemovalState.OVER, began_at=yesterday, ended_at=yesterday)
    retention.begin(now=timezone.now())
    writer = forked(lambda: write_on(people))
    wrong, meanwhile = [], 0
    try:
        for number in range(kills):
            if number % 4 == 0 and number // 4 < GONE_FOR_GOOD:
                with transaction.atomic():
                    services.erase_person(people[number // 4], now=timezone.now())
            victim = forked(work)
            time.sleep(random.uniform(0.05, 0.4))  # noqa: S311 no secret
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            if number % LOOKED_AT_EVERY == 0:
                told = verified(folder)
                wrong += [] if told["verdict"] == "sound" else [told["findings"]]
                meanwhile += Removal.objects.filter(ended_at=None).count()
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    settle()
    carried_out()
    PersonKey.objects.exclude(retired_at=None).update(retired_at=timezone.now() - timedelta(hours=1))
    carried_out()
    settle()
    told = verified(folder)
    wrong += [] if told["verdict"] == "sound" else [told["findings"]]
    gone = people[:GONE_FOR_GOOD]
    left = Event.objects.about(*gone).exclude(action=Action.CONSENT_GIVEN)
    # What was written of them after they were erased is under another key, and another story.
    again = left.filter(action=Action.SIGN_OUT)
    print(
        json.dumps(
            {
                "wrong": wrong,
                "left": left.count() - again.count(),
                "kept": Event.objects.about(*gone).filter(action=Action.CONSENT_GIVEN).count(),
                "acts": Event.objects.done_by(*gone).filter(action=Action.MEMBER_SUSPENDED).count(),
                "over": Removal.objects.filter(state=RemovalState.OVER).count(),
                "open": Removal.objects.filter(ended_at=None).count(),
                "announced": Event.objects.filter(action=Action.RETENTION_RUN).count(),
                "looked": meanwhile,
                "names": Removal.objects.exclude(person=None).count(),
            }
        )
    )


if __name__ == "__main__":
    main()
