"""Logout notices: the front channel's addresses, and the back channel's outbox, sent, retried and visibly given up.

At least once: a notice leaves the outbox only with the tool's answer written down.  Notices are sent side by side, and
a tool that does not answer takes one place at a time, so that it costs the others nothing.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from consent import selectors as consent_selectors
from consent.ledger.services import disclose
from consent.types import Channel, Disclosed
from idp import claims, outgoing
from idp.models import LogoutDelivery, ToolSession
from idp.protocol import redirects
from idp.protocol.tokens import logout_token
from idp.services import keys
from idp.types import DeliveryState

log = logging.getLogger("idp.deliveries")

# A call that is not over by then counts as unanswered: looking up a name has no limit of its own.
CALL_SECONDS = 10.0
# Longer than the longest call; a worker killed while sending leaves the row due again after it.
LEASE = timedelta(seconds=20)
BACK_OFF = tuple(timedelta(seconds=s) for s in (2, 5, 15, 30, 120, 600, 3600, 6 * 3600, 24 * 3600))
# 400 is what some tools answer for "already signed out"; nothing more can be ended there.
DONE = frozenset({200, 204, 400})
# Calls at once: one for each tool, four for a tool that has answered; tools that do not answer share half the places.
PLACES = 32
PLACES_PER_TOOL = 4
PLACES_FOR_FAILING = PLACES // 2


# The front channel -------------------------------------------------------------------------------------------


def front_channel_uri(session: ToolSession) -> str:
    """OIDC Front-Channel Logout §2: the tool's own query kept, ``iss`` and ``sid`` added where it wants them."""
    named = {"iss": settings.ISSUER, "sid": session.sid} if session.tool.frontchannel_logout_session_required else {}
    return redirects.answer_uri(session.tool.frontchannel_logout_uri, named)


@transaction.atomic
def note_front_channel(ended: Sequence[ToolSession], *, now: datetime) -> None:
    """The ledger is told of the session numbers that the browser is about to carry to these tools."""
    leaving = [
        Disclosed(
            session.hub_session.member_id,
            session.tool_id,
            Channel.LOGOUT_TOKEN,
            frozenset({"session"}),
            consent_selectors.release(session.hub_session.member_id, session.tool_id, frozenset()),
            session.hub_session_id,
        )
        for session in ended
        if session.tool.frontchannel_logout_session_required
    ]
    disclose(leaving, now=now)


# The outbox --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A notice that may go now."""

    pk: int
    tool: int


@dataclass(slots=True)
class Places:
    """Who may be called now: values in, values out.  ``busy`` counts the calls on their way, by tool."""

    busy: Counter[int] = field(default_factory=Counter)
    answering: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)

    def choose(self, due: Iterable[Due]) -> list[Due]:
        """The notices to send now, the longest due first; those for tools that fail come last."""
        busy, chosen = Counter(self.busy), []
        failing = sum(count for tool, count in busy.items() if tool in self.failing)
        for each in sorted(due, key=lambda each: each.tool in self.failing):
            if busy.total() >= PLACES:
                break
            if busy[each.tool] >= (PLACES_PER_TOOL if each.tool in self.answering else 1):
                continue
            if each.tool in self.failing:
                if failing >= PLACES_FOR_FAILING:
                    continue
                failing += 1
            busy[each.tool] += 1
            chosen.append(each)
        return chosen

    def note(self, tool: int, *, answered: bool) -> None:
        (self.answering if answered else self.failing).add(tool)
        (self.failing if answered else self.answering).discard(tool)


@dataclass(frozen=True, slots=True)
class Call:
    """A notice on its way."""

    delivery: LogoutDelivery
    answer: "Future[int]"
    since: float

    @property
    def tool(self) -> int:
        return self.delivery.tool_session.tool_id


