"""The ``claims`` parameter (OpenID Connect Core §5.5): single claims, asked for by name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from idp.protocol import strict_json
from idp.protocol.errors import ProtocolError

MAX_CHARS = 8192
MAX_DEPTH = 8
MAX_CLAIMS = 100
MAX_VALUES = 50


@dataclass(frozen=True, slots=True)
class ClaimWish:
    """How one claim is asked for.  No ``values``: any value serves."""

    essential: bool = False
    values: tuple[Any, ...] = ()

    def accepts(self, value: Any) -> bool:
        """§5.5.1.  Compared as JSON: true is not 1."""
        return not self.values or _canonical(value) in map(_canonical, self.values)


_NOTHING: Mapping[str, ClaimWish] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Claims by name and by the place where they are wanted.  Language tags are cut off: the hub has one version."""

    id_token: Mapping[str, ClaimWish] = field(default_factory=lambda: _NOTHING)
    userinfo: Mapping[str, ClaimWish] = field(default_factory=lambda: _NOTHING)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.id_token) | frozenset(self.userinfo)

    def __bool__(self) -> bool:
        return bool(self.id_token or self.userinfo)


EMPTY = ClaimsRequest()


def parse(text: str) -> ClaimsRequest:
    """The request in this JSON text; nothing asked for in an empty one.

    Raises ``ProtocolError`` invalid_request, ``claims_malformed``.  Members that are not understood are ignored
    (§5.5, §5.5.1); those that are must have the type that the specification gives them.
    """
    if not text:
        return EMPTY
    try:
        value = strict_json.loads(text, max_chars=MAX_CHARS, max_depth=MAX_DEPTH)
    except strict_json.Ambiguous as error:
        raise _malformed("claims is not a small JSON object") from error
    if not isinstance(value, dict):
        raise _malformed("claims is not a JSON object")
    return ClaimsRequest(_wishes(value.get("id_token")), _wishes(value.get("userinfo")))


def _wishes(part: Any) -> Mapping[str, ClaimWish]:
    if part is None:
        return _NOTHING
    if not isinstance(part, dict) or len(part) > MAX_CLAIMS:
        raise _malformed("id_token and userinfo must be JSON objects of at most 100 claims")
    wishes: dict[str, ClaimWish] = {}
    for name, value in part.items():
        # §5.2: where a language is not to be had, the claim without a tag is the answer.
        base = name.partition("#")[0]
        wish = _wish(value)
        if base in wishes:
            wish = ClaimWish(wish.essential or wishes[base].essential, wishes[base].values or wish.values)
        wishes[base] = wish
    return MappingProxyType(wishes)


def _wish(value: Any) -> ClaimWish:
    if value is None:
        return ClaimWish()
    if not isinstance(value, dict):
        raise _malformed("a claim is asked for by null or by an object")
    essential = value.get("essential", False)
    values = value.get("values", [])
    if not isinstance(essential, bool) or not isinstance(values, list) or len(values) > MAX_VALUES:
        raise _malformed("essential must be true or false, values a short list")
    if "value" in value and "values" in value:
        raise _malformed("a claim has both value and values")
    if "values" in value and not values:
        raise _malformed("values is empty")
    return ClaimWish(essential, (value["value"],) if "value" in value else tuple(values))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _malformed(description: str) -> ProtocolError:
    return ProtocolError("invalid_request", description, detail="claims_malformed")
