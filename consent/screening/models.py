"""The table of screenings: each version of each record's, for good."""

from django.conf import settings
from django.db import models

from consent.added import Added


class ScreeningVersion(Added):
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

    class Meta:
        ordering = ["version"]
        constraints = [models.UniqueConstraint(fields=["record", "version"], name="one_screening_version")]

    def __str__(self) -> str:
        return f"screening {self.record_id} v{self.version}"
