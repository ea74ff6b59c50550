"""Register of processings, notices, consents, and the ledger of disclosures."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import get_language

from audit.types import AppendOnlyError
from consent.types import Channel, Decision, LegalBasis
from statements.writing import InsertingQuerySet


class Processing(models.Model):
    """One version of a tool's sheet.  A change makes a new version; the newest without an end is in force."""

    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="processings")
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
    purpose = models.TextField()
    purpose_en = models.TextField(blank=True)
    legal_basis = models.CharField(max_length=20, choices=LegalBasis.choices)
    retention = models.CharField(max_length=200)
    retention_en = models.CharField(max_length=200, blank=True)
    recipient = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tool", "version"], name="one_processing_per_version"),
            models.UniqueConstraint(fields=["tool"], condition=models.Q(ended_at=None), name="one_processing_in_force"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def _in_language(self, field: str) -> str:
        english: str = getattr(self, f"{field}_en") if (get_language() or "fr").startswith("en") else ""
        plain: str = getattr(self, field)
        return english or plain

    @property
    def shown_name(self) -> str:
        return self._in_language("name")

    @property
    def shown_purpose(self) -> str:
        return self._in_language("purpose")

    @property
    def shown_retention(self) -> str:
        return self._in_language("retention")


class ProcessingItem(models.Model):
    """A data item of a processing."""

    processing = models.ForeignKey(Processing, models.CASCADE, related_name="items")
    item = models.CharField(max_length=40)
    why = models.CharField(max_length=300)
    why_en = models.CharField(max_length=300, blank=True)
    optional = models.BooleanField(default=False)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "id"]
        constraints = [models.UniqueConstraint(fields=["processing", "item"], name="one_item_per_processing")]

    def __str__(self) -> str:
        return self.item

    @property
    def shown_why(self) -> str:
        return (self.why_en if (get_language() or "fr").startswith("en") else "") or self.why


class Notice(models.Model):
    """The text a member sees about one processing version; ``digest`` is SHA-256 over its canonical content."""

    processing = models.OneToOneField(Processing, models.CASCADE, related_name="notice")
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.JSONField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"notice {self.pk} v{self.version}"


class Consent(models.Model):
    """One decision of a member about one notice.  Rows are added; only their end is written later."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="consents")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="consents")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="consents")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    items = models.JSONField(default=list)
    refused_items = models.JSONField(default=list)
    language = models.CharField(max_length=8)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "tool"], condition=models.Q(ended_at=None), name="one_live_consent"
            )
        ]
        indexes = [models.Index(fields=["member", "-at"], name="consent_member")]

    def __str__(self) -> str:
        return f"{self.decision} {self.member_id} {self.tool_id}"


class DisclosureQuerySet(InsertingQuerySet):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError("disclosures are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("disclosures are never removed")


class Disclosure(models.Model):
    """The ledger: which items went to which tool, when, for which processing.  Names of items, never values.

    Rows are added, never changed or removed one by one; they go with the member they are about.
    """

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="disclosures")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="disclosures")
    channel = models.CharField(max_length=14, choices=Channel.choices)
    items = models.JSONField()
    processing = models.ForeignKey(Processing, models.PROTECT, null=True, related_name="disclosures")
    notice = models.ForeignKey(Notice, models.PROTECT, null=True, related_name="disclosures")
    legal_basis = models.CharField(max_length=20, blank=True)
    session = models.UUIDField(null=True)
    at = models.DateTimeField()

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
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
