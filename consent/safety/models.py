"""The table of the lines about security."""

from django.conf import settings
from django.db import models

from consent.added import Added
from consent.safety.types import Kind, Result


class SafetyLine(Added):
    """What was done for security on a day.  Rows are added, never changed: a mistake is put right by another."""

    kind = models.CharField(max_length=8, choices=Kind.choices)
    on = models.DateField()
    who = models.CharField(max_length=200)
    what = models.TextField()
    result = models.CharField(max_length=8, choices=Result.choices)
    note = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-on", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.on}"
