"""What a tool must remember to be signed out from afar."""

from typing import ClassVar

from django.db import models


class OpenSession(models.Model):
    """Which local session belongs to which session of the hub (claim ``sid``)."""

    session_key = models.CharField(max_length=40, unique=True)
    sid = models.CharField(max_length=255, db_index=True)
    sub = models.CharField(max_length=255, db_index=True)

    objects: ClassVar[models.Manager["OpenSession"]] = models.Manager()

    def __str__(self) -> str:
        return f"session {self.pk}"


class SeenLogoutToken(models.Model):
    """Back-Channel Logout 1.0 §2.6: a ``jti`` counts once."""

    jti = models.CharField(max_length=255, unique=True)
    expires = models.DateTimeField()

    objects: ClassVar[models.Manager["SeenLogoutToken"]] = models.Manager()

    def __str__(self) -> str:
        return self.jti
