"""What the news forget when a member is erased.  Connected by ``NewsConfig.ready``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from directory.signals import members_ended, members_erased
from news.models import Brief, Delivery, Dismissal, FeedLink, Letter, Mute, Subscription


@receiver(members_ended)
def end_feeds(*, member_ids: Sequence[UUID], **_: Any) -> None:
    """In the transaction of the change: an address that ended does not come back with its member."""
    FeedLink.objects.filter(member_id__in=member_ids).delete()


@receiver(members_erased)
def forget_members(*, member_ids: Sequence[UUID], **_: Any) -> None:
    """In the transaction of the erasure, which is recorded.  What they wrote for a collective stays, without them."""
    FeedLink.objects.filter(member_id__in=member_ids).delete()
    Subscription.objects.filter(member_id__in=member_ids).delete()
    Mute.objects.filter(member_id__in=member_ids).delete()
    Delivery.objects.filter(member_id__in=member_ids).delete()
    Letter.objects.filter(author_id__in=member_ids).update(author=None)
    Dismissal.objects.filter(member_id__in=member_ids).delete()
    Brief.objects.filter(author_id__in=member_ids).update(author=None)
