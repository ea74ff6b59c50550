"""The mirror as a value: to see that an accident changed nothing, or what a pass without one would have."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue

# What tells when or under which key a row was written, and not what it says.
HISTORY = {"id", "csn", "digest", "created_at", "updated_at", "state_since", "absent_from", "password"}


def rows() -> dict[str, list[Any]]:
    """Every row of people, groups and who is where, as it is written."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Member, Collective, Membership, Collective.leads.through)
    }


def content() -> dict[str, Any]:
    """What these rows say, whichever pass wrote them: two mirrors of one directory are equal."""
    return {
        "people": _said(Member.objects.all()),
        "collectives": _said(Collective.objects.exclude(entry_uuid=None)),
        "memberships": {
            (group or status, person): direct
            for group, status, person, direct in Membership.objects.values_list(
                "collective__entry_uuid", "collective__status", "member__entry_uuid", "direct"
            )
        },
        "leads": set(Collective.leads.through.objects.values_list("collective__entry_uuid", "member__entry_uuid")),
        "issues": set(SyncIssue.objects.filter(resolved_at=None).values_list("entry_uuid", "code")),
    }


def _said(found: Any) -> dict[Any, dict[str, Any]]:
    # Sources by their names: one that was taken back and made again has another key on PostgreSQL.
    sources = dict(DirectorySource.objects.values_list("pk", "name"))
    return {
        each["entry_uuid"]: {
            **{name: value for name, value in each.items() if name not in HISTORY},
            "source_id": sources.get(each["source_id"]),
        }
        for each in found.values()
    }


def without_issues(told: dict[str, Any]) -> dict[str, Any]:
    """What was seen of an entry, and what somebody should settle in it, follow it at once: who is where may wait."""
    kept = {part: said for part, said in told.items() if part != "issues"}
    seen = {"member_keys", "lead_keys", "unknown_keys"}
    kept["collectives"] = {
        uuid: {name: value for name, value in each.items() if name not in seen}
        for uuid, each in told["collectives"].items()
    }
    return kept


def who_may_enter() -> set[Any]:
    return set(Member.objects.active().values_list("entry_uuid", flat=True))


def difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What to read when they are not equal: names of what differs, both values."""
    told: dict[str, Any] = {}
    for part in one:
        if isinstance(one[part], set):
            if one[part] != other[part]:
                told[part] = {"only one": one[part] - other[part], "only other": other[part] - one[part]}
            continue
        for key in one[part].keys() | other[part].keys():
            if one[part].get(key) != other[part].get(key):
                told[f"{part} {key}"] = (one[part].get(key), other[part].get(key))
    return told


def unforeseen(was: dict[str, Any], clean: dict[str, Any]) -> dict[str, Any]:
    """What is neither as it was nor as a clean pass makes it.

    A pass that broke off may have carried out before its list what is so in any case: that lies between the two.
    """
    told: dict[str, Any] = {}
    for part, now in content().items():
        if isinstance(now, set):
            if wrong := (now - was[part] - clean[part]) | ((was[part] & clean[part]) - now):
                told[part] = wrong
            continue
        for key in now.keys() | was[part].keys() | clean[part].keys():
            each = [said.get(key) for said in (now, was[part], clean[part])]
            if not _lies_between(*each):
                told[f"{part} {key}"] = each
    return told


def _lies_between(now: Any, was: Any, clean: Any) -> bool:
    if isinstance(now, dict) and isinstance(was, dict) and isinstance(clean, dict):
        return all(value in (was[name], clean[name]) for name, value in now.items())
    return now in (was, clean)


@contextmanager
def put_back() -> Iterator[None]:
    """Whatever is written inside is taken back at the end (inside a test's own transaction)."""
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)
