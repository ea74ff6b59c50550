"""Values of contracts with processors."""

from dataclasses import dataclass
from typing import ClassVar

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from pydantic import ConfigDict


class Point(TextChoices):
    """What a contract must say, by the letters of article 28(3)."""

    INSTRUCTIONS = "a", _("traiter seulement sur instruction écrite, transferts compris")
    CONFIDENTIALITY = "b", _("n’employer que des personnes tenues au secret")
    SECURITY = "c", _("prendre les mesures de sécurité de l’article 32")
    FURTHER = "d", _("ne recourir à un autre sous-traitant qu’avec l’accord de la coopérative")
    RIGHTS = "e", _("aider à répondre aux demandes des personnes")
    HELP = "f", _("aider pour la sécurité, les violations et les analyses d’impact")
    END = "g", _("effacer ou rendre les données à la fin")
    AUDIT = "h", _("prouver tout cela et accepter des contrôles")


class ContractInvalid(ValueError):
    """What cannot be kept: a code by the field it is about."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {said}" for place, said in problems.items()))
        self.problems = problems


class ContractChanged(Exception):
    """Another version was written since the page was shown, or the record names another processor."""


@dataclass(frozen=True, slots=True)
class Further:
    """A processor of the processor (article 28(2) and (4))."""

    name: str
    country: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Terms:
    """``held``: the points that the contract has; ``explained``: why one that it lacks is met all the same.

    ``alone``: the processor says that nobody is further down, which is not the same as that nobody asked.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    held: tuple[Point, ...] = ()
    explained: dict[Point, str] | None = None
    further: tuple[Further, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A file as it came."""

    name: str
    content: bytes
