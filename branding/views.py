"""What browsers fetch of the look: everything under an address that changes with it, kept by them for a year."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from branding import colours, icons, selectors

FOR_EVER = "public, max-age=31536000, immutable"
SIDES = {"64": 64, "180": 180, "192": 192, "512": 512}


@require_safe
def style(request: HttpRequest, digest: str) -> HttpResponse:
    look = selectors.shown()
    if not look.has_own_colours:
        raise Http404
    tokens = colours.style_sheet(look.accent, look.second)
    return _kept(digest, f"@layer tokens{{:root{{{tokens}}}}}\n".encode(), "text/css; charset=utf-8")


@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    content = selectors.logo()
    if not content:
        raise Http404
    return _kept(digest, content, "image/png")


@require_safe
def icon(request: HttpRequest, digest: str, side: str, kind: str) -> HttpResponse:
    if side not in SIDES:
        raise Http404
    accent = selectors.shown().accent or selectors.ACCENT
    content = icons.png(side=SIDES[side], accent=accent, logo=selectors.logo(), bleeds=kind == "plein")
    return _kept(digest, content, "image/png")


def _kept(digest: str, content: bytes, kind: str) -> HttpResponse:
    """Under the address of another look nothing is served: a browser would keep it there for a year."""
    if digest != selectors.shown().digest:
        raise Http404
    response = HttpResponse(content, content_type=kind)
    response["Cache-Control"] = FOR_EVER
    return response
