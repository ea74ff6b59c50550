"""The register's tables: records, and their versions, each with the whole content."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from audit.types import AppendOnlyError
from consent.register.types import Kind


class RegisterRecord(models.Model):
    """What one record is about for good; the parties of the cooperative are one too, for their versions.

    ``tool`` is whose sheet feeds it.  A tool that is removed leaves its record: what happened to data is still true.
    ``own`` names one of the hub's own processings, which are written once.
    """

    reference = models.CharField(max_length=24, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.CONTROLLER)
    tool = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.SET_NULL, null=True, related_name="register_record"
    )
    own = models.CharField(max_length=20, unique=True, null=True)

    def __str__(self) -> str:
        return self.reference


class RegisterVersionQuerySet(models.QuerySet["RegisterVersion"]):
    def update(self, **changes: Any) -> int:
        if changes.keys() - {"ended_at", "end_note"}:
            raise AppendOnlyError("of a version of the register only its end is written later")
        return super().update(**changes)

    def delete(self) -> NoReturn:
        raise AppendOnlyError("versions of the register are never removed")


class RegisterVersion(models.Model):
    """One version of a record.  Rows are added; only their end is written later.

    The content is one JSON value, checked against frozen dataclasses on its way in and out, under its digest: a past
    day is one query, whatever fields come later, and a version is compared and exported whole.  Nothing searches in it.
    """

    record = models.ForeignKey(RegisterRecord, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_note = models.CharField(max_length=300, blank=True)

    objects = RegisterVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "version"], name="one_register_version"),
            models.UniqueConstraint(
                fields=["record"], condition=models.Q(ended_at=None), name="one_register_version_in_force"
            ),
        ]
        indexes = [models.Index(fields=["started_at"], name="register_started")]

    def __str__(self) -> str:
        return f"{self.record_id} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("versions of the register are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("versions of the register are never removed")
