"""Long values, broken and grouped where a reader would."""

import re
from datetime import datetime

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

register = template.Library()

NBSP = "\u00a0"
FRENCH_NUMBER = re.compile(r"(\+33)(\d)(\d\d)(\d\d)(\d\d)(\d\d)")
ADDRESS = re.compile(r"\S+@\S+")


@register.filter
def readable(value: object) -> SafeString:
    """An address may break before its @ and after its dots; a French telephone number is grouped by two."""
    if number := FRENCH_NUMBER.fullmatch(str(value)):
        return mark_safe(NBSP.join(number.groups()))  # noqa: S308  # digits only
    # The text is escaped first, and no escape holds a dot or an @.
    escaped = conditional_escape(str(value))
    return mark_safe(ADDRESS.sub(lambda found: re.sub(r"(?=@)|(?<=\.)", "<wbr>", found[0]), escaped))  # noqa: S308


@register.filter
def in_fours(value: object) -> SafeString:
    """A key by groups of four, which are copied without spaces between them."""
    groups = re.findall(r".{1,4}", str(value))
    return mark_safe("<wbr>".join(f"<span>{conditional_escape(each)}</span>" for each in groups))  # noqa: S308


@register.filter
def in_parts(value: object) -> SafeString:
    """The name of an entry, or a fingerprint, breaks after its commas and colons."""
    return mark_safe(re.sub(r"(?<=[,:])", "<wbr>", conditional_escape(str(value))))  # noqa: S308 escaped above


@register.filter
def ago(then: datetime, now: datetime) -> str:
    """How long that is: "0 minutes ago" is a moment ago."""
    if (now - then).total_seconds() < 60:
        return _("à l’instant")
    return _("il y a %(time)s") % {"time": timesince(then, now)}
