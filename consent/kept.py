"""What proves agreements and disclosures is kept for so long: handed to the journal's rules when the apps are ready."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.keeping.data import Category, Outcome
from consent.incidents import selectors as incidents
from consent.incidents.models import go_with_time
from consent.models import (
    Consent,
    ConsentAsked,
    Disclosure,
    ErasureRun,
    Holding,
    HubNotice,
    Incident,
    IncidentStep,
    Objection,
)
from consent.requests import kept as requests
from directory.kept import DEPARTURE
from directory.models import Member
from directory.selectors import gone_before

# Five years: the time in which somebody may sue.  Not shorter than the journal's lines are read for.
PROOF_DAYS, LEAST_DAYS = 1826, 365


def _told_of(cut: datetime, held: Collection[UUID]) -> QuerySet[Member]:
    return gone_before(cut, held).filter(pk__in=Disclosure.objects.values("member"))


def _decided(cut: datetime, held: Collection[UUID]) -> QuerySet[Member]:
    return gone_before(cut, held).filter(
        Q(pk__in=Consent.objects.values("member"))
        | Q(pk__in=ConsentAsked.objects.values("member"))
        | Q(pk__in=HubNotice.objects.values("member"))
    )


def _closed(cut: datetime, held: Collection[UUID]) -> QuerySet[ErasureRun]:
    return ErasureRun.objects.filter(closed_at__lt=cut).exclude(member__in=list(held))


def _forget_disclosures(members: Sequence[Any], _now: datetime) -> int:
    """And what tools are said to hold, which is made of them."""
    Holding.objects.filter(member__in=list(members)).delete()
    Disclosure.objects.filter(member__in=list(members)).go_with_member()
    return len(members)


def _forget_decisions(members: Sequence[Any], _now: datetime) -> int:
    Objection.objects.filter(member__in=list(members)).delete()
    ConsentAsked.objects.filter(member__in=list(members)).delete()
    HubNotice.objects.filter(member__in=list(members)).delete()
    Consent.objects.filter(member__in=list(members)).go_with_member()
    return len(members)


def _forget_runs(keys: Sequence[Any], _now: datetime) -> int:
    ErasureRun.objects.filter(pk__in=list(keys)).delete()
    return len(keys)


def _files_closed(cut: datetime, _held: Collection[UUID]) -> QuerySet[Incident]:
    return incidents.closed_before(cut)


def _forget_files(keys: Sequence[Any], _now: datetime) -> int:
    go_with_time(IncidentStep.objects.filter(incident__in=list(keys)))
    go_with_time(Incident.objects.filter(pk__in=list(keys)))
    return len(keys)


def categories() -> tuple[Category, ...]:
    return (
        Category(
            "disclosures",
            _("Transmissions aux outils, sans les valeurs"),
            DEPARTURE,
            Outcome.DELETE,
            PROOF_DAYS,
            _told_of,
            _forget_disclosures,
            least=LEAST_DAYS,
            by_departure=True,
        ),
        Category(
            "decisions",
            _("Informations lues, accords et oppositions"),
            DEPARTURE,
            Outcome.DELETE,
            PROOF_DAYS,
            _decided,
            _forget_decisions,
            least=LEAST_DAYS,
            by_departure=True,
        ),
        *requests.categories(),
        Category(
            "incidents",
            _("Violations de données : dossiers"),
            _("la clôture du dossier"),
            Outcome.DELETE,
            PROOF_DAYS,
            _files_closed,
            _forget_files,
            least=LEAST_DAYS,
        ),
        Category(
            "erasure_runs",
            _("Effacements : qui a été prévenu, et les réponses"),
            _("la clôture de l’effacement"),
            Outcome.DELETE,
            PROOF_DAYS,
            _closed,
            _forget_runs,
            least=LEAST_DAYS,
        ),
    )
