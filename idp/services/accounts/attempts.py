"""Tries at a credential, counted: one budget for each account across names and factors, one for each network.

Every entry of a password or a code counts here before anything is looked at, and a try that succeeded is given back.

- Strangers to an account share one budget; the browsers in which its member has signed in before have another (OWASP
  calls them device cookies).  Whoever uses up the first keeps nobody out who comes with the second, and a stolen cookie
  opens four tries rather than none.
- Both together stay below what the directory itself endures (its policy locks an entry after ten failures within ten
  minutes), at 25 failures in 24 hours (CNIL 2022-100) and at 100 in a row (NIST SP 800-63B-4 §3.2.2).
- A sign-in that succeeded clears the row of failures of its own account: no window, no other account, no network.
- Nothing is blocked for good: passkeys are not counted, and a reset by mail or the office clear the count.

The counts live in the shared cache, their keys hashed.  A cache that is away raises: no try is looked at that cannot be
counted, or passwords could be guessed without a limit while it is.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from idp.signin.allauth_parts import cache_lock

log = logging.getLogger("idp.attempts")
# Ten minutes as people count them; the directory's own clock and ours may differ by the rest.
SHORT = timedelta(minutes=10, seconds=30)
DAY = timedelta(hours=24)
# A row of failures is remembered this long after the last one.
ROW_MEMORY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Window:
    """So many tries within this time, at any moment."""

    tries: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be tried on one key.  ``in_a_row`` is the most failures without a success; 0: they are not counted."""

    windows: tuple[Window, ...]
    in_a_row: int = 0

    @property
    def memory(self) -> timedelta:
        return ROW_MEMORY if self.in_a_row else max(window.within for window in self.windows)


STRANGERS = Budget((Window(5, SHORT), Window(15, DAY)), in_a_row=60)
OWN_BROWSERS = Budget((Window(4, SHORT), Window(10, DAY)), in_a_row=40)
# A name that is nobody's, or that of somebody whom the directory has and the mirror not yet; a row is no one's.
NOBODY = Budget((Window(5, SHORT), Window(15, DAY)))
# A whole office may share one address.
NETWORK = Budget((Window(20, timedelta(minutes=1)), Window(300, DAY)))
# Codes that devices show: typed by somebody who is signed in, and of no account.
DEVICE_CODES = Budget((Window(5, timedelta(minutes=5)),))


@dataclass(frozen=True, slots=True)
class Try:
    """One try that was counted, on each of its keys."""

    counted: tuple[tuple[str, Budget, float], ...]

    def give_back(self, *, of_network: bool = True) -> None:
        """It was no failure: take off this very try and no other."""
        for key, budget, at in self.counted:
            if of_network or budget is not NETWORK:
                _uncount(key, budget, at)


def take(*, account: str, network: str, known: bool, now: datetime) -> Try | None:
    """Count a try at an account; ``None`` when its budget or the network's is used up.

    ``account`` is that of ``idp.signin.people.Attempt``; ``known`` tells that its member has signed in from this
    browser before, which the network's count does not touch.
    """
    if known:
        return _take(((f"own:{account}", OWN_BROWSERS),), now)
    budget = STRANGERS if account.startswith("member:") else NOBODY
    return _take(((f"network:{network}", NETWORK), (account, budget)), now)


def take_look(*, account: str, known: bool, now: datetime) -> Try | None:
    """Count a look at a password that the hub keeps itself: the one kind that is looked at without the directory.

    Beside ``take``, whose tries are given back while the directory is away; and of no network, so that what is left of
    one does not tell which accounts these are.
    """
    return _take(((_look_of(account, known=known), OWN_BROWSERS if known else STRANGERS),), now)


def take_device_code(*, session: UUID, network: str, now: datetime) -> Try | None:
    return _take(((f"network:{network}", NETWORK), (f"device:{session}", DEVICE_CODES)), now)


def succeeded(member_id: UUID) -> None:
    """A sign-in was completed, with every factor asked for: failures in a row begin anew."""
    # A passkey counts on nothing: who comes in with one does not wait for a cache that is away.
    with _if_the_cache_is_there():
        for key, budget in _of(member_id):
            with cache_lock(key) as locked:
                if locked and (kept := cache.get(key)):
                    cache.set(key, (0, kept[1]), budget.memory.total_seconds())


