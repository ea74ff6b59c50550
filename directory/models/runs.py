"""Passes over a directory, and what they found to settle."""

from django.db import models

from directory.types import Mode, RunStatus

# What is counted of a pass that a reader takes for news.
TOLD = ("people_", "groups_", "memberships_", "leads_")


class SyncRun(models.Model):
    """One pass over the directory and what came of it."""

    source = models.ForeignKey("directory.DirectorySource", models.CASCADE, null=True, related_name="runs")
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.PIVOT)
    # Decided and not carried out: somebody wanted to see first.
    dry = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=RunStatus.choices, default=RunStatus.RUNNING)
    error = models.CharField(max_length=80, blank=True)
    watermark = models.TextField(blank=True)
    # Who asked for it, and who let go what was held: nobody where the hub did it by itself.
    asked_by = models.ForeignKey("directory.Member", models.SET_NULL, null=True, related_name="+")
    approved_by = models.ForeignKey("directory.Member", models.SET_NULL, null=True, related_name="+")
    counts = models.JSONField(default=dict)
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"run {self.pk} {self.status}"

    @property
    def has_changed(self) -> bool:
        """Whether somebody, a group or somebody's place in one is otherwise for it, and not only its issues."""
        told = {name: count for name, count in self.counts.items() if name.startswith(TOLD) and name != "people_barred"}
        return any(told.values())


class SyncIssue(models.Model):
    """Something about one entry that a person should settle; one row per entry and code, not per run.

    That an entry is another source's is told of each source that shows it.
    """

    source = models.ForeignKey("directory.DirectorySource", models.CASCADE, null=True, related_name="issues")
    entry_uuid = models.UUIDField()
    dn = models.TextField()
    code = models.CharField(max_length=40)
    detail = models.CharField(max_length=400, blank=True)
    first_run = models.ForeignKey(SyncRun, models.CASCADE, related_name="issues_opened")
    last_run = models.ForeignKey(SyncRun, models.CASCADE, related_name="issues_seen")
    resolved_at = models.DateTimeField(null=True)
    # Somebody has seen it and lives with it.
    acknowledged_by = models.ForeignKey("directory.Member", models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entry_uuid", "code"],
                condition=~models.Q(code="entry_elsewhere"),
                name="one_issue_per_entry_and_code",
            ),
            models.UniqueConstraint(
                fields=["entry_uuid", "source"],
                condition=models.Q(code="entry_elsewhere"),
                name="one_elsewhere_per_entry_and_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.entry_uuid}"
