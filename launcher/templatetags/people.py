"""How what members say of themselves is shown."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from directory.people import markdown
from launcher.people.finding import Query

register = template.Library()


@register.filter
def safe_markdown(text: str) -> SafeString:
    return mark_safe(markdown.html(text))  # noqa: S308 (cleaned by a list of what may stay)


@register.simple_tag
def address(query: Query, **other: object) -> str:
    """Of the same search, seen otherwise."""
    return query.address(**other)


@register.filter
def plain(number: float) -> str:
    """As SVG reads it, whatever the language of the page."""
    return f"{number:g}"
