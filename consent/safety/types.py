"""Values of the lines about security."""

from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    """What article 32(1) asks for: measures, that data can be restored, that all of it is tested now and then."""

    MEASURE = "measure", _("mesure prise")
    RESTORE = "restore", _("essai de restauration")
    REVIEW = "review", _("contrôle des mesures")


class Result(TextChoices):
    DONE = "done", _("réussi")
    PARTLY = "partly", _("réussi en partie")
    FAILED = "failed", _("échoué")


class SafetyInvalid(ValueError):
    """What cannot be kept: a code by the field it is about."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {said}" for place, said in problems.items()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Line:
    """``who`` did it, ``what`` was put in place, restored or looked at; ``note`` is what came of it, in words."""

    kind: Kind
    on: date
    who: str
    what: str
    result: Result
    note: str = ""
