"""The hub session, the sessions it opened in tools, and the logout notices on their way."""

import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models

from idp.types import DeliveryState


def new_sid() -> str:
    return secrets.token_urlsafe(24)


class HubSession(models.Model):
    """One signed-in browser.  Never named by its cookie on the wire: see ``ToolSession.sid``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="hub_sessions")
    session_key = models.CharField(max_length=40, blank=True, db_index=True, editable=False)
    started_at = models.DateTimeField()
    auth_time = models.DateTimeField()
    methods = models.JSONField(default=list)
    acr = models.CharField(max_length=20, blank=True)
    browser = models.ForeignKey("idp.Browser", models.SET_NULL, null=True, related_name="hub_sessions")
    # What the member recognises it by: "Firefox, Linux", and the network cut short of what would name a household.
    label = models.CharField(max_length=80, blank=True)
    network = models.CharField(max_length=45, blank=True)
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=30, blank=True)

    class Meta:
        indexes = [models.Index(fields=["member", "ended_at"], name="session_member")]

    def __str__(self) -> str:
        return f"session {self.pk}"

    def is_over(self, now: datetime) -> bool:
        """Ended, or over its absolute limit: nothing waits for the worker to say so (OWASP ASVS 7.3.2)."""
        return self.ended_at is not None or self.expires_at <= now


class ToolSession(models.Model):
    """A tool opened from a hub session.  ``sid`` differs per tool, so that two tools cannot match their members."""

    hub_session = models.ForeignKey(HubSession, models.CASCADE, related_name="tool_sessions")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="tool_sessions")
    sid = models.CharField(max_length=40, unique=True, default=new_sid, editable=False)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hub_session", "tool"], condition=models.Q(ended_at=None), name="one_open_tool_session"
            )
        ]

    def __str__(self) -> str:
        return f"tool session {self.pk}"


class LogoutDelivery(models.Model):
    """Outbox: one back-channel logout notice, written with the change that caused it, sent by the worker."""

    tool_session = models.ForeignKey(ToolSession, models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=8, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "next_at"], name="delivery_due")]

    def __str__(self) -> str:
        return f"delivery {self.pk} {self.state}"
