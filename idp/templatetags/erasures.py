"""Codes of erasures in words."""

from django import template

from audit import words
from consent.erasures.types import Stays

register = template.Library()


@register.filter
def why_stays(code: str) -> str:
    return str(Stays(code).label)


@register.filter
def reason(code: str) -> str:
    return words.name("reason", code)
