"""Signing keys with their dated life."""

from django.db import models


class SigningKey(models.Model):
    """Published before it signs, verifying after it has signed.  ``private`` is encrypted with a key kept elsewhere."""

    kid = models.CharField(max_length=64, unique=True)
    algorithm = models.CharField(max_length=10)
    private = models.BinaryField()
    public = models.JSONField()
    published_at = models.DateTimeField()
    active_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    # From here on it verifies nothing and is published no more; the private half is erased with it.
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-active_at"]

    def __str__(self) -> str:
        return self.kid
