"""Values of the page of tools."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Icon(TextChoices):
    """The drawing before the name of a section."""

    MANAGEMENT = "management", _("une mallette")
    FILES = "files", _("un dossier")
    LEARNING = "learning", _("un livre")
    TOGETHER = "together", _("des personnes")
    OTHER = "other", _("des carrés")
