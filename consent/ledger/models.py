"""The tables of what left."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models

from audit.types import AppendOnlyError
from consent.types import Channel
from statements.writing import Merging, MergingQuerySet


class DisclosureQuerySet(MergingQuerySet):
    def close(self, rows: "Collection[Disclosure]", *, now: datetime) -> None:
        """Nothing more is counted on these; what leaves after this gets a row of its own."""
        found = self.filter(pk__in=[row.pk for row in rows], closed_at=None)
        super(DisclosureQuerySet, found).update(closed_at=now)

    def go_with_member(self) -> int:
        """At the end of the period in which they prove something, of all of a member at once."""
        return super().delete()[0]

    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError("disclosures are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("disclosures are never removed")


class Disclosure(models.Model):
    """The ledger: which items went to which tool, when, for which processing.  Names of items, never values.

    A row is the first release of its kind on a day (``profile``: the same items by the same way on the same ground, and
    ``decision``, the member's that it rests on, 0 for none) and counts those that follow until it is closed.  Rows are
    added, never changed otherwise or removed one by one; they go with the member they are about.
    """

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="disclosures")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="disclosures")
    channel = models.CharField(max_length=14, choices=Channel.choices)
    items = models.JSONField()
    processing = models.ForeignKey("consent.Processing", models.PROTECT, null=True, related_name="disclosures")
    notice = models.ForeignKey("consent.Notice", models.PROTECT, null=True, related_name="disclosures")
    # Those of what left, as ``Release`` tells them.
    legal_basis = models.CharField(max_length=100, blank=True)
    # Of the first.
    session = models.UUIDField(null=True)
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    day = models.DateField()
    # Empty in rows that are older than profiles.
    profile = models.CharField(max_length=22, blank=True)
    decision = models.BigIntegerField(default=0)
    # Of its tool, where an item left that is not on the sheet.
    mode = models.CharField(max_length=10, blank=True, default="")
    closed_at = models.DateTimeField(null=True)

    merging: ClassVar = Merging(
        same=("member_id", "profile", "decision", "day"), open="closed_at", summed="count", highest=("last_at",)
    )
    objects = DisclosureQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "profile", "decision", "day"],
                condition=models.Q(closed_at=None),
                name="one_open_disclosure",
            ),
            models.CheckConstraint(condition=models.Q(count__gte=1), name="disclosure_counted"),
        ]
        indexes = [
            models.Index(fields=["member", "-at"], name="disclosure_member"),
            models.Index(fields=["tool", "-at"], name="disclosure_tool"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.member_id} {self.tool_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("disclosures are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("disclosures are never removed")


class Holding(models.Model):
    """An item that a tool holds of a member, from the first time that it was received until its erasure is confirmed.

    A projection of the ledger, made in the same transaction: ``last`` is the last day on which it was received, and
    ``processing`` the newest under which it was.  What is received again after its end is another one.
    """

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="holdings")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="holdings")
    item = models.CharField(max_length=40)
    since = models.DateTimeField()
    last = models.DateField()
    processing = models.ForeignKey("consent.Processing", models.PROTECT, null=True, related_name="holdings")
    ended_at = models.DateTimeField(null=True)

    merging: ClassVar = Merging(
        same=("member_id", "tool_id", "item"),
        open="ended_at",
        lowest=("since",),
        highest=("last", "processing_id"),
    )
    objects = MergingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "tool", "item"], condition=models.Q(ended_at=None), name="one_held_item"
            )
        ]
        indexes = [models.Index(fields=["tool", "since"], name="holding_tool")]

    def __str__(self) -> str:
        return f"{self.item} {self.member_id} {self.tool_id}"