class Dispatcher:
    """The worker's hands: takes what is due, sends it, and writes down the answers, without waiting for any of them.

    Any number of workers may run one.  Threads send and do nothing else: the database belongs to the caller's thread.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=PLACES, thread_name_prefix="notice")
        self._calls: list[Call] = []
        # Given up on, but still holding a thread of the pool.
        self._stuck: list[Call] = []
        self._places = Places()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def waiting(self) -> bool:
        return bool(self._calls)

    def turn(self, *, now: datetime) -> int:
        """Write down what was answered, then send what is due; returns how many were sent."""
        self._settle_answered(now=now)
        self._stuck = [call for call in self._stuck if not call.answer.done()]
        self._places.busy = Counter(call.tool for call in (*self._calls, *self._stuck))
        begun = _claim(self._places, now=now)
        for delivery in begun:
            self._send(delivery, now=now)
        return len(begun)

    def wait(self, seconds: float) -> None:
        """Until something was answered, or for so long."""
        wait([call.answer for call in self._calls], timeout=seconds, return_when=FIRST_COMPLETED)

    def close(self, *, now: datetime) -> None:
        """Write down what is still being answered; what is not stays due (its lease runs out)."""
        wait([call.answer for call in self._calls], timeout=CALL_SECONDS)
        self._settle_answered(now=now)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, delivery: LogoutDelivery, *, now: datetime) -> None:
        tool = delivery.tool_session.tool
        try:
            form = {"logout_token": _signed(delivery, now=now)}
        except Exception as error:
            # One notice that cannot be made must not hold up the others.
            log.error("notice %s cannot be made: %s", delivery.pk, type(error).__name__)
            _settle(delivery, result=f"fault_{type(error).__name__}", done=False, now=now)
            return
        answer = self._pool.submit(outgoing.post_form, tool.backchannel_logout_uri, form)
        self._calls.append(Call(delivery, answer, monotonic()))

    def _settle_answered(self, *, now: datetime) -> None:
        for call in list(self._calls):
            late = monotonic() - call.since > CALL_SECONDS
            if not call.answer.done() and not late:
                continue
            self._calls.remove(call)
            result, done = _result(call) if call.answer.done() else ("timeout", False)
            if not call.answer.done():
                self._stuck.append(call)
            self._places.note(call.tool, answered=result.startswith("http_") and not result.startswith("http_5"))
            _settle(call.delivery, result=result, done=done, now=now)


def _result(call: Call) -> tuple[str, bool]:
    try:
        status = call.answer.result()
    except (outgoing.OutgoingFailed, outgoing.OutgoingRefused) as error:
        return str(error), False
    except Exception as error:
        log.error("notice %s failed: %s", call.delivery.pk, type(error).__name__)
        return f"fault_{type(error).__name__}", False
    return f"http_{status}", status in DONE


def _claim(places: Places, *, now: datetime) -> list[LogoutDelivery]:
    """The notices to send now, taken.

    Of each tool only the first few are looked at: a thousand notices for a tool that is down hide nobody else's.
    """
    turn = Window(RowNumber(), partition_by=F("tool_session__tool_id"), order_by=(F("next_at"), F("pk")))
    first = _due(now).annotate(turn=turn).filter(turn__lte=PLACES_PER_TOOL).order_by("next_at", "pk")
    found = [Due(pk, tool) for pk, tool in first.values_list("pk", "tool_session__tool_id")]
    chosen = places.choose(found)
    return _take([each.pk for each in chosen], now=now) if chosen else []


@transaction.atomic
def _take(chosen: Collection[int], *, now: datetime) -> list[LogoutDelivery]:
    """Out of every other worker's reach for the length of the lease; what one of them took meanwhile is left out."""
    rows = _due(now).filter(pk__in=chosen)
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    taken = [row.pk for row in rows]
    LogoutDelivery.objects.filter(pk__in=taken).update(next_at=now + LEASE)
    mine = LogoutDelivery.objects.filter(pk__in=taken).order_by("pk")
    return list(mine.select_related("tool_session__tool", "tool_session__hub_session__member"))


