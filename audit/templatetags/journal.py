"""Lines of the journal in words."""

from typing import Any

from django import template

from audit import words
from audit.models import Event
from audit.reading.people import People

register = template.Library()
register.filter("facts", words.facts)
register.filter("particulars", words.particulars)
register.filter("reason", words.reason)


@register.filter
def sentence(event: Event, people: People | None = None) -> str:
    """With people by their names, or as this reading calls them."""
    return words.sentence(event, people.call if people else None)


@register.filter
def purpose(event: Event) -> str:
    """Why the journal was read, on a line about that; empty on others."""
    code = event.facts.get("purpose", "") if isinstance(event.facts, dict) else ""
    return words.name("purpose", code) if code else ""


@register.filter
def pseudonym(identifier: Any, people: People) -> str:
    return people.pseudonym(identifier)


@register.filter
def called(person: Any, people: People) -> str:
    """Somebody of whom nothing but their identifier is at hand."""
    return people.name(person)
