"""What a collective says of itself, and who follows it without being in it."""

from django.conf import settings
from django.db import models

from directory.models.fields import Keys

LONGEST_PRESENTATION, LONGEST_JOINING = 4_000, 1_000


class CollectivePage(models.Model):
    """Written by those who lead the collective, and the office; the directory knows nothing of it."""

    collective = models.OneToOneField("directory.Collective", models.CASCADE, primary_key=True, related_name="page")
    # Markdown, as it was typed.
    presentation = models.TextField(max_length=LONGEST_PRESENTATION, blank=True)
    joining = models.TextField(max_length=LONGEST_JOINING, blank=True)
    # Addresses, each after its name where it has one: "Compte rendu | https://…".
    links = Keys(default=list, blank=True)
    # Where its documents and its agenda are in the cloud; the office says so, for whoever names a folder opens it.
    folder = models.CharField(max_length=200, blank=True)
    calendar = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"page {self.collective_id}"


class Follow(models.Model):
    """A member hears of a collective without being in it."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="follows", db_index=False)
    collective = models.ForeignKey("directory.Collective", models.CASCADE, related_name="follows")
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "collective"], name="one_follow")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.collective_id}"


class MembershipChange(models.Model):
    """A lead put somebody into a collective, or took them out; it can be undone as long as it is here."""

    collective = models.ForeignKey("directory.Collective", models.CASCADE, related_name="membership_changes")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    joins = models.BooleanField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    # What undoes it is a change of its own.
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["collective", "at"], name="membership_change_at")]

    def __str__(self) -> str:
        return f"{self.member_id} {'in' if self.joins else 'out of'} {self.collective_id}"
