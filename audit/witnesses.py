"""Who looks at the logs from outside, what they signed, and what of it the hub cannot account for.

A witness needs no account: what it sends is believed by its signature alone, under a checkpoint that the log's own key
has signed too.
"""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from audit import merkle, note
from audit.models import Checkpoint, Contradiction, Cosignature, Log, Witness
from audit.sequencer import DatabaseTiles
from audit.services import record
from audit.types import Action, Actor, Entry, WitnessError

# How far the clock of a witness may be from ours; the verifier grants as much.
TOLERANCE = timedelta(minutes=2)
TIMED = frozenset({note.Algorithm.ED25519_COSIGNATURE, note.Algorithm.ML_DSA_44})


class Received(Enum):
    """What became of what a witness sent."""

    KEPT = auto()
    CONTRADICTS = auto()


@dataclass(frozen=True, slots=True)
class Watch:
    """A witness, and when it last signed anything."""

    witness: Witness
    seen_at: datetime | None
    is_silent: bool


# Reading -------------------------------------------------------------------------------------------------------------


def watch(now: datetime) -> list[Watch]:
    """Every witness that counts.  One statement."""
    rows = Witness.objects.filter(ended_at=None).annotate(seen_at=Max("cosignatures__at")).order_by("pk")
    silent_since = now - settings.WITNESS_SILENCE
    return [Watch(row, row.seen_at, (row.seen_at or row.added_at) < silent_since) for row in rows]


def looks_from_outside(now: datetime) -> bool:
    """Whether somebody whom those who run the hub cannot reach signed lately."""
    outside = Witness.objects.filter(outside=True, ended_at=None)
    return outside.filter(cosignatures__at__gt=now - settings.WITNESS_SILENCE).exists()


def seen_outside() -> datetime | None:
    """When a witness outside signed last, by their own clock: the only one here that is not the hub's."""
    outside = Witness.objects.filter(outside=True, ended_at=None)
    last: datetime | None = outside.aggregate(last=Max("cosignatures__at"))["last"]
    return last


def contradictions() -> list[Contradiction]:
    """Of the logs that were given up as well: whoever gives one up does not take the word from a witness."""
    return list(Contradiction.objects.select_related("log", "witness").order_by("-pk"))


def contradicted() -> list[str]:
    """The names of the logs that go on and that a witness contradicts: an alarm that somebody can answer."""
    rows = Log.objects.filter(given_up=False, contradictions__isnull=False)
    return sorted(set(rows.values_list("name", flat=True)))


