"""The table of the lines about security."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from audit.types import AppendOnlyError
from consent.safety.types import Kind, Result


class SafetyQuerySet(models.QuerySet["SafetyLine"]):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError("a line about security is never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("lines about security are never removed")


class SafetyLine(models.Model):
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

    objects = SafetyQuerySet.as_manager()

    class Meta:
        ordering = ["-on", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.on}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("a line about security is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("lines about security are never removed")
