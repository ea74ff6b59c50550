"""A closed log destroyed whole: proposed by one person, agreed to by another, once nothing personal is left in it.

What goes with it was exported and checked first; the entry about it quotes the last checkpoint, which whoever kept it
can compare.  That entry is written before the first row goes, and rows go in batches: whatever is killed, the rest
follows.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit import verify
from audit.bundle import Folder
from audit.exporting import export_logs
from audit.keeping import holds
from audit.keeping.parts import destroy_rows
from audit.kinds import FAMILIES, Family
from audit.models import Checkpoint, Destruction, Event, Leaf, Log, Removal, Tile
from audit.parts import ERASING, GONE, parse_entry
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry, KeepingError

AT_ONCE = 1000
# A proposal, or an agreement, that nobody took up says nothing any more.
LIVES = timedelta(days=7)
# Raises ``KeepingError`` where the two may not, or may no more.
Pair = Callable[[Destruction], None]


def check(log: Log, now: datetime) -> Checkpoint:
    """The last checkpoint of a log that may be destroyed.  Raises ``KeepingError`` for any other."""
    last = log.checkpoints.order_by("-size").first()
    if log.destroyed_at is not None:
        raise KeepingError("log_gone")
    if log.closed_at is None or log.trouble or last is None or (last.size < log.size and not log.given_up):
        raise KeepingError("log_not_over")
    if any(FAMILIES[each] == log.family for each in holds.held_classes(now)):
        raise KeepingError("log_held")
    of_log = Event.objects.filter(Exists(Leaf.objects.filter(log=log, reference=OuterRef("reference"))))
    sealed = Q(subject_sealed__isnull=False) | Q(actor_sealed__isnull=False) | Q(network_sealed__isnull=False)
    if of_log.filter(sealed).exists():
        raise KeepingError("log_has_people")
    if any(log.name in removal.unsaid for removal in Removal.objects.exclude(unsaid={})):
        raise KeepingError("log_has_unsaid")
    others = set(Log.objects.filter(destroyed_at=None).exclude(pk=log.pk).values_list("name", flat=True))
    announced = of_log.filter(action__in=ERASING).values_list("facts", flat=True)
    if any(others & set(facts.get(GONE) or {}) for facts in announced):
        # Without it the balance of those logs would not come out any more.
        raise KeepingError("log_needed")
    return last


@transaction.atomic
def propose(*, actor: Actor, name: str, now: datetime) -> Destruction:
    """Raises ``KeepingError``."""
    log = _locked(name)
    check(log, now)
    if open_proposal(log, now) is not None:
        raise KeepingError("already_proposed")
    Destruction.objects.filter(log=log, done_at=None).delete()
    proposal = Destruction.objects.create(log=log, proposed_by_id=actor.member, proposed_at=now, expires_at=now + LIVES)
    record(Entry(Action.LOG_DESTRUCTION_PROPOSED, actor=actor, facts={"log": name, "log_size": log.size}, at=now))
    return proposal


def open_proposal(log: Log, now: datetime) -> Destruction | None:
    """What somebody proposed, and perhaps another agreed to, and is still to be done."""
    rows = Destruction.objects.select_related("proposed_by", "approved_by")
    return rows.filter(log=log, done_at=None, expires_at__gt=now).first()


@transaction.atomic
def approve(*, actor: Actor, name: str, pair: Pair, now: datetime) -> Destruction:
    """Raises ``KeepingError``."""
    log = _locked(name)
    check(log, now)
    proposal = open_proposal(log, now)
    if proposal is None:
        raise KeepingError("not_proposed")
    if actor.member is None or proposal.proposed_by_id == actor.member:
        raise KeepingError("same_person")
    proposal.approved_by_id, proposal.approved_at, proposal.expires_at = actor.member, now, now + LIVES
    pair(proposal)
    proposal.save()
    record(Entry(Action.LOG_DESTRUCTION_APPROVED, actor=actor, facts={"log": name, "log_size": log.size}, at=now))
    return proposal


@transaction.atomic
def withdraw(*, actor: Actor, name: str, now: datetime) -> None:
    """Whichever of the two takes their word back, nothing is proposed any more.  Raises ``KeepingError``."""
    proposal = open_proposal(_locked(name), now)
    if proposal is None:
        raise KeepingError("not_proposed")
    if actor.member is None or actor.member not in (proposal.proposed_by_id, proposal.approved_by_id):
        raise KeepingError("not_of_the_two")
    proposal.delete()
    record(Entry(Action.LOG_DESTRUCTION_WITHDRAWN, actor=actor, facts={"log": name}, at=now))


def carry_out(*, name: str, target: Path, pair: Pair, now: datetime) -> int:
    """Export, check and destroy what two people agreed on; returns how many entries.  Raises ``KeepingError``."""
    log = Log.objects.filter(name=name).first()
    if log is None:
        raise KeepingError("log_unknown")
    last = check(log, now)
    _agreed(log, pair, now)
    _export(log, last, target, now=now)
    _announce(log, last, pair=pair, now=now)
    finish()
    return last.size


def finish() -> None:
    """The rows of logs that were announced as destroyed; one statement where none are left."""
    for log in Log.objects.filter(destroyed_at__isnull=False).filter(
        Exists(Checkpoint.objects.filter(log=OuterRef("pk")))
    ):
        while _rows_go(log):
            pass
        while tiles := list(Tile.objects.filter(log=log).values_list("pk", flat=True)[:AT_ONCE]):
            Tile.objects.filter(pk__in=tiles).delete()
        # The last: as long as one is there, something may be left.
        Checkpoint.objects.filter(log=log).delete()


@transaction.atomic
def _rows_go(log: Log) -> bool:
    leaves = list(Leaf.objects.filter(log=log).order_by("index").values_list("pk", "reference")[:AT_ONCE])
    destroy_rows([reference for _, reference in leaves])
    Leaf.objects.filter(pk__in=[pk for pk, _ in leaves]).delete()
    return bool(leaves)


def _locked(name: str) -> Log:
    log = Log.objects.select_for_update().filter(name=name).first()
    if log is None:
        raise KeepingError("log_unknown")
    return log


def _agreed(log: Log, pair: Pair, now: datetime) -> Destruction:
    proposal = open_proposal(log, now)
    if proposal is None:
        raise KeepingError("not_proposed")
    if proposal.approved_at is None:
        raise KeepingError("not_approved")
    pair(proposal)
    return proposal


def _export(log: Log, last: Checkpoint, target: Path, *, now: datetime) -> None:
    """With the ledger, where what left this log was announced; and checked by the program that goes with it."""
    if target.exists():
        raise KeepingError("target_exists")
    ledger = Log.objects.filter(family=Family.LEDGER, destroyed_at=None).exclude(pk=log.pk)
    names = [log.name, *ledger.values_list("name", flat=True)]
    written = export_logs(Folder(target), names=names, with_people=False, actor=SYSTEM, now=now)
    saved = target.with_name(f"{target.name}.checkpoint")
    saved.write_text(last.note, encoding="utf-8")
    keys = [verify.key_of(each.key) for each in Log.objects.filter(name__in=written)]
    told = verify.verify(str(target), keys, [(str(saved), last.note)], [])
    if told.verdict != verify.SOUND or written.get(log.name) != last.size:
        raise KeepingError("export_not_sound")


@transaction.atomic
def _announce(log: Log, last: Checkpoint, *, pair: Pair, now: datetime) -> None:
    """Everything is asked again, with the log locked: the export took a while."""
    log = _locked(log.name)
    if check(log, now).pk != last.pk:
        raise KeepingError("log_not_over")
    proposal = _agreed(log, pair, now)
    facts: dict[str, object] = {
        "log": log.name,
        "log_size": last.size,
        "log_head": last.note,
        "types": dict(sorted(_types(log, last.size).items())),
    }
    actor = Actor(proposal.approved_by_id)
    record(Entry(Action.LOG_DESTROYED, actor=actor, subject=proposal.proposed_by_id, facts=facts, at=now))
    log.destroyed_at = now
    log.save(update_fields=["destroyed_at"])
    proposal.done_at = now
    proposal.save(update_fields=["done_at"])


def _types(log: Log, size: int) -> Counter[str]:
    entries: Iterable[bytes] = (
        Leaf.objects.filter(log=log, index__lt=size).values_list("entry", flat=True).iterator(AT_ONCE)
    )
    return Counter(parse_entry(bytes(entry)).event for entry in entries)
