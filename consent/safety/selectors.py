"""Reading the lines about security: all of them, and what is to be done again."""

from datetime import date, datetime

from django.db.models import QuerySet
from django.utils import timezone

from consent.safety import policy
from consent.safety.models import SafetyLine
from consent.safety.types import Kind, Result


def lines() -> QuerySet[SafetyLine]:
    """The newest first."""
    return SafetyLine.objects.select_related("author")


def due(now: datetime) -> dict[Kind, date | None]:
    """One statement."""
    told = SafetyLine.objects.filter(kind__in=policy.REGULAR).values_list("kind", "result", "on")
    known = [(Kind(kind), Result(result), on) for kind, result, on in told]
    return policy.due(known, today=timezone.localdate(now))
