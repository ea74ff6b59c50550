"""What of people's own is kept here for how long: handed to the journal's rules when the apps are ready."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit.keeping.data import Category, Outcome
from directory.models import Member, MemberPhoto, Profile
from directory.selectors import gone_before

DEPARTURE = _("le départ de la personne")


def _with_details(cut: datetime, held: Collection[UUID]) -> QuerySet[Member]:
    return gone_before(cut, held).filter(erased_at=None)


def _photos(cut: datetime, held: Collection[UUID]) -> QuerySet[MemberPhoto]:
    return MemberPhoto.objects.filter(member__in=gone_before(cut, held))


def forget_photos(members: Sequence[Any], _now: datetime) -> int:
    """At the end of their period, or with all the rest of somebody."""
    return MemberPhoto.objects.filter(member__in=list(members)).delete()[0]


def _profiles(cut: datetime, held: Collection[UUID]) -> QuerySet[Profile]:
    return Profile.objects.filter(member__in=gone_before(cut, held))


def forget_profiles(members: Sequence[Any], _now: datetime) -> int:
    return Profile.objects.filter(member__in=list(members)).delete()[0]


def categories() -> tuple[Category, ...]:
    return (
        Category(
            "details",
            _("Coordonnées des personnes parties"),
            DEPARTURE,
            Outcome.ANONYMISE,
            settings.LEAVER_RETENTION // timedelta(days=1),
            _with_details,
            # By their own turn, each hour, which stops where they are too many at once.
            None,
            by_departure=True,
        ),
        Category(
            "photo", _("Photos"), DEPARTURE, Outcome.DELETE, 90, _photos, forget_photos, least=30, by_departure=True
        ),
        Category(
            "profile",
            _("Ce que les membres montrent d’eux-mêmes"),
            DEPARTURE,
            Outcome.DELETE,
            90,
            _profiles,
            forget_profiles,
            least=1,
            by_departure=True,
        ),
    )
