"""Settling a finding, or accepting it for a while: somebody decides with a reason, and the journal says that."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from consent.findings import rules, selectors
from consent.findings.models import FindingDecision
from consent.findings.types import DecisionInvalid, Finding, FindingGone


def forget_reasons(named: Sequence[str]) -> int:
    """Why a finding was settled goes where it names somebody who is erased; that it was, when and by whom stays.

    One reason too many may go: a family name can be a word as well.
    """
    found = Q()
    for word in named:
        found |= Q(reason__icontains=word)
    return FindingDecision.objects.filter(found).update(reason="") if named else 0


@transaction.atomic
def decide(*, code: str, reason: str, until: date | None, actor: Actor, now: datetime) -> Finding:
    """What happened is settled, what is so is accepted until a day.

    Raises ``FindingGone``, or ``DecisionInvalid`` where its kind is not decided so.
    """
    finding = next((each for each in selectors.open_findings(now=now) if each.code == code), None)
    if finding is None:
        raise FindingGone
    if finding.mode:
        raise DecisionInvalid("by_mode")
    rules.check_decision(finding.kind, until, today=timezone.localdate(now))
    FindingDecision.objects.create(
        kind=finding.kind,
        tool_id=finding.tool,
        reference=finding.reference,
        items=list(finding.items),
        reason=reason,
        until=until,
        author_id=actor.member,
        at=now,
    )
    facts: dict[str, object] = {"finding": finding.kind.value}
    facts |= {"record": finding.reference} if finding.reference else {}
    facts |= {"until": until.isoformat()} if until else {}
    record(Entry(Action.FINDING_DECIDED, actor=actor, tool=finding.tool, facts=facts, at=now))
    return finding
