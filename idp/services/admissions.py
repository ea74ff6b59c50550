"""Asking for access to a tool, answering, and its end: everything attached ends with it, as with any other leaving."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.differences import differences
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from directory.models import Member
from idp import access, admissions
from idp.models import Admission, Tool
from idp.services import tools, withdrawal
from idp.services.accounts import mails
from idp.types import LIVE_ADMISSIONS, AdmissionRefused, AdmissionState, MailKind

AT_ONCE = 50


def set_rule(*, slug: str, requestable: bool, owners: Collection[Member], actor: Actor, now: datetime) -> None:
    """Whether members may ask for this tool, and who answers.

    Raises ``NotDeclared``, after a line in the journal, where somebody could be let in before the sheet says what the
    register must know.
    """
    try:
        with transaction.atomic():
            _set_rule(slug, requestable, owners, actor=actor, now=now)
    except tools.NotDeclared as error:
        tools.note_refused(slug, error, actor=actor, now=now)
        raise


def _set_rule(slug: str, requestable: bool, owners: Collection[Member], *, actor: Actor, now: datetime) -> None:
    tool = tools.locked(slug)
    before = {"requestable": tool.requestable, "owners": set(tool.owners.values_list("pk", flat=True))}
    after = {"requestable": requestable, "owners": {owner.pk for owner in owners}}
    if before == after:
        return
    if requestable and not tool.requestable:
        tools.check_declared(tool, now=now)
    tool.requestable = requestable
    tool.save(update_fields=["requestable", "updated"])
    tool.owners.set(owners)
    facts = differences(before, after, untold={"owners"})
    record(Entry(Action.TOOL_CHANGED, actor=actor, tool=tool.pk, reason="requestable", facts=facts, at=now))


@transaction.atomic
def ask(*, member: Member, tool: Tool, reason: str, now: datetime) -> Admission:
    """Raises ``AdmissionRefused``."""
    # One at a time: two clicks are one request.
    tools.locked(tool.slug)
    if not access.requestable(member).filter(pk=tool.pk).exists():
        raise AdmissionRefused("not_requestable")
    last = Admission.objects.filter(member=member, tool=tool).first()
    if last is not None and last.is_asked:
        return last
    if last is not None and last.is_granted:
        # Its day has come, and the worker has not.
        _end(last, AdmissionState.EXPIRED, actor=SYSTEM, now=now)
    if admissions.may_ask_from(last, now) is not None:
        raise AdmissionRefused("too_soon")
    made = Admission.objects.create(member=member, tool=tool, reason=reason, asked_at=now)
    record(_line(Action.ADMISSION_ASKED, made, Actor(member=member.pk), now))
    context = {"tool": tool, "who": member, "page": settings.ORIGIN + reverse("idp:admission", args=[made.pk])}
    if not sum(_write_to(owner, context, now) for owner in admissions.answerers(tool) if owner.pk != member.pk):
        _write_to(None, context, now)
    return made


@transaction.atomic
def take_back(*, member: Member, tool: Tool, now: datetime) -> bool:
    """The member needs it no more, asked for or granted."""
    row = Admission.objects.select_for_update().filter(member=member, tool=tool, state__in=LIVE_ADMISSIONS).first()
    if row is not None:
        _end(row, AdmissionState.TAKEN_BACK, actor=Actor(member=member.pk), now=now)
    return row is not None


def grant(*, admission_id: int, ends_at: datetime, answer: str, person: Member, now: datetime) -> None:
    """Raises ``AdmissionRefused``, after a line in the journal."""
    _decide(admission_id, AdmissionState.GRANTED, person=person, answer=answer, now=now, ends_at=ends_at)


def refuse(*, admission_id: int, answer: str, person: Member, now: datetime) -> None:
    """Raises ``AdmissionRefused``, after a line in the journal."""
    _decide(admission_id, AdmissionState.REFUSED, person=person, answer=answer, now=now)


@transaction.atomic
def end(*, admission_id: int, actor: Actor, now: datetime) -> bool:
    """Before its day."""
    row = Admission.objects.select_for_update().filter(pk=admission_id, state=AdmissionState.GRANTED).first()
    if row is not None:
        _end(row, AdmissionState.ENDED, actor=actor, now=now)
        _tell(row, now)
    return row is not None


def end_due(*, now: datetime) -> int:
    """Those whose day has come.  Returns how many."""
    due = Admission.objects.filter(state=AdmissionState.GRANTED, ends_at__lte=now).values_list("pk", flat=True)
    return sum(_end_due(pk, now) for pk in list(due[:AT_ONCE]))


@transaction.atomic
def _end_due(pk: int, now: datetime) -> bool:
    rows = Admission.objects.select_for_update(skip_locked=True)
    row = rows.filter(pk=pk, state=AdmissionState.GRANTED, ends_at__lte=now).first()
    if row is not None:
        _end(row, AdmissionState.EXPIRED, actor=SYSTEM, now=now)
        _tell(row, now)
    return row is not None


def _decide(
    admission_id: int,
    state: AdmissionState,
    *,
    person: Member,
    answer: str,
    now: datetime,
    ends_at: datetime | None = None,
) -> None:
    action = Action.ADMISSION_GRANTED if state == AdmissionState.GRANTED else Action.ADMISSION_REFUSED
    actor = Actor(member=person.pk)
    with transaction.atomic():
        row = Admission.objects.select_for_update().get(pk=admission_id)
        reason = "own_request" if row.member_id == person.pk else "" if row.is_asked else "settled"
        if not reason:
            row.state, row.answer, row.ends_at = state, answer, ends_at
            row.decided_by, row.decided_at = person, now
            row.ended_at = None if row.is_granted else now
            row.save()
            record(_line(action, row, actor, now, ends_at))
            _tell(row, now)
    if reason:
        record(_line(action, row, actor, now, refused=reason))
        raise AdmissionRefused(reason)


def _end(row: Admission, state: AdmissionState, *, actor: Actor, now: datetime) -> None:
    row.state, row.ended_at = state, now
    row.save(update_fields=["state", "ended_at"])
    record(_line(Action.ADMISSION_ENDED, row, actor, now, reason=str(state.value)))
    if not access.may_enter(row.member, row.tool):
        withdrawal.end_everything_held(row.member_id, row.tool, actor, now=now, reason="access_ended")


def _write_to(owner: Member | None, context: dict[str, Any], now: datetime) -> bool:
    """Somebody who looks after the tool; to nobody in particular, the office."""
    subject, body = mails.rendered("admission_asked", owner, context)
    address = "" if owner else settings.OFFICE_CONTACT
    mail = mails.queue_text(kind=MailKind.ADMISSION, member=owner, subject=subject, body=body, now=now, address=address)
    return mail is not None


def _tell(row: Admission, now: datetime) -> None:
    """What was decided, without what was written."""
    page = settings.ORIGIN + reverse("idp:why", args=[row.tool.slug])
    context: dict[str, Any] = {"tool": row.tool, "state": row.state, "until": row.ends_at, "page": page}
    mails.queue(kind=MailKind.ADMISSION, template="admission_told", member=row.member, context=context, now=now)


def _line(
    action: Action,
    row: Admission,
    actor: Actor,
    now: datetime,
    ends_at: datetime | None = None,
    *,
    reason: str = "",
    refused: str = "",
) -> Entry:
    return Entry(
        action,
        actor=actor,
        subject=row.member_id,
        tool=row.tool_id,
        refused=bool(refused),
        reason=refused or reason,
        facts={"admission": row.pk, **({"ends_at": ends_at.isoformat()} if ends_at else {})},
        at=now,
    )
