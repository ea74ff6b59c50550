"""A journal with a history, its worker in one call, and the verifier's word on it."""

import json
import subprocess
import sys
from datetime import datetime
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from audit import signer
from audit.keeping import turns
from audit.models import Event, Log
from audit.sequencer import sequence


def settle(now: datetime | None = None) -> None:
    """Everything that was written has its place, and is signed."""
    for _ in range(3):
        while sequence(now=now or timezone.now()):
            pass
        signer.sign_due(now=now or timezone.now())


def carried_out(now: datetime | None = None) -> None:
    while turns.turn(now=now or timezone.now()):
        pass


def verified(folder: Path, *arguments: str) -> dict:
    """What the verifier says of an export that is made now."""
    target = folder / f"export-{Event.objects.count()}-{len(list(folder.iterdir()))}"
    call_command("export_log", str(target), "--with-people", *arguments, stdout=StringIO())
    signed = Log.objects.filter(checkpoints__isnull=False).distinct()
    keys = [part for log in signed for part in ("--key", log.key)]
    if arguments:
        keys = [part for name in arguments[1::2] for part in ("--key", Log.objects.get(name=name).key)]
    command = [sys.executable, "-I", str(target / "verify.py"), str(target), *keys, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120).stdout)


def is_sound(folder: Path, *arguments: str) -> bool:
    told = verified(folder, *arguments)
    assert told["verdict"] == "sound", told["findings"]
    return True
