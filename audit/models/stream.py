"""The table of how far the stream to the outside has come."""

from django.db import models


class StreamCursor(models.Model):
    """Of one target: the last entry it has taken, and how it fares.  Whoever moves ``next_at`` ahead is the sender."""

    name = models.CharField(max_length=10, primary_key=True)
    leaf = models.BigIntegerField()
    next_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    # What came of the last attempt, as a code; empty when it was taken.
    last_error = models.CharField(max_length=40, blank=True)
    # Whether the journal was told of it.
    told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.name} {self.leaf}"
