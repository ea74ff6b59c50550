"""Writing what leaves: the first of its kind on a day with its line at once, the others counted, the day closed."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit import releases
from audit.releases import Profile
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from consent.ledger import holdings
from consent.ledger.models import Disclosure, Holding
from consent.types import ITEMS, Disclosed
from statements.writing import together

# What began before midnight is over, and is counted on its day.
SETTLED = timedelta(minutes=5)
BATCH = 500


def disclose(disclosures: Sequence[Disclosed], *, now: datetime) -> None:
    """Write what leaves, with the caller's own rows where those are sent together, and a line where it is the first.

    What left alike before on this day, on the same decision of the member, is counted there, and has no line of its
    own: ``close_days`` writes one about all of them.  Lines name a release profile, which is described beside them
    the first time that it is used.

    Raises ``TransactionManagementError`` outside a transaction, as the journal does: what leaves and what is
    written of it stand or fall together.
    """
    if not disclosures:
        return
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("disclose() belongs inside the transaction of what it hands out")
    profiles = [_profile(each) for each in disclosures]
    names, described = releases.describe(frozenset(profiles), now=now)
    alike: dict[tuple[UUID, str, int], list[Disclosed]] = {}
    for each, profile in zip(disclosures, profiles, strict=True):
        alike.setdefault((each.member, names[profile], each.release.consent or 0), []).append(each)
    # In one order everywhere: two who count on the same rows wait for each other, and never in a circle.
    ordered = [(name, alike[member, name, decision]) for member, name, decision in sorted(alike)]

    def tell(are_first: list[bool]) -> None:
        firsts = [(name, each[0]) for (name, each), is_first in zip(ordered, are_first, strict=True) if is_first]
        with together():
            holdings.receive([each for _, each in firsts], now=now)
            record_all(described + [_line(name, each, now) for name, each in firsts])

    Disclosure.objects.merge([_row(name, each, now) for name, each in ordered], tell)


@transaction.atomic
def close_days(*, now: datetime) -> int:
    """Some of the rows of days that are over are closed, those that counted several with a line; returns how many."""
    days = Disclosure.objects.filter(day__lt=timezone.localdate(now - SETTLED), closed_at=None)
    # Another worker has those that it locks.
    rows = list(days.select_for_update(skip_locked=True).order_by("pk")[:BATCH])
    _close(rows, now)
    return len(rows)


def close_pair(*, member_id: UUID, tool_id: int, now: datetime) -> None:
    """From now on, what leaves about this member to this tool is written at once, as if it never had before.

    In the caller's transaction and beside its line; the last that it locks: whoever gives tokens holds those first.
    What leaves several times after a withdrawal is counted, as ever: it is no more than the tool's own identifiers.
    """
    rows = Disclosure.objects.filter(member_id=member_id, tool_id=tool_id, closed_at=None)
    _close(list(rows.select_for_update().order_by("member_id", "profile", "decision")), now)


@transaction.atomic
def confirm_erasure(
    *, member_id: UUID, tool_id: int, items: Collection[str] | None = None, actor: Actor, now: datetime
) -> int:
    """The tool has erased what it held of the member, or these items of it; returns how many that were.

    What leaves after this is written and held as for the first time.
    """
    held = Holding.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
    if items is not None:
        held = held.filter(item__in=items)
    # First: whoever is writing a first release holds these, and has its row of the ledger before this goes on.
    erased = sorted(held.select_for_update().values_list("item", flat=True))
    close_pair(member_id=member_id, tool_id=tool_id, now=now)
    if erased:
        held.update(ended_at=now)
        facts: dict[str, object] = {"items": erased}
        record(Entry(Action.ERASURE_CONFIRMED, actor=actor, subject=member_id, tool=tool_id, facts=facts, at=now))
    return len(erased)


def _close(rows: Collection[Disclosure], now: datetime) -> None:
    Disclosure.objects.close(rows, now=now)
    record_all(
        Entry(
            Action.DISCLOSED_AGAIN,
            actor=Actor(tool=row.tool_id),
            subject=row.member_id,
            tool=row.tool_id,
            facts={
                "profile": row.profile,
                "times": row.count,
                "first_at": row.at.isoformat(timespec="seconds"),
                "last_at": row.last_at.isoformat(timespec="seconds"),
            },
            at=now,
        )
        for row in rows
        if row.count > 1
    )


def _line(name: str, each: Disclosed, now: datetime) -> Entry:
    return Entry(
        Action.DISCLOSED,
        actor=Actor(tool=each.tool),
        subject=each.member,
        tool=each.tool,
        session=each.session,
        facts={"profile": name},
        at=now,
    )


def _row(name: str, alike: Sequence[Disclosed], now: datetime) -> dict[str, object]:
    first = alike[0]
    return {
        "member_id": first.member,
        "tool_id": first.tool,
        "channel": first.channel,
        "items": sorted(first.items),
        "processing_id": first.release.processing,
        "notice_id": first.release.notice,
        "legal_basis": first.release.legal_basis,
        "session": first.session,
        "at": now,
        "last_at": now,
        "count": len(alike),
        "day": timezone.localdate(now),
        "profile": name,
        "decision": first.release.consent or 0,
        "mode": first.mode,
    }


def _profile(disclosed: Disclosed) -> Profile:
    items = sorted(disclosed.items)
    return Profile(
        tool=disclosed.tool,
        channel=disclosed.channel.value,
        items=tuple(items),
        categories=tuple(sorted({ITEMS[item].category.value for item in items})),
        processing=disclosed.release.processing,
        notice=disclosed.release.notice,
        legal_basis=disclosed.release.legal_basis,
        mode=disclosed.mode,
    )
