"""What surrounds every request: one line of log, a calm page when the directory is silent, no caching."""

import json
import logging
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from directory.types import DirectoryUnavailable
from hub import views

Next = Callable[[HttpRequest], HttpResponse]
log = logging.getLogger("hub.request")


class RequestLog:
    """One JSON line per request, by route name.

    Never the path, the query or the address: paths hold names of people and tools, queries hold codes and states.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        started = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        log.info(
            json.dumps(
                {
                    "method": request.method if request.method in KNOWN_METHODS else "other",
                    "route": match.view_name if match else "none",
                    "status": response.status_code,
                    "ms": round((time.monotonic() - started) * 1000, 1),
                    "request": request.request_id,  # type: ignore[attr-defined]
                }
            )
        )
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Errors:
    """A directory that does not answer is an event, not a fault of the program: a page says so and what still works."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DirectoryUnavailable):
            log.warning(json.dumps({"event": "directory unavailable", "request": views.request_id(request)}))
            return views.directory_unavailable(request)
        return None


class NoStore:
    """Pages of a signed-in person stay out of every cache, the browser's back button included.

    Told by the session cookie rather than by the person: an error page must not need the database.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Cookie", "Accept-Language"])
            if settings.SESSION_COOKIE_NAME in request.COOKIES and not response.has_header("Cache-Control"):
                response["Cache-Control"] = "no-store, private"
        return response
