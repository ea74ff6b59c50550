"""Reading directions: by whoever left them; for all others that there are some."""

import json
from uuid import UUID

from audit.sealing import InvalidToken, unseal
from consent.directions.models import Directions
from consent.directions.types import Said

PURPOSE = "consent.directions"


def own(member_id: UUID) -> Said | None:
    """What this person left; what an officer reads goes by ``services.read``, and stands in the journal."""
    row = Directions.objects.filter(pk=member_id).first()
    return opened(row) if row else None


def opened(row: Directions) -> Said:
    try:
        said = json.loads(unseal(bytes(row.sealed), purpose=PURPOSE))
    except InvalidToken:
        return Said("", "", row.left_at, row.changed_at, is_readable=False)
    return Said(said["text"], said["contact"], row.left_at, row.changed_at)


def has_left(member_id: UUID) -> bool:
    return Directions.objects.filter(pk=member_id).exists()
