"""What the pages of collectives forget when a member is erased.  Connected by ``CollectivesConfig.ready``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from collectives.models import Follow, MembershipChange
from directory.signals import members_erased


@receiver(members_erased)
def forget_follows(*, member_ids: Sequence[UUID], **_: Any) -> None:
    """In the transaction of the erasure, which is recorded."""
    Follow.objects.filter(member_id__in=member_ids).delete()
    MembershipChange.objects.filter(member_id__in=member_ids).delete()
    MembershipChange.objects.filter(by_id__in=member_ids).update(by=None)
