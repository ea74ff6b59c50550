"""What is declared, agreed and known, said to the member: the words, the page before a tool, the cards, the member."""

from consent.display.ask import Group, Row, groups
from consent.display.cards import CardGroup, CardItem, card_groups
from consent.display.person import Known, known
from consent.display.words import (
    ENDINGS,
    basis_name,
    basis_words,
    category_name,
    channel_name,
    channel_words,
    item_label,
    language_name,
    part_words,
    processing_name,
    rights_words,
)

__all__ = [
    "ENDINGS",
    "CardGroup",
    "CardItem",
    "Group",
    "Known",
    "Row",
    "basis_name",
    "basis_words",
    "card_groups",
    "category_name",
    "channel_name",
    "channel_words",
    "groups",
    "item_label",
    "known",
    "language_name",
    "part_words",
    "processing_name",
    "rights_words",
]
