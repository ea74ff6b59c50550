"""Codes and tokens, stored as digests only, each tied to the hub session it came from."""

from django.db import models
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from statements.writing import InsertingQuerySet, MarkingQuerySet


class Grant(AbstractGrant):
    """An authorization code.  ``code`` holds its SHA-256; the row stays after use so that a replay is known."""

    nonce = models.TextField(blank=True, default="")
    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, related_name="grants")
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=20, blank=True)
    methods = models.JSONField(default=list)
    used_at = models.DateTimeField(null=True)
    # RFC 9449 §10: the key that the code is bound to.
    dpop_jkt = models.CharField(max_length=43, blank=True)

    objects = MarkingQuerySet.as_manager()

    class Meta(AbstractGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="grant_expires")]


class AccessToken(AbstractAccessToken):
    """An access token.  ``grant`` links what one code gave, so that its replay revokes it.

    A tool's own token (client credentials) has neither ``user`` nor ``tool_session``.  ``binding`` is the member of
    ``cnf`` that its holder must prove: ``jkt:`` (RFC 9449 §6) or ``x5t#S256:`` (RFC 8705 §3.1) and a thumbprint.
    """

    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, null=True, related_name="access_tokens")
    grant = models.ForeignKey(Grant, models.SET_NULL, null=True, related_name="access_tokens")
    # What one code, device or exchange gave, with everything refreshed from it.
    family = models.UUIDField(null=True, db_index=True)
    claims = models.TextField(blank=True, default="")
    binding = models.CharField(max_length=60, blank=True)
    auth_time = models.DateTimeField(null=True)
    acr = models.CharField(max_length=20, blank=True)
    # The tool that exchanged somebody's token for this one (RFC 8693 §4.1, ``act``).
    actor = models.ForeignKey("idp.Tool", models.CASCADE, null=True, related_name="+")

    objects = InsertingQuerySet.as_manager()

    class Meta(AbstractAccessToken.Meta):
        indexes = [models.Index(fields=["expires"], name="access_token_expires")]


class RefreshToken(AbstractRefreshToken):
    """A rotating refresh token; ``expires`` is the absolute end of its family."""

    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, related_name="refresh_tokens")
    grant = models.ForeignKey(Grant, models.SET_NULL, null=True, related_name="refresh_tokens")
    scope = models.TextField(blank=True)
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=20, blank=True)
    methods = models.JSONField(default=list)
    expires = models.DateTimeField()
    claims = models.TextField(blank=True, default="")
    binding = models.CharField(max_length=60, blank=True)

    objects = MarkingQuerySet.as_manager()

    class Meta(AbstractRefreshToken.Meta):
        indexes = [
            models.Index(fields=["token_family"], name="refresh_token_family"),
            models.Index(fields=["expires"], name="refresh_token_expires"),
        ]


class IDToken(AbstractIDToken):
    """What the toolkit would keep of an ID token.  The hub keeps a disclosure instead; the table stays empty."""


class DeviceGrant(AbstractDeviceGrant):
    """A device waiting for a person (RFC 8628).  ``device_code`` and ``user_code`` hold digests, ``scope`` the request.

    ``opened_by`` is the hub session that typed the code first: nobody else can confirm it.  ``asked_from`` is the
    address of the device, shown to whoever confirms and erased with the decision.
    """

    user_code = models.CharField(max_length=64, unique=True)
    # When the tool asked last; the toolkit's column would also count the row's creation as a question.
    last_checked = models.DateTimeField(null=True)  # type: ignore[assignment]
    asked_from = models.GenericIPAddressField(null=True)
    tool = models.ForeignKey("idp.Tool", models.CASCADE, related_name="device_grants")
    opened_by = models.ForeignKey("idp.HubSession", models.SET_NULL, null=True, related_name="+")
    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, null=True, related_name="device_grants")
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    auth_time = models.DateTimeField(null=True)
    acr = models.CharField(max_length=20, blank=True)
    methods = models.JSONField(default=list)

    class Meta(AbstractDeviceGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="device_grant_expires")]


class PushedRequest(models.Model):
    """A pushed authorization request (RFC 9126), already authenticated and checked; or a relayed one, which is neither.

    ``used_at`` is when it was answered; a relayed one, which is answered by no name, has it from the start.
    """

    digest = models.CharField(max_length=64, unique=True)
    tool = models.ForeignKey("idp.Tool", models.CASCADE, related_name="pushed_requests")
    pairs = models.JSONField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"pushed request {self.pk}"


class SeenIdentifier(models.Model):
    """A ``jti`` that may not come twice: client assertions (RFC 7523 §3) and DPoP proofs (RFC 9449 §11.1)."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest
