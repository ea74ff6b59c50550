"""What surrounds an account: links handed out, mails on their way, known browsers, recoveries, alarms."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models

from idp.types import LinkKind, MailKind, OutgoingState, RecoveryState


class AccountLink(models.Model):
    """A link that somebody was handed: its secret is known to them alone, the hub keeps a digest.

    ``used_at`` when it has done what it was for, ``ended_at`` when it was taken back or replaced by a later one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="account_links")
    kind = models.CharField(max_length=12, choices=LinkKind.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["member", "kind"], name="account_link_member")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def is_open(self, now: datetime) -> bool:
        return self.used_at is None and self.ended_at is None and now < self.expires_at


class OutgoingMail(models.Model):
    """Outbox: one mail, written with the change that caused it, sent by the worker.

    ``sealed`` holds address, subject and text under the key from outside the database, for a link in it opens an
    account; it is emptied as soon as the mail is sent or given up.
    """

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="outgoing_mails")
    kind = models.CharField(max_length=24, choices=MailKind.choices)
    link = models.ForeignKey(AccountLink, models.SET_NULL, null=True, related_name="mails")
    sealed = models.BinaryField(editable=False)
    state = models.CharField(max_length=8, choices=OutgoingState.choices, default=OutgoingState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    # A mail whose link is over by then says nothing any more: it is given up.
    expires_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "next_at"], name="outgoing_mail_due")]

    def __str__(self) -> str:
        return f"mail {self.pk} {self.kind} {self.state}"


class Browser(models.Model):
    """A browser in which somebody signed in, known again by a cookie of which the hub keeps a digest.

    ``trusted_until``: so long it is not asked for a second factor at sign-in, as long as ``fingerprint`` is that of
    the member's factors and password.  Trust never raises the level of a session.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="browsers")
    digest = models.CharField(max_length=64, editable=False)
    label = models.CharField(max_length=80, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    trusted_until = models.DateTimeField(null=True)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "digest"], name="one_browser_per_member")]
        indexes = [models.Index(fields=["digest"], name="browser_digest")]

    def __str__(self) -> str:
        return f"browser {self.pk}"


class Recovery(models.Model):
    """A member has lost their factors: one person of the office asks, another one decides, the member sees both."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recoveries")
    state = models.CharField(max_length=10, choices=RecoveryState.choices, default=RecoveryState.ASKED)
    # The member lost their mail box too: who decides is shown a link, once, to be handed over in person.
    by_hand = models.BooleanField(default=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member"], condition=models.Q(state=RecoveryState.ASKED), name="one_open_recovery"
            ),
            models.CheckConstraint(
                condition=~models.Q(asked_by=models.F("decided_by")) | ~models.Q(state=RecoveryState.APPROVED),
                name="recovery_by_two_people",
            ),
        ]
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"recovery {self.pk} {self.state}"


class Alarm(models.Model):
    """A member said "this was not me": what the office looks at until somebody has dealt with it."""

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="alarms")
    raised_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-raised_at"]

    def __str__(self) -> str:
        return f"alarm {self.pk}"
