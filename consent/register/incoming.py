"""What a file would create or change: worked out, shown, signed, and only then done."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core import signing

from consent.register import policy, selectors
from consent.register.cnil import CellError, File, Read
from consent.register.types import Content, Difference, Kind, Parties, RegisterInvalid

LIFETIME = 3600
SALT = "consent.register.import"
# What a form may send back, with room for the rest of it.
MOST_SIGNED = settings.DATA_UPLOAD_MAX_MEMORY_SIZE - 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """A record as it would be; ``version`` is the one that it follows, 0 for a new one."""

    reference: str
    kind: Kind
    content: Content
    version: int
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    changes: list[Change] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    parties: Parties | None = None
    parties_version: int = 0
    party_differences: list[Difference] = field(default_factory=list)

    @property
    def does_something(self) -> bool:
        return not self.errors and bool(self.changes or self.parties)


def plan(file: File) -> Plan:
    """What this file would do to the register as it is.  A record that it does not name stays as it is."""
    made = Plan(errors=list(file.errors), ignored=file.ignored)
    for read in file.records:
        _add(made, read)
    shown, made.parties_version = selectors.parties()
    if file.parties is not None and file.parties != shown:
        made.parties = file.parties
        made.party_differences = policy.differences(shown, file.parties)
    return made


def _add(made: Plan, read: Read) -> None:
    record = selectors.record(read.reference)
    if record is None:
        try:
            policy.check_new(read.reference, read.kind)
        except RegisterInvalid as error:
            made.errors += [CellError(read.sheet, "", code) for code in error.problems.values()]
            return
        made.changes.append(Change(read.reference, read.kind, policy.ordered(read.content), 0))
        return
    standing = selectors.last(record)
    shown = policy.content_of(standing.content)
    content = read.content
    if record.tool_id is not None:
        made.errors += [CellError(read.sheet, "", "from_sheet") for _name in policy.sheet_ignored(shown, content)[:1]]
        content = policy.joined(shown, policy.without_fed(shown, content))
    content = policy.ordered(content)
    if record.kind != read.kind:
        made.errors.append(CellError(read.sheet, "", "other_kind"))
    if policy.unfed(content) == policy.unfed(shown):
        made.unchanged.append(read.reference)
    elif standing.ended_at is not None:
        made.errors.append(CellError(read.sheet, "", "record_closed"))
    else:
        told = policy.differences(shown, content)
        made.changes.append(Change(read.reference, read.kind, content, standing.version, told))


def signed(plan: Plan, *, reader: str) -> str:
    """The plan as the page carries it: what was shown to this reader, within the hour."""
    told: dict[str, Any] = {
        "reader": reader,
        "changes": [
            [each.reference, each.kind.value, policy.to_json(each.content), each.version] for each in plan.changes
        ],
        "parties": policy.to_json(plan.parties) if plan.parties else None,
        "parties_version": plan.parties_version,
    }
    return signing.dumps(told, salt=SALT, compress=True)


def opened(text: str, *, reader: str) -> Plan:
    """Raises ``BadSignature`` for what was not shown to this reader, or too long ago."""
    told = signing.loads(text, salt=SALT, max_age=LIFETIME)
    if told["reader"] != reader:
        raise signing.BadSignature("shown to somebody else")
    return Plan(
        changes=[
            Change(reference, Kind(kind), policy.content_of(content), version)
            for reference, kind, content, version in told["changes"]
        ],
        parties=policy.parties_of(told["parties"]) if told["parties"] else None,
        parties_version=told["parties_version"],
    )
