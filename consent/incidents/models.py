"""The tables of breaches: each, and what was written about it step by step."""

from typing import Any

from django.conf import settings
from django.db import models

from consent.added import Added
from consent.incidents.types import StepKind


def go_with_time(rows: models.QuerySet[Any]) -> None:
    """At the end of the period for which files that are closed are kept, and at no other time."""
    models.QuerySet.delete(rows)


class Incident(Added):
    """One breach of personal data; what is known of it is in its steps."""

    reference = models.CharField(max_length=16, unique=True)
    opened_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.reference


class IncidentStep(Added):
    """One thing that was written down or done.  Rows are added, never changed: the last of its kind stands.

    The content is one JSON value by its kind, checked against frozen dataclasses on its way in and out, under its
    digest, as versions of the register are.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=StepKind.choices)
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["incident", "number"], name="one_incident_step")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.number}"
