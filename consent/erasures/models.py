"""The tables of erasures: a run sheet, and a row for each holder."""

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models

from consent.erasures.types import WAITING, AnsweredBy, Ground, HolderState, Refusal, RunState

OPEN = models.Q(state__in=[RunState.ASKED, RunState.GOING])


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


class ErasureRun(models.Model):
    """One erasure of a member: everything, or what one tool holds.

    ``preview`` is what the second person saw of the hub's own part.  ``reply_sealed`` is where the closing letter goes:
    the account has no address any more by then; it is emptied with the letter.
    """

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="erasures")
    # None: the whole account.
    tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, null=True, related_name="erasures"
    )
    ground = models.CharField(max_length=12, choices=Ground.choices)
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    preview = models.JSONField(default=list)
    reply_sealed = models.BinaryField(default=bytes, editable=False)
    closed_at = models.DateTimeField(null=True)
    letter_mailed = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints = [
            # Two: SQLite takes every NULL for another one.
            models.UniqueConstraint(fields=["member", "tool"], condition=OPEN, name="one_open_erasure_of_tool"),
            models.UniqueConstraint(
                fields=["member"], condition=OPEN & models.Q(tool=None), name="one_open_erasure_of_all"
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by=None) | ~models.Q(asked_by=models.F("approved_by")),
                name="erasure_by_two_people",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """How people speak of it: it names nobody."""
        return f"E{self.pk}"

    @property
    def is_whole(self) -> bool:
        return self.tool_id is None

    @property
    def is_by_self(self) -> bool:
        return self.tool_id is not None and self.asked_by_id == self.member_id

    @property
    def is_by_rule(self) -> bool:
        """The end of the retention period was the reason: nobody decided, and there is nobody to write to."""
        return self.asked_by_id is None and self.approved_at is not None and self.approved_by_id is None

    @property
    def is_open(self) -> bool:
        return self.state in (RunState.ASKED, RunState.GOING)


class ErasureHolder(models.Model):
    """One holder of a run: what it was asked to erase, by which way, and its answer.

    ``known_sealed`` is how it finds the person; it is emptied with the answer, and with the end of the run.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ErasureRun, models.CASCADE, related_name="holders")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="+")
    items = models.JSONField(default=list)
    kept = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=HolderState.choices)
    told_at = models.DateTimeField(null=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    reminded_at = models.DateTimeField(null=True)
    # The last day on which somebody read whom it is about behind the link.
    read_on = models.DateField(null=True)
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    known_sealed = models.BinaryField(default=bytes, editable=False)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=8, choices=AnsweredBy.choices, blank=True)
    refusal = models.CharField(max_length=12, choices=Refusal.choices, blank=True)
    # What the holder wrote: for the letter and the sheet, never for the journal.
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "tool"], name="one_row_per_holder")]
        indexes = [models.Index(fields=["state", "told_at"], name="erasure_holder_state")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.tool_id} {self.state}"

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING
