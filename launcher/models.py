"""What a member arranges on their page."""

from django.conf import settings
from django.db import models


class Favourite(models.Model):
    """A tool that a member keeps on top."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="favourites")
    tool = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, related_name="favourites")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "tool"], name="one_favourite")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.tool_id}"
