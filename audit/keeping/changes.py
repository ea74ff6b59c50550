"""The rules, what of them is in force already, and changing them."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from audit.keeping.rules import DEFAULTS, NOTICE, Period, Rules, from_json, is_loosened, longest, to_json, why_not
from audit.kinds import RETENTION, Retention
from audit.models import RetentionRules
from audit.parts import Role
from audit.services import record
from audit.types import Action, Actor, Entry, KeepingError


def current() -> Rules:
    """What they are, or will be in two weeks at the latest.  One statement."""
    row = RetentionRules.objects.order_by("-pk").first()
    return Rules(0, DEFAULTS) if row is None else Rules(row.pk, from_json(row.periods))


def in_force(now: datetime) -> Rules:
    """What goes by: the rules, and of what was shortened lately the longer that it was.  One statement."""
    versions, version = [], 0
    for row in RetentionRules.objects.order_by("-pk"):
        version = version or row.pk
        versions.append(from_json(row.periods))
        if row.at <= now - NOTICE:
            break
    else:
        versions.append(DEFAULTS)
    return Rules(version, longest(versions))


def actions_of(classes: Collection[Retention]) -> list[str]:
    return [action for action, retention in RETENTION.items() if retention in classes]


@transaction.atomic
def change(
    *, actor: Actor, retention: Retention, periods: Mapping[Role, Period], why: str, version: int, now: datetime
) -> Rules:
    """Another version of the rules, in which this class has these periods; ``version`` is the one that was shown.

    Raises ``KeepingError``.
    """
    if not why.strip():
        raise KeepingError("why_missing")
    # The last version is the lock: whoever comes second reads what the first one made.
    RetentionRules.objects.select_for_update().order_by("-pk").first()
    before = current()
    if before.version != version:
        raise KeepingError("rules_changed")
    changed = {role: each for role, each in periods.items() if each != before.of(retention, role)}
    if not changed:
        raise KeepingError("nothing_changed")
    after = {**before.periods, **{(retention, role): each for role, each in changed.items()}}
    if error := why_not(after):
        raise KeepingError(error)
    row = RetentionRules.objects.create(at=now, by_id=actor.member, why=why.strip(), periods=to_json(after))
    facts: dict[str, object] = {
        "retention": retention.value,
        "kept_before": {role.value: said(before.of(retention, role)) for role in changed},
        "kept_after": {role.value: said(each) for role, each in changed.items()},
        "rules": row.pk,
    }
    if any(is_loosened(before.of(retention, role), each) for role, each in changed.items()):
        facts["loosened"] = True
    record(Entry(Action.RETENTION_CHANGED, actor=actor, facts=facts, at=now))
    return Rules(row.pk, after)


def said(period: Period) -> str:
    """As facts of an event have it: ``12``, ``60+end``, ``log``, each with ``outlives`` where it does."""
    text = "log" if period.is_endless else str(period.months) + ("+end" if period.after_end else "")
    return text + (" outlives" if period.outlives else "")
