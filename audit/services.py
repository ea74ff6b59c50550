"""Writing the journal: one function, in the transaction of the change it tells of."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit import keyring, writing
from audit.models import Event, Log, Removal, SavedSearch
from audit.types import SYSTEM, Action, Actor, Entry, EventFilter, Ground, LogError, Reading, RemovalKind

MINUTE = timedelta(minutes=1)
REFUSED_PAGES_A_MINUTE = 30
# Coming back to the same page while helping somebody is one look.
ONE_LOOK = timedelta(minutes=10)


def record(*entries: Entry) -> None:
    """Write the entries, each with its parts and its place in the queue of the log, inside the caller's transaction.

    Raises ``TransactionManagementError`` outside a transaction: a line that could survive
    the roll-back of its change, or be missing after its commit, proves nothing.
    """
    record_all(entries)


def record_all(entries: Iterable[Entry], *, newcomers: AbstractSet[UUID] = frozenset()) -> None:
    """As ``record``, for a list that was built elsewhere.

    ``newcomers``: people who were added in this very transaction.  Nothing can have been written of them before.
    """
    lines = list(entries)
    if not lines:
        return
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("record() belongs inside the transaction of its change")
    writing.write(lines, now=timezone.now(), newcomers=newcomers)


def erase_person(person: UUID, *, now: datetime) -> None:
    """Have the worker take somebody out of the journal; in the transaction of the erasure, before what it records.

    Nothing more is written under the keys that they have; what is written of them until the worker is done goes too.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an erasure is asked for in the transaction of its change")
    Removal.objects.get_or_create(person=person, ended_at=None, defaults={"kind": RemovalKind.ERASURE, "began_at": now})
    keyring.retire(person, now=now)


@transaction.atomic
def renew_log(*, name: str, head: str, now: datetime, actor: Actor = SYSTEM) -> str:
    """Give up a log that cannot be signed, and let another follow; returns the name of that one.

    ``head``: what its signer signed last, as far as it is known.  It stands in the log that follows, beside how much of
    it the database still has: a reader learns there that something is missing, and how much.  Raises ``LogError``.
    """
    log = Log.objects.select_for_update().filter(name=name).first()
    if log is None:
        raise LogError("log_unknown")
    if not log.trouble:
        raise LogError("log_is_well")
    was_open = log.closed_at is None
    log.given_up, log.trouble, log.trouble_since = True, "", None
    log.closed_at = log.closed_at or now
    log.save()
    if was_open:
        series, _, number = log.name.partition(".")
        Log.objects.create(name=f"{series}.{int(number or 1) + 1}", family=log.family, opened_at=now)
    following = Log.objects.get(family=log.family, closed_at=None).name
    facts: dict[str, object] = {"log": log.name, "log_size": log.size, "log_next": following, "log_head": head}
    record(Entry(Action.LOG_GIVEN_UP, actor=actor, facts=facts, at=now))
    return following


@transaction.atomic
def note_purpose(*, reading: Reading, page: str, now: datetime) -> None:
    """Why the journal, or members' records, are about to be read; ``page`` is the first one that this opens."""
    facts = {"page": page, **reading.why}
    record(Entry(Action.READING_OPENED, actor=Actor(reading.reader), facts=facts, at=now))


@transaction.atomic
def note_reading(*, reading: Reading, wanted: EventFilter, now: datetime, **facts: object) -> None:
    """Reading the journal is an event too: who, when, why, by which criteria; never what was typed.

    Whoever the search is for, under a pseudonym or not, has a line about them: they can be told.
    """
    facts = {"filters": list(wanted.used), **facts, **reading.why}
    if wanted.action:
        facts["action"] = wanted.action
    actor = Actor(reading.reader)
    record_all(Entry(Action.JOURNAL_READ, actor, each, facts=facts, at=now) for each in wanted.people or [None])


@transaction.atomic
def reveal(*, reading: Reading, people: Sequence[UUID], ground: Ground, now: datetime) -> None:
    """From now on, and until this reading is over, these are called by their names; each has a line about it."""
    facts: dict[str, object] = {"ground": ground.value, **reading.why}
    if len(people) > 1:
        facts["together"] = len(people)
    actor = Actor(reading.reader)
    record_all(Entry(Action.PERSON_REVEALED, actor=actor, subject=each, facts=facts, at=now) for each in people)


@transaction.atomic
def note_refused_reveal(*, reading: Reading, people: int, reason: str, now: datetime) -> None:
    """So many names at once, or all there are, are nobody's need."""
    facts = {"together": people, **reading.why}
    actor = Actor(reading.reader)
    record(Entry(Action.PERSON_REVEALED, actor, refused=True, reason=reason, facts=facts, at=now))


@transaction.atomic
def note_name_search(*, actor: Actor, results: int, now: datetime, reading: Reading | None = None) -> None:
    """A name that somebody typed was looked for among the members; how many were found, never what was typed."""
    facts = {"results": results, **(reading.why if reading else {})}
    record(Entry(Action.MEMBERS_SEARCHED, actor=actor, facts=facts, at=now))


@transaction.atomic
def note_consulted(*, member_id: UUID, reading: Reading, now: datetime) -> None:
    """Looking at what is known of somebody is an event too: once per member, stated purpose and while."""
    looks = Event.objects.about(member_id).filter(action=Action.MEMBER_CONSULTED, at__gt=now - ONE_LOOK)
    if not looks.filter(facts=reading.why).exists():
        record(Entry(Action.MEMBER_CONSULTED, Actor(reading.reader), member_id, facts=reading.why, at=now))


def keep_search(*, owner: UUID, name: str, query: str) -> None:
    """One of this name is replaced."""
    SavedSearch.objects.update_or_create(owner_id=owner, name=name, defaults={"query": query})


def drop_search(*, owner: UUID, number: int) -> None:
    SavedSearch.objects.filter(owner_id=owner, pk=number).delete()


@transaction.atomic
def note_refused_page(*, actor: Actor, page: str, now: datetime, reason: str = "role_missing") -> None:
    """A page that somebody’s roles or proof do not open: so many lines a minute, however often they ask."""
    lately = Event.objects.about(actor.member).filter(at__gt=now - MINUTE, action=Action.ACCESS_REFUSED)
    if lately.count() >= REFUSED_PAGES_A_MINUTE:
        return
    record(
        Entry(
            Action.ACCESS_REFUSED,
            actor=actor,
            subject=actor.member,
            refused=True,
            reason=reason,
            facts={"page": page},
            at=now,
        )
    )
