"""Photos of members, apart from everything else that is known of them: they weigh more than all of it."""

from django.db import models


class MemberPhoto(models.Model):
    """What was found when somebody's photo was last looked at; ``content`` is empty where there is none to show."""

    member = models.OneToOneField("directory.Member", models.CASCADE, primary_key=True, related_name="photo")
    # Of the photo as the directory holds it: what has the same one is not made again.
    digest = models.CharField(max_length=64, blank=True)
    # WebP, made by the hub, never as it came.
    content = models.BinaryField(default=bytes, editable=False)
    # The entry's change mark when its photo was looked at.
    csn = models.CharField(max_length=120, blank=True)
    looked_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"photo {self.member_id}"
