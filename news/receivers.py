"""What the news forget when a member is gone or out of a collective, or somebody else was there.

Connected by ``NewsConfig.ready``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.dispatch import receiver

from collectives.signals import unfollowed
from directory.signals import collective_became_sensitive, members_ended, members_erased, memberships_ended
from idp.signals import alarm_raised
from news import feeds
from news.models import Brief, Delivery, Dismissal, FeedLink, Letter, Mute, Subscription


@receiver(members_ended)
def end_feeds(*, member_ids: Sequence[UUID], **_: Any) -> None:
    """In the transaction of the change: an address that ended does not come back with its member."""
    FeedLink.objects.filter(member_id__in=member_ids).delete()


@receiver(alarm_raised)
def end_feeds_of_alarm(*, member_id: UUID, **_: Any) -> None:
    """Whoever was there may have made themselves an address, which needs no signing in."""
    FeedLink.objects.filter(member_id=member_id).delete()


@receiver(memberships_ended)
def end_feeds_of_left(*, member_ids: Sequence[UUID], **_: Any) -> None:
    feeds.end_where_out(Q(member_id__in=member_ids))


@receiver(unfollowed)
def end_feed_of_unfollowed(*, member_id: UUID, collective_id: UUID, **_: Any) -> None:
    feeds.end_where_out(Q(member_id=member_id, collective_id=collective_id))


@receiver(collective_became_sensitive)
def end_feeds_of_sensitive(*, collective_id: UUID, **_: Any) -> None:
    feeds.end_where_out(Q(collective_id=collective_id))


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
