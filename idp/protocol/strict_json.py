"""JSON from strangers: small, shallow, with one meaning only."""

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 12


class Ambiguous(ValueError):
    """Not JSON, or JSON that two readers may understand differently."""


def loads(text: str | bytes, *, max_chars: int, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text (RFC 8259) of at most ``max_chars``.  Raises ``Ambiguous``, and nothing else.

    A repeated member is refused (RFC 7515 §4, RFC 7519 §4 allow it): a check and a use that each pick another of the
    two values are an attack.  So are ``NaN``, ``Infinity`` and numbers that overflow to them, and lone surrogates,
    which no data base stores.
    """
    if len(text) > max_chars:
        raise Ambiguous("too long")
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
        _check(value, max_depth)
    except Ambiguous:
        raise
    except (ValueError, RecursionError) as error:
        raise Ambiguous("not JSON") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Ambiguous("a member is repeated")
    return value


def _constant(name: str) -> NoReturn:
    raise Ambiguous(name)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Ambiguous("a number is out of range")
    return value


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list):
        if not depth:
            raise Ambiguous("too deep")
        for name in value if isinstance(value, dict) else ():
            name.encode()
        for part in value.values() if isinstance(value, dict) else value:
            _check(part, depth - 1)
