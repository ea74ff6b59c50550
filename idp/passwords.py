"""What a new password must be, and one to propose.  Values in, values out; the reasons are in ``docs/passwords.md``.

Length, a list of what everybody tries first, and an estimate of the guesses it costs.  Never which kinds of characters
it holds: rules of that sort make "Alizarine2026!" good and a phrase bad.
"""

import gzip
import math
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from audit.letters import without_accents
from directory.normalise import opaque

MAX_LENGTH = 1024
# CNIL 2022-100: 50 bits where tries are limited.  Whoever searches 2^50 finds after half of them.
LEAST_GUESSES_LOG10 = 49 * math.log10(2)
# The estimate takes longer than in proportion, and what these hold is enough: the rest only adds to it.
ESTIMATED = 40
LISTS = Path(__file__).resolve().parent / "wordlists"
PHRASE_WORDS = 5
SHORTEST_WORD = 3
# A unit that is repeated is a short password, however often.
SHORT_UNIT = 8
# Rows of French keyboards, in both directions; the estimate knows the others by itself.
ROWS = ("azertyuiop", "qsdfghjklm", "wxcvbn", "1234567890", "abcdefghijklmnopqrstuvwxyz")
YEARS = range(1920, 2050)
# Signs written for letters, in one reading each.
SIGNS = {"4": "a", "@": "a", "8": "b", "(": "c", "{": "c", "[": "c", "<": "c", "3": "e", "6": "g", "9": "g"}
SIGNS |= {"1": "i", "!": "i", "|": "i", "0": "o", "$": "s", "5": "s", "+": "t", "7": "t", "%": "x", "2": "z"}
SIGNS_READ = str.maketrans(SIGNS)
FEW_SIGNS = 4


class Fault(StrEnum):
    """Why a password is refused."""

    UNREADABLE = "unreadable"
    SHORT = "short"
    LONG = "long"
    COMMON = "common"
    PERSONAL = "personal"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Judgement:
    """``password`` is what would be kept; ``bits`` is what the estimate gives it, 0 where it was not asked."""

    password: str
    faults: tuple[Fault, ...]
    bits: float = 0.0

    def __repr__(self) -> str:
        return f"Judgement({', '.join(self.faults) or 'good'})"

    @property
    def is_good(self) -> bool:
        return not self.faults


def judge(typed: str, *, minimum: int, words: Iterable[str] = ()) -> Judgement:
    """``words`` are those of the person and the house: they count as known to whoever guesses."""
    try:
        password = opaque(typed)
    except ValueError:
        return Judgement("", (Fault.UNREADABLE,))
    # NIST SP 800-63B-4 §3.1.1.2: a code point counts as one character.
    if len(password) > MAX_LENGTH:
        return Judgement(password, (Fault.LONG,))
    known = _parts(words)
    general = _guesses(password, ())
    own = min(general, _guesses(password, known)) if known else general
    bits = own / math.log10(2) + 1
    if len(password) < minimum or not password.strip():
        return Judgement(password, (Fault.SHORT,), bits)
    if is_common(password):
        return Judgement(password, (Fault.COMMON,), bits)
    if own < LEAST_GUESSES_LOG10:
        return Judgement(password, (Fault.WEAK if general < LEAST_GUESSES_LOG10 else Fault.PERSONAL,), bits)
    return Judgement(password, (), bits)


def is_common(password: str) -> bool:
    """The whole of it is on a list, in any case, or is something short or listed said again and again."""
    whole = password.casefold()
    unit = _unit(whole)
    return any(each in _refused() for each in (whole, unit)) or (unit != whole and len(unit) <= SHORT_UNIT)


def propose() -> str:
    """Five words drawn from 4,608: 60 bits.  Nobody keeps it; the page shows it and forgets it."""
    words = phrase_words()
    while True:
        drawn = "-".join(secrets.choice(words) for _ in range(PHRASE_WORDS))
        # Five of the commonest words in a row are rare, and would be refused when typed.
        if judge(drawn, minimum=0).is_good:
            return drawn


