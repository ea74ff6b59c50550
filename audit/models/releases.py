"""The table of what transmissions are made of."""

from django.conf import settings
from django.db import models


class ReleaseProfile(models.Model):
    """What a tool receives by one way on one ground: said once, and named by what it says (``audit.releases``).

    Rows are added, never changed: another content is another name.  The line that described it stands in the log.
    """

    name = models.CharField(primary_key=True, max_length=22)
    # No constraint: what was transmitted stays on the record when the tool is gone.
    tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    facts = models.JSONField()

    def __str__(self) -> str:
        return self.name
