"""The hub as an application on a telephone: its manifest, the page shown without a network, and what keeps that page.

The service worker keeps static files and the offline page, and nothing else: no page of anybody is ever in it.  Signing
out empties it, as it empties all that the browser has of the hub (``Clear-Site-Data``).
"""

import hashlib
import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from branding import selectors as branding
from hub.context import facts

PAPER = "#f7f1e8"


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """W3C Web Application Manifest."""
    look = branding.shown()
    language = get_language() or "fr"
    icons = [
        {
            "src": reverse("branding:icon", args=[look.digest, side, kind]),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for kind, purpose in (("rond", "any"), ("plein", "maskable"))
        for side in ("192", "512")
    ]
    told = {
        "id": "/",
        "name": f"Trousseau · {look.name(language)}",
        "short_name": look.short_name,
        "description": _("Vos outils, vos données et votre compte, au même endroit."),
        "lang": language,
        "start_url": reverse("launcher:home"),
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": look.accent or branding.ACCENT,
        "icons": icons,
    }
    return _spoken(JsonResponse(told, content_type="application/manifest+json"))


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Rendered for nobody: whoever opens the telephone sees no name on it."""
    return _spoken(HttpResponse(_offline()))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """At the root, for its place is its reach; its name for what it keeps changes with any of it."""
    look, page = branding.shown(), _offline()
    kept = [reverse("offline"), static("hub/css/hub.css"), static("hub/img/favicon.svg")]
    if look.has_own_colours:
        kept.append(reverse("branding:style", args=[look.digest]))
    if look.logo:
        kept.append(reverse("branding:logo", args=[look.digest]))
    if look.logo or look.has_own_colours:
        kept.append(reverse("branding:icon", args=[look.digest, "64", "rond"]))
    version = hashlib.sha256((page + json.dumps(kept)).encode()).hexdigest()[:16]
    script = render_to_string("hub/service_worker.js", {"version": version, "kept": json.dumps(kept)})
    response = _spoken(HttpResponse(script, content_type="text/javascript; charset=utf-8"))
    response["Cache-Control"] = "no-cache"
    return response


def _offline() -> str:
    return render_to_string("hub/offline.html", facts(branding.shown()))


def _spoken(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response
