"""Recovery codes: ten, each good once, known to the member alone.

OWASP ASVS 6.5.2: at rest there are digests.  Their salt is sealed under the key from outside the database: a copy of
it cannot be searched for codes at all, and each guess costs a slow digest to whoever has the key as well.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction

from audit.sealing import seal, unseal
from idp.services.sessions import hold

PURPOSE = "trousseau second factor"
COUNT = 10
# Nobody takes one of these for another; without vowels they spell nothing.  Eight of them are 38 bits.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
LENGTH = 8
FEW = 2


@transaction.atomic
def make(*, member_id: UUID, now: datetime) -> tuple[Authenticator, list[str]]:
    """New codes, in clear for the last time; those of before are worth nothing."""
    hold(member_id)
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT)]
    rows = Authenticator.objects.filter(user=member_id, type=Authenticator.Type.RECOVERY_CODES)
    rows.delete()
    row = Authenticator.objects.create(
        user_id=member_id, type=Authenticator.Type.RECOVERY_CODES, data=digested(codes), created_at=now
    )
    return row, [f"{code[:4]}-{code[4:]}" for code in codes]


def use(*, member_id: UUID, typed: str) -> Authenticator | None:
    """The member's codes when this is one of them; it is not any more.  Of two at once one succeeds."""
    code = normalised(typed)
    row = of(member_id)
    if row is None or not row.data["digests"] or len(code) != LENGTH:
        return None
    salt = _opened(row.data)
    # Outside the transaction: it is slow on purpose.
    wanted = _digest(code, salt)
    with transaction.atomic():
        found: Authenticator | None = Authenticator.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
        if found is None:
            return None
        known = [digest for digest in found.data["digests"] if not hmac.compare_digest(digest, wanted)]
        if len(known) == len(found.data["digests"]):
            return None
        found.data |= {"digests": known}
        found.save(update_fields=["data"])
    return found


def of(member_id: UUID) -> Authenticator | None:
    rows = Authenticator.objects.filter(user=member_id, type=Authenticator.Type.RECOVERY_CODES)
    row: Authenticator | None = rows.first()
    if row is not None and "digests" not in row.data:
        # Made by the release before, whose processes may run beside this one while it is installed.
        row.data = from_seed(row)
        row.save(update_fields=["data"])
    return row


def left(member_id: UUID) -> int | None:
    """How many codes are left; ``None`` where there never were any."""
    row = Authenticator.objects.filter(user=member_id, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None:
        return None
    return len(row.data["digests"] if "digests" in row.data else from_seed(row)["digests"])


def normalised(typed: str) -> str:
    return "".join(character for character in typed.upper() if character.isascii() and character.isalnum())


def digested(codes: list[str]) -> dict[str, Any]:
    salt = secrets.token_bytes(32)
    sealed = seal(salt.hex().encode(), purpose=PURPOSE).decode("ascii")
    return {"salt": sealed, "digests": [_digest(code, salt) for code in codes]}


def from_seed(row: Any) -> dict[str, Any]:
    """The digests of the codes that a seed of the release before still gives.  Raises ``InvalidToken``."""
    seed = unseal(row.data["seed"].encode(), purpose=PURPOSE)
    chain, codes = hmac.new(seed, digestmod=hashlib.sha1), []
    for number in range(COUNT):
        chain.update(f"{number:3},".encode())
        codes.append(str(int.from_bytes(chain.digest()[:4], "big") % 10**8).zfill(8))
    used = int(row.data.get("used_mask", 0))
    return digested([code for number, code in enumerate(codes) if not used >> number & 1])


def _opened(data: dict[str, Any]) -> bytes:
    return bytes.fromhex(unseal(data["salt"].encode(), purpose=PURPOSE).decode())


def _digest(code: str, salt: bytes) -> str:
    return hashlib.scrypt(code.encode(), salt=salt, n=2**13, r=8, p=1, dklen=32).hex()
