"""Values of the question whether an impact assessment is due."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from pydantic import ConfigDict


class Criterion(TextChoices):
    """The nine of WP 248 rev. 01, which the CNIL follows."""

    SCORING = "scoring", _("évaluer ou noter des personnes, dont le profilage")
    DECISION = "decision", _("décider automatiquement, avec un effet juridique ou semblable")
    MONITORING = "monitoring", _("surveiller systématiquement")
    SENSITIVE = "sensitive", _("traiter des données sensibles ou très personnelles")
    SCALE = "scale", _("traiter à grande échelle")
    MATCHING = "matching", _("croiser des ensembles de données")
    VULNERABLE = "vulnerable", _("concerner des personnes vulnérables, dont les salarié·es")
    INNOVATIVE = "innovative", _("employer une technique nouvelle")
    BLOCKING = "blocking", _("pouvoir priver d’un droit, d’un service ou d’un contrat")


class Outcome(TextChoices):
    NOT_DUE = "not_due", _("pas d’analyse d’impact")
    DUE = "due", _("analyse d’impact à faire")
    DONE = "done", _("analyse d’impact faite")


class ScreeningInvalid(ValueError):
    """What cannot be kept: a code by the field it is about."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {said}" for place, said in problems.items()))
        self.problems = problems


class ScreeningChanged(Exception):
    """Another version was written since the page was shown."""


@dataclass(frozen=True, slots=True)
class Screening:
    """``advice`` is the officer's (article 35(2)); ``reason`` is why the outcome is not what the criteria suggest."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    on: date
    criteria: tuple[Criterion, ...]
    outcome: Outcome
    advice: str
    reason: str = ""
    document: str = ""
