"""Reading what was compared and what was missing."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.functional import Promise

from audit.models import Gap, Reconciliation
from audit.reconciliation import sources
from audit.types import Action

RUNS_SHOWN, SETTLED_SHOWN, GAPS_SHOWN = 10, 20, 200


@dataclass(frozen=True, slots=True)
class Missing:
    """The open gaps of one source, and the kinds of line one of which should have been there."""

    label: str | Promise
    expected: tuple[Action, ...]
    gaps: tuple[Gap, ...]


def open_gaps() -> QuerySet[Gap]:
    return Gap.objects.filter(settled_at=None).order_by("source", "at", "pk")


def by_source(gaps: Iterable[Gap]) -> list[Missing]:
    grouped: dict[str, list[Gap]] = {}
    for gap in gaps:
        grouped.setdefault(gap.source, []).append(gap)
    return [Missing(sources.label_of(code), sources.expected_of(code), tuple(found)) for code, found in grouped.items()]


def settled_gaps() -> list[tuple[str | Promise, Gap]]:
    """The last ones, each with what it is of."""
    rows = Gap.objects.exclude(settled_at=None).order_by("-settled_at", "-pk")[:SETTLED_SHOWN]
    return [(sources.label_of(row.source), row) for row in rows]


def runs() -> QuerySet[Reconciliation]:
    return Reconciliation.objects.order_by("-pk")[:RUNS_SHOWN]
