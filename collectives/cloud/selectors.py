"""Reading the cloud for whoever is in a collective: bounded, kept for minutes, and its silence said."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from collectives.cloud import dav
from collectives.cloud.dav import Document, Event, Unreadable
from collectives.models import CollectivePage
from idp import outgoing
from idp.outgoing import OutgoingFailed, OutgoingRefused

KEPT_SECONDS, SILENCE_SECONDS = 300, 60
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Held:
    """What the cloud holds; None for what is not set, and ``is_silent`` where it did not answer as it should."""

    documents: list[Document] | None = None
    events: list[Event] | None = None
    is_silent: bool = False
    folder_address: str = ""


def is_configured() -> bool:
    """Whether there is a cloud, and an account to read it as, over TLS or on this machine (RFC 7617 §4)."""
    parts = urlsplit(settings.CLOUD_URL)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    return bool(is_safe and settings.CLOUD_USER and settings.CLOUD_PASSWORD)


def held(page: CollectivePage | None, now: datetime) -> Held | None:
    """For one collective; None where nothing of it is in a cloud."""
    if page is None or not is_configured() or not (page.folder or page.calendar):
        return None
    found: dict[str, Any] = {}
    silent = False
    if page.folder:
        path = dav.folder_path(settings.CLOUD_USER, page.folder)
        found["documents"] = _kept("PROPFIND", path, dav.PROPFIND, lambda body: dav.documents(body, path))
        found["folder_address"] = f"{settings.CLOUD_URL.rstrip('/')}/apps/files/?dir=/{quote(page.folder)}"
        silent = found["documents"] is None
    if page.calendar:
        path, zone = dav.calendar_path(settings.CLOUD_USER, page.calendar), timezone.get_default_timezone()
        found["events"] = _kept("REPORT", path, dav.report(now), lambda body: dav.events(body, now=now, zone=zone))
        silent = silent or found["events"] is None
    return Held(**found, is_silent=silent)


def _kept(method: str, path: str, body: str, read: Callable[[bytes], Answer]) -> Answer | None:
    """The last answer of some minutes; silence is kept, too, so that nobody waits for it again and again."""
    name = hashlib.sha256(f"{settings.CLOUD_URL} {settings.CLOUD_USER} {method} {path}".encode()).hexdigest()[:32]
    kept = cache.get(f"cloud:{name}")
    if kept is not None:
        return kept[0]  # type: ignore[no-any-return]
    answer: Answer | None
    try:
        answer = read(_asked(method, path, body))
    except (OutgoingFailed, OutgoingRefused, Unreadable):
        answer = None
    cache.set(f"cloud:{name}", (answer,), KEPT_SECONDS if answer is not None else SILENCE_SECONDS)
    return answer


def _asked(method: str, path: str, body: str) -> bytes:
    word = base64.b64encode(f"{settings.CLOUD_USER}:{settings.CLOUD_PASSWORD}".encode()).decode()
    return outgoing.ask_dav(
        method,
        settings.CLOUD_URL.rstrip("/") + path,
        body,
        authorization=f"Basic {word}",
        max_bytes=dav.MOST_BYTES,
    )
