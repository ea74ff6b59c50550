"""Codes and tokens, stored as digests only, each tied to the hub session it came from."""

from django.db import models
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)


class Grant(AbstractGrant):
    """An authorization code.  ``code`` holds its SHA-256; the row stays after use so that a replay is known."""

    nonce = models.TextField(blank=True, default="")
    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, related_name="grants")
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=20, blank=True)
    methods = models.JSONField(default=list)
    used_at = models.DateTimeField(null=True)

    class Meta(AbstractGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="grant_expires")]


class AccessToken(AbstractAccessToken):
    """An opaque access token.  ``grant`` links what one code gave, so that its replay revokes it."""

    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, null=True, related_name="access_tokens")
    grant = models.ForeignKey(Grant, models.SET_NULL, null=True, related_name="access_tokens")

    class Meta(AbstractAccessToken.Meta):
        indexes = [models.Index(fields=["expires"], name="access_token_expires")]


class RefreshToken(AbstractRefreshToken):
    """A rotating refresh token; ``expires`` is the absolute end of its family."""

    tool_session = models.ForeignKey("idp.ToolSession", models.CASCADE, related_name="refresh_tokens")
    grant = models.ForeignKey(Grant, models.SET_NULL, null=True, related_name="refresh_tokens")
    scope = models.TextField(blank=True)
    nonce = models.TextField(blank=True, default="")
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=20, blank=True)
    methods = models.JSONField(default=list)
    expires = models.DateTimeField()

    class Meta(AbstractRefreshToken.Meta):
        indexes = [
            models.Index(fields=["token_family"], name="refresh_token_family"),
            models.Index(fields=["expires"], name="refresh_token_expires"),
        ]


class IDToken(AbstractIDToken):
    """What the toolkit would keep of an ID token.  The hub keeps a disclosure instead; the table stays empty."""


class DeviceGrant(AbstractDeviceGrant):
    """Reserved for the device grant (RFC 8628), which is switched off."""

    class Meta(AbstractDeviceGrant.Meta):
        pass
