"""What a member arranges on their page, and how much they look at the others."""

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


class PeopleDay(models.Model):
    """How much somebody did in the trombinoscope on one day: whoever takes it all away is stopped."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="people_days")
    day = models.DateField(db_index=True)
    pages = models.PositiveIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "day"], name="one_people_day")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.day}"


class CardLook(models.Model):
    """One member opened another one’s card, that day or several times that day."""

    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="card_looks")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="looked_at")
    day = models.DateField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "day", "member"], name="one_look_a_day")]

    def __str__(self) -> str:
        return f"{self.reader_id} {self.member_id} {self.day}"
