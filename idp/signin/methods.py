"""What a session has proved, in the words of the wire: ``amr`` (RFC 8176), ``acr`` and ``auth_time``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ACR_PASSWORD = "1"  # noqa: S105
ACR_TWO_FACTORS = "2"
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved, and when the whole of it was last proved."""

    methods: tuple[str, ...]
    acr: str
    at: datetime


def proof_of(records: Iterable[Record], *, second_factor: bool) -> Proof | None:
    """The proof that these records amount to; ``None`` when they hold neither a password nor a passkey.

    ``second_factor`` tells whether the member has one today: a step taken with a factor that was removed since
    counts no more.  ``at`` is the older of the latest steps: with a stolen session and the password alone nobody
    can renew the ``auth_time`` of a session that claims two factors.  A passkey that asked its holder for a PIN or a
    fingerprint is both steps at once.
    """
    kept = [record for record in records if second_factor or record.get("method") != "mfa"]
    first, second = _latest(kept)
    if first is None:
        return None
    if second is None:
        return Proof(("pwd",), ACR_PASSWORD, _moment(first))
    return Proof(tuple(_names(kept)), ACR_TWO_FACTORS, _moment(min(first, second)))


def code_is_older(records: Iterable[Record], *, missing: bool = False) -> bool:
    """Is the second factor the step that was proved longer ago?  Then it is the one to ask for first.

    ``missing`` is the answer where none was proved at all.
    """
    first, second = _latest(records)
    if second is None:
        return missing
    return first is not None and second < first


def last_second_factor(records: Iterable[Record]) -> str:
    """The kind of factor that was used last, or nothing."""
    kinds = [str(record.get("type", "")) for record in records if record.get("method") == "mfa"]
    return kinds[-1] if kinds else ""


def key_method(*, synced: bool) -> str:
    """RFC 8176 §2: a passkey that may be copied to other devices is kept by software, whatever opened it."""
    return "swk" if synced else "hwk"


def _latest(records: Iterable[Record]) -> tuple[float | None, float | None]:
    """When the first and the second step were last proved."""
    first = second = None
    for record in records:
        at, method = float(record["at"]), record.get("method")
        if method == "password" or _proves_both(record):
            first = at
        if method == "mfa":
            second = at
    return first, second


def _proves_both(record: Record) -> bool:
    """A passkey used, not one just added: adding it rests on the password that was asked for before."""
    return record.get("type") == "webauthn" and not record.get("enrolment")


def _names(records: Iterable[Record]) -> Iterable[str]:
    """RFC 8176 §2.  A recovery code is no one-time password, but it is a second factor."""
    seen = {(record.get("method"), record.get("type"), bool(record.get("synced"))) for record in records}
    if any(method == "password" for method, _kind, _synced in seen):
        yield "pwd"
    if ("mfa", "totp", False) in seen:
        yield "otp"
    keys = sorted(key_method(synced=synced) for _method, kind, synced in seen if kind == "webauthn")
    yield from keys
    if keys:
        yield "user"
    yield "mfa"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
