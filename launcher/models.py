"""The sections of the page, what a member arranges there, and how much they look at the others."""

from django.conf import settings
from django.db import models
from django.utils.translation import get_language

from launcher.types import Icon


class Section(models.Model):
    """Where tools stand together: the cooperative names them and chooses their order.

    A tool names its section by slug.  One without a section that the member sees stands at the end: a section says
    where a tool is, never who may enter it.
    """

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60, blank=True)
    icon = models.CharField(max_length=12, choices=Icon.choices, default=Icon.OTHER)
    order = models.PositiveSmallIntegerField(default=0)
    # Shown to its members alone; to everybody where there is none.
    collective = models.ForeignKey("directory.Collective", models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def shown_name(self) -> str:
        return (self.name_en if (get_language() or "fr").startswith("en") else "") or self.name


class Logo(models.Model):
    """A tool's mark, made anew by the hub; its digest is its address."""

    tool = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, primary_key=True, related_name="logo"
    )
    digest = models.CharField(max_length=64, db_index=True)
    # WebP.
    content = models.BinaryField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"logo {self.tool_id}"


class Condition(models.Model):
    """Whether a tool is there: what a look at its address found, and what people say of it until a day."""

    tool = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, primary_key=True, related_name="condition"
    )
    # Looked at now and then where there is one.
    check_url = models.CharField(max_length=500, blank=True)
    checked_at = models.DateTimeField(null=True)
    # Empty where it answered.
    result = models.CharField(max_length=40, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    down_since = models.DateTimeField(null=True)
    said = models.CharField(max_length=160, blank=True)
    said_en = models.CharField(max_length=160, blank=True)
    said_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"condition {self.tool_id}"


class Arrangement(models.Model):
    """How a member's own page is laid out: tools by their numbers, in the order they gave them."""

    member = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    order = models.JSONField(default=list)
    by_collective = models.BooleanField(default=False)
    # WCAG 2.1.4: a key that acts by itself can be switched off, for who speaks to their computer or slips on the keys.
    one_key = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"arrangement {self.member_id}"


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
