"""The authorization request that waits while its member signs in, confirms or enrols."""

from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest

FIELD = "pending_request"


@dataclass(frozen=True, slots=True)
class Pending:
    """``url`` is the hub's own path and query; ``origin`` is where the answer will be sent."""

    url: str
    tool: str
    origin: str


def remember(request: HttpRequest, *, url: str, tool: str, redirect_uri: str) -> None:
    """Keep the request across sign-in, confirmation and enrolment of a second factor."""
    parts = urlsplit(redirect_uri)
    request.session[FIELD] = asdict(Pending(url=url, tool=tool, origin=f"{parts.scheme}://{parts.netloc}"))


def pending(request: HttpRequest) -> Pending | None:
    kept = request.session.get(FIELD)
    return Pending(**kept) if kept else None


def forget(request: HttpRequest) -> None:
    request.session.pop(FIELD, None)


def redirect_origin(request: HttpRequest) -> str:
    """The origin that ``form-action`` must name while a tool waits, or nothing."""
    kept = pending(request)
    return kept.origin if kept else ""
