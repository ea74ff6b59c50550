"""What surrounds accounts is kept for so long: handed to the journal's rules when the apps are ready."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audit.keeping.data import Category, Due, Outcome, deleted
from directory.kept import DEPARTURE
from directory.models import Member
from directory.selectors import gone_before
from idp.models import AccountLink, Admission, Alarm, HubSession, OutgoingMail, Recovery
from idp.services.accounts import attached
from idp.types import LIVE_ADMISSIONS, OutgoingState, RecoveryState

# Mails that left, links that are over, and from where somebody signed in; the journal keeps their lines.
ACCOUNT_DAYS = 90
# What the office dealt with: long enough to look back at a year.
HELP_DAYS = 365


def _with_factors(cut: datetime, held: Collection[UUID]) -> QuerySet[Member]:
    having = Authenticator.objects.values("user")
    return gone_before(cut, held).filter(pk__in=having)


def _past(rows: Callable[[], QuerySet[Any]], end: str) -> Due:
    """Rows of members whose own end came before a moment, but of these people."""

    def due(cut: datetime, held: Collection[UUID]) -> QuerySet[Any]:
        # A mail to nobody’s account has no member, and goes as well.
        about_them = Q(member__in=list(held)) & Q(member__isnull=False)
        return rows().filter(~about_them, **{f"{end}__lt": cut})

    return due


def _forget_factors(members: Sequence[Any], now: datetime) -> int:
    return attached.forget_factors(list(members), now=now)


def _forget_places(keys: Sequence[Any], _now: datetime) -> int:
    return attached.forget_places(HubSession.objects.filter(pk__in=list(keys)))


def _mails() -> QuerySet[OutgoingMail]:
    return OutgoingMail.objects.exclude(state=OutgoingState.WAITING)


def _recoveries() -> QuerySet[Recovery]:
    return Recovery.objects.exclude(state=RecoveryState.ASKED)


def _admissions() -> QuerySet[Admission]:
    return Admission.objects.exclude(state__in=LIVE_ADMISSIONS)


def _placed() -> QuerySet[HubSession]:
    return HubSession.objects.filter(~Q(label="") | ~Q(network=""))


def categories() -> tuple[Category, ...]:
    return (
        Category(
            "factors",
            _("Clés d’accès et codes"),
            DEPARTURE,
            Outcome.DELETE,
            180,
            _with_factors,
            _forget_factors,
            least=30,
            by_departure=True,
        ),
        Category(
            "places",
            _("Lieux et appareils des connexions"),
            _("la fin de la session"),
            Outcome.ANONYMISE,
            ACCOUNT_DAYS,
            _past(_placed, "ended_at"),
            _forget_places,
        ),
        Category(
            "mails",
            _("Courriers partis : à qui, quand, de quelle sorte"),
            _("l’envoi"),
            Outcome.DELETE,
            ACCOUNT_DAYS,
            _past(_mails, "done_at"),
            deleted(_mails),
        ),
        Category(
            "links",
            _("Liens reçus"),
            _("le terme du lien"),
            Outcome.DELETE,
            ACCOUNT_DAYS,
            _past(AccountLink.objects.all, "expires_at"),
            deleted(AccountLink.objects.all),
        ),
        Category(
            "alarms",
            _("Alertes « ce n’était pas moi »"),
            _("le traitement de l’alerte"),
            Outcome.DELETE,
            HELP_DAYS,
            _past(Alarm.objects.all, "settled_at"),
            deleted(Alarm.objects.all),
        ),
        Category(
            "recoveries",
            _("Récupérations de compte"),
            _("la demande"),
            Outcome.DELETE,
            HELP_DAYS,
            _past(_recoveries, "asked_at"),
            deleted(_recoveries),
        ),
        Category(
            "admissions",
            _("Accès à des outils, demandés et accordés"),
            _("le refus ou la fin de l’accès"),
            Outcome.DELETE,
            HELP_DAYS,
            _past(_admissions, "ended_at"),
            deleted(_admissions),
        ),
    )
