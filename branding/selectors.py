"""Reading the look: every page asks, so it is known for a few seconds, and an error page asks no database."""

import hashlib
import threading

from cachetools import TTLCache
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import get_language

from branding.models import ONLY, Look
from branding.types import Shown

SECONDS = 5
# As hub.css has them.
ACCENT, SECOND = "#9d2139", "#2f5468"
# Part of every address: what is drawn otherwise has another one.
VERSION = "1"
_known: TTLCache[None, Shown] = TTLCache(maxsize=1, ttl=SECONDS)
_last: Shown | None = None
_lock = threading.Lock()


def shown() -> Shown:
    """As it was a few seconds ago at most; while the database is away, as it was last.

    Else the page to sign in, which asks it nothing besides, would be away as well.
    """
    global _last
    with _lock:
        known = _known.get(None)
    if known is None:
        try:
            known = shown_of(row())
        except (OperationalError, InterfaceError):
            known = last_shown()
        with _lock:
            _known[None] = _last = known
    return known


def last_shown() -> Shown:
    """Whatever this process knew last: for a page that must need no database."""
    return _last or shown_of(None)


def forget() -> None:
    """Nothing was shown yet: what one test saw is not the next one's."""
    global _last
    with _lock:
        _known.clear()
        _last = None


def renew() -> None:
    """Read it again at its next use, after a change made by this process; an error page keeps what was shown last."""
    with _lock:
        _known.clear()


def renew_now_and_after() -> None:
    renew()
    transaction.on_commit(renew)


def cooperative(language: str = "") -> str:
    """Its name, in this language or in the one that is spoken."""
    return shown().name(language or get_language() or settings.LANGUAGE_CODE)


def names() -> list[str]:
    """Every name it goes by."""
    return list(dict.fromkeys(name for _language, name in shown().names if name))


def row() -> Look | None:
    return Look.objects.filter(pk=ONLY).first()


def logo() -> bytes:
    """PNG; empty where there is none."""
    content = Look.objects.filter(pk=ONLY).values_list("logo", flat=True).first()
    return bytes(content or b"")


def shown_of(look: Look | None) -> Shown:
    """``digest`` stands for all that is drawn from it; what stays the same keeps its address."""
    chosen = look or Look()
    names = (("fr", chosen.name_fr or settings.COOPERATIVE), ("en", chosen.name_en))
    accent, second, mark = chosen.accent, chosen.second, bytes(chosen.logo)
    drawn = hashlib.sha256("\n".join((VERSION, accent, second)).encode() + mark).hexdigest()[:16]
    return Shown(
        names=names,
        short_name=chosen.short_name or "Trousseau",
        accent=accent,
        second=second,
        logo=hashlib.sha256(mark).hexdigest()[:16] if mark else "",
        digest=drawn,
        is_own=look is not None,
    )
