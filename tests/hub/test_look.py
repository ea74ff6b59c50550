"""Promises of the style sheet and the scripts that can be read off the files."""

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "hub" / "static" / "hub"
TEMPLATES = Path(__file__).parents[2] / "hub" / "templates"
CSS = (STATIC / "css" / "hub.css").read_text(encoding="utf-8")


def test_the_style_sheet_stays_under_15_kilobytes() -> None:
    assert len(gzip.compress(CSS.encode())) < 15_000


@pytest.mark.parametrize("script", sorted((STATIC / "js").glob("*.js")), ids=lambda path: path.name)
def test_a_script_stays_under_3_kilobytes(script: Path) -> None:
    assert len(gzip.compress(script.read_bytes())) < 3_000


def test_nothing_comes_from_another_origin() -> None:
    assert not re.search(r"@import|url\((?!#)|https?://", CSS)


def test_every_monogram_step_has_its_hue() -> None:
    steps = dict(re.findall(r'\[data-hue="(\d+)"\] \{ --hue: (\d+); \}', CSS))

    assert {int(step): int(hue) for step, hue in steps.items()} == {step: step * 15 for step in range(24)}


@pytest.mark.parametrize(
    "feature", ["prefers-reduced-motion", "forced-colors: active", "prefers-contrast", "@media print", "light-dark("]
)
def test_the_style_sheet_adapts(feature: str) -> None:
    assert feature in CSS


@pytest.mark.parametrize(
    "name",
    """page page--narrow stack row card card__title button button--primary button--quiet button--danger field
    field__help field__error notice notice--info notice--warning notice--error notice--success badge badge--ok
    badge--wait badge--bad table-wrap table filters pager timeline timeline__item data-list tag empty monogram choice
    visually-hidden actions steps""".split(),  # noqa: SIM905
)
def test_every_class_of_the_vocabulary_is_shown_on_the_style_page(name: str) -> None:
    shown = "".join(
        (TEMPLATES / "hub" / page).read_text(encoding="utf-8") for page in ("style.html", "base.html", "mailbox.html")
    )

    if name not in {"page--narrow", "visually-hidden"}:
        assert re.search(rf'class="[^"]*(?<![\w-]){name}(?![\w-])', shown)
    if name != "notice--info":
        assert re.search(rf"\.{name}(?![\w-])", CSS)


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_carries_style_or_script_of_its_own(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert "style=" not in text
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
