"""Signing keys with their dated life."""

from django.db import models

from idp.types import KeyState, SigningAlgorithm


class SigningKey(models.Model):
    """Published before it signs, verifying after it has signed.  ``private`` is encrypted with a key kept elsewhere.

    The dates decide, so that every process changes keys at the same second without being told.
    """

    kid = models.CharField(max_length=64, unique=True)
    algorithm = models.CharField(max_length=10, choices=SigningAlgorithm.choices)
    # Empty once it signs no more.
    private = models.BinaryField()
    public = models.JSONField()
    published_at = models.DateTimeField()
    active_at = models.DateTimeField()
    # The successor's ``active_at``, set when the successor is made.
    retired_at = models.DateTimeField(null=True)
    # From here on it verifies nothing; it has left the key set long before.
    gone_at = models.DateTimeField(null=True)
    # The state that the journal was last told of; nothing is decided by it.
    noted = models.CharField(max_length=10, choices=KeyState.choices, default=KeyState.PUBLISHED)

    class Meta:
        ordering = ["-active_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], condition=models.Q(retired_at=None), name="one_latest_key_per_algorithm"
            )
        ]

    def __str__(self) -> str:
        return self.kid
