"""How strongly a member must have proved who they are: what a request asks for, what a session has."""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.protocol.authorization import AuthRequest

# From the weakest to the strongest: a password; a password and a second factor.
LEVELS = ("1", "2")


@dataclass(frozen=True, slots=True)
class Need:
    """``minimum`` is the operator's word for this tool, ``values`` the essential ones, ``preferred`` a wish.

    ``values`` is ``None`` where nothing is essential: an empty set is a demand that nothing meets.
    """

    minimum: str = ""
    values: frozenset[str] | None = None
    preferred: tuple[str, ...] = ()


def need_of(request: AuthRequest, *, minimum: str) -> Need:
    """OpenID Connect Core §5.5.1.1 for the essential claim, §3.1.2.1 for ``acr_values``."""
    wish = request.claims.id_token.get("acr")
    asked = tuple(value for value in wish.values if isinstance(value, str)) if wish else ()
    if wish and wish.essential and wish.values:
        return Need(minimum, frozenset(asked), asked)
    return Need(minimum, None, (*request.acr_values, *asked))


def strongest(*minimums: str) -> str:
    """The level that meets every one of these; a word that is no level can be met by none, and wins."""
    unknown = [level for level in minimums if level and not _rank(level)]
    return unknown[0] if unknown else max(minimums, key=_rank, default="")


def suffices(held: str, need: Need) -> bool:
    """Whether a session at level ``held`` will do.  A level includes those below it."""
    if need.minimum and not _rank(held) >= _rank(need.minimum) > 0:
        return False
    return need.values is None or bool(_met(held, need.values))


def stated(held: str, need: Need) -> str:
    """The ``acr`` to be stated for a session that suffices: the highest of those asked for, else its own.

    So a tool that knows only "1" finds the word it asked for, although the member did more.
    """
    met = _met(held, need.preferred)
    return max(met, key=_rank) if met else held


def attainable(need: Need) -> bool:
    return any(suffices(level, need) for level in LEVELS)


def wished(held: str, need: Need) -> bool:
    """Whether the first choice is above ``held``: worth a question, but nobody is refused for lack of it."""
    first = next((level for level in need.preferred if _rank(level)), "")
    return _rank(first) > _rank(held)


def _met(held: str, asked: Iterable[str]) -> list[str]:
    return [level for level in asked if 0 < _rank(level) <= _rank(held)]


def _rank(level: str) -> int:
    return LEVELS.index(level) + 1 if level in LEVELS else 0
