"""What members write is shown as they meant it, and does nothing else."""

import pytest

from directory.people import links
from directory.people.markdown import html


def test_the_few_signs_that_the_page_explains_work():
    shown = html("Je **relie** et je *dore*.\n\n- cuir\n- papier\n\n[mon site](https://canari.example)")

    assert "<strong>relie</strong>" in shown
    assert "<em>dore</em>" in shown
    assert shown.count("<li>") == 2
    assert '<a href="https://canari.example" rel="noopener noreferrer nofollow">mon site</a>' in shown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![suivi](https://elsewhere.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "<style>body{display:none}</style>",
        '[x](https://a.example "titre")',
        "# Titre de la page",
        "<a href='https://a.example' onclick='x()'>x</a>",
        "<svg/onload=alert(1)>",
    ],
)
def test_nothing_hostile_or_foreign_is_left(hostile):
    shown = html(hostile)

    for sign in ("<script", "<img", "<style", "<svg", "<h1", 'href="javascript', 'href="data', ' onclick="', "title="):
        assert sign not in shown


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("canari.example", "https://canari.example"),
        ("http://canari.example/a?b=c", "http://canari.example/a?b=c"),
        ("javascript:alert(1)", ""),
        ("https://localhost", ""),
        ("https://banque.example@elsewhere.example", ""),
        ("https:\\\\elsewhere.example", ""),
        ("https://a.example:port/", ""),
        ("pas une adresse", ""),
        ("https://a.example/" + "x" * 300, ""),
        ("", ""),
    ],
)
def test_a_link_is_an_address_that_a_browser_opens_where_it_says(typed, kept):
    assert links.read(typed) == kept


def test_a_link_is_read_as_host_and_path():
    assert links.shown("https://www.canari.example/livres/?suivi=1") == "canari.example/livres"
