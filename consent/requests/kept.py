"""For how long what belongs to a request is kept, part by part, each by its own clock.

A proof of identity proves nothing any more once somebody looked at it.  Answers hold copies of data that has a life of
its own.  Words prove what was asked and answered for the time in which somebody may sue; the line of the register, that
the request was dealt with at all, for that in which an offence may be prosecuted (article 8 of the code of criminal
procedure: six years).  Each goes with a count in the proof of the night; digests stay as long as the line does.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.keeping.data import Category, Outcome
from consent.requests import services
from consent.requests.models import RequestFile, RequestStep, Restriction, SubjectRequest
from consent.requests.types import Step

IDENTITY_DAYS, FILE_DAYS, LINE_DAYS = 30, 365, 2192
# The year in which the CNIL is most often asked about a request.
LEAST_LINE_DAYS = 365


def _closed(cut: datetime, held: Collection[UUID]) -> QuerySet[SubjectRequest]:
    return SubjectRequest.objects.filter(closed_on__lt=timezone.localdate(cut)).exclude(member__in=list(held))


def _proofs(cut: datetime, held: Collection[UUID]) -> QuerySet[RequestFile]:
    """Of an identity that was settled, or of which nobody will ask any more."""
    settled = RequestStep.objects.filter(request=OuterRef("step__request"), step=Step.IDENTITY_SETTLED, at__lt=cut)
    rows = RequestFile.objects.filter(proves_identity=True, emptied_at=None).exclude(
        step__request__member__in=list(held)
    )
    return rows.filter(Exists(settled) | Q(step__request__closed_on__lt=timezone.localdate(cut)))


def _files(cut: datetime, held: Collection[UUID]) -> QuerySet[RequestFile]:
    return RequestFile.objects.filter(
        proves_identity=False, emptied_at=None, step__request__in=_closed(cut, held).values("pk")
    )


def _words(cut: datetime, held: Collection[UUID]) -> QuerySet[SubjectRequest]:
    return _closed(cut, held).filter(pk__in=RequestStep.objects.filter(emptied_at=None).values("request"))


def _lines(cut: datetime, held: Collection[UUID]) -> QuerySet[SubjectRequest]:
    """Last of all: not while a word or a file of it is kept, and not while it is what freezes somebody's data."""
    rows = _closed(cut, held).exclude(pk__in=RequestStep.objects.filter(emptied_at=None).values("request"))
    rows = rows.exclude(pk__in=RequestFile.objects.filter(emptied_at=None).values("step__request"))
    return rows.exclude(pk__in=Restriction.objects.filter(ended_at=None).values("request"))


def _empty_files(keys: Sequence[Any], now: datetime) -> int:
    return services.empty_files(keys, now=now)


def _empty_words(keys: Sequence[Any], now: datetime) -> int:
    return services.empty(keys, now=now)


def _forget_lines(keys: Sequence[Any], _now: datetime) -> int:
    """With their steps; an objection that was upheld in one stands without it."""
    Restriction.objects.filter(request__in=list(keys)).delete()
    SubjectRequest.objects.filter(pk__in=list(keys)).delete()
    return len(keys)


def categories() -> tuple[Category, ...]:
    over = _("la réponse à la demande")
    return (
        Category(
            "request_identity",
            _("Demandes : justificatifs d’identité"),
            _("la vérification de l’identité, ou la fin de la demande"),
            Outcome.DELETE,
            IDENTITY_DAYS,
            _proofs,
            _empty_files,
        ),
        Category(
            "request_files",
            _("Demandes : autres fichiers joints"),
            over,
            Outcome.DELETE,
            FILE_DAYS,
            _files,
            _empty_files,
            least=30,
        ),
        Category(
            "requests",
            _("Demandes : lettres et messages"),
            over,
            Outcome.ANONYMISE,
            settings.REQUESTS_KEPT // timedelta(days=1),
            _words,
            _empty_words,
            least=30,
        ),
        Category(
            "request_lines",
            _("Demandes : ligne du registre, sans les mots"),
            over,
            Outcome.DELETE,
            max(LINE_DAYS, settings.REQUESTS_KEPT // timedelta(days=1)),
            _lines,
            _forget_lines,
            least=LEAST_LINE_DAYS,
        ),
    )
