"""The authorization requests that wait while their member signs in, confirms, enrols or reads.

They wait in the browser's session, so that no address of the hub ever holds what a tool sent: a ``login_hint`` is a
person's name or mail, and addresses end up in histories, logs and bookmarks.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest

from idp.protocol.redirects import origin_of
from idp.signin.addresses import is_own_path

FIELD = "pending_request"
WAITING = "waiting_requests"
PAGE = "waiting_page"
# A person with more tabs than this waiting signs in to the latest.
MAX_WAITING = 6
# Anybody can begin to wait: whoever has not signed in by then is forgotten.
ANONYMOUS_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pending:
    """``url`` is the hub's own path; ``origin`` is where the answer will be sent; ``hint`` is who the tool expects."""

    url: str
    tool: str
    origin: str
    hint: str = ""


# The latest one, told to the pages of sign-in -----------------------------------------------------------------


def remember(request: HttpRequest, *, url: str, tool: str, redirect_uri: str, hint: str = "") -> None:
    """Keep the request across sign-in, confirmation and enrolment of a second factor."""
    request.session[FIELD] = asdict(Pending(url=url, tool=tool, origin=origin_of(redirect_uri), hint=hint))


def pending(request: HttpRequest) -> Pending | None:
    kept = request.session.get(FIELD)
    return Pending(**kept) if kept else None


def forget(request: HttpRequest) -> None:
    request.session.pop(FIELD, None)


def redirect_origin(request: HttpRequest) -> str:
    """The origin that ``form-action`` must name while a tool waits, or nothing."""
    kept = pending(request)
    return kept.origin if kept else ""


# Each one with what it asked -----------------------------------------------------------------------------------


def wait(request: HttpRequest, key: str, kept: list[Any]) -> None:
    """Let this request wait under ``key``; the latest few do."""
    known = dict(request.session.get(WAITING, {}))
    entry = known.pop(key, {})
    latest = dict(list(known.items())[-(MAX_WAITING - 1) :])
    request.session[WAITING] = {**latest, key: {**entry, "request": kept}}
    not_for_long(request)


def waiting(request: HttpRequest, key: str) -> list[Any] | None:
    entry = request.session.get(WAITING, {}).get(key)
    return entry["request"] if entry else None


def note_proof_asked(request: HttpRequest, key: str, now: datetime) -> None:
    """Remember when a waiting request first asked for proof: what was proved before does not serve it."""
    entry = request.session.get(WAITING, {}).get(key)
    if entry is not None and "asked" not in entry:
        request.session[WAITING] = {**request.session[WAITING], key: {**entry, "asked": now.timestamp()}}


def proof_asked(request: HttpRequest, key: str) -> datetime | None:
    asked = request.session.get(WAITING, {}).get(key, {}).get("asked")
    return None if asked is None else datetime.fromtimestamp(asked, UTC)


def done(request: HttpRequest, key: str) -> None:
    """The request was answered: it waits no more, and a proof given for it serves no other."""
    forget(request)
    if key in request.session.get(WAITING, {}):
        request.session[WAITING] = {name: entry for name, entry in request.session[WAITING].items() if name != key}


# A page that waits for a second factor -------------------------------------------------------------------------


def remember_page(request: HttpRequest, url: str) -> None:
    """Where a member was going when they were asked to enrol: a path of the hub, as the request came with it."""
    request.session[PAGE] = url


def page_after(request: HttpRequest) -> str:
    url = str(request.session.get(PAGE, ""))
    return url if is_own_path(url) else ""


# A cookie that is exchanged for another ------------------------------------------------------------------------


def carried(request: HttpRequest) -> Mapping[str, Any]:
    """What must survive the end of a session that nobody can use any more, for ``restore``."""
    return {field: request.session[field] for field in (FIELD, WAITING) if field in request.session}


def restore(request: HttpRequest, kept: Mapping[str, Any]) -> None:
    for field, value in kept.items():
        request.session[field] = value
    not_for_long(request)


def not_for_long(request: HttpRequest) -> None:
    if not request.user.is_authenticated:
        request.session.set_expiry(ANONYMOUS_WAIT)
