"""The table of the criteria that a reader of the journal comes back to."""

from django.conf import settings
from django.db import models


class SavedSearch(models.Model):
    """Criteria as an address says them, and never whom they were about: a pseudonym is over with its purpose."""

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_saved_search_of_each_name")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.pk}"
