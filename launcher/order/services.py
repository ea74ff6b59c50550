"""Changing how a member's own page is laid out."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from launcher.models import Arrangement


@transaction.atomic
def put(*, member: Member, tools: Sequence[int], now: datetime) -> None:
    """These tools in this order; what is not among them comes after, as the cooperative has it."""
    row = _locked(member)
    if row.order != list(tools):
        row.order = list(tools)
        row.save(update_fields=["order"])
        record(_line(member, "order", now))


@transaction.atomic
def stand_by_collective(*, member: Member, by_collective: bool, now: datetime) -> None:
    row = _locked(member)
    if row.by_collective != by_collective:
        row.by_collective = by_collective
        row.save(update_fields=["by_collective"])
        record(_line(member, "by_collective", now))


@transaction.atomic
def use_one_key(*, member: Member, is_used: bool, now: datetime) -> None:
    row = _locked(member)
    if row.one_key != is_used:
        row.one_key = is_used
        row.save(update_fields=["one_key"])
        record(_line(member, "one_key", now))


def _locked(member: Member) -> Arrangement:
    return Arrangement.objects.select_for_update().get_or_create(member=member)[0]


def _line(member: Member, what: str, now: datetime) -> Entry:
    facts: dict[str, object] = {"properties": [what]}
    return Entry(Action.PAGE_ARRANGED, Actor(member=member.pk), subject=member.pk, facts=facts, at=now)
