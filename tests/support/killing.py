"""A sequencer and a signer that are killed without a word, again and again, while others go on writing.

    python -m tests.support.killing KILLS SEED

Runs on a database of its own, which the environment names; tells what it found as one line of JSON.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable

import django
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

WRITERS = 2
LONGEST_LIFE_SECONDS = 0.8


def forked(work: Callable[[], None]) -> int:
    """The process that does this, with connections of its own."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def write_on() -> None:
    from audit.services import record
    from audit.types import Action, Entry

    number = 0
    while True:
        number += 1
        kind = Action.SIGN_OUT if number % 3 else Action.TOOL_CHANGED
        with transaction.atomic():
            record(*(Entry(kind, facts={"writer": os.getpid(), "n": number}) for _ in range(1 + number % 4)))
            # Taken back: it must never be seen.
            transaction.set_rollback(number % 7 == 0)
        time.sleep(random.uniform(0, 0.06))  # noqa: S311 no secret


def _turn() -> None:
    from audit import sequencer, signer

    sequencer.BATCH = 50
    sequencer.sequence(now=timezone.now())
    signer.sign_due(now=timezone.now())


def sequence_and_sign() -> None:
    while True:
        _turn()


def one_life() -> float:
    """How long it takes here, now, to be born, move a batch and sign it."""
    began = time.monotonic()
    os.waitpid(forked(_turn), 0)
    return time.monotonic() - began


def killed(kills: int) -> None:
    for number in range(kills):
        if number % 50 == 0:
            longest = min(2 * one_life(), LONGEST_LIFE_SECONDS)
        victim = forked(sequence_and_sign)
        time.sleep(random.uniform(0, longest))  # noqa: S311 no secret
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)


def roots_at(sizes: set[int], leaves: list[bytes]) -> dict[int, bytes]:
    """The root of so many leaves, by RFC 6962 section 2.1, in one walk: the whole trees on the left are kept."""
    from audit import merkle

    roots, whole = {0: merkle.root_of([])}, list[tuple[int, bytes]]()
    for size, leaf in enumerate(leaves, 1):
        level, node = 0, leaf
        while whole and whole[-1][0] == level:
            node, level = merkle.node_hash(whole.pop()[1], node), level + 1
        whole.append((level, node))
        if size in sizes:
            root = whole[-1][1]
            for _, left in reversed(whole[:-1]):
                root = merkle.node_hash(left, root)
            roots[size] = root
    return roots


def found() -> dict[str, object]:
    """All that was written against all that is in the logs, and every signature against every other."""
    from audit import merkle, note, sequencer, signer
    from audit.models import Checkpoint, Event, Leaf, Log, Pending
    from audit.sequencer import DatabaseTiles

    meanwhile = {"sequenced_meanwhile": Leaf.objects.count(), "signed_meanwhile": Checkpoint.objects.count()}
    while sequencer.sequence(now=timezone.now()):
        pass
    signer.sign_due(now=timezone.now())
    while sequencer.sequence(now=timezone.now()):
        pass
    signer.sign_due(now=timezone.now())
    written = sorted(map(str, Event.objects.values_list("reference", flat=True)))
    sequenced = sorted(map(str, Leaf.objects.values_list("reference", flat=True)))
    wrong: list[str] = []
    signatures = 0
    for log in Log.objects.all():
        leaves = [merkle.leaf_hash(bytes(each.entry)) for each in log.leaves.order_by("index")]
        if [each.index for each in log.leaves.order_by("index")] != list(range(log.size)):
            wrong.append(f"{log.name}: indexes")
        key = note.VerifierKey.parse(log.key)
        signed = [note.open_note(each.note, key).checkpoint for each in log.checkpoints.order_by("size")]
        signatures += len(signed)
        roots = roots_at({checkpoint.size for checkpoint in signed}, leaves)
        wrong += [f"{log.name}: {each.size}" for each in signed if each.root != roots.get(each.size)]
        if merkle.root(DatabaseTiles(log), log.size) != merkle.root_of(leaves):
            wrong.append(f"{log.name}: tiles")
        if log.trouble:
            wrong.append(f"{log.name}: {log.trouble}")
    return {
        "written": len(written),
        "sequenced": len(sequenced),
        "same": written == sequenced,
        "waiting": Pending.objects.count(),
        "signatures": signatures,
        **meanwhile,
        "wrong": wrong,
    }


def main() -> None:
    kills, seed = int(sys.argv[1]), int(sys.argv[2])
    random.seed(seed)
    django.setup()
    call_command("migrate", verbosity=0)
    # Here, so that no victim spends its life on it.
    importlib.import_module("audit.signer")
    writers = [forked(write_on) for _ in range(WRITERS)]
    try:
        killed(kills)
    finally:
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
    print(json.dumps(found()))


if __name__ == "__main__":
    main()
