"""Register of processings, notices, consents, and the ledger of disclosures."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import get_language

from audit.types import AppendOnlyError
from consent.contracts.models import ContractFile, ContractVersion
from consent.directions.models import Directions
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.findings.models import FindingDecision
from consent.incidents.models import Incident, IncidentStep
from consent.ledger.models import Disclosure, Holding
from consent.modes.models import ToolMode
from consent.register.models import RegisterRecord, RegisterVersion
from consent.requests.models import LetterVersion, RequestFile, RequestStep, Restriction, SubjectRequest
from consent.safety.models import SafetyLine
from consent.screening.models import ScreeningVersion
from consent.types import Decision, Face, LegalBasis, Origin, face_of

__all__ = [
    "Consent",
    "ConsentAsked",
    "ContractFile",
    "ContractVersion",
    "Directions",
    "Disclosure",
    "ErasureHolder",
    "ErasureRun",
    "FindingDecision",
    "Holding",
    "HubNotice",
    "Incident",
    "IncidentStep",
    "LetterVersion",
    "Notice",
    "NoticeCopy",
    "Objection",
    "Processing",
    "ProcessingItem",
    "ProcessingPurpose",
    "RegisterRecord",
    "RegisterVersion",
    "RequestFile",
    "RequestStep",
    "Restriction",
    "SafetyLine",
    "ScreeningVersion",
    "SubjectRequest",
    "ToolMode",
]


# What of a decision is written after it.
ENDING = frozenset({"ended_at", "ended_reason"})


def _in_language(row: models.Model, field: str) -> str:
    english: str = getattr(row, f"{field}_en") if (get_language() or "fr").startswith("en") else ""
    plain: str = getattr(row, field)
    return english or plain


class Processing(models.Model):
    """One version of a tool's sheet.  A change makes a new version; the newest without an end is in force."""

    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="processings")
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
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

    @property
    def shown_name(self) -> str:
        return _in_language(self, "name")


class ProcessingPurpose(models.Model):
    """One thing the data of a processing is wanted for, on one legal basis, for so long."""

    processing = models.ForeignKey(Processing, models.CASCADE, related_name="purposes")
    text = models.TextField()
    text_en = models.TextField(blank=True)
    legal_basis = models.CharField(max_length=20, choices=LegalBasis.choices)
    retention = models.CharField(max_length=200)
    retention_en = models.CharField(max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return f"{self.legal_basis} of {self.processing_id}"

    @property
    def face(self) -> Face:
        return face_of(self.legal_basis)

    @property
    def shown_text(self) -> str:
        return _in_language(self, "text")

    @property
    def shown_retention(self) -> str:
        return _in_language(self, "retention")


class ProcessingItem(models.Model):
    """A data item of a processing, for one of its purposes."""

    processing = models.ForeignKey(Processing, models.CASCADE, related_name="items")
    purpose = models.ForeignKey(ProcessingPurpose, models.CASCADE, related_name="items")
    item = models.CharField(max_length=40)
    why = models.CharField(max_length=300)
    why_en = models.CharField(max_length=300, blank=True)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "id"]
        constraints = [models.UniqueConstraint(fields=["processing", "item"], name="one_item_per_processing")]

    def __str__(self) -> str:
        return self.item

    @property
    def shown_why(self) -> str:
        return _in_language(self, "why")


class Notice(models.Model):
    """The text a member sees about one processing version; ``digest`` is SHA-256 over its canonical content."""

    processing = models.OneToOneField(Processing, models.CASCADE, related_name="notice")
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.JSONField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"notice {self.pk} v{self.version}"


class NoticeCopy(models.Model):
    """A notice as members see it in one language, without anybody's values, kept from the moment it is in force.

    A proof of consent shows what was on the screen, not only what the words were made of (CNIL, 17 September 2020).
    """

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="copies")
    language = models.CharField(max_length=8)
    html = models.TextField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["notice", "language"], name="one_copy_per_language")]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.language}"


class ConsentQuerySet(models.QuerySet["Consent"]):
    def go_with_member(self) -> int:
        """At the end of the period in which they prove something, of all of a member at once."""
        return super().delete()[0]

    def update(self, **changes: Any) -> int:
        if changes.keys() - ENDING:
            raise AppendOnlyError("of a decision only its end is written later")
        return super().update(**changes)

    def delete(self) -> NoReturn:
        raise AppendOnlyError("decisions are never removed")


class Consent(models.Model):
    """One decision of a member about one notice.  Rows are added; only their end is written later.

    They go with the member they are about.
    """

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="consents")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="consents")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="consents")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    items = models.JSONField(default=list)
    refused_items = models.JSONField(default=list)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.PAGE)
    language = models.CharField(max_length=8)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=20, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "tool"], condition=models.Q(ended_at=None), name="one_live_consent"
            )
        ]
        indexes = [models.Index(fields=["member", "-at"], name="consent_member")]

    def __str__(self) -> str:
        return f"{self.decision} {self.member_id} {self.tool_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and not ENDING.issuperset(kwargs.get("update_fields") or ("everything",)):
            raise AppendOnlyError("of a decision only its end is written later")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("decisions are never removed")


class ConsentAsked(models.Model):
    """A question of consent that was shown to a member, once until it is answered; ``consent``: by which decision.

    One without an answer is proof too: nothing was agreed to (GDPR recital 32: silence is no consent).
    """

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="consents_asked")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="consents_asked")
    language = models.CharField(max_length=8)
    at = models.DateTimeField()
    consent = models.ForeignKey(Consent, models.CASCADE, null=True, related_name="asked")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "notice"], condition=models.Q(consent=None), name="one_open_question"
            )
        ]

    def __str__(self) -> str:
        return f"question {self.pk}"


class Objection(models.Model):
    """A member's objection to a purpose that can be objected to (GDPR art. 21(1)); only its end is added.

    It outlives the version of the sheet that it was made about: its items stay back until it ends.
    """

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="objections")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="objections")
    purpose = models.ForeignKey(ProcessingPurpose, models.PROTECT, related_name="objections")
    items = models.JSONField(default=list)
    # In which an officer examines it; those from before there was one have none.
    request = models.ForeignKey(SubjectRequest, models.SET_NULL, null=True, related_name="objections")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "purpose"], condition=models.Q(ended_at=None), name="one_live_objection"
            )
        ]
        indexes = [models.Index(fields=["member", "tool"], name="objection_member")]

    def __str__(self) -> str:
        return f"objection {self.pk}"


class HubNotice(models.Model):
    """The text about the hub itself that a member was shown last; those before are in the journal.

    ``version`` is that of the text in every language, ``digest`` of the words in this one.
    """

    member = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="hub_notice")
    version = models.CharField(max_length=64)
    language = models.CharField(max_length=8)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"hub notice {self.member_id}"
