"""What a member follows, for the file they take with them."""

from collections.abc import Iterator
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from collectives.models import Follow
from consent.own.sections import text_of
from consent.own.types import Row, Section


def _follows(person: UUID) -> Iterator[Row]:
    for row in Follow.objects.filter(member_id=person).select_related("collective").order_by("since"):
        yield Row({"collective": row.collective.slug, "since": text_of(row.since)}, row.collective.name)


SECTIONS = (Section("followed_collectives", _("Les collectifs que je suis"), _follows, place=72),)
