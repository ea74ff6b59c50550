"""What some collectives of the demonstration say of themselves; the others have not yet, as it goes."""

from datetime import datetime

from audit.types import SYSTEM
from collectives.models import CollectivePage
from collectives.services import Described, describe
from directory.models import Collective
from directory.types import Kind

JOINING = "Venez à une rencontre, puis dites-le à une personne responsable. **Rien n’est à payer.**"
LINKS = ("Dossier partagé | https://nuage.exemple.fr/f/1204", "https://exemple.fr/agenda")
WORDS = {
    Kind.POLE: (
        "Nous faisons le lien entre les métiers du pôle.\n\n- une rencontre par mois, le premier mardi\n"
        "- des chantiers *à plusieurs*\n- une caisse commune pour les outils"
    ),
    Kind.SELF_RUN: "Un groupe **sans responsable attitré**, ou presque : chacun propose, tout le monde décide.",
    Kind.TERRITORY: "Les membres d’ici se retrouvent pour déjeuner et s’entraider.",
}


def describe_collectives(now: datetime) -> int:
    """Once: what somebody changed in the demonstration stays; returns how many pages were written."""
    if CollectivePage.objects.exists():
        return 0
    there = Collective.objects.filter(present=True, sensitive=False, kind__in=WORDS).order_by("order_key")
    told = [each for number, each in enumerate(there) if number % 4 != 3]
    for each in told:
        page = Described(WORDS[Kind(each.kind)], JOINING, LINKS)
        describe(collective_id=each.pk, page=page, actor=SYSTEM, now=now)
    return len(told)
