"""How long it is kept who was put into a collective, or taken out: handed to the journal's rules."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit.keeping.data import Category, Outcome, deleted
from collectives.members.policy import UNDONE_FOR
from collectives.models import MembershipChange


def _over(cut: datetime, held: Collection[UUID]) -> QuerySet[MembershipChange]:
    return MembershipChange.objects.exclude(member__in=list(held)).filter(at__lt=cut)


def categories() -> tuple[Category, ...]:
    """The line in the journal says it for longer; this row is what it is undone by."""
    days = UNDONE_FOR.days
    changes = _("Entrées et sorties d’un collectif, à annuler")
    return (
        Category(
            "membership_changes",
            changes,
            _("le changement"),
            Outcome.DELETE,
            days,
            _over,
            deleted(MembershipChange.objects.all),
            least=days,
        ),
    )
