"""How the text of news is shown."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from directory.people import markdown

register = template.Library()


@register.filter
def news_text(text: str) -> SafeString:
    return mark_safe(markdown.html(text))  # noqa: S308 (cleaned by a list of what may stay)
