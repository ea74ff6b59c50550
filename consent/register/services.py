"""Changing the register: each change makes a version, and records itself in its transaction."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import count
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import override

from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from branding import selectors as branding
from consent import policy as sheets
from consent.register import policy, prefilled, selectors
from consent.register.incoming import Plan
from consent.register.models import RegisterRecord, RegisterVersion
from consent.register.types import Content, Kind, Parties, RecordKept, RegisterChanged, RegisterInvalid
from consent.types import Sheet

MOST_TRIES = 20
# The note of a version that came with a file.
IMPORTED = "import"


@transaction.atomic
def add(*, kind: Kind, content: Content, actor: Actor, note: str, now: datetime, reference: str = "") -> str:
    """A new record; returns its reference, which is given where none is.  Raises ``RegisterInvalid``."""
    policy.check_new(reference, kind)
    content = policy.tidy(content)
    policy.check(content)
    row = _row("T", reference, kind=kind)
    _put(row, content, actor=actor, note=note, now=now)
    return row.reference


@transaction.atomic
def change(
    *,
    of: RegisterRecord,
    content: Content,
    version: int,
    actor: Actor,
    note: str,
    now: datetime,
    reopens: bool = False,
) -> RegisterVersion:
    """Another version, or the one that stands when it says the same; ``version`` is the one that was shown.

    What a tool's sheet says stays as it is, whatever ``content`` says of it.  ``reopens`` is for a record that was
    shown as closed.  Raises ``RegisterInvalid``, or ``RegisterChanged`` also where it was closed meanwhile.
    """
    row = _locked(of)
    standing = selectors.last(row)
    if standing.version != version or (standing.ended_at is not None and not reopens):
        raise RegisterChanged
    content = policy.tidy(content)
    shown = policy.content_of(standing.content)
    if row.tool_id is not None:
        content = policy.joined(shown, content)
    policy.check(content)
    return _put(row, content, actor=actor, note=note, now=now)


@transaction.atomic
def close(*, of: RegisterRecord, version: int, actor: Actor, note: str, now: datetime) -> None:
    """The processing has ended; its versions stay.

    Raises ``RegisterChanged`` where ``version`` is not what stands, and ``RecordKept`` while a tool does it.
    """
    row = _locked(of)
    standing = selectors.current(row)
    if standing is None or standing.version != version:
        raise RegisterChanged
    if row.tool is not None and row.tool.is_open:
        raise RecordKept
    RegisterVersion.objects.filter(pk=standing.pk).update(ended_at=now, end_note=note)
    facts: dict[str, object] = {"record": row.reference, "version": standing.version}
    record(Entry(Action.REGISTER_CLOSED, actor=actor, tool=row.tool_id, facts=facts, at=now))


@transaction.atomic
def change_parties(*, parties: Parties, version: int, actor: Actor, note: str, now: datetime) -> None:
    """Who the cooperative is, for every record at once.  Raises ``RegisterInvalid`` or ``RegisterChanged``."""
    parties = policy.tidy(parties)
    policy.check_parties(parties)
    row, _created = RegisterRecord.objects.get_or_create(reference=policy.PARTIES, defaults={"kind": Kind.PARTIES})
    row = _locked(row)
    if selectors.parties()[1] != version:
        raise RegisterChanged
    _put(row, parties, actor=actor, note=note, now=now)


@transaction.atomic
def feed(
    *,
    tool_id: int,
    sheet: Sheet,
    software: str,
    notice: str,
    actor: Actor,
    now: datetime,
) -> None:
    """A sheet that is in force is one record of the register: another version where it says something new."""
    row = RegisterRecord.objects.select_for_update().filter(tool_id=tool_id).first()
    standing = selectors.last(row) if row else None
    if row is None:
        row = _row("O", tool_id=tool_id)
    with override("fr"):
        content = policy.from_sheet(
            sheet,
            software=software,
            notice=notice,
            today=timezone.localdate(now),
            before=policy.content_of(standing.content) if standing else None,
        )
    _put(row, content, actor=actor, note="", now=now)


@transaction.atomic
def write_own(*, own: Mapping[str, Content], parties: Parties, now: datetime) -> int:
    """The hub's own processings and its parties, each once: what the officer made of them since stays.

    Returns how many were written.
    """
    written = 0
    for name, content in own.items():
        row, created = RegisterRecord.objects.get_or_create(own=name, defaults={"reference": name.upper()})
        if created:
            _put(row, policy.tidy(content), actor=SYSTEM, note="", now=now)
            written += 1
    row, created = RegisterRecord.objects.get_or_create(reference=policy.PARTIES, defaults={"kind": Kind.PARTIES})
    if created:
        _put(row, policy.tidy(parties), actor=SYSTEM, note="", now=now)
        written += 1
    return written


def fill(*, now: datetime) -> int:
    """What the register must hold before anybody writes in it: the hub's own processings, the parties, and the sheets
    of tools that were declared before there was a register.  Each is written once; returns how many were now.
    """
    with override("fr"):
        own = prefilled.own_records(today=timezone.localdate(now), **selectors.own_periods())
    parties = prefilled.parties_from(
        cooperative=branding.cooperative("fr"), office=settings.OFFICE_CONTACT, officer=settings.DPO_CONTACT
    )
    return write_own(own=own, parties=parties, now=now)


@transaction.atomic
def note_export(*, actor: Actor, day: date, kind: str, records: int, now: datetime) -> None:
    """The register leaves the hub."""
    facts: dict[str, object] = {"export": kind, "register_day": day.isoformat(), "lines": records}
    record(Entry(Action.REGISTER_EXPORTED, actor=actor, facts=facts, at=now))


@transaction.atomic
def note_refused_import(*, actor: Actor, reason: str, problems: int, now: datetime) -> None:
    """A file that is not taken, and why; what it says is in no line."""
    facts: dict[str, object] = {"problems": problems}
    record(Entry(Action.REGISTER_IMPORTED, actor=actor, refused=True, reason=reason, facts=facts, at=now))


@transaction.atomic
def apply_import(plan: Plan, *, actor: Actor, now: datetime) -> None:
    """Everything that was shown, or nothing: a version each.  Raises ``RegisterChanged`` or ``RegisterInvalid``."""
    created = 0
    for each in plan.changes:
        row = selectors.record(each.reference)
        if row is None:
            if each.version:
                raise RegisterChanged
            add(kind=each.kind, content=each.content, actor=actor, note=IMPORTED, now=now, reference=each.reference)
            created += 1
        else:
            change(of=row, content=each.content, version=each.version, actor=actor, note=IMPORTED, now=now)
    if plan.parties is not None:
        change_parties(parties=plan.parties, version=plan.parties_version, actor=actor, note=IMPORTED, now=now)
    facts: dict[str, object] = {"created": created, "changed": len(plan.changes) - created}
    record(Entry(Action.REGISTER_IMPORTED, actor=actor, facts=facts, at=now))


def _put(row: RegisterRecord, value: Content | Parties, *, actor: Actor, note: str, now: datetime) -> RegisterVersion:
    """The version that says this, with its line in the journal: the standing one where it says it already."""
    stored = policy.to_json(policy.ordered(value) if isinstance(value, Content) else value)
    digest = sheets.digest(stored)
    before = RegisterVersion.objects.filter(record=row).order_by("-version").first()
    if before is not None and before.ended_at is None:
        if before.digest == digest:
            return before
        RegisterVersion.objects.filter(pk=before.pk).update(ended_at=now)
    made = RegisterVersion.objects.create(
        record=row,
        version=before.version + 1 if before else 1,
        content=stored,
        digest=digest,
        author_id=actor.member,
        note=note.strip(),
        started_at=now,
    )
    facts: dict[str, object] = {"record": row.reference, "version": made.version, "digest": digest}
    if before is not None:
        changed = {name for name in stored if stored[name] != before.content.get(name)}
        facts["fields"] = sorted(changed)
    record(Entry(Action.REGISTER_CHANGED, actor=actor, tool=row.tool_id, facts=facts, at=now))
    return made


def _locked(of: RegisterRecord) -> RegisterRecord:
    # Whoever comes second waits, and reads what the first one made.
    return RegisterRecord.objects.select_for_update(of=("self",)).select_related("tool").get(pk=of.pk)


def _row(letter: str, reference: str = "", **values: Any) -> RegisterRecord:
    """A record under this reference, or the next of its series; whoever takes the same at the same moment waits."""
    for _ in range(MOST_TRIES):
        try:
            with transaction.atomic():
                return RegisterRecord.objects.create(reference=reference or _next(letter), **values)
        except IntegrityError:
            if reference:
                raise RegisterInvalid({"reference": "taken"}) from None
    raise RegisterChanged


def _next(letter: str) -> str:
    """The next free reference of a series: ``T`` what the officer wrote, ``O`` what a tool's sheet feeds."""
    numbers = f"^{letter}-[0-9]{{1,{policy.LONGEST_NUMBER}}}$"
    found: Any = RegisterRecord.objects.filter(reference__regex=numbers).values_list("reference", flat=True)
    taken = {int(each[2:]) for each in found}
    number = max(taken, default=0) + 1
    if number >= 10**policy.LONGEST_NUMBER:
        # Somebody chose the last one: those before it are free all the same.
        number = next(each for each in count(1) if each not in taken)
    return f"{letter}-{number:03d}"
