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
    """The proof that these records amount to; ``None`` when they hold no password.

    ``second_factor`` tells whether the member has one today: a step taken with a factor that was removed since
    counts no more.  ``at`` is the older of the latest steps: with a stolen session and the password alone nobody
    can renew the ``auth_time`` of a session that claims two factors.
    """
    password = code = None
    kind = ""
    for record in records:
        if record.get("method") == "password":
            password = record["at"]
        elif record.get("method") == "mfa" and second_factor:
            code, kind = record["at"], str(record.get("type", ""))
    if password is None:
        return None
    if code is None:
        return Proof(("pwd",), ACR_PASSWORD, _moment(password))
    # A recovery code is no one-time password of RFC 8176 §2, but it is a second factor.
    names = ("pwd", "otp", "mfa") if kind == "totp" else ("pwd", "mfa")
    return Proof(names, ACR_TWO_FACTORS, _moment(min(password, code)))


def code_is_older(records: Iterable[Record]) -> bool:
    """Is the code the step that was proved longer ago?  Then it is the one to ask for first."""
    latest = {str(record.get("method")): float(record["at"]) for record in records}
    return "mfa" in latest and "password" in latest and latest["mfa"] < latest["password"]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
