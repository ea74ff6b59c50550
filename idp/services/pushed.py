"""Requests left with the hub before the browser comes: pushed by their tool (RFC 9126), or too long for an address."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from idp.models import PushedRequest, Tool
from idp.protocol.authorization import Pairs
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest

PREFIX = "urn:ietf:params:oauth:request_uri:"
# RFC 9126 §4 and FAPI 2.0 SP §5.3.2.2: time for one redirect.  What was opened in time waits in the browser's session.
LIFETIME = timedelta(seconds=60)
# A sign-in may last: until then a pushed request is known to be unanswered.
MEMORY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Left:
    """A request that was left here.  ``reference`` is the digest it is found by."""

    pairs: Pairs
    reference: str
    signed: bool


def push(*, tool: Tool, pairs: Pairs, signed: bool, now: datetime) -> tuple[str, int]:
    """Keep a checked request of an authenticated tool; its ``request_uri`` and the seconds it may be opened in."""
    request_uri = PREFIX + secrets.token_urlsafe(32)
    _keep(request_uri, tool, pairs, signed=signed, now=now)
    return request_uri, int(LIFETIME.total_seconds())


def take(request_uri: str, tool: Tool | None, now: datetime) -> Left:
    """Raises ``ProtocolError``: RFC 9101 §6.2, only what this very tool pushed a moment ago and nobody answered yet."""
    if not request_uri.startswith(PREFIX):
        raise ProtocolError("request_uri_not_supported", "only pushed requests are read")
    left = _find(request_uri, tool, now)
    if left is None:
        raise ProtocolError("invalid_request_uri", "this request is unknown, over or answered", detail="request_uri")
    return left


def relay(*, tool: Tool, pairs: Pairs, now: datetime) -> str:
    """Keep a request that came by POST until the browser repeats it by GET; the key it is found by.

    Nobody proved anything: what is kept is read again as if it came with the browser.
    """
    key = secrets.token_urlsafe(24)
    # No answer is waited for, so it is as one that was given: the row goes when its minute is over.
    _keep(f"relay:{key}", tool, pairs, signed=False, now=now, used_at=now)
    return key


def relayed(key: str, now: datetime) -> Pairs | None:
    row = PushedRequest.objects.filter(digest=digest(f"relay:{key}"), expires_at__gt=now).first()
    return _pairs(row.pairs["pairs"]) if row else None


def spend(reference: str, *, now: datetime) -> None:
    """The request is answered with a code now, once.  Raises ``ProtocolError`` when it was before.

    One UPDATE decides, so that of two browsers with one ``request_uri`` only one gets a code (FAPI 2.0 SP §5.3.2.2).
    """
    if not PushedRequest.objects.filter(digest=reference, used_at=None).update(used_at=now):
        raise ProtocolError("invalid_request_uri", "this request is answered", detail="request_uri_used")


def over(now: datetime) -> QuerySet[PushedRequest]:
    """What nobody will ask for again.  An answered request and one that is gone are refused alike."""
    late = PushedRequest.objects.filter(expires_at__lt=now).order_by("expires_at")
    return late.filter(Q(used_at__isnull=False) | Q(expires_at__lt=now - MEMORY))


def _keep(name: str, tool: Tool, pairs: Pairs, *, signed: bool, now: datetime, used_at: datetime | None = None) -> None:
    PushedRequest.objects.create(
        digest=digest(name),
        tool=tool,
        pairs={"pairs": [list(pair) for pair in pairs], "signed": signed},
        expires_at=now + LIFETIME,
        used_at=used_at,
    )


def _find(request_uri: str, tool: Tool | None, now: datetime) -> Left | None:
    if tool is None:
        return None
    row = PushedRequest.objects.filter(
        digest=digest(request_uri), tool_id=tool.pk, expires_at__gt=now, used_at=None
    ).first()
    return Left(_pairs(row.pairs["pairs"]), row.digest, bool(row.pairs["signed"])) if row else None


def _pairs(kept: list[list[str]]) -> Pairs:
    return tuple((name, value) for name, value in kept)