@lru_cache(maxsize=1)
def phrase_words() -> tuple[str, ...]:
    return tuple((LISTS / "phrase.txt").read_text(encoding="utf-8").split())


def _unit(text: str) -> str:
    """The shortest beginning that, said again and again, gives the whole; the whole itself where there is none."""
    for size in range(1, len(text) // 2 + 1):
        if (text[:size] * (len(text) // size + 1))[: len(text)] == text:
            return text[:size]
    return text


def _parts(words: Iterable[str]) -> tuple[str, ...]:
    """Names in one piece and in their parts, without accents: "Noémie Ferrand" is known as "noemie" too."""
    found: dict[str, None] = {}
    for word in words:
        plain = _plain(word)
        pieces = re.split(r"[^a-z0-9]+", plain)
        for piece in (*pieces, "".join(pieces), plain):
            if len(piece) >= SHORTEST_WORD:
                found[piece] = None
    return tuple(found)


def _plain(text: str) -> str:
    return without_accents(text.casefold())


def _guesses(password: str, known: tuple[str, ...]) -> float:
    """Powers of ten that a clever guesser needs, by zxcvbn with French words beside its own lists.

    Its own entry point keeps the words of a person where another thread finds them: the parts are called here.
    """
    from zxcvbn import matching  # slow to load, and only needed where somebody chooses a password

    ours = {word: rank for rank, word in enumerate(known, 1)}
    lists = {**matching.RANKED_DICTIONARIES, **_french(), "user_inputs": ours}
    plain = _plain(password)
    windows = {plain[:ESTIMATED], plain[-ESTIMATED:]}
    return max((_guesses_of(window, lists) for window in windows if window), default=0.0)


def _guesses_of(window: str, lists: Mapping[str, Mapping[str, int]]) -> float:
    """zxcvbn reads signs as letters in every way there is, which may be millions: where there are many, in one way."""
    from zxcvbn import matching, scoring

    score: Callable[..., Any] = scoring.most_guessable_match_sequence
    everything: Callable[..., Any] = matching.omnimatch
    if len(SIGNS.keys() & set(window)) <= FEW_SIGNS:
        return float(score(window, everything(window, lists))["guesses_log10"])
    matchers: list[Callable[..., Any]] = [
        matching.dictionary_match,
        matching.reverse_dictionary_match,
        matching.spatial_match,
        matching.sequence_match,
        matching.regex_match,
        matching.date_match,
    ]
    # Nor is a run worth more than its beginning: what looks for repetitions reads signs again.
    window = re.sub(r"(.)\1{2,}", r"\1\1", window)
    readings = (window, window.translate(SIGNS_READ))
    found = (
        [match for matcher in matchers for match in matcher(each, _ranked_dictionaries=lists)] for each in readings
    )
    return min(float(score(each, matches)["guesses_log10"]) for each, matches in zip(readings, found, strict=True))


@lru_cache(maxsize=1)
def _french() -> Mapping[str, Mapping[str, int]]:
    words: dict[str, int] = {}
    for word in _read("french.txt.gz"):
        words.setdefault(_plain(word), len(words) + 1)
    patterns: dict[str, int] = {}
    for row in (*ROWS, *(row[::-1] for row in ROWS)):
        for start in range(len(row)):
            for end in range(start + 4, len(row) + 1):
                patterns.setdefault(row[start:end], 50 + len(patterns))
    for year in YEARS:
        patterns.setdefault(str(year), 1 + len(YEARS))
    return {"french": words, "patterns": patterns}


@lru_cache(maxsize=1)
def _refused() -> frozenset[str]:
    """Ours, Django's and zxcvbn's: all of them offline."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    shipped = Path(str(files("django.contrib.auth"))) / "common-passwords.txt.gz"
    lists = (_read("refused.txt.gz"), _lines(shipped), FREQUENCY_LISTS["passwords"])
    return frozenset(word.casefold() for words in lists for word in words)


def _read(name: str) -> list[str]:
    return _lines(LISTS / name)


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return lines.read().split("\n")[:-1]
