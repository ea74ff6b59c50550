"""Who lets a log of proof go: two people, each by a session of their own; the rest is the journal’s to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.db import transaction

from audit.keeping import destruction
from audit.models import Destruction
from audit.services import record
from audit.types import Action, Actor, Entry, KeepingError
from directory.access import may
from directory.policy import Right
from directory.services.changing import why_right_is_borrowed
from directory.signals import destruction_proposed
from directory.types import Role


def propose_destruction(*, actor: Actor, name: str, now: datetime) -> None:
    """Raises ``KeepingError``."""
    with _said(Action.LOG_DESTRUCTION_PROPOSED, actor, name, now), transaction.atomic():
        proposal = destruction.propose(actor=actor, name=name, now=now)
        destruction_proposed.send(None, proposal=proposal, now=now)


def approve_destruction(*, actor: Actor, name: str, now: datetime) -> None:
    """Raises ``KeepingError``."""
    with _said(Action.LOG_DESTRUCTION_APPROVED, actor, name, now):
        destruction.approve(actor=actor, name=name, pair=check_pair, now=now)


def withdraw_destruction(*, actor: Actor, name: str, now: datetime) -> None:
    """Either of the two thinks better of it.  Raises ``KeepingError``."""
    with _said(Action.LOG_DESTRUCTION_WITHDRAWN, actor, name, now):
        destruction.withdraw(actor=actor, name=name, now=now)


def carry_out_destruction(*, name: str, target: Path, now: datetime) -> int:
    """What the two agreed on; their roles are asked anew.  Raises ``KeepingError``."""
    return destruction.carry_out(name=name, target=target, pair=check_pair, now=now)


def check_pair(proposal: Destruction) -> None:
    """GDPR 39: not without whoever watches over the data; nor by one person who made themselves another account."""
    proposer, approver = proposal.proposed_by, proposal.approved_by
    if proposer is None or not may(proposer, Right.DESTROY_LOGS):
        raise KeepingError("proposer_may_not")
    if approver is None or not may(approver, Right.DESTROY_LOGS):
        raise KeepingError("approver_may_not")
    if Role.DPO not in proposer.roles | approver.roles:
        raise KeepingError("no_officer")
    for person, other in ((proposer, approver), (approver, proposer)):
        if why := why_right_is_borrowed(person, other, right=Right.DESTROY_LOGS, asked_at=proposal.proposed_at):
            raise KeepingError(why)


@contextmanager
def _said(action: Action, actor: Actor, name: str, now: datetime) -> Iterator[None]:
    """A refusal has its line, too."""
    try:
        yield
    except KeepingError as refusal:
        with transaction.atomic():
            record(Entry(action, actor=actor, refused=True, reason=str(refusal), facts={"log": name}, at=now))
        raise
