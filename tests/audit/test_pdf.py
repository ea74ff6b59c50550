"""Documents that are printed or kept: everybody can read them, and nothing in them comes from elsewhere."""

from urllib.request import OpenerDirector

import pytest
from django.template import engines
from PIL import ImageFile

from audit import pdf
from tests.support.pdf import opened

PAGE = """{% extends "audit/pdf.html" %}{% block body %}<h1>{{ title }}</h1><h2>Une partie</h2><p>{{ text }}</p>
<table><tr><th scope="row">Nom</th><td>Valeur</td></tr></table>{% endblock body %}"""


def page(text: str, language: str = "fr") -> str:
    return engines["django"].from_string(PAGE).render({"title": "Été « fini »", "text": text, "language": language})


def test_a_document_leaves_the_process_as_strict_about_images_as_before():
    """WeasyPrint tells Pillow to take images that end half-way; a photo that was cut would pass after the first PDF."""
    pdf.written(page("Bonjour."))

    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.spec("ISO 14289-1", "7")
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_document_has_its_language_title_structure_and_fonts(language):
    found = opened(pdf.written(page("Bonjour.", language)))

    assert found.startswith("%PDF-1.7")
    assert f"/Lang ({language})" in found
    assert "/DisplayDocTitle true" in found
    assert "http://www.aiim.org/pdfua/ns/id/" in found
    assert "/StructTreeRoot" in found
    assert "/Marked true" in found
    for tag in ("/H1", "/H2", "/P", "/Table", "/TH", "/TD"):
        assert f"/S {tag}" in found
    assert "/FontFile" in found, "fonts are embedded"


def test_what_somebody_wrote_is_text():
    html = page('<img src="file:///etc/hostname"><style>p {}</style>')

    assert "&lt;img" in html
    assert "<img" not in html


def test_nothing_is_fetched_whatever_a_document_names(monkeypatch):
    asked = []
    monkeypatch.setattr(OpenerDirector, "open", lambda self, request, *more, **named: asked.append(request.full_url))
    named = '<img alt="" src="file:///etc/hostname"><img alt="" src="http://127.0.0.1:9/x.png">'
    style = (
        '<link rel="stylesheet" href="file:///x.css"><style>@import "file:///y.css"; p {background: url(z.png)}</style>'
    )

    pdf.written(page("x").replace("<h2>", f"{named}{style}<h2>"))

    assert asked == []
