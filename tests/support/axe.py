"""Axe as every test runs it: brought into a page once, and asked for what is wrong or unclear only.

Whatever passes is not written down: on a long page that is a hundred times as much, and takes longer than the looking.
"""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

ASKED = {"resultTypes": ["violations", "incomplete"]}
IS_THERE = "() => typeof window.axe === 'object'"


def run(page: Page, *, only: list[str] | None = None) -> dict[str, Any]:
    """``only``: these rules; all of them else."""
    if not page.evaluate(IS_THERE):
        page.evaluate(AXE_SCRIPT)
    rules = {"runOnly": {"type": "rule", "values": only}} if only else {}
    found: dict[str, Any] = page.evaluate("options => axe.run(options)", {**ASKED, **rules})
    return found
