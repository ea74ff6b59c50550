"""Removing what has expired, in small batches on indexed columns.  What tells of people goes by rules: ``idp.kept``."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from idp.models import (
    AccessToken,
    DeviceGrant,
    Grant,
    LogoutDelivery,
    RefreshToken,
    SeenIdentifier,
)
from idp.services import pushed
from idp.services.accounts import browsers
from idp.types import DeliveryState

BATCH = 500
# A used code is kept so that its replay is recognised; and both until the journal was compared with them at night.
CODE_MEMORY = timedelta(hours=36)
TOKEN_MEMORY = timedelta(hours=36)
# The technician's log of notices; the journal keeps their lines.
NOTICE_MEMORY = timedelta(days=90)
# A device that asks late is told that its code is too old, not that it never was.
DEVICE_MEMORY = timedelta(hours=1)


def purge_expired(*, now: datetime) -> int:
    """Delete expired codes, tokens and cookie sessions; returns how many rows went.  Nothing here is a proof."""
    expired: tuple[QuerySet[Any], ...] = (
        AccessToken.objects.filter(expires__lt=now - TOKEN_MEMORY).order_by("expires"),
        RefreshToken.objects.filter(expires__lt=now).order_by("expires"),
        Grant.objects.filter(expires__lt=now - CODE_MEMORY).order_by("expires"),
        LogoutDelivery.objects.exclude(state=DeliveryState.WAITING).filter(next_at__lt=now - NOTICE_MEMORY),
        DeviceGrant.objects.filter(expires__lt=now - DEVICE_MEMORY).order_by("expires"),
        pushed.over(now),
        browsers.over(now),
        SeenIdentifier.objects.filter(expires_at__lt=now).order_by("expires_at"),
        Session.objects.filter(expire_date__lt=now).order_by("expire_date"),
    )
    return sum(_delete_batch(rows) for rows in expired)


def _delete_batch(rows: QuerySet[Any]) -> int:
    """The oldest first: asked in the order of its index, a large table is not read to find a few rows in it."""
    keys = list(rows.values_list("pk", flat=True)[:BATCH])
    if not keys:
        return 0
    try:
        with transaction.atomic():
            return rows.filter(pk__in=keys).delete()[0]
    except IntegrityError:
        # A refresh was answered meanwhile on the ground of one of these codes: they go at the next turn.
        return 0