def password_kept(member_id: UUID) -> None:
    """A new password was chosen, and cannot be taken back: the account's budgets open again where that is possible."""
    with _if_the_cache_is_there():
        clear(member_id)


@contextmanager
def _if_the_cache_is_there() -> Iterator[None]:
    try:
        yield
    except DatabaseError:
        raise
    except Exception as error:
        log.warning("counts of failures could not be changed: %s", type(error).__name__)


def clear(member_id: UUID) -> None:
    """What was proved or decided otherwise (a reset by mail, the office) opens the account's budgets again."""
    for key, _budget in _of(member_id):
        cache.delete(key)


@transaction.atomic
def unlock(*, member_id: UUID, actor: Actor, now: datetime) -> None:
    """The office lets a member try again at once."""
    record(Entry(Action.ACCOUNT_UNLOCKED, actor=actor, subject=member_id, at=now))
    clear(member_id)


def blocked_until(member_id: UUID, *, now: datetime) -> datetime | None:
    """Until when a browser that is not known is refused, whatever it types; ``None`` when it is not.

    Too many failures in a row end with a sign-in from a known browser, a reset by mail or the office: until then the
    answer is the end of their memory.
    """
    kept = cache.get(_hashed(account_of(member_id)))
    if not kept:
        return None
    row, times = kept
    if row >= STRANGERS.in_a_row:
        return now + ROW_MEMORY
    ends = []
    for window in STRANGERS.windows:
        since = now.timestamp() - window.within.total_seconds()
        inside = sorted(at for at in times if at > since)
        if len(inside) >= window.tries:
            ends.append(inside[-window.tries] + window.within.total_seconds())
    return datetime.fromtimestamp(max(ends), UTC) if ends else None


def is_blocked(member_id: UUID) -> bool:
    return blocked_until(member_id, now=timezone.now()) is not None


def account_of(member_id: UUID) -> str:
    return f"member:{member_id}"


def _of(member_id: UUID) -> tuple[tuple[str, Budget], ...]:
    account = account_of(member_id)
    return (
        (_hashed(account), STRANGERS),
        (_hashed(f"own:{account}"), OWN_BROWSERS),
        (_hashed(_look_of(account, known=False)), STRANGERS),
        (_hashed(_look_of(account, known=True)), OWN_BROWSERS),
    )


def _look_of(account: str, *, known: bool) -> str:
    return f"look:own:{account}" if known else f"look:{account}"


def _hashed(key: str) -> str:
    """People type passwords as names: what was typed is not readable in the cache."""
    return f"idp:attempts:{sha256(key.encode()).hexdigest()}"


def _take(keys: tuple[tuple[str, Budget], ...], now: datetime) -> Try | None:
    """On every key or not at all: the network keeps the count of what an account refuses."""
    counted: list[tuple[str, Budget, float]] = []
    for plain, budget in keys:
        key = _hashed(plain)
        if not _count(key, budget, now.timestamp()):
            return None
        counted.append((key, budget, now.timestamp()))
    return Try(tuple(counted))


def _count(key: str, budget: Budget, now: float) -> bool:
    """One at a time, so that tries sent together are not counted as one; who cannot wait is refused."""
    with cache_lock(key) as locked:
        if not locked:
            return False
        row, times = cache.get(key) or (0, [])
        longest = max(window.within for window in budget.windows).total_seconds()
        times = [at for at in times if at > now - longest]
        if budget.in_a_row and row >= budget.in_a_row:
            return False
        for window in budget.windows:
            if sum(at > now - window.within.total_seconds() for at in times) >= window.tries:
                return False
        cache.set(key, (row + 1, [*times, now]), budget.memory.total_seconds())
        return True


def _uncount(key: str, budget: Budget, at: float) -> None:
    with cache_lock(key) as locked:
        kept = cache.get(key) if locked else None
        if not kept or at not in kept[1]:
            # Not given back: the limit is a little narrower than it might be, and no more.
            return
        row, times = kept
        times.remove(at)
        cache.set(key, (max(0, row - 1), times), budget.memory.total_seconds())
