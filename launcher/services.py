"""Changing what a member arranges on their page."""

from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from launcher.models import Favourite


@transaction.atomic
def toggle_favourite(*, actor: Actor, member_id: UUID, tool_id: int) -> bool:
    """Put a tool on top, or back; returns whether it is a favourite now."""
    removed, _ = Favourite.objects.filter(member_id=member_id, tool_id=tool_id).delete()
    if not removed:
        Favourite.objects.get_or_create(member_id=member_id, tool_id=tool_id)
    record(
        Entry(
            Action.FAVOURITE_CHANGED,
            actor=actor,
            subject=member_id,
            tool=tool_id,
            facts={"favourite": not removed},
        )
    )
    return not removed
