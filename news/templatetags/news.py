"""How the text of news is shown."""

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from directory.access import may
from directory.models import Collective
from directory.people import markdown
from directory.policy import Right
from news import selectors

IN_PLACE = 3
register = template.Library()


@register.filter
def news_text(text: str) -> SafeString:
    return mark_safe(markdown.html(text))  # noqa: S308 (cleaned by a list of what may stay)


@register.inclusion_tag("news/of_collective.html", takes_context=True)
def news_of(context: Context, collective: Collective) -> dict[str, Any]:
    """The newest of a collective, as far as they reach whoever reads its page."""
    member = context["user"]
    found = selectors.reaching(member, timezone.now()).filter(collective=collective)[: IN_PLACE + 1]
    briefs = list(found)
    return {
        "collective": collective,
        "briefs": briefs[:IN_PLACE],
        "has_more": len(briefs) > IN_PLACE,
        "may_write": may(member, Right.RUN_COLLECTIVE, collective),
    }
