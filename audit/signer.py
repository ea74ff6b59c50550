"""Signs how far each log has come, and nothing that contradicts what it has signed before.

What it signed last is kept in a file, outside the database: a database that was restored, cut or written by two hands
does not lead on from there, and the signer stops instead of telling two stories.  ``renew_log`` is the way on.
"""

import logging
from datetime import datetime
from os import urandom
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit import merkle, note
from audit.heads import Heads
from audit.models import Checkpoint, Log
from audit.sequencer import DatabaseTiles
from audit.services import record
from audit.types import Action, Entry, Trouble

logger = logging.getLogger("audit.signer")


class Refused(Exception):
    """Why a log is not signed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


def origin_of(log: Log) -> str:
    """What the log is called wherever its checkpoints are kept; its key has the same name (C2SP tlog-checkpoint)."""
    return f"{urlsplit(settings.ORIGIN).netloc}/audit/{log.name}"


def sign_due(*, now: datetime) -> int:
    """Sign each log that has grown, and note of each that cannot be signed why; returns how many were signed."""
    heads = Heads(settings.AUDIT_DIR)
    try:
        with heads.alone() as alone:
            # Read in here: what another worker has just signed is no news of a database that was cut.
            return sum(_sign_or_note(log, heads, now) for log in _to_sign()) if alone else 0
    except OSError:
        for log in _to_sign():
            _note_trouble(log, Trouble.FILES.value, now)
        return 0


def _to_sign() -> QuerySet[Log]:
    """Not those that were closed and signed to their end: years of them gather, and nothing comes into them."""
    done = Checkpoint.objects.filter(log=OuterRef("pk"), size=OuterRef("size"))
    over = Q(closed_at__isnull=False, trouble="") & Exists(done)
    return Log.objects.filter(given_up=False, destroyed_at=None).exclude(over).order_by("pk")


def _sign_or_note(log: Log, heads: Heads, now: datetime) -> bool:
    trouble = ""
    try:
        signed = _sign(log, heads, now)
    except Refused as refused:
        signed, trouble = False, refused.trouble.value
    except OSError:
        signed, trouble = False, Trouble.FILES.value
    except Exception as error:
        # Whatever it is, it is this log's: the others are signed.
        logger.error("log %s cannot be signed: %s", log.name, type(error).__name__)
        signed, trouble = False, Trouble.UNKNOWN.value
    _note_trouble(log, trouble, now)
    return signed


def _sign(log: Log, heads: Heads, now: datetime) -> bool:
    """Raises ``Refused``, and ``OSError`` where the files cannot be read or written."""
    size, held = log.size, heads.head(log.name)
    if held and log.key and log.checkpoints.filter(size=size, note=held).exists():
        # Nothing came since.
        return False
    key = _key(log, heads, now)
    last = _opened(held, key) if held is not None else None
    if last is None and log.checkpoints.exists():
        raise Refused(Trouble.HEAD_MISSING)
    if size == 0 and last is None:
        return False
    root = _root_that_follows(log, size, last)
    if held is not None and last is not None and last.size == size:
        # Signed, and perhaps killed before the database knew.
        _keep(log, held, size, now)
        return False
    signed = note.sign(note.Checkpoint(key.name, size, root).text, key, at=int(now.timestamp()))
    heads.write_head(log.name, signed)
    _keep(log, signed, size, now)
    return True


def _root_that_follows(log: Log, size: int, last: note.Checkpoint | None) -> bytes:
    """RFC 9162 §2.1.4: the root of the tree as it is, of which all that was signed before is the beginning."""
    tiles = DatabaseTiles(log)
    try:
        root = merkle.root(tiles, size)
        if last is not None:
            if last.size > size:
                raise Refused(Trouble.SHORTER)
            proof = merkle.consistency_proof(tiles, last.size, size)
            merkle.check_consistency(last.size, size, last.root, root, proof)
    except merkle.MerkleError:
        raise Refused(Trouble.ANOTHER_STORY) from None
    return root


def _key(log: Log, heads: Heads, now: datetime) -> note.SigningKey:
    """The key of this log; made when the log is new, and its public half put into the log itself."""
    try:
        held = heads.key(log.name)
        if held is not None:
            key = note.SigningKey.parse(held)
            if log.key and key.verifier.text != log.key:
                raise Refused(Trouble.KEY_CHANGED)
    except note.NoteError:
        raise Refused(Trouble.KEY_MISSING) from None
    if held is None:
        if log.key:
            raise Refused(Trouble.KEY_MISSING)
        key = note.SigningKey(origin_of(log), note.Algorithm.ED25519, urandom(32))
        heads.write_key(log.name, key.text)
    if not log.key:
        _publish(log, key, now)
    return key


@transaction.atomic
def _publish(log: Log, key: note.SigningKey, now: datetime) -> None:
    log.key = key.verifier.text
    log.save(update_fields=["key"])
    record(Entry(Action.LOG_OPENED, facts={"log": log.name, "log_key": log.key}, at=now))


def _opened(held: str, key: note.SigningKey) -> note.Checkpoint:
    try:
        return note.open_note(held, key.verifier).checkpoint
    except note.NoteError:
        raise Refused(Trouble.HEAD_UNREADABLE) from None


def _keep(log: Log, signed: str, size: int, now: datetime) -> None:
    Checkpoint.objects.get_or_create(log=log, size=size, defaults={"note": signed, "at": now})


def _note_trouble(log: Log, trouble: str, now: datetime) -> None:
    """Once for each change; the queue goes on filling, and the log itself goes on growing."""
    if trouble != log.trouble:
        _record_trouble(log, trouble, now)


@transaction.atomic
def _record_trouble(log: Log, trouble: str, now: datetime) -> None:
    since = now if trouble else None
    # Not of one that somebody gives up at this very moment: it is over.
    if not Log.objects.filter(pk=log.pk, given_up=False).update(trouble=trouble, trouble_since=since):
        return
    action = Action.LOG_NOT_SIGNED if trouble else Action.LOG_SIGNED
    record(Entry(action, refused=bool(trouble), reason=trouble, facts={"log": log.name}, at=now))
