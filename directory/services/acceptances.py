"""What waits for a decision is accepted, the accord is taken back, or it counts no more.

It stands in the source's row until a pass has carried it out or found other removals, and is somebody's word: it ends
with their right to give it, and with the following of the directory.
"""

from datetime import datetime

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.access import may
from directory.models import DirectorySource
from directory.policy import Right
from directory.runs import last_read
from directory.types import CannotChange, RunStatus, SourceState


def approve(*, source_id: int, digest: str, actor: Actor, now: datetime) -> None:
    """Let exactly these removals go: those that ``digest`` was shown for.

    Raises ``CannotChange`` where other removals wait by now, or none, and while the directory is not followed.
    """
    try:
        with transaction.atomic():
            source = _locked(source_id)
            run = last_read(source) if source is not None else None
            if source is None or run is None or run.status != RunStatus.HELD:
                raise CannotChange("nothing_waits")
            if source.state != SourceState.ACTIVE:
                raise CannotChange("source_not_followed")
            if not digest or run.report.get("approval") != digest:
                raise CannotChange("others_wait")
            if source.approval not in ("", digest):
                # Of a list that no longer waits.
                settle(source, source.approval, of_the_row=True, refused="others_wait", now=now)
            source.approval, source.approved_by_id = digest, actor.member
            source.save(update_fields=["approval", "approved_by"])
            facts: dict[str, object] = {"source": source.pk, "run": run.pk, "approval": digest}
            record(Entry(Action.SYNC_APPROVED, actor=actor, facts=facts, at=now))
    except CannotChange as refusal:
        with transaction.atomic():
            _refused(source_id, actor, refusal.reason, now)
        raise


@transaction.atomic
def take_back(*, source_id: int, actor: Actor, now: datetime) -> bool:
    """Whether there was still something to take back: what a pass has carried out is done."""
    source = _locked(source_id)
    if source is None or not source.approval:
        return False
    end_with_following(source, actor, now)
    return True


def end_with_following(source: DirectorySource, actor: Actor, now: datetime) -> None:
    """For the transaction in which its directory is locked."""
    if source.approval:
        facts: dict[str, object] = {"source": source.pk, "approval": source.approval}
        record(Entry(Action.SYNC_APPROVAL_TAKEN_BACK, actor=actor, facts=facts, at=now))
        _clear(source)


def standing(source: DirectorySource, now: datetime) -> str:
    """The digest that counts, of a row that is locked; without the right of whoever gave it, none."""
    if source.approval and not may(source.approved_by, Right.APPROVE_REMOVALS):
        settle(source, source.approval, of_the_row=True, refused="right_gone", now=now)
    return source.approval


def settle(source: DirectorySource, approved: str, *, of_the_row: bool, refused: str, now: datetime) -> None:
    """A pass has answered to what was accepted: in the row, which is locked, or at the terminal.

    ``refused``: why nothing was let go; empty where it was.
    """
    if refused:
        _refused(source.pk, Actor(source.approved_by_id if of_the_row else None), refused, now)
    elif not of_the_row:
        facts: dict[str, object] = {"source": source.pk, "approval": approved}
        record(Entry(Action.SYNC_APPROVED, facts=facts, at=now))
    if source.approval == approved and (of_the_row or not refused):
        _clear(source)


def _locked(source_id: int) -> DirectorySource | None:
    return DirectorySource.objects.select_for_update(no_key=True).filter(pk=source_id).first()


def _clear(source: DirectorySource) -> None:
    source.approval, source.approved_by = "", None
    source.save(update_fields=["approval", "approved_by"])


def _refused(source_id: int, actor: Actor, reason: str, now: datetime) -> None:
    facts: dict[str, object] = {"source": source_id}
    record(Entry(Action.SYNC_APPROVAL_REFUSED, actor=actor, refused=True, reason=reason, facts=facts, at=now))
