"""Removing what has expired, in small batches on indexed columns.  What tells of people goes by rules: ``idp.kept``."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import IntegrityError, OperationalError, connection, transaction
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
# Milliseconds.  After a second PostgreSQL sees who waits for whom, and ends either: a tool would be told to come again.
PATIENCE = 200
LOCK_NOT_AVAILABLE = "55P03"


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
            _give_way()
            return rows.filter(pk__in=keys).delete()[0]
    except IntegrityError:
        # A refresh was answered meanwhile on the ground of one of these codes: they go at the next turn.
        return 0
    except OperationalError as error:
        # One is being answered on the ground of these, and waits for them in turn.
        if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
            raise
        return 0


def _give_way() -> None:
    """Whoever is being served comes first; on SQLite there is one writer at a time in any case."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE}")
