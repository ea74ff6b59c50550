"""The table of screenings: each version of each record's, for good."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from audit.types import AppendOnlyError


class ScreeningQuerySet(models.QuerySet["ScreeningVersion"]):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError("a screening is never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("screenings are never removed")


class ScreeningVersion(models.Model):
    """One answer to whether an impact assessment is due.  Rows are added, never changed; the newest stands.

    ``register_version`` is the version of the record that was looked at.
    """

    record = models.ForeignKey("consent.RegisterRecord", models.PROTECT, related_name="screenings")
    version = models.PositiveIntegerField()
    register_version = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    objects = ScreeningQuerySet.as_manager()

    class Meta:
        ordering = ["version"]
        constraints = [models.UniqueConstraint(fields=["record", "version"], name="one_screening_version")]

    def __str__(self) -> str:
        return f"screening {self.record_id} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("a screening is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("screenings are never removed")
