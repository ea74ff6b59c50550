"""Where programs call and no browser shows anything: no cookie, session, language, message or form has a part in it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve, reverse

NAMES = (
    *("discovery", "server_metadata", "resource_metadata", "userinfo_metadata", "jwks"),
    *("token", "introspect", "revoke", "userinfo", "par", "device_authorization"),
)
# What witnesses fetch of the log of proof; under this prefix there is nothing else.
LOG, LOG_NAMES = "/audit/", ("log_keys", "log_checkpoint", "log_tile", "log_cosignatures")
# The strictest there is: nothing in these answers is meant to run, or to be framed.
POLICY = "default-src 'none'; frame-ancestors 'none'"


class BackChannel:
    """Answers these addresses at once, without the layers that pages need."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._matches: dict[str, ResolverMatch] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = self._known().get(request.path_info) or _of_the_log(request.path_info)
        if match is None:
            return self.get_response(request)
        request.get_host()  # raises for a name that is not the hub's
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        response["Content-Length"] = str(len(response.content))
        response["Content-Security-Policy"] = POLICY
        response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        return response

    def _known(self) -> dict[str, ResolverMatch]:
        """At the first request: routes are not there yet when middlewares are made."""
        if not self._matches:
            addresses = [reverse(f"idp:{name}") for name in NAMES]
            self._matches = {address: resolve(address) for address in addresses}
        return self._matches


def is_called_by_programs(request: HttpRequest) -> bool:
    """Whether an error at this address is told as JSON (RFC 6749 §5.2, RFC 7591 §3.2.2)."""
    match = request.resolver_match
    if match is None:
        return False
    names = (*NAMES, "register", "registered") if match.namespace == "idp" else LOG_NAMES
    return match.url_name in names


def _of_the_log(path: str) -> ResolverMatch | None:
    if not path.startswith(LOG):
        return None
    try:
        return resolve(path)
    except Resolver404:
        return None
