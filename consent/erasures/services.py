"""The run sheet of an erasure: asked, agreed to by a second person, answered holder by holder, closed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.selectors import held_people
from audit.services import record
from audit.types import Action, Actor, Entry
from consent.erasures import policy, selectors
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.signals import erasure_asked
from consent.erasures.types import (
    AnsweredBy,
    ErasureRefused,
    Ground,
    Holder,
    HolderState,
    Refusal,
    RunState,
)
from consent.ledger.services import confirm_erasure
from directory.models import Member
from directory.services.erasure import why_not_erased

# Raises ``ErasureRefused`` where these two people may not decide it together.
Pair = Callable[[ErasureRun], None]


@contextmanager
def deciding(
    action: Action, actor: Actor, member_id: UUID | None, now: datetime, *, tool: int | None = None
) -> Iterator[None]:
    """One transaction; a refusal undoes it and has its line, too."""
    try:
        with transaction.atomic():
            yield
    except ErasureRefused as refusal:
        line = Entry(action, actor=actor, subject=member_id, tool=tool, refused=True, reason=refusal.reason, at=now)
        with transaction.atomic():
            record(line)
        raise


def ask(
    *, actor: Actor, member_id: UUID, tool_id: int | None, now: datetime, ground: Ground = Ground.WITHDRAWN
) -> ErasureRun:
    """Ask for the erasure of what one tool holds of somebody, or, without a tool, of all of them.

    Raises ``ErasureRefused``: one like it is open, the tool holds nothing, or it is all of somebody who is still there.
    """
    with deciding(Action.ERASURE_ASKED, actor, member_id, now, tool=tool_id):
        member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
        if member is None:
            raise ErasureRefused("member_unknown")
        if selectors.open_for(member_id, tool_id) is not None:
            raise ErasureRefused("erasure_open")
        held = member_id in held_people(now)
        if tool_id is None and (why := why_not_erased(member, now=now)):
            raise ErasureRefused(why)
        if tool_id is not None and not selectors.holders(member_id, tool_id=tool_id, held=held):
            raise ErasureRefused("nothing_held")
        run = ErasureRun.objects.create(
            member=member, tool_id=tool_id, ground=ground, asked_by_id=actor.member, asked_at=now
        )
        facts: dict[str, object] = {"erasure": run.pk, "erasure_ground": str(ground)}
        record(Entry(Action.ERASURE_ASKED, actor=actor, subject=member_id, tool=tool_id, facts=facts, at=now))
        erasure_asked.send(sender=ErasureRun, run=run, now=now)
    return run


def approve(
    *, run_id: int, actor: Actor, pair: Pair, preview: list[dict[str, Any]], reply: bytes, now: datetime
) -> ErasureRun:
    """The second person agrees: from here on each holder has a row.  Inside ``deciding``, with what is carried out.

    Raises ``ErasureRefused``.
    """
    run = _locked(run_id, RunState.ASKED)
    if actor.member is None or actor.member == run.asked_by_id:
        raise ErasureRefused("same_person")
    held = run.member_id in held_people(now)
    if held:
        # Nothing of them goes anywhere: the hold is lifted first, by whoever put it.
        raise ErasureRefused("hold_person")
    run.approved_by_id, run.approved_at, run.state = actor.member, now, RunState.GOING
    pair(run)
    run.preview, run.reply_sealed = preview, reply
    run.save()
    _add_holders(run, selectors.holders(run.member_id, tool_id=run.tool_id, held=held))
    facts: dict[str, object] = {"erasure": run.pk, "holders": run.holders.count()}
    record(Entry(Action.ERASURE_APPROVED, actor=actor, subject=run.member_id, tool=run.tool_id, facts=facts, at=now))
    return run


@transaction.atomic
def follow_rule(*, member_id: UUID, now: datetime) -> ErasureRun | None:
    """Somebody's retention period is over here: whoever else holds something is told (GDPR 19).

    Nothing where a sheet about all of them goes on, or nobody holds anything.
    """
    holders = selectors.holders(member_id, held=False)
    if not holders or selectors.open_for(member_id, None) is not None:
        return None
    run = ErasureRun.objects.create(
        member_id=member_id, ground=Ground.NOT_NEEDED, state=RunState.GOING, asked_at=now, approved_at=now
    )
    _add_holders(run, holders)
    facts: dict[str, object] = {"erasure": run.pk, "erasure_ground": str(run.ground), "holders": len(holders)}
    record(Entry(Action.ERASURE_ASKED, subject=member_id, reason="retention_over", facts=facts, at=now))
    return run


def _add_holders(run: ErasureRun, holders: list[Holder]) -> None:
    for holder in holders:
        written_to = policy.mail_address(holder.contact)
        ErasureHolder.objects.create(
            run=run,
            tool_id=holder.tool,
            items=[item.code for item in holder.going],
            kept=[{"item": item.code, "why": str(item.stays), "period": item.period} for item in holder.staying],
            state=_first_state(bool(holder.going), bool(written_to)),
        )


@transaction.atomic
def drop(*, run_id: int, actor: Actor, now: datetime) -> None:
    """Before anything has gone it is given up; who may is asked above.  Raises ``ErasureRefused``."""
    run = _locked(run_id, RunState.ASKED)
    run.state, run.closed_at = RunState.DROPPED, now
    run.save(update_fields=["state", "closed_at"])
    facts: dict[str, object] = {"erasure": run.pk}
    record(Entry(Action.ERASURE_DROPPED, actor=actor, subject=run.member_id, tool=run.tool_id, facts=facts, at=now))


def note_told(holder: ErasureHolder, *, reminders: int = 0, now: datetime) -> None:
    """A mail to this holder is on its way, in the caller's transaction: the first, or a reminder."""
    if reminders:
        holder.reminders, holder.reminded_at = reminders, now
    else:
        holder.told_at = now
    holder.save()
    facts: dict[str, object] = {"erasure": holder.run_id, "items": holder.items, "reminders": holder.reminders}
    subject = holder.run.member_id
    record(Entry(Action.ERASURE_TOLD, subject=subject, tool=holder.tool_id, facts=facts, at=now))


