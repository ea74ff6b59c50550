"""Lines of the journal in words."""

from django import template

from audit import words

register = template.Library()
register.filter("sentence", words.sentence)
register.filter("facts", words.facts)
register.filter("particulars", words.particulars)
register.filter("reason", words.reason)
