"""News are kept for so long: handed to the journal's rules when the apps are ready."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.keeping.data import Category, Outcome, deleted
from news.models import Brief, Letter
from news.policy import UNDO


def _over(cut: datetime, held: Collection[UUID]) -> QuerySet[Brief]:
    return _not_of(held).filter(until__lt=cut)


def _removed(cut: datetime, held: Collection[UUID]) -> QuerySet[Brief]:
    return _not_of(held).filter(removed_at__lt=cut)


def _not_of(held: Collection[UUID]) -> QuerySet[Brief]:
    return Brief.objects.exclude(Q(author__in=list(held)) & Q(author__isnull=False))


def _letters(cut: datetime, held: Collection[UUID]) -> QuerySet[Letter]:
    theirs = Q(author__in=list(held)) & Q(author__isnull=False)
    return Letter.objects.exclude(theirs).filter(sent_at__lt=cut)


def categories() -> tuple[Category, ...]:
    return (
        Category(
            "briefs",
            _("Brèves terminées"),
            _("la fin de la brève"),
            Outcome.DELETE,
            365,
            _over,
            deleted(Brief.objects.all),
        ),
        Category(
            "letters", _("Lettres envoyées"), _("l’envoi"), Outcome.DELETE, 365, _letters, deleted(Letter.objects.all)
        ),
        Category(
            "removed_briefs",
            _("Brèves retirées"),
            _("le retrait"),
            Outcome.DELETE,
            UNDO.days,
            _removed,
            deleted(Brief.objects.all),
            least=UNDO.days,
        ),
    )
