"""Reading for whoever arranges the page: every tool that is not closed, and every section, also an empty one."""

from dataclasses import dataclass

from django.db.models import F

from idp.models import Tool
from idp.types import ToolState
from launcher import cards, selectors
from launcher.models import Section


@dataclass(frozen=True, slots=True)
class Stand:
    """A section and its tools; ``is_row`` where the cooperative made it, and may change it."""

    section: cards.SectionLike
    tools: tuple[Tool, ...]
    is_row: bool


def tools() -> list[Tool]:
    return list(Tool.objects.exclude(state=ToolState.CLOSED).annotate(logo_digest=F("logo__digest")))


def stands() -> tuple[Stand, ...]:
    """Three statements."""
    rows = list(Section.objects.prefetch_related("collective"))
    last = cards.last_of(rows, rest=selectors.rest())
    known: dict[str, cards.SectionLike] = {row.slug: row for row in rows} | {last.slug: last}
    by_section: dict[str, list[Tool]] = {slug: [] for slug in known}
    for tool in tools():
        by_section[tool.section if tool.section in known else last.slug].append(tool)
    found = (Stand(known[slug], tuple(held), isinstance(known[slug], Section)) for slug, held in by_section.items())
    return tuple(stand for stand in found if stand.is_row or stand.tools)


def choices() -> list[tuple[str, str]]:
    """The sections by slug and name, the last one at the end."""
    rows = list(Section.objects.all())
    last = cards.last_of(rows, rest=selectors.rest())
    return [(row.slug, row.shown_name) for row in rows if row.slug != last.slug] + [(last.slug, last.shown_name)]
