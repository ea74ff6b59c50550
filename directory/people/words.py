"""Words as people type them: without case, accents, ligatures and hyphens.  No Django, no clock."""

from functools import lru_cache

from audit.letters import without_accents

LIGATURES = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "’": " ", "'": " ", "-": " ", "·": "", ".": " "}
)


@lru_cache(50_000)
def folded(text: str) -> str:
    """Lower case, plain letters, one space between words."""
    letters = without_accents(text.casefold().translate(LIGATURES))
    plain = "".join(sign if sign.isalnum() else " " for sign in letters)
    return " ".join(plain.translate(LIGATURES).split())


@lru_cache(100_000)
def trigrams(word: str) -> frozenset[str]:
    """As PostgreSQL’s pg_trgm has them: two spaces before a word, one behind it."""
    padded = f"  {word} "
    return frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def likeness(one: str, other: str) -> float:
    """pg_trgm’s ``similarity``: what two words share of all that either has."""
    first, second = trigrams(one), trigrams(other)
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
