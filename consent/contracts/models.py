"""The tables of contracts: what the officer read in each, version by version, and the texts themselves."""

from django.conf import settings
from django.db import models

from consent.added import Added


class ContractFile(Added):
    """A text as it was signed, once however many processings it is about."""

    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    size = models.PositiveIntegerField()
    content = models.BinaryField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class ContractVersion(Added):
    """What is known of one processor's contract for one processing.  Rows are added; the newest stands.

    ``recipient`` is the processor as the record calls it: another one has a contract of its own.
    """

    record = models.ForeignKey("consent.RegisterRecord", models.PROTECT, related_name="contracts")
    recipient = models.CharField(max_length=300)
    version = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    file = models.ForeignKey(ContractFile, models.PROTECT, null=True, related_name="versions")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["version"]
        constraints = [models.UniqueConstraint(fields=["record", "recipient", "version"], name="one_contract_version")]

    def __str__(self) -> str:
        return f"contract {self.record_id} v{self.version}"
