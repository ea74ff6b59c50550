"""Subjects that follow a login name, kept so that a name given to somebody else never brings the old subject back."""

from django.conf import settings
from django.db import models


class KnownSubject(models.Model):
    """A ``sub`` given out once in a sector (OpenID Connect Core §2: never reassigned).  Outlives its member."""

    sector = models.CharField(max_length=255)
    value = models.CharField(max_length=255)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="known_subjects")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sector", "value"], name="one_holder_per_subject"),
            models.UniqueConstraint(fields=["sector", "member"], name="one_subject_per_member_and_sector"),
        ]

    def __str__(self) -> str:
        return f"subject {self.pk}"
