"""A child of the seventh report, in the hub's environment: gives a member a long history, and lets them take it."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import cycle, islice
from os import SEEK_END
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import django
from django.db import connection, transaction
from django.utils import timezone

from benchmarks.passing import peak_mib

TOOLS = 5
NEIGHBOURS = 50
ITEMS = ("name", "email", "phone")


def main() -> None:
    django.setup()
    connection.ensure_connection()
    work: dict[str, Callable[..., dict[str, Any]]] = {"live": live, "take": take, "check": check}
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(work[order.pop("do")](**order)), flush=True)


def live(*, entries: int, beside: int) -> dict[str, Any]:
    """So many releases to a member, one of each tool a day, each a row and a line of its own; then all is signed."""
    from audit import sequencer, signer
    from consent.ledger.services import disclose
    from consent.types import Channel, Disclosed, Release
    from directory.models import Member

    names = [f"bench{entries}", *(f"beside{entries}-{number}" for number in range(NEIGHBOURS))]
    person, *others = Member.objects.bulk_create(Member(login=name, display_name=name) for name in names)
    around, now = cycle(others), timezone.now()
    sheets = _sheets(now)
    for day in range(-(-entries // TOOLS)):
        leaving = [
            Disclosed(each.pk, sheet.tool_id, Channel.USERINFO, frozenset(ITEMS), Release(sheet.pk, sheet.notice.pk))
            for sheet in sheets[: entries - day * TOOLS]
            for each in (person, *islice(around, beside))
        ]
        with transaction.atomic():
            disclose(leaving, now=now - timedelta(days=day))
    while sequencer.sequence(now=now):
        pass
    signer.sign_due(now=now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return _held(person)


def take(*, what: str) -> dict[str, Any]:
    """As the page does when its button is pressed, up to the first byte that is sent."""
    ways: dict[str, Callable[[Any, datetime], int]] = {
        "data": _data,
        "proofs": _proofs,
        "archive": _archive,
        "pdf": _pdf,
    }
    person, now = _person(), timezone.now()
    own, began = _own_seconds(), time.perf_counter()
    size = ways[what](person, now)
    seconds, spent = time.perf_counter() - began, _own_seconds() - own
    return {"seconds": seconds, "own": spent, "bytes": size, "peak": peak_mib()}


def check(*, folder: str) -> dict[str, Any]:
    """The archive has every row, and its own verifier finds it sound by the keys that the hub publishes."""
    from audit.models import Log
    from consent import taking
    from consent.own import exporting

    person, now = _person(), timezone.now()
    held = _held(person)
    export = Path(folder) / f"taken-{person.login}"
    with taking.zipped(lambda sink: exporting.export_all(sink, person.pk, now=now)) as file, ZipFile(file) as archive:
        archive.extractall(export)
    told = json.loads((export / "mes-donnees.json").read_text())
    if (len(told["disclosures"]), len(told["lines"])) != (held["rows"], held["lines"]):
        raise RuntimeError("the archive has not every row")
    keys = [part for key in Log.objects.exclude(key="").values_list("key", flat=True) for part in ("--key", key)]
    command = [sys.executable, "-I", str(export / "verify.py"), str(export), *keys, "--json"]
    verdict = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    # Entries that describe what left are beside them, and are about nobody.
    theirs = sum(log["disclosed"].get("s", 0) for log in verdict["logs"])
    if (verdict["verdict"], theirs) != ("sound", held["lines"]):
        raise RuntimeError("the archive is not sound")
    return held


def _data(person: Any, now: datetime) -> int:
    from consent.own import exporting

    return sum(len(piece.encode()) for piece in exporting.json_of(person.pk, now=now))


def _proofs(person: Any, now: datetime) -> int:
    from audit.own.exporting import export_person
    from consent import activity, taking

    return _size(taking.zipped(lambda sink: export_person(sink, person.pk, tell=activity.tell, now=now)))


def _archive(person: Any, now: datetime) -> int:
    from consent import taking
    from consent.own import exporting

    return _size(taking.zipped(lambda sink: exporting.export_all(sink, person.pk, now=now)))


def _pdf(person: Any, now: datetime) -> int:
    from consent.own import exporting

    return len(exporting.pdf(person.pk, now=now))


def _size(file: IO[bytes]) -> int:
    with file:
        return file.seek(0, SEEK_END)


def _person() -> Any:
    """The last who lived."""
    from directory.models import Member

    return Member.objects.filter(login__startswith="bench").latest("created_at")


def _held(person: Any) -> dict[str, Any]:
    from audit.models import Event
    from audit.own.selectors import keys_of
    from consent.models import Disclosure

    rows = Disclosure.objects.filter(member_id=person.pk).count()
    return {"rows": rows, "lines": Event.objects.filter(subject_key__in=keys_of(person.pk)).count()}


def _sheets(now: datetime) -> list[Any]:
    """Tools with a sheet: why each item left is said in every row and line."""
    from audit.types import SYSTEM
    from consent import selectors
    from consent.services import declare
    from consent.types import LegalBasis, Purpose, Sheet, SheetItem
    from idp.models import Tool

    items = tuple(SheetItem(item, "Vous joindre.") for item in ITEMS)
    found = []
    for number in range(TOOLS):
        name = f"bench-{number}"
        tool, is_new = Tool.objects.get_or_create(slug=name, client_id=name, defaults={"name": name})
        if is_new:
            purpose = Purpose("Tenir votre compte.", LegalBasis.CONTRACT, "Cinq ans.", items)
            declare(tool_id=tool.pk, sheet=Sheet("Compte", (purpose,)), actor=SYSTEM, now=now)
        found.append(selectors.sheet(tool.pk))
    return found


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
