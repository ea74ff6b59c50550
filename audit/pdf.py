"""A document to print or to keep: a template as pages of A4, tagged for whoever reads otherwise than by sight.

PDF/UA-1 (ISO 14289-1): language, title and structure are in the file, and so are its fonts.  Nothing is fetched: a
document holds no image, style or font from elsewhere, whatever somebody wrote into it.
"""

from collections.abc import Mapping
from ctypes import CDLL
from functools import cache
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import override

TYPE = "application/pdf"
STYLE = Path(__file__).with_name("pdf.css")
VARIANT = "pdf/ua-1"


def pdf_of(template: str, context: Mapping[str, Any], *, language: str, accent: str = "") -> bytes:
    """The template extends ``audit/pdf.html``, which wants a ``title``; ``accent`` is the colour of the cooperative."""
    with override(language):
        return written(render_to_string(template, {**context, "language": language}), accent)


def written(html: str, accent: str = "") -> bytes:
    """Takes a second and some memory the first time: whoever makes no document loads nothing of it."""
    weasyprint = _engine()
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=html, url_fetcher=nothing)
    sheets = [weasyprint.CSS(filename=STYLE)]
    if accent:
        sheets.append(weasyprint.CSS(string=f"h1, h2 {{ color: {accent} }} h2 {{ border-color: {accent} }}"))
    pages: bytes = document.write_pdf(stylesheets=sheets, pdf_variant=VARIANT)
    return pages


# What the engine loads from the system, by the names that Linux and macOS have for it; and the packages of Debian.
LIBRARIES = {
    "libpango-1.0-0": ("libpango-1.0.so.0", "libpango-1.0.dylib"),
    "libpangoft2-1.0-0": ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib"),
    "libharfbuzz-subset0": ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib"),
}


def missing_libraries() -> list[str]:
    """The packages without which no document can be made.  They are opened, the engine is not loaded."""
    return [package for package, names in LIBRARIES.items() if not any(map(_is_there, names))]


def _is_there(name: str) -> bool:
    try:
        CDLL(name)
    except OSError:
        return False
    return True


@cache
def _engine() -> Any:
    import weasyprint
    from PIL import ImageFile

    # Loading it lets the whole process take images that end half-way, members' photos too; documents have none.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return weasyprint
