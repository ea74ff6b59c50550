"""Directions for data after death, sealed: a copy of the database alone says only that somebody left some."""

from django.conf import settings
from django.db import models


class Directions(models.Model):
    """What a member left, as JSON under the key of the hub; the row goes when they withdraw it, or with all of them."""

    member = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="directions_after_death"
    )
    sealed = models.BinaryField()
    left_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"directions of {self.member_id}"
