"""Back-channel logout notices: taken from the outbox, sent, retried, and visibly given up in the end."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from audit.services import record, record_all
from audit.types import SYSTEM, Action, Entry
from consent import selectors as consent_selectors
from consent import services as consent_services
from consent.types import Channel, Disclosed
from idp import claims, outgoing
from idp.models import LogoutDelivery
from idp.protocol.tokens import logout_token
from idp.services import keys
from idp.types import DeliveryState

# The lease is longer than the longest call; a worker killed while sending leaves the row due again after it.
LEASE = timedelta(seconds=20)
BACK_OFF = tuple(timedelta(seconds=s) for s in (2, 5, 15, 30, 120, 600, 3600, 6 * 3600, 24 * 3600))
# 400 is what some tools answer for "already signed out"; nothing more can be ended there.
DONE = frozenset({200, 204, 400})


def deliver_due(*, now: datetime, limit: int = 20) -> int:
    """Send what is due and return how many were tried.  Any number of workers may call it at once."""
    due = _claim(now=now, limit=limit)
    for delivery in due:
        _deliver(delivery, now=now)
    return len(due)


@transaction.atomic
def _claim(*, now: datetime, limit: int) -> list[LogoutDelivery]:
    rows = LogoutDelivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=now).order_by("next_at")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    claimed = [row.pk for row in rows[:limit]]
    LogoutDelivery.objects.filter(pk__in=claimed).update(next_at=now + LEASE)
    return list(
        LogoutDelivery.objects.filter(pk__in=claimed).select_related(
            "tool_session__tool", "tool_session__hub_session__member"
        )
    )


def _deliver(delivery: LogoutDelivery, *, now: datetime) -> None:
    tool_session = delivery.tool_session
    tool, session = tool_session.tool, tool_session.hub_session
    token = logout_token(
        issuer=settings.ISSUER,
        subject=claims.subject(session.member, tool),
        client_id=tool.client_id,
        sid=tool_session.sid,
        jti=secrets.token_urlsafe(16),
        now=now,
        lifetime=settings.LOGOUT_TOKEN_LIFETIME,
    )
    release = consent_selectors.release(session.member_id, tool.pk, frozenset({"openid"}))
    disclosed = Disclosed(
        session.member_id, tool.pk, Channel.LOGOUT_TOKEN, frozenset({"identifier", "session"}), release, session.pk
    )
    # The ledger says it before it leaves: a crash in between over-reports, and never under-reports.
    with transaction.atomic():
        record_all(consent_services.disclose([disclosed], now=now))
    try:
        status = outgoing.post_form(tool.backchannel_logout_uri, {"logout_token": keys.sign(token, typ="logout+jwt")})
        result, done = f"http_{status}", status in DONE
    except (outgoing.OutgoingFailed, outgoing.OutgoingRefused) as error:
        result, done = str(error), False
    _settle(delivery, result=result, done=done, now=now)


@transaction.atomic
def _settle(delivery: LogoutDelivery, *, result: str, done: bool, now: datetime) -> None:
    attempts = delivery.attempts + 1
    given_up = not done and attempts > len(BACK_OFF)
    changes: dict[str, object] = {"attempts": attempts, "last_result": result[:60]}
    if done:
        changes.update(state=DeliveryState.DONE, done_at=now)
    elif given_up:
        changes.update(state=DeliveryState.FAILED)
    else:
        changes.update(next_at=now + BACK_OFF[attempts - 1])
    LogoutDelivery.objects.filter(pk=delivery.pk).update(**changes)
    if done or given_up or attempts == 1:
        record(
            Entry(
                Action.LOGOUT_DELIVERED if done else Action.LOGOUT_FAILED,
                actor=SYSTEM,
                subject=delivery.tool_session.hub_session.member_id,
                tool=delivery.tool_session.tool_id,
                session=delivery.tool_session.hub_session_id,
                refused=not done,
                reason="" if done else result[:60],
                facts={"attempts": attempts},
                at=now,
            )
        )
