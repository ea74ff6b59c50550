"""A receipt as files: the record in its forms, and what of the log proves that it was written and when."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.translation import get_language

from audit.bundle import Sink
from audit.exporting import keys_address
from audit.own.exporting import export_person
from audit.own.types import NothingProved
from consent import activity
from consent.policy import canonical
from consent.receipts import policy
from consent.receipts.types import Decided, Form

TYPES = {Form.JSON: "application/json", Form.LINKED: "application/ld+json"}


class Kept:
    """A sink in memory: a receipt has a line or two."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        self.files[path] = b"".join(chunks)


def proof_of(person: UUID, decided: Decided, *, now: datetime) -> list[dict[str, Any]]:
    """Of each log: its signed checkpoint, the lines of the decision with their proofs, and what they say.

    Nothing before the log is signed as far as there.
    """
    kept = Kept()
    try:
        export_lines(kept, person, decided, now=now)
    except NothingProved:
        return []
    found = []
    for path in sorted(kept.files):
        log, slash, name = path.removeprefix("log/").rpartition("/")
        if slash and name == "checkpoint":
            folder = f"log/{log}/"
            found.append(
                {
                    "log": log,
                    "checkpoint": kept.files[path].decode(),
                    "proofs": list(_rows(kept.files[f"{folder}proofs.jsonl"])),
                    "parts": list(_rows(kept.files[f"{folder}parts.jsonl"])),
                }
            )
    return found


def export_lines(sink: Sink, person: UUID, decided: Decided, *, now: datetime) -> None:
    """Raises ``NothingProved``."""
    if not decided.entries:
        raise NothingProved
    export_person(sink, person, tell=activity.tell, lines=decided.entries, now=now)


def export(sink: Sink, person: UUID, decided: Decided, *, now: datetime) -> None:
    """All forms beside the proof and what checks it.  Raises ``NothingProved``.

    The text goes along as its digests in the signed line cover it: whoever checks finds both files named there.
    """
    export_lines(sink, person, decided, now=now)
    shown = decided.shown
    sink.put("information.json", [canonical(shown.kept)])
    if shown.page:
        sink.put("information.html", [shown.page.encode()])
    proof = proof_of(person, decided, now=now)
    for form, name in ((Form.JSON, "accord.json"), (Form.LINKED, "accord.jsonld")):
        sink.put(name, [content_of(form, decided, proof)])
    record = policy.record_of(decided)
    context = {"decided": decided, "record": record, "language": get_language(), "now": now, "keys": keys_address()}
    sink.put("accord.html", [render_to_string("consent/receipts/file.html", context).encode()])


def content_of(form: Form, decided: Decided, proof: list[dict[str, Any]]) -> bytes:
    told = policy.linked_of(decided, proof) if form is Form.LINKED else policy.record_of(decided, proof)
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def _rows(content: bytes) -> Iterator[Any]:
    return (json.loads(line) for line in content.splitlines())
