"""Who is in a collective, changed by those who lead it: written to the directory first, then taken over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.access import may
from directory.ldap import sources, writing
from directory.ldap.writing import Conflict, LastMember, NotAllowed, NotLed, Unfit, Written
from directory.models import Collective, DirectorySource, Member, Membership
from directory.policy import Right
from directory.services.one_entry import take_over_group
from directory.types import ChangeUncertain, DirectoryRefused, DirectoryUnavailable, Kind, SourceState


class MembershipRefused(Exception):
    """Nothing was changed, but for ``change_uncertain``, where nobody knows; ``reason`` has its words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class InDirectory:
    """What was written there, to be taken over in the caller's transaction."""

    source: DirectorySource
    collective: Collective
    member: Member
    written: Written


def is_run_here(collective: Collective) -> bool:
    """Whether its members are changed here at all: its directory lets it, and nobody is named who must not be.

    Of a sensitive one the hub writes nothing about anybody (GDPR 9), so it has nothing to undo either; who is put into
    one that a sensitive one lists is in that one too.
    """
    source = collective.source
    if source is None or source.state != SourceState.ACTIVE or not collective.present or _is_in_sensitive(collective):
        return False
    try:
        config = sources.of(source)
    except DirectoryRefused:
        return False
    return collective.kind != Kind.STATUS and config.can_write and config.rules.memberships_writable


def _is_in_sensitive(collective: Collective) -> bool:
    """Whether it is one, or is among the members of one, however deep."""
    if collective.sensitive:
        return True
    through: Any = Collective.nested.through
    seen: set[UUID] = set()
    front = {collective.pk}
    while front:
        seen |= front
        rows = through.objects.filter(to_collective_id__in=front)
        holders = dict(rows.values_list("from_collective_id", "from_collective__sensitive"))
        if any(holders.values()):
            return True
        front = holders.keys() - seen
    return False


def write(*, collective_id: UUID, member_id: UUID, joins: bool, actor: Actor, now: datetime) -> InDirectory:
    """Put somebody into a collective, or take them out, in the directory.

    Outside any transaction: what is written there is not taken back by one that rolls back.  Were the hub to die here,
    the next pass would find the change and tell it as the directory's.
    Raises ``MembershipRefused``, with a line in the journal.
    """
    try:
        return _written(collective_id, member_id, joins, actor)
    except MembershipRefused as refused:
        _note_refusal(collective_id, member_id, joins, refused.reason, actor, now)
        raise
    except tuple(_REASONS) as error:
        reason = next(code for kind, code in _REASONS.items() if isinstance(error, kind))
        _note_refusal(collective_id, member_id, joins, reason, actor, now)
        raise MembershipRefused(reason) from error


def take_over(change: InDirectory, *, now: datetime) -> bool:
    """Whether the mirror says it now; otherwise the next pass brings it."""
    written, person = change.written, change.member.entry_uuid
    if not written.changed or person is None:
        return True
    return take_over_group(change.source, written.entry, person=person, mark=written.mark, now=now)


def _written(collective_id: UUID, member_id: UUID, joins: bool, actor: Actor) -> InDirectory:
    collective = Collective.objects.select_related("source").filter(pk=collective_id).first()
    if collective is None or not is_run_here(collective) or collective.source is None or collective.entry_uuid is None:
        raise MembershipRefused("not_run_here")
    by = Member.objects.filter(pk=actor.member).first() if actor.member else None
    if not may(by, Right.RUN_COLLECTIVE, collective):
        raise MembershipRefused("not_led")
    # Whoever leads it opens no tools to themself: another lead does, or the office.
    if joins and actor.member == member_id:
        raise MembershipRefused("own_membership")
    member = Member.objects.filter(pk=member_id).first()
    if member is None or member.entry_uuid is None or member.source_id != collective.source_id:
        raise MembershipRefused("not_of_this_directory")
    # Whoever has left, or may not enter, is put into nothing; they are taken out.
    if joins and not member.is_active:
        raise MembershipRefused("not_active")
    there = Membership.objects.filter(collective=collective, member=member).first()
    if not joins and there is not None and not there.direct:
        raise MembershipRefused("through_another")
    config = sources.of(collective.source)
    if by is None or by.entry_uuid is None or by.source_id != collective.source_id:
        raise MembershipRefused("not_led")
    written = writing.write_membership(
        config, collective.entry_uuid, member.entry_uuid, wanted=joins, lead=by.entry_uuid
    )
    return InDirectory(collective.source, collective, member, written)


# In the order in which they are asked: an uncertain change is one kind of silence.
_REASONS: Mapping[type[Exception], str] = {
    LastMember: "last_member",
    NotLed: "not_led",
    NotAllowed: "not_run_here",
    Unfit: "DirectoryRefused",
    Conflict: "changed_meanwhile",
    ChangeUncertain: "change_uncertain",
    DirectoryUnavailable: "DirectoryUnavailable",
    DirectoryRefused: "DirectoryRefused",
}


@transaction.atomic
def _note_refusal(collective_id: UUID, member_id: UUID, joins: bool, reason: str, actor: Actor, now: datetime) -> None:
    subject = Member.objects.filter(pk=member_id).values_list("pk", flat=True).first()
    action = Action.MEMBERSHIP_GIVEN if joins else Action.MEMBERSHIP_TAKEN
    facts: dict[str, object] = {"collective": str(collective_id)}
    record(Entry(action, actor=actor, subject=subject, refused=True, reason=reason, facts=facts, at=now))
