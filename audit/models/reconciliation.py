"""The tables of what was compared with the journal, and of what was missing in it."""

from django.db import models


class Reconciliation(models.Model):
    """One comparison, of what happened from ``since`` to before ``until``.

    ``night``: the day for which the worker made it; a comparison by hand has none.  ``leaf``: the last entry compared.
    ``kept``: of rows that have no time, how they were, by source; only the last comparison needs it.
    """

    id = models.BigAutoField(primary_key=True)
    night = models.DateField(null=True, unique=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    leaf = models.BigIntegerField()
    at = models.DateTimeField()
    examined = models.BigIntegerField()
    found = models.BigIntegerField()
    kept = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"reconciliation {self.pk}"


class Gap(models.Model):
    """A row without its line, by the source that it is of and its number there; never what it holds."""

    id = models.BigAutoField(primary_key=True)
    found_by = models.ForeignKey(Reconciliation, models.PROTECT, related_name="gaps")
    source = models.CharField(max_length=40)
    row = models.CharField(max_length=64)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settlement = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "row", "at"], name="one_gap_of_each_row")]
        indexes = [models.Index(fields=["source", "at"], condition=models.Q(settled_at=None), name="gap_open")]

    def __str__(self) -> str:
        return f"{self.source} {self.row}"
