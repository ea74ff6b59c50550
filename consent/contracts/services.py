"""Writing about contracts: each is a version, and records itself in its transaction."""

from datetime import datetime
from hashlib import sha256

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from consent import policy as sheets
from consent.contracts import policy
from consent.contracts.models import ContractFile, ContractVersion
from consent.contracts.types import ContractChanged, Terms, Text
from consent.register import policy as register
from consent.register import selectors as records
from consent.register.models import RegisterRecord


@transaction.atomic
def keep(
    *, of: RegisterRecord, recipient: str, terms: Terms, text: Text | None, version: int, actor: Actor, now: datetime
) -> ContractVersion:
    """Another version; ``version`` is the one that was shown, 0 for none.  Without a text the one there is stays.

    Raises ``ContractInvalid`` or ``ContractChanged``.
    """
    # Whoever comes second waits, and reads what the first one made.
    row = RegisterRecord.objects.select_for_update(of=("self",)).get(pk=of.pk)
    standing = records.current(row)
    before = ContractVersion.objects.filter(record=row, recipient=recipient).order_by("-version").first()
    if (before.version if before else 0) != version:
        raise ContractChanged
    if standing is None or recipient not in policy.processors(register.content_of(standing.content)):
        raise ContractChanged
    stored = policy.to_json(policy.checked(terms))
    file = _file(text, now) if text else before.file if before else None
    made: ContractVersion = ContractVersion.objects.create(
        record=row,
        recipient=recipient,
        version=version + 1,
        content=stored,
        digest=sheets.digest(stored),
        file=file,
        author_id=actor.member,
        at=now,
    )
    facts: dict[str, object] = {"record": row.reference, "version": made.version, "digest": made.digest}
    if file is not None:
        facts["files"] = [file.digest]
    record(Entry(Action.CONTRACT_KEPT, actor=actor, tool=row.tool_id, facts=facts, at=now))
    return made


@transaction.atomic
def note_refused(*, of: RegisterRecord, actor: Actor, reason: str, now: datetime) -> None:
    facts: dict[str, object] = {"record": of.reference}
    record(Entry(Action.CONTRACT_KEPT, actor, tool=of.tool_id, refused=True, reason=reason, facts=facts, at=now))


def _file(text: Text, now: datetime) -> ContractFile:
    policy.check_text(text)
    found: ContractFile
    found, _made = ContractFile.objects.get_or_create(
        digest=sha256(text.content).hexdigest(),
        defaults={"name": text.name[:200], "size": len(text.content), "content": text.content, "at": now},
    )
    return found
