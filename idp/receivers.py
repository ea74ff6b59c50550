"""What the provider does when the directory says that people are gone or changed.  Connected by ``IdpConfig.ready``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from audit.models import Destruction
from audit.types import Action, Actor
from consent.directions import services as directions
from consent.erasures.signals import erasure_asked
from consent.findings import services as findings
from consent.models import ErasureRun
from directory.models import DirectorySource
from directory.signals import (
    addresses_changed,
    destruction_proposed,
    member_acted_on,
    members_ended,
    members_erased,
    source_trusted,
)
from directory.types import Role
from idp.services import erasures
from idp.services.accounts import addresses, attached, directory_mails, links, notices_of_acts, proof_mails
from idp.services.sessions import end_member
from idp.types import LinkKind


@receiver(members_ended)
def end_members(*, member_ids: Sequence[UUID], now: datetime, **_: Any) -> None:
    """In the transaction of the change: whoever is no longer active has nothing left anywhere."""
    end_member(member_ids, reason="member_ended", now=now)
    attached.end(member_ids, now=now)


@receiver(members_erased)
def forget_members(*, member_ids: Sequence[UUID], named: Sequence[str], now: datetime, **_: Any) -> None:
    findings.forget_reasons(named)
    attached.forget(member_ids, now=now)
    directions.forget(member_ids)
    erasures.follow_rule(member_ids=member_ids, now=now)


@receiver(member_acted_on)
def tell_member(
    *, action: Action, member_id: UUID, actor: Actor, facts: dict[str, Any], now: datetime, **_: Any
) -> None:
    if action in (Action.MEMBER_RESUMED, Action.MEMBER_RETURNED):
        # A sign-in that was being finished when the account was closed has begun a session after all.
        end_member([member_id], reason="member_ended", now=now)
    if action == Action.ROLE_GRANTED and facts["role"] != Role.OFFICE:
        # A link by hand lies with the office, which gets into no account above it: neither by asking the day before.
        links.end_all(member_id, now=now, kinds=[LinkKind.BY_HAND])
    notices_of_acts.tell(action, member_id=member_id, actor=actor, facts=facts, now=now)


@receiver(addresses_changed)
def follow_addresses(*, former: dict[UUID, str], now: datetime, **_: Any) -> None:
    addresses.changed(former, now=now)


@receiver(source_trusted)
def tell_of_trust(source: DirectorySource, actor: Actor, what: str, now: datetime, **_: Any) -> None:
    directory_mails.tell_of_trust(source=source, what=what, member_id=actor.member, now=now)


@receiver(erasure_asked)
def tell_of_erasure(run: ErasureRun, now: datetime, **_: Any) -> None:
    erasures.tell_of_asking(run, now=now)


@receiver(destruction_proposed)
def tell_of_proposal(proposal: Destruction, now: datetime, **_: Any) -> None:
    proof_mails.tell_of_proposal(proposal, now=now)
