"""What is told, and what a member put aside."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from news import policy
from news.types import Audience, Rhythm, Standing


class Brief(models.Model):
    """A short piece of news of a collective, or of the whole cooperative where it has none."""

    collective = models.ForeignKey("directory.Collective", models.CASCADE, null=True, related_name="briefs")
    title = models.CharField(max_length=120)
    # Markdown, as it was typed.
    text = models.TextField()
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.NEAR)
    # WebP, made by the hub, never as it came; what it shows, in words.
    picture = models.BinaryField(default=bytes, editable=False)
    picture_digest = models.CharField(max_length=64, blank=True)
    picture_alt = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    is_draft = models.BooleanField(default=True)
    since = models.DateTimeField(null=True, db_index=True)
    until = models.DateTimeField(null=True)
    # When somebody last turned it from a draft into this: a digest tells of what is dated back as well.
    published_at = models.DateTimeField(null=True)
    written_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-since", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(collective__isnull=False) | models.Q(audience=Audience.EVERYBODY),
                name="brief_of_all_is_for_all",
            )
        ]

    def __str__(self) -> str:
        return f"brief {self.pk}"

    @property
    def last_day(self) -> date | None:
        """As whoever wrote it chose it; ``until`` is the midnight after it."""
        return self.until and timezone.localdate(self.until - timedelta(microseconds=1))

    def standing(self, now: datetime) -> Standing:
        return policy.standing_of(
            is_draft=self.is_draft, since=self.since, until=self.until, removed_at=self.removed_at, now=now
        )


class FeedLink(models.Model):
    """The secret address at which a programme of this member reads a collective's news; only its digest is kept."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    collective = models.ForeignKey("directory.Collective", models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "collective"], name="one_feed_link")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.collective_id}"


class Subscription(models.Model):
    """How often a member wants the news by mail, and until when they were told; who never chose has none."""

    member = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    rhythm = models.CharField(max_length=8, choices=Rhythm.choices)
    told_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.member_id} {self.rhythm}"


class Letter(models.Model):
    """What those who lead a collective write to its members by mail; a draft until it is sent.

    ``recipients`` and ``without_address`` stay when the mails themselves are forgotten.
    """

    collective = models.ForeignKey("directory.Collective", models.CASCADE, related_name="letters")
    subject = models.CharField(max_length=120)
    text = models.TextField()
    to_followers = models.BooleanField(default=False)
    # Answers go to whoever wrote it, where they chose so.
    gives_address = models.BooleanField(default=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    written_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    recipients = models.PositiveIntegerField(default=0)
    without_address = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return f"letter {self.pk}"


class Delivery(models.Model):
    """A letter on its way to one member: its mail says what became of it, never whether it was read."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="deliveries")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    mail = models.ForeignKey("idp.OutgoingMail", models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["letter", "member"], name="one_delivery")]

    def __str__(self) -> str:
        return f"letter {self.letter_id} {self.member_id}"


class Mute(models.Model):
    """A member wants no more letters of a collective."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    collective = models.ForeignKey("directory.Collective", models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "collective"], name="one_mute")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.collective_id}"


class Dismissal(models.Model):
    """A member put this away from their page of tools, to see it among all others only.

    Their own choice, without a date, and read for their own page alone: it says nothing of what anybody has read.
    """

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    brief = models.ForeignKey(Brief, models.CASCADE, related_name="dismissals")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "brief"], name="one_dismissal")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.brief_id}"
