"""Values of one's own lines that pages use."""

from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    """What a member looks for among their lines."""

    SIGN_INS = "connexions", _("Connexions et sessions")
    RELEASES = "outils", _("Outils ouverts et données transmises")
    AGREEMENTS = "accords", _("Informations lues et accords")
    LOOKED = "regards", _("Qui a regardé ma fiche")
    ACCOUNT = "compte", _("Mon compte")
    DUTIES = "fonctions", _("Ce que j’ai fait pour la coopérative")


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """Empty means everything; both days are included, in the hub's time zone."""

    kind: str = ""
    tool: str = ""
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return bool(self.kind or self.tool or self.since or self.until)


class NothingProved(Exception):
    """No entry of theirs stands in a signed log, or not yet."""