def _due(now: datetime) -> QuerySet[LogoutDelivery]:
    return LogoutDelivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=now)


def _signed(delivery: LogoutDelivery, *, now: datetime) -> str:
    tool_session = delivery.tool_session
    tool, session = tool_session.tool, tool_session.hub_session
    subject = claims.subject(session.member, tool)
    payload = logout_token(
        issuer=settings.ISSUER,
        subject=subject,
        client_id=tool.client_id,
        sid=tool_session.sid,
        jti=secrets.token_urlsafe(16),
        now=now,
        lifetime=settings.LOGOUT_TOKEN_LIFETIME,
    )
    if not subject:
        # OIDC Back-Channel Logout §2.4: ``sid`` alone will do.
        del payload["sub"]
    if delivery.attempts == 0:
        _note_disclosure(delivery, identified=bool(subject), now=now)
    # §2.6: as the tool's ID tokens are signed.
    return keys.sign(payload, alg=tool.algorithm, typ="logout+jwt")


@transaction.atomic
def _note_disclosure(delivery: LogoutDelivery, *, identified: bool, now: datetime) -> None:
    """The ledger says it before it leaves, once a notice: a crash in between over-reports, and never under-reports."""
    tool_session = delivery.tool_session
    session = tool_session.hub_session
    items = frozenset({"identifier", "session"} if identified else {"session"})
    release = consent_selectors.release(session.member_id, tool_session.tool_id, frozenset())
    disclosed = Disclosed(session.member_id, tool_session.tool_id, Channel.LOGOUT_TOKEN, items, release, session.pk)
    disclose([disclosed], now=now)


@transaction.atomic
def _settle(delivery: LogoutDelivery, *, result: str, done: bool, now: datetime) -> None:
    attempts = delivery.attempts + 1
    given_up = not done and attempts > len(BACK_OFF)
    changes: dict[str, object] = {"attempts": attempts, "last_result": result[:60], "tried_at": now}
    if done:
        changes.update(state=DeliveryState.DONE, done_at=now)
    elif given_up:
        changes.update(state=DeliveryState.FAILED)
    else:
        changes.update(next_at=now + BACK_OFF[attempts - 1])
    LogoutDelivery.objects.filter(pk=delivery.pk).exclude(state=DeliveryState.DONE).update(**changes)
    if done and attempts > 1:
        _hurry(delivery.tool_session.tool_id, now=now)
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


def _hurry(tool_id: int, *, now: datetime) -> None:
    """The tool answers again: what waits for it goes now.  What is under a lease is on its way already."""
    LogoutDelivery.objects.filter(
        tool_session__tool_id=tool_id, state=DeliveryState.WAITING, attempts__gt=0, next_at__gt=now + LEASE
    ).update(next_at=now)


# By hand -----------------------------------------------------------------------------------------------------


@transaction.atomic
def retry(*, tool_id: int, delivery_ids: Collection[int] | None = None, actor: Actor, now: datetime) -> int:
    """Make a tool's waiting and given-up notices due now, with all their attempts before them; returns how many.

    ``delivery_ids`` limits that to some.  Nothing is recorded when there is nothing to send.
    """
    rows = LogoutDelivery.objects.filter(tool_session__tool_id=tool_id).exclude(state=DeliveryState.DONE)
    # What goes within the length of a lease goes anyhow, or is on its way.
    rows = rows.exclude(state=DeliveryState.WAITING, next_at__lte=now + LEASE)
    if delivery_ids is not None:
        rows = rows.filter(pk__in=delivery_ids)
    count = rows.update(state=DeliveryState.WAITING, attempts=0, next_at=now)
    if count:
        record(Entry(Action.LOGOUT_RETRIED, actor=actor, tool=tool_id, facts={"notices": count}, at=now))
    return count
