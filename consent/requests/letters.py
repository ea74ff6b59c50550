"""Letters: the texts they start from, what they are filled in with, and what one must say.  No database, no clock."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from consent.requests.types import Letter

TEXTS = Path(__file__).parent / "letter_texts"
LANGUAGES = ("fr", "en")
# What a letter may name in braces; the French word, for whoever writes letters.
PLACES = (
    *("nom", "reference", "objet", "recue_le", "echeance", "cooperative", "contact"),
    *("efface", "garde", "destinataires"),
)
# What stands for the places of an erasure until its run sheet tells them: blanks for the officer.
UNTOLD = {
    "fr": {
        "efface": "[dites quoi, et quand]",
        "garde": "[dites quoi, la règle qui l’impose et la date de fin]",
        "destinataires": "[nommez-les]",
    },
    "en": {
        "efface": "[say what, and when]",
        "garde": "[say what, the rule that requires it and when that ends]",
        "destinataires": "[name them]",
    },
}
MOST_CHARACTERS = 10_000
_PLACE = re.compile(r"\{([^{}]*)\}")
# What is for the officer to replace: "[dites pourquoi]".
_BLANK = re.compile(r"\[[^\[\]\n]{3,}\]")
# Article 12(4): who is refused is told of both.
_COURTS = re.compile(r"tribuna|juridiction|\bcourts?\b", re.IGNORECASE)


@cache
def shipped(letter: Letter, language: str) -> str:
    return (TEXTS / f"{letter.value}.{language}.txt").read_text(encoding="utf-8")


def fill(text: str, values: Mapping[str, str]) -> str:
    """What is not known stays as it was written."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def problem_of_template(letter: Letter, text: str) -> str:
    """Why this cannot be what letters start from; empty where it can."""
    if any(name not in PLACES for name in _PLACE.findall(text)):
        return "place_unknown"
    return _problem(letter, text)


def problem_of(letter: Letter, text: str, *, template: str) -> str:
    """Why this letter, which began as ``template``, cannot leave; empty where it can."""
    untold = (blank for blanks in UNTOLD.values() for blank in blanks.values())
    if any(blank in text for blank in (*_BLANK.findall(template), *untold)):
        return "blank_left"
    return _problem(letter, text)


def _problem(letter: Letter, text: str) -> str:
    if not text.strip():
        return "text_missing"
    if len(text) > MOST_CHARACTERS:
        return "text_long"
    if letter == Letter.REFUSAL and not ("CNIL" in text and _COURTS.search(text)):
        return "remedies_missing"
    return ""