@transaction.atomic
def note_read(holder: ErasureHolder, *, now: datetime) -> None:
    """Somebody opened the link, which shows whom it is about: a line for the first of each day."""
    today = timezone.localdate(now)
    rows = ErasureHolder.objects.filter(pk=holder.pk)
    if not rows.filter(Q(read_on=None) | Q(read_on__lt=today)).update(read_on=today):
        return
    facts: dict[str, object] = {"erasure": holder.run_id, "items": holder.items}
    actor, subject = Actor(tool=holder.tool_id), holder.run.member_id
    record(Entry(Action.ERASURE_READ, actor=actor, subject=subject, tool=holder.tool_id, facts=facts, at=now))


@transaction.atomic
def note_silent(*, now: datetime) -> int:
    """Holders that were reminded twice and did not answer: somebody has to call them.  Returns how many."""
    told = ErasureHolder.objects.filter(state=HolderState.TOLD, told_at__lte=now - policy.SILENT_AFTER)
    return told.filter(run__state=RunState.GOING).update(state=HolderState.SILENT)


def answer(
    *,
    holder_id: int,
    confirmed: bool,
    by: AnsweredBy,
    actor: Actor | None = None,
    refusal: str = "",
    note: str = "",
    now: datetime,
) -> ErasureHolder:
    """What the holder says, by its link or by whoever called it.  One answer, once.

    Raises ``ErasureRefused``: it has answered, or the run is over.
    """
    found = ErasureHolder.objects.filter(pk=holder_id).select_related("run").first()
    if found is None:
        raise ErasureRefused("erasure_unknown")
    # A contact without an account answers for its tool.
    actor = actor or Actor(tool=found.tool_id)
    with deciding(Action.ERASURE_DECLINED, actor, found.run.member_id, now, tool=found.tool_id):
        run = _locked(found.run_id, RunState.GOING)
        holder = ErasureHolder.objects.select_for_update().get(pk=holder_id)
        if not holder.is_waiting:
            raise ErasureRefused("erasure_answered")
        holder.state = HolderState.CONFIRMED if confirmed else HolderState.REFUSED
        holder.answered_at, holder.answered_by = now, by
        holder.refusal, holder.note = ("" if confirmed else refusal or Refusal.OTHER), note.strip()
        holder.known_sealed = b""
        holder.save()
        if confirmed:
            confirm_erasure(member_id=run.member_id, tool_id=holder.tool_id, items=holder.items, actor=actor, now=now)
        else:
            facts: dict[str, object] = {"erasure": run.pk, "refusal": str(holder.refusal), "items": holder.items}
            record(
                Entry(
                    Action.ERASURE_DECLINED,
                    actor=actor,
                    subject=run.member_id,
                    tool=holder.tool_id,
                    facts=facts,
                    at=now,
                )
            )
    return holder


@transaction.atomic
def close(*, run_id: int, actor: Actor, letter_mailed: bool, now: datetime) -> ErasureRun:
    """The letter is on its way or printed: addresses go, the list of who was told stays (GDPR 19).

    Raises ``ErasureRefused`` while a holder has time to answer.
    """
    run = _locked(run_id, RunState.GOING)
    rows = list(run.holders.select_for_update())
    if why := why_not_closed(rows):
        raise ErasureRefused(why)
    run.state, run.closed_at, run.letter_mailed, run.reply_sealed = RunState.CLOSED, now, letter_mailed, b""
    run.save()
    run.holders.update(known_sealed=b"")
    facts: dict[str, object] = {
        "erasure": run.pk,
        "confirmed": sum(row.state == HolderState.CONFIRMED for row in rows),
        "declined": sum(row.state == HolderState.REFUSED for row in rows),
        "silent": sum(row.state == HolderState.SILENT for row in rows),
        "by_mail": letter_mailed,
    }
    record(Entry(Action.ERASURE_CLOSED, actor=actor, subject=run.member_id, tool=run.tool_id, facts=facts, at=now))
    return run


def why_not_closed(rows: list[ErasureHolder]) -> str:
    """A code; nothing where everybody answered, or had three weeks and two reminders to."""
    if any(row.state == HolderState.TOLD for row in rows):
        return "holders_waited_for"
    return "holders_to_call" if any(row.state == HolderState.BY_HAND for row in rows) else ""


def _first_state(something: bool, written_to: bool) -> HolderState:
    if not something:
        return HolderState.KEPT
    return HolderState.TOLD if written_to else HolderState.BY_HAND


def _locked(run_id: int, state: RunState) -> ErasureRun:
    run = ErasureRun.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None:
        raise ErasureRefused("erasure_unknown")
    if run.state != state:
        raise ErasureRefused("erasure_over" if not run.is_open else "erasure_elsewhere")
    return run
