"""Pages as axe reads them, at every width and in both themes, and what it cannot tell by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.support import axe

# WCAG 2.2 1.4.10: 1280 px at 400 % are 320; at 200 % they are 640.
WIDTHS = {320: "400 %", 360: "telephone", 640: "200 %", 1280: "desk"}
THEMES = ("light", "dark")
# All rules at the narrowest and at the widest.  Between them targets are measured again, for their size is the same in
# the other theme, and in each dress words against what is behind them; the rest stays what it was.
RULES = {
    **{(width, theme): ["color-contrast"] for width in WIDTHS for theme in THEMES},
    **{(width, "light"): ["color-contrast", "target-size"] for width in WIDTHS},
    (320, "light"): None,
    (1280, "light"): None,
}
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CHANGED = "change => { Object.assign(document.documentElement.style, change) }"


@dataclass(frozen=True, slots=True)
class Unclear:
    """What axe leaves to people: a rule and the reason it gives, why that is well, and what must be true for it."""

    rule: str
    says: str
    why: str
    holds: str


# Whatever else comes up fails the test.
EXPLAINED = (
    Unclear(
        "color-contrast",
        "partially obscured by another element",
        "Where a line ends at the edge of its box, axe meets the box behind it: the words stand in it, on its ground.",
        "([words, box]) => document.querySelector(box).contains(document.querySelector(words))",
    ),
)


def read(page: Page, name: str) -> Iterator[str]:
    """Violations, what is unclear and not explained, and what is wider than the page, whoever looks at it and how."""
    for width, theme, how in _ways():
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=theme)
        response = axe.run(page, only=RULES[width, theme])
        for said in (*_violations(response), *_unexplained(page, response)):
            yield f"{name}, {width} px ({how}), {theme}: {said}"
        if page.evaluate(WIDE) > 0:
            yield f"{name}, {width} px ({how}): wider than the page"
    # Words alone, twice as large (WCAG 1.4.4) and spaced (1.4.12).
    for change in ({"fontSize": "212.5%"}, {"letterSpacing": "0.12em", "wordSpacing": "0.16em", "lineHeight": "1.5"}):
        page.evaluate(CHANGED, change)
        if page.evaluate(WIDE) > 0:
            yield f"{name}: wider than the page with {change}"
        page.evaluate(CHANGED, dict.fromkeys(change, ""))


def _ways() -> Iterator[tuple[int, Any, str]]:
    return ((width, theme, how) for width, how in WIDTHS.items() for theme in THEMES)


def _violations(response: dict[str, Any]) -> Iterator[str]:
    for each in response["violations"]:
        for node in each["nodes"]:
            yield f"{each['id']}: {node['html'][:140]}"


def _unexplained(page: Page, response: dict[str, Any]) -> Iterator[str]:
    for each in response["incomplete"]:
        for node in each["nodes"]:
            checks = [check for part in ("any", "all", "none") for check in node[part]]
            said = "; ".join(check["message"] for check in checks)
            related = [other["target"][0] for check in checks for other in check.get("relatedNodes", ())]
            if not any(
                known.rule == each["id"]
                and known.says in said
                and related
                and all(page.evaluate(known.holds, [node["target"][0], other]) for other in related)
                for known in EXPLAINED
            ):
                yield f"unclear, {each['id']}: {said} {node['html'][:140]}"
