"""What a member follows, for the file they take with them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from collectives.models import Follow
from consent.own.sections import text_of
from consent.own.types import Part, Row, Section


def _follows(person: UUID) -> Iterator[Row]:
    for row in Follow.objects.filter(member_id=person).select_related("collective").order_by("since"):
        yield Row({"collective": row.collective.slug, "since": text_of(row.since)}, row.collective.name)


SECTIONS = (Section("followed_collectives", _("Les collectifs que je suis"), _follows, place=72),)


def _followed(person: UUID) -> list[dict[str, Any]]:
    return [row.data | {"name": row.said} for row in _follows(person)]


GIVEN = (Part("followed_collectives", _("Les collectifs que vous suivez"), "hub-collectifs", _followed, place=60),)
