"""The dated life of signing keys: made, put to use, retired, gone; by plan, by command, at once after a theft."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from joserfc.jwk import JWKRegistry, Key

from audit.sealing import seal
from audit.services import record, record_all
from audit.types import SYSTEM, Action, Actor, Entry
from idp.models import SigningKey
from idp.protocol import key_dates
from idp.protocol.key_dates import Life
from idp.services.keys.registry import ALGORITHM, forget_registry, periods
from idp.types import KeyState, SigningAlgorithm

# RSA of 2048 bits, 112 bits of strength (NIST SP 800-57: until 2030), with keys that sign for months: 3072 bits
# would make each login's signature three times dearer.  Who wants more strength takes ES256 or Ed25519.
MATERIAL: dict[str, tuple[str, int | str]] = {
    SigningAlgorithm.RS256: ("RSA", 2048),
    # RFC 8725 §3.5, RFC 7518 §3.5: a key for one algorithm each, so that no signature can pass for the other's.
    SigningAlgorithm.PS256: ("RSA", 2048),
    SigningAlgorithm.ES256: ("EC", "P-256"),
    SigningAlgorithm.ED25519: ("OKP", "Ed25519"),
}
# A machine whose clock is late still signs with a key that is retired everywhere else.
CLOCK_MARGIN = timedelta(minutes=15)


def ensure_keys(now: datetime) -> list[SigningKey]:
    """Make a key for each algorithm that has none; it signs at once, for nobody keeps a key set that lacks it."""
    made = (_first_key(name, now) for name in SigningAlgorithm.values)
    return [row for row in made if row is not None]


def ensure_key(*, now: datetime) -> None:
    """The same for the default algorithm alone."""
    _first_key(ALGORITHM, now)


def rotate(
    *, actor: Actor = SYSTEM, now: datetime, algorithm: str | None = None, at_once: bool = False
) -> list[SigningKey]:
    """Give each algorithm (or the named one) its next key, and return these.

    By plan the next key signs once every kept key set has it, and a next key that waits already is the answer.
    ``at_once`` is for a key that was stolen: the new one signs now; the old ones leave the key set, verify nothing
    and are erased.  Tools refuse the new key's tokens until they fetch the key set again.
    """
    names = [algorithm] if algorithm else SigningAlgorithm.values
    return [_replace_now(name, actor, now) if at_once else _plan_next(name, actor, now) for name in names]


def rotate_due(*, now: datetime) -> int:
    """What the plan asks for today, and the journal's lines of what became due; returns the number of changes."""
    made = [*ensure_keys(now)]
    for name in SigningAlgorithm.values:
        made += filter(None, [_plan_due(name, now)])
    return len(made) + _note_states(now)


@transaction.atomic
def create_key(
    *, active_at: datetime, algorithm: str = ALGORITHM, actor: Actor = SYSTEM, now: datetime, reason: str = "made"
) -> SigningKey:
    """Publish a new key that signs from ``active_at`` on.

    Raises ``IntegrityError`` while another key of the algorithm has no end.
    """
    private = generate(algorithm)
    kid = private.thumbprint()
    named = {"kid": kid, "alg": algorithm, "use": "sig"}
    row = SigningKey.objects.create(
        kid=kid,
        algorithm=algorithm,
        private=seal(json.dumps({**private.as_dict(private=True), **named}).encode()),
        public={**private.as_dict(private=False), **named},
        published_at=now,
        active_at=active_at,
        noted=KeyState.ACTIVE if active_at <= now else KeyState.PUBLISHED,
    )
    facts: dict[str, object] = {"kid": kid, "algorithm": algorithm, "active_at": active_at.isoformat()}
    record(Entry(Action.KEY_ROTATED, actor=actor, reason=reason, facts=facts, at=now))
    _forget()
    return row


def _first_key(algorithm: str, now: datetime) -> SigningKey | None:
    if SigningKey.objects.filter(algorithm=algorithm, retired_at=None).exists():
        return None
    try:
        return create_key(active_at=now, algorithm=algorithm, now=now, reason="first")
    except IntegrityError:
        # Somebody else made it in this very moment.
        return None


@transaction.atomic
def _plan_due(algorithm: str, now: datetime) -> SigningKey | None:
    latest = SigningKey.objects.filter(algorithm=algorithm, retired_at=None).first()
    if latest is None or not _is_due(latest, now):
        return None
    latest = _lock_latest(algorithm)
    # Asked again: whoever held the lock before may have done it.
    return _succeed(latest, SYSTEM, now) if latest is not None and _is_due(latest, now) else None


