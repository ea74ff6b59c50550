"""Tags any page may use to show a tool."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from launcher import cards

register = template.Library()


@register.simple_tag
def monogram(tool: cards.ToolLike, size: str = "") -> SafeString:
    """A tool's coloured letters; its name stands beside them, so screen readers skip the letters."""
    return format_html(
        '<span class="monogram{}" data-hue="{}" aria-hidden="true">{}</span>',
        f" monogram--{size}" if size else "",
        cards.hue_step(tool.hue),
        cards.monogram(tool.name, tool.monogram),
    )
