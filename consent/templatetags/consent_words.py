"""Codes of consent in the member's words."""

from django import template

from consent import display
from consent.receipts import words as receipts
from consent.register import words as registered

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
register.filter("state_words", receipts.state_words)
register.filter("state_badge", receipts.state_badge)
register.filter("term_words", receipts.term_words)
register.filter("said", registered.said)
