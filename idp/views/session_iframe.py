"""The page behind ``check_session_iframe`` (OpenID Connect Session Management §3.3), an option per tool."""

from csp.constants import NONE
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from idp.models import Tool
from idp.services.sessions import browser_state


@require_safe
@xframe_options_exempt
def session_iframe(request: HttpRequest) -> HttpResponse:
    """Framed by the tools that watch the session and by nobody else; shows nothing and knows nobody."""
    origins = Tool.objects.session_iframe_origins()
    if not origins:
        raise Http404
    response = render(request, "idp/session_iframe.html", {"nobody": browser_state(None)})
    response._csp_replace = {  # type: ignore[attr-defined]
        "frame-ancestors": sorted(origins),
        "connect-src": [NONE],
        "style-src": [NONE],
        "img-src": [NONE],
        "font-src": [NONE],
    }
    response["Cache-Control"] = "no-store"
    return response