@transaction.atomic
def _plan_next(algorithm: str, actor: Actor, now: datetime) -> SigningKey:
    latest = _lock_latest(algorithm)
    if latest is None:
        return create_key(active_at=now, algorithm=algorithm, actor=actor, now=now, reason="first")
    return latest if latest.active_at > now else _succeed(latest, actor, now, by_hand=True)


@transaction.atomic
def _replace_now(algorithm: str, actor: Actor, now: datetime) -> SigningKey:
    """Every key of the algorithm goes, those retired and those waiting too: who read one could read them all."""
    _lock_latest(algorithm)
    entries = []
    for row in _not_gone(algorithm, now):
        row.retired_at = min(row.retired_at or now, now)
        row.gone_at, row.private, row.noted = now, b"", KeyState.GONE
        row.save()
        entries.append(_entry(Action.KEY_GONE, row, now, actor=actor, reason="compromised"))
    made = create_key(active_at=now, algorithm=algorithm, actor=actor, now=now, reason="compromised")
    record_all(entries)
    return made


def _succeed(latest: SigningKey, actor: Actor, now: datetime, *, by_hand: bool = False) -> SigningKey:
    times = periods()
    active_at = now + times.ahead if by_hand else key_dates.successor_active_at(_life(latest), times, now)
    latest.retired_at, latest.gone_at = active_at, active_at + times.hints
    latest.save(update_fields=["retired_at", "gone_at"])
    reason = "by_hand" if by_hand else "planned"
    return create_key(active_at=active_at, algorithm=latest.algorithm, actor=actor, now=now, reason=reason)


@transaction.atomic
def _note_states(now: datetime) -> int:
    """The journal's lines of what the dates brought about.  A key that signs no more loses its private half."""
    entries = []
    for row in SigningKey.objects.select_for_update().exclude(noted=KeyState.GONE).order_by("pk"):
        state = _settled(row, now)
        if state == row.noted:
            continue
        row.noted = state
        if state in (KeyState.RETIRED, KeyState.GONE):
            row.private = b""
        row.save(update_fields=["noted", "private"])
        entries.append(_entry(_ACTIONS[state], row, now, actor=SYSTEM, reason="planned"))
    record_all(entries)
    return len(entries)


_ACTIONS = {
    KeyState.ACTIVE: Action.KEY_ACTIVATED,
    KeyState.RETIRED: Action.KEY_RETIRED,
    KeyState.GONE: Action.KEY_GONE,
}


def _settled(row: SigningKey, now: datetime) -> KeyState:
    """The state of a key, counted as active for a while longer: erasing its private half cannot be undone."""
    state = _life(row).state(now)
    late = state == KeyState.RETIRED and row.retired_at is not None and now < row.retired_at + CLOCK_MARGIN
    return KeyState.ACTIVE if late else state


def _lock_latest(algorithm: str) -> SigningKey | None:
    """The key without end, once nobody else is changing this algorithm's keys.

    Two statements: the second one sees what the lock's last holder wrote.
    """
    # In an order that no change of dates changes: two who lock the same rows otherwise wait for each other.
    list(SigningKey.objects.select_for_update().filter(algorithm=algorithm).order_by("pk").values_list("pk"))
    return SigningKey.objects.filter(algorithm=algorithm, retired_at=None).first()


def _not_gone(algorithm: str, now: datetime) -> Sequence[SigningKey]:
    rows = SigningKey.objects.filter(algorithm=algorithm)
    return [row for row in rows if _life(row).state(now) != KeyState.GONE]


def _is_due(latest: SigningKey, now: datetime) -> bool:
    due = _life(latest).successor_due_at(periods())
    return due is not None and due <= now


def _life(row: SigningKey) -> Life:
    return Life(row.published_at, row.active_at, row.retired_at, row.gone_at)


def _entry(action: Action, row: SigningKey, now: datetime, *, actor: Actor, reason: str) -> Entry:
    facts: dict[str, object] = {"kid": row.kid, "algorithm": row.algorithm}
    return Entry(action, actor=actor, reason=reason, facts=facts, at=now)


def generate(algorithm: str) -> Key:
    kind, size = MATERIAL[algorithm]
    return JWKRegistry.generate_key(kind, size)


def _forget() -> None:
    """At once for this transaction, and again at its end: another thread may read the old state in between."""
    forget_registry()
    transaction.on_commit(forget_registry)