def with_lines(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """The notes of these checkpoints of one log, with the lines of witnesses.  One statement."""
    if not checkpoints:
        return []
    rows = Cosignature.objects.filter(checkpoint__log=checkpoints[0].log_id).order_by("pk")
    lines: dict[int, str] = {}
    for checkpoint_id, line in rows.values_list("checkpoint_id", "line"):
        lines[checkpoint_id] = f"{lines.get(checkpoint_id, '')}{line}\n"
    return [each.note + lines.get(each.pk, "") for each in checkpoints]


# Changing ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def add(*, key: str, owner: str, actor: Actor, now: datetime) -> Witness:
    """Raises ``WitnessError`` for what is no key of a witness, or is one that is known, or of a name that is.

    A name is all that people see of a key: it is nobody else's, not even when that witness was ended.
    """
    try:
        parsed = note.VerifierKey.parse(key)
    except note.NoteError:
        raise WitnessError("witness_key") from None
    if parsed.algorithm not in TIMED:
        raise WitnessError("witness_key_kind")
    if Log.objects.filter(key=key).exists():
        raise WitnessError("witness_is_log")
    if Witness.objects.filter(key=key, ended_at=None).exists():
        raise WitnessError("witness_known")
    if not parsed.name.isprintable():
        # What turns the direction of the text or shows nothing makes one name pass for another.
        raise WitnessError("witness_name_unseen")
    others = {
        *Witness.objects.exclude(key=key).values_list("key", flat=True),
        *Log.objects.values_list("key", flat=True),
    }
    if _seen(parsed.name) in {_seen(other.partition("+")[0]) for other in others}:
        raise WitnessError("witness_name_taken")
    witness = Witness.objects.create(key=key, owner=owner, added_at=now)
    record(_line(Action.WITNESS_ADDED, witness, actor, now))
    return witness


@transaction.atomic
def trust(*, witness_id: int, actor: Actor, now: datetime) -> None:
    """Said by whoever reads the journal: those who run the hub cannot reach this witness."""
    for witness in Witness.objects.select_for_update().filter(pk=witness_id, outside=False, ended_at=None):
        witness.outside = True
        witness.save(update_fields=["outside"])
        record(_line(Action.WITNESS_TRUSTED, witness, actor, now))


@transaction.atomic
def end(*, witness_id: int, actor: Actor, now: datetime) -> None:
    """What it signed stays."""
    for witness in Witness.objects.select_for_update().filter(pk=witness_id, ended_at=None):
        witness.ended_at = now
        witness.save(update_fields=["ended_at"])
        record(_line(Action.WITNESS_ENDED, witness, actor, now))


def receive(*, log_name: str, text: str, now: datetime) -> Received:
    """Keep what witnesses signed of this log.  Raises ``WitnessError`` for what does not hold or is nobody's."""
    log = Log.objects.filter(name=log_name).exclude(key="").first()
    if log is None:
        raise WitnessError("witness_log")
    known = {note.VerifierKey.parse(row.key): row for row in Witness.objects.filter(ended_at=None)}
    own = note.VerifierKey.parse(log.key)
    try:
        checkpoint = note.open_note(text, own).checkpoint
    except note.NoteError:
        raise WitnessError("witness_log") from None
    if checkpoint.origin != own.name:
        raise WitnessError("witness_log")
    try:
        opened = note.open_note(text, own, *known)
    except note.NoteError:
        raise WitnessError("witness_signature") from None
    signed = {key: _moment(at) for key, at in opened.signatures.items() if key in known}
    if not signed:
        raise WitnessError("witness_unknown")
    if any(at > now + TOLERANCE for at in signed.values()):
        raise WitnessError("witness_clock")
    if log.given_up:
        raise WitnessError("witness_given_up")
    if any(at < _time_of(log, checkpoint.size) - TOLERANCE for at in signed.values()):
        # Whoever checks an export takes an entry that is younger than its witness for a forgery.
        raise WitnessError("witness_clock")
    if not _leads_on(log, checkpoint):
        for key in signed:
            _contradict(log, known[key], checkpoint.size, text, now)
        return Received.CONTRADICTS
    for key, at in signed.items():
        _keep(log, checkpoint.size, note.only(text, own), known[key], note.line_of(text, key), at, now)
    return Received.KEPT


def _time_of(log: Log, size: int) -> datetime:
    """When the last of so many entries was sealed; the beginning of time where it is not there."""
    entry = log.leaves.filter(index=size - 1).values_list("entry", flat=True).first()
    return datetime.fromtimestamp(json.loads(bytes(entry))["ts"] if entry else 0, UTC)


def _leads_on(log: Log, checkpoint: note.Checkpoint) -> bool:
    """Whether the tree of the database has at this size the root that the witness holds."""
    if checkpoint.size > log.size:
        return False
    try:
        return merkle.root(DatabaseTiles(log), checkpoint.size) == checkpoint.root
    except merkle.MerkleError:
        return False


@transaction.atomic
def _keep(log: Log, size: int, signed: str, witness: Witness, line: str, at: datetime, now: datetime) -> None:
    """A checkpoint that was thinned out comes back with its witness: its own signature stands in what was sent."""
    row, _ = Checkpoint.objects.get_or_create(log=log, size=size, defaults={"note": signed, "at": at})
    kept, is_new = Cosignature.objects.get_or_create(
        checkpoint=row, witness=witness, defaults={"line": line, "at": at, "received_at": now}
    )
    if not is_new and kept.at < at:
        kept.line, kept.at, kept.received_at = line, at, now
        kept.save(update_fields=["line", "at", "received_at"])


@transaction.atomic
def _contradict(log: Log, witness: Witness, size: int, text: str, now: datetime) -> None:
    """Once for each size: the same is sent at each visit."""
    _, is_new = Contradiction.objects.get_or_create(
        log=log, witness=witness, size=size, defaults={"note": text, "at": now}
    )
    if is_new:
        facts: dict[str, object] = {"log": log.name, "log_size": size, "witness": witness.name}
        reason = "witness_longer" if size > log.size else "witness_other_root"
        record(Entry(Action.WITNESS_CONTRADICTS, refused=True, reason=reason, facts=facts, at=now))


def _moment(at: int | None) -> datetime:
    """Raises ``WitnessError`` for a time that no clock shows."""
    try:
        return datetime.fromtimestamp(at or 0, UTC)
    except (ValueError, OverflowError, OSError):
        raise WitnessError("witness_clock") from None


def _seen(name: str) -> str:
    """The same for names that look alike but for the size of letters or their form."""
    return unicodedata.normalize("NFKC", name).casefold()


def _line(action: Action, witness: Witness, actor: Actor, now: datetime) -> Entry:
    return Entry(action, actor=actor, facts={"witness": witness.name}, at=now)
