"""What a member arranged here, for the file they take with them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from consent.own.sections import text_of
from consent.own.types import Part, Row, Section
from idp.models import Tool
from launcher.models import Arrangement, Favourite


def _favourites(person: UUID) -> Iterator[Row]:
    for row in Favourite.objects.filter(member_id=person).select_related("tool").order_by("added_at"):
        yield Row({"tool": row.tool.slug, "added_at": text_of(row.added_at)}, row.tool.name)


def _arrangement(person: UUID) -> Iterator[Row]:
    for row in Arrangement.objects.filter(member_id=person):
        slugs = dict(Tool.objects.filter(pk__in=row.order).values_list("pk", "slug"))
        order = [slugs[pk] for pk in row.order if pk in slugs]
        yield Row({"order": order, "by_collective": row.by_collective, "one_key": row.one_key}, ", ".join(order))


SECTIONS = (
    Section("own_order", _("L’ordre de mes outils"), _arrangement, place=71),
    Section("favourites", _("Mes favoris"), _favourites, place=70),
)


def _arranged(person: UUID) -> dict[str, Any]:
    told: dict[str, Any] = {"favourites": [row.data["tool"] for row in _favourites(person)]}
    for row in _arrangement(person):
        told |= {"order": row.data["order"], "by_collective": row.data["by_collective"]}
    return {name: value for name, value in told.items() if value}


GIVEN = (Part("arrangement", _("Vos favoris et l’ordre de vos outils"), "hub-connexion", _arranged, place=50),)
