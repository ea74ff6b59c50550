"""What the officer said of a finding; findings themselves are worked out when asked."""

from django.conf import settings
from django.db import models


class FindingDecision(models.Model):
    """That a finding was settled, or accepted until a day, with the reason; rows are only added.

    The reason is what somebody typed: it stays here, and never goes into the journal.
    """

    kind = models.CharField(max_length=3)
    tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, null=True, related_name="finding_decisions"
    )
    reference = models.CharField(max_length=24, blank=True)
    items = models.JSONField(default=list)
    reason = models.CharField(max_length=500)
    until = models.DateField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.tool_id or self.reference}"
