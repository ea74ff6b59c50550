"""Members correcting what the directory says of them: written there first, then taken over into the mirror."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory import pictures
from directory.ldap import edits, sources, writing
from directory.ldap.config import LdapConfig
from directory.ldap.writing import Conflict, NotAllowed, Unfit, Written
from directory.models import DirectorySource, Member, MemberPhoto
from directory.pictures import Frame, PhotoRefused
from directory.services.one_entry import take_over
from directory.types import ChangeUncertain, DirectoryRefused, DirectoryUnavailable, SourceState

# Parts of one thing: half of somebody's new address with half of the old one is no address.
TOGETHER = (frozenset({"postal_address", "postal_code", "town"}),)


class ProfileRefused(Exception):
    """Nothing was saved, but for ``change_uncertain``, where nobody knows.

    ``reason`` has its words in ``directory.words``; ``items``: what it is about; ``now``: for ``changed_meanwhile``,
    what the directory says of these items and of those that go together with them, or nothing where the entry is gone.
    """

    def __init__(self, reason: str, items: Sequence[str] = (), now: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.items, self.now = reason, tuple(items), dict(now or {})


@dataclass(frozen=True, slots=True)
class Saved:
    """``is_shown``: whether the mirror says it already, or a pass must look first."""

    member: Member
    is_shown: bool


def writable(member: Member) -> frozenset[str]:
    """The items that this person can correct; nothing where the hub has no write account, or they have no entry."""
    if member.source is None or member.is_local or member.source.state != SourceState.ACTIVE:
        return frozenset()
    try:
        config = sources.of(member.source)
    except DirectoryRefused:
        return frozenset()
    return config.rules.writable if config.can_write else frozenset()


def change_profile(
    *, member_id: UUID, wanted: Mapping[str, str], seen: Mapping[str, str], actor: Actor, now: datetime
) -> Saved:
    """Give items the values that their holder wants; ``seen`` is what the items were when they were shown.

    A change by somebody else is never overwritten: one of another item is kept, one of the same is a conflict.
    Raises ``ProfileRefused``, with a line in the journal.
    """
    together = set(wanted).union(*(group for group in TOGETHER if group & wanted.keys()))
    kept = {item: seen[item] for item in together if item in seen}

    def carry_out(config: LdapConfig, entry: UUID) -> Written:
        return writing.write(config, entry, wanted, seen=kept)

    member, source, written = _written(member_id, tuple(sorted(wanted)), carry_out, actor, now, beside=together)
    if not written.changed:
        return Saved(member, is_shown=True)
    return _taken_over(member, source, written, tuple(sorted(wanted)), actor, now)


def change_photo(*, member_id: UUID, raw: bytes, actor: Actor, now: datetime, frame: Frame = pictures.USUAL) -> Saved:
    """Show another photo, cropped to this frame, or none (empty).

    Raises ``ProfileRefused``, with a line in the journal.
    """
    try:
        photo = pictures.read(raw, frame) if raw else None
    except PhotoRefused as error:
        _note_refusal(member_id, error.reason, ("photo",), actor, now)
        raise ProfileRefused(error.reason, ("photo",)) from error
    kept = photo.kept() if photo else b""

    def carry_out(config: LdapConfig, entry: UUID) -> Written:
        return writing.write_photo(config, entry, kept)

    member, source, written = _written(member_id, ("photo",), carry_out, actor, now)
    with transaction.atomic():
        saved = _taken_over(member, source, written, ("photo",), actor, now)
        MemberPhoto.objects.update_or_create(
            member=member,
            defaults={
                "digest": pictures.digest_of(kept) if kept else "",
                "content": photo.shown() if photo else b"",
                "csn": written.mark,
                "looked_at": now,
                "updated_at": now,
            },
        )
    return Saved(saved.member, is_shown=True)


def refuse(*, member_id: UUID, reason: str, items: Sequence[str], actor: Actor, now: datetime) -> ProfileRefused:
    """What never came this far: the same error, after the same line."""
    _note_refusal(member_id, reason, items, actor, now)
    return ProfileRefused(reason, items)


def _written(
    member_id: UUID,
    items: tuple[str, ...],
    carry_out: Callable[[LdapConfig, UUID], Written],
    actor: Actor,
    now: datetime,
    *,
    beside: Collection[str] = (),
) -> tuple[Member, DirectorySource, Written]:
    """In the directory, outside any transaction: what is written there is not taken back by one that rolls back.

    Were the hub to die here, the next pass would find the change and tell it as the directory's.
    """
    with _refusals_told(member_id, items, actor, now):
        # Nobody corrects for others: the office does so where it keeps the directory, under its own name.
        if actor.member != member_id:
            raise ProfileRefused("not_own_entry", items)
        member = Member.objects.active().select_related("source").filter(pk=member_id).first()
        if member is None or member.source is None or member.entry_uuid is None:
            raise ProfileRefused("no_entry", items)
        config = sources.of(member.source)
        if member.source.state != SourceState.ACTIVE:
            raise ProfileRefused("not_writable", items)
        try:
            return member, member.source, carry_out(config, member.entry_uuid)
        except Conflict as error:
            now_there = _as_it_is(member.source, config, error.now, {*items, *beside}, now)
            raise ProfileRefused("changed_meanwhile", items, now_there) from error


def _as_it_is(
    source: DirectorySource, config: LdapConfig, found: Written | None, items: Collection[str], now: datetime
) -> dict[str, str]:
    if found is None:
        return {}
    take_over(source, found.entry, now=now, mark=found.mark)
    held = edits.shown(found.entry.attributes, config.rules)
    return {item: value for item, value in held.items() if item in items}


@transaction.atomic
def _taken_over(
    member: Member, source: DirectorySource, written: Written, items: tuple[str, ...], actor: Actor, now: datetime
) -> Saved:
    # First: it takes its locks in the order of a pass, whose lines in the journal come last.
    taken = take_over(source, written.entry, now=now, mark=written.mark, told=items)
    record(Entry(Action.PROFILE_CHANGED, actor=actor, subject=member.pk, facts={"items": list(items)}, at=now))
    is_shown = taken is not None and taken.csn == written.mark
    return Saved(taken or member, is_shown)


@contextmanager
def _refusals_told(member_id: UUID, items: tuple[str, ...], actor: Actor, now: datetime) -> Iterator[None]:
    """Every way in which it comes to nothing, as one error, after its line in the journal."""
    try:
        yield
    except ProfileRefused as refused:
        _note_refusal(member_id, refused.reason, refused.items, actor, now)
        raise
    except (NotAllowed, Unfit, ChangeUncertain, DirectoryUnavailable, DirectoryRefused) as error:
        concerned = error.items if isinstance(error, NotAllowed | Unfit) else items
        reason = next(code for kind, code in _REASONS.items() if isinstance(error, kind))
        _note_refusal(member_id, reason, concerned, actor, now)
        raise ProfileRefused(reason, concerned) from error


# In the order in which they are asked: an uncertain change is one kind of silence.
_REASONS: Mapping[type[Exception], str] = {
    NotAllowed: "not_writable",
    Unfit: "value_unfit",
    ChangeUncertain: "change_uncertain",
    DirectoryUnavailable: "DirectoryUnavailable",
    DirectoryRefused: "DirectoryRefused",
}


@transaction.atomic
def _note_refusal(member_id: UUID, reason: str, items: Sequence[str], actor: Actor, now: datetime) -> None:
    subject = Member.objects.filter(pk=member_id).values_list("pk", flat=True).first()
    facts: dict[str, object] = {"items": sorted(items)}
    record(
        Entry(Action.PROFILE_REFUSED, actor=actor, subject=subject, refused=True, reason=reason, facts=facts, at=now)
    )
