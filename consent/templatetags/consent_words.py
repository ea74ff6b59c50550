"""Codes of consent in the member's words."""

from django import template

from consent import display
from consent.receipts import words
from consent.register import words

register = template.Library()
register.filter("item_label", display.item_label)
register.filter("basis_words", display.basis_words)
register.filter("basis_name", display.basis_name)
register.filter("channel_name", display.channel_name)
register.filter("rights_words", display.rights_words)
register.filter("channel_words", display.channel_words)
register.filter("language_name", display.language_name)
register.filter("part_words", display.part_words)
register.filter("card_groups", display.card_groups)
register.filter("state_words", words.state_words)
register.filter("state_badge", words.state_badge)
register.filter("term_words", words.term_words)
register.filter("said", words.said)
