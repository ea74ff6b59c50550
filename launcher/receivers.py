"""What the launcher forgets when a member is erased.  Connected by ``LauncherConfig.ready``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.dispatch import receiver

from directory.signals import members_erased
from launcher.models import Arrangement, CardLook, Favourite, PeopleDay


@receiver(members_erased)
def forget_arrangements(*, member_ids: Sequence[UUID], **_: Any) -> None:
    """In the transaction of the erasure, which is recorded."""
    Favourite.objects.filter(member_id__in=member_ids).delete()
    Arrangement.objects.filter(member_id__in=member_ids).delete()


@receiver(members_erased)
def forget_looks(*, member_ids: Sequence[UUID], **_: Any) -> None:
    """Theirs and those at them: the journal has its own rule for its lines."""
    PeopleDay.objects.filter(member_id__in=member_ids).delete()
    CardLook.objects.filter(Q(reader_id__in=member_ids) | Q(member_id__in=member_ids)).delete()
