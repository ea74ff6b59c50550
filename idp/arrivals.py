"""How an authorization request arrives: in the address, signed (RFC 9101), or pushed (RFC 9126); read in one place."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from idp.models import Tool
from idp.oauth.validator import allowed_scopes
from idp.protocol import algorithms, redirects, request_objects
from idp.protocol.authorization import KNOWN, AuthRequest, Destination, Pairs, Rules, check_shape, destination, parse
from idp.protocol.errors import ProtocolError
from idp.selectors import tool_by_client_id
from idp.services import client_keys, pushed
from idp.types import GrantType, SecurityProfile, ToolKind, ToolState

# Read before anything else, and never part of a request that waits.
CARRIERS = frozenset({"request", "request_uri"})


@dataclass(frozen=True, slots=True)
class Arrived:
    """The pairs that count, and what is known of their way.  ``reference`` names the pushed request, if it was one."""

    pairs: Pairs
    reference: str = ""
    signed: bool = False

    @property
    def key(self) -> str:
        """Names this very request in a browser's session: proof given for one request does not serve another."""
        return hashlib.sha256(json.dumps(self.kept()).encode()).hexdigest()[:32]

    def kept(self) -> list[Any]:
        """As JSON, for the way through sign-in or consent."""
        return [[list(pair) for pair in self.pairs], self.reference, self.signed]

    @classmethod
    def restored(cls, kept: Sequence[Any]) -> "Arrived":
        pairs, reference, signed = kept
        return cls(tuple((str(name), str(value)) for name, value in pairs), str(reference), bool(signed))


def unpack(pairs: Pairs, *, now: datetime) -> Arrived:
    """The request itself, out of what carried it.  Raises ``ProtocolError``."""
    counts = Counter(name for name, value in pairs if name in CARRIERS and value)
    if not counts:
        return plain(pairs)
    if counts.total() > 1:
        raise ProtocolError("invalid_request", "request and request_uri, or one of them twice", detail="two_carriers")
    client_id, carried = _single(pairs, "client_id"), _single(pairs, *CARRIERS)
    if not client_id:
        # RFC 9101 §5: named outside, since the keys to try are the client's.
        raise ProtocolError("invalid_request", "client_id is missing", detail="client_id_missing")
    tool = connected_tool(client_id)
    if counts["request_uri"]:
        left = pushed.take(carried, tool, now)
        return Arrived(left.pairs, left.reference, left.signed)
    return opened(tool, pairs, carried, now=now)


def plain(pairs: Pairs) -> Arrived:
    return Arrived(_understood(pairs))


def opened(tool: Tool, pairs: Pairs, signed_object: str, *, now: datetime) -> Arrived:
    """What a request object says (RFC 9101 §6.3: what stands beside it is not looked at).  Raises ``ProtocolError``."""
    check_shape(pairs)
    if not (tool.client_jwks or tool.client_jwks_uri):
        raise ProtocolError("request_not_supported", "no keys are registered for this client")
    signed = request_objects.parse(signed_object)
    try:
        keys = client_keys.verification_keys(tool, kid=signed.kid)
    except client_keys.KeysUnavailable as error:
        raise request_objects.RequestObjectInvalid(detail="keys_unavailable") from error
    inner = request_objects.read(
        signed,
        keys=keys,
        algorithms=algorithms.from_tool(strict=tool.is_fapi),
        client_id=tool.client_id,
        issuer=settings.ISSUER,
        now=now,
        strict=tool.is_fapi,
    )
    outer_type = _single(pairs, "response_type")
    if outer_type and outer_type != _single(inner, "response_type"):
        # OpenID Connect Core §6.1: where it is repeated outside, it must be the same.
        raise request_objects.RequestObjectInvalid(detail="response_type_differs")
    return Arrived(_understood(inner), signed=True)


def connected_tool(client_id: str) -> Tool:
    """Raises ``ProtocolError`` unless this tool is known, connected and not closed."""
    tool = tool_by_client_id(client_id)
    if tool is None or tool.kind != ToolKind.OIDC or tool.state == ToolState.CLOSED:
        raise ProtocolError("invalid_client", "unknown client", detail="client_unknown")
    return tool


def address(pairs: Pairs) -> tuple[Tool, Destination]:
    """Raises ``ProtocolError`` unless the tool is known and registered this very address: nothing leaves before."""
    where = destination(pairs)
    tool = connected_tool(where.client_id)
    if not redirects.is_registered(where.redirect_uri, tool.redirect_uri_list):
        raise ProtocolError("invalid_request", "redirect_uri is not registered", detail="redirect_uri_foreign")
    return tool, where


def read(tool: Tool, arrived: Arrived, *, pushed_now: bool = False) -> AuthRequest:
    """Raises ``ProtocolError``, to be sent to the address.  ``pushed_now`` is true at the endpoint of RFC 9126."""
    if GrantType.CODE not in tool.grant_type_list:
        # RFC 6749 §4.1.2.1: told now, not when the code cannot be redeemed.
        raise ProtocolError("unauthorized_client", "this client has no code grant", detail="grant_not_allowed")
    return parse(
        arrived.pairs,
        rules=rules_of(tool),
        pushed=pushed_now or bool(arrived.reference),
        signed=arrived.signed,
    )


def rules_of(tool: Tool) -> Rules:
    """FAPI 2.0 asks of a tool what an operator may ask of any (SP §5.3.2.2, MS §5.3, §5.4)."""
    signing = tool.security_profile == SecurityProfile.FAPI2_SIGNED
    return Rules(
        scopes=allowed_scopes(tool),
        resources=frozenset(tool.resource_list),
        pkce_required=tool.needs_pkce,
        pushed_only=tool.require_pushed_authorization_requests or tool.is_fapi,
        signed_only=tool.require_signed_request_object or signing,
        jwt_answers_only=signing,
        default_max_age=tool.default_max_age,
    )


def _understood(pairs: Pairs) -> Pairs:
    """What is not understood is ignored from the start: it is neither kept nor counted."""
    return tuple((name, value) for name, value in pairs if name in KNOWN or name == "registration")


def _single(pairs: Pairs, *names: str) -> str:
    """The value where there is exactly one; empty otherwise."""
    found = [value for name, value in pairs if name in names and value]
    return found[0] if len(found) == 1 else ""
