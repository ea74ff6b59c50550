"""The table of the keys under which the parts about a person are sealed."""

import uuid

from django.conf import settings
from django.db import models

from statements.writing import InsertingQuerySet


class PersonKey(models.Model):
    """One key of one person for half a year; who that is, is said here and nowhere else in the journal.

    Kept out of ordinary backups, whose copies of a part then lead to nobody and open for nobody once the row is gone.
    A person may have several of the same half-year: two requests at once make one each, and neither waits.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraint: lines are written of people who do not exist any more.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, db_constraint=False, related_name="+")
    half_year = models.CharField(max_length=6)
    sealed = models.BinaryField()
    # Seals nothing more; what it sealed goes, or is sealed anew, and then so does the key.
    retired_at = models.DateTimeField(null=True)
    # Made by an erasure, for what outlives it; seals nothing that happens later, which the next erasure takes.
    lasting = models.BooleanField(default=False)

    objects = InsertingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.half_year} {self.pk}"
