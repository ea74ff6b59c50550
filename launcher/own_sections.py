"""What a member arranged here, for the file they take with them."""

from collections.abc import Iterator
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from consent.own.sections import text_of
from consent.own.types import Row, Section
from launcher.models import Favourite


def _favourites(person: UUID) -> Iterator[Row]:
    for row in Favourite.objects.filter(member_id=person).select_related("tool").order_by("added_at"):
        yield Row({"tool": row.tool.slug, "added_at": text_of(row.added_at)}, row.tool.name)


SECTIONS = (Section("favourites", _("Mes favoris"), _favourites, place=70),)
