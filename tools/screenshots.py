"""Pictures of every page of the hub, in both themes, on a phone and at a desk, and a page that shows them.

``.venv/bin/python -m tools.screenshots FOLDER`` starts the demonstration and takes some minutes; ``--readme`` makes the
three pictures of the README besides, small enough to be kept.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tools.checks import ROOT, made_up_environment

if TYPE_CHECKING:
    from tests.support.demo import Demo

WIDTHS, THEMES = (360, 1280), ("light", "dark")
# Which page, as whom, how wide, in which theme.
OF_README = {
    "launcher": ("member", "/", 1280, "light"),
    "phone": ("member", "/", 360, "dark"),
    "protection": ("dpo", "/protection/", 1280, "light"),
}
COLOURS = 256
STYLE = """body { font: 16px system-ui, sans-serif; margin: 2rem; } h2 { margin-top: 3rem; }
div { display: flex; gap: 1rem; align-items: start; overflow-x: auto; }
img { height: 32rem; border: 1px solid #999; }"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go; index.html shows them")
    parser.add_argument("--readme", action="store_true", help="also make docs/images anew")
    arguments = parser.parse_args()
    # Routes are named as the hub names them; nothing of its data is read here.
    os.environ.update(made_up_environment(tempfile.gettempdir()), DJANGO_SETTINGS_MODULE="hub.settings")
    import django

    django.setup()
    from tests.support import demo, examples

    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        running = demo.start(Path(data) / "data")
        try:
            examples.furnish(running)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=demo.CHROMIUM_ARGUMENTS)
                names = list(_pictures(running, browser, folder))
                if arguments.readme:
                    _of_readme(running, browser)
        finally:
            demo.stop(running.process)
    (folder / "index.html").write_text(_index(names), encoding="utf-8")
    print(f"{len(names)} pages: {folder / 'index.html'}")
    return 0


def _pictures(running: "Demo", browser: Browser, folder: Path) -> Iterator[str]:
    """One visit to each page; it is resized, not opened again."""
    from tests.support.demo import Visitor
    from tests.support.pages import ROLES, pages

    for role in ROLES:
        visitor = Visitor(browser, width=360, locale="fr-FR")
        if role != "stranger":
            visitor.sign_in(running, role)
        for page_name in pages(running, visitor, role):
            name = f"{role}-{page_name.replace(':', '-').replace(' ', '-')}"
            for width in WIDTHS:
                for theme in THEMES:
                    visitor.page.set_viewport_size({"width": width, "height": 800})
                    visitor.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                    visitor.page.screenshot(path=folder / _file(name, width, theme), full_page=True)
            yield name
        visitor.close()


def _of_readme(running: "Demo", browser: Browser) -> None:
    from tests.support.demo import Visitor

    for name, (role, path, width, theme) in OF_README.items():
        visitor = Visitor(browser, width=width, locale="fr-FR", dark=theme == "dark")
        visitor.sign_in(running, role)
        visitor.page.goto(running.hub.rstrip("/") + path)
        # What is said once and put away is not what the page is for.
        if visitor.page.locator("#hub-notice button").count():
            visitor.page.click("#hub-notice button")
        visitor.page.wait_for_load_state("networkidle")
        taken = Image.open(BytesIO(visitor.page.screenshot()))
        visitor.close()
        few = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(ROOT / "docs" / "images" / f"{name}.png", optimize=True)


def _file(name: str, width: int, theme: str) -> str:
    return f"{name}-{width}-{theme}.png"


def _index(names: list[str]) -> str:
    parts = ["<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Every page</title>", f"<style>{STYLE}</style>"]
    for name in names:
        parts.append(f"<h2>{escape(name)}</h2><div>")
        for width in WIDTHS:
            for theme in THEMES:
                file = escape(_file(name, width, theme))
                parts.append(
                    f'<a href="{file}"><img loading=lazy src="{file}" alt="{escape(name)}, {width}, {theme}"></a>'
                )
        parts.append("</div>")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
