"""Values of the news that other apps may use."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Audience(TextChoices):
    """Whom a collective's news is for; what has no collective is for everybody."""

    NEAR = "near", _("ses membres et qui le suit")
    EVERYBODY = "everybody", _("toute la coopérative")


class Standing(TextChoices):
    """What the moments of a piece of news come to; it is kept nowhere."""

    DRAFT = "draft", _("brouillon")
    SCHEDULED = "scheduled", _("programmée")
    PUBLISHED = "published", _("publiée")
    OVER = "over", _("terminée")
    REMOVED = "removed", _("retirée")


class Rhythm(TextChoices):
    """How often somebody wants the news by mail; nobody gets them who did not choose."""

    NEVER = "never", _("jamais")
    DAILY = "daily", _("chaque jour")
    WEEKLY = "weekly", _("chaque semaine, le lundi")


class NewsRefused(Exception):
    """What is not done; ``reason`` has its words in ``words.py``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
