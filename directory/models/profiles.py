"""What members say of themselves, beside what the directory says of them, and to whom each of it is open."""

from django.db import models

from directory.models.fields import Keys


class Profile(models.Model):
    """Written by its holder alone; without a row nothing is open.

    ``audiences`` by item (``types.Shown``), of what the directory holds too; an item that is not there is nobody’s.
    """

    member = models.OneToOneField("directory.Member", models.CASCADE, primary_key=True, related_name="profile")
    # Whether they stand in the list of members at all (GDPR art. 21: nobody asks why not).
    listed = models.BooleanField(default=True)
    skills = Keys(default=list, blank=True)
    # Markdown, as it was typed.
    presentation = models.TextField(blank=True)
    links = Keys(default=list, blank=True)
    # A commune’s code, or only a department’s: never finer, and nothing unless they chose it.
    place = models.CharField(max_length=5, blank=True)
    audiences = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"profile {self.member_id}"
