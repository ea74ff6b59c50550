"""Who set which mode for a tool, why and until when."""

from django.conf import settings
from django.db import models

from consent.added import Added
from consent.types import Mode


class ToolMode(Added):
    """One decision about a tool; the newest counts, until the end of its last day.  None, or over: strict.

    The reason is what somebody typed: it stays here, and never goes into the journal.
    """

    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="modes")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    since = models.DateTimeField()
    until = models.DateField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(mode=Mode.ENFORCE, until=None)
                | ~models.Q(mode=Mode.ENFORCE) & ~models.Q(until=None),
                name="lenient_until_a_day",
            )
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.tool_id}"
