"""Client authentication at the token, introspection and revocation endpoints (RFC 6749 §2.3)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_plus

from django.utils import timezone

from idp.models import Tool
from idp.protocol.tokens import digest
from idp.selectors import tool_by_client_id
from idp.types import AuthMethod, ToolKind, ToolState


def authenticate(authorization: str, form: Mapping[str, str]) -> Tool | None:
    """The tool that proved itself by the one method it is pinned to, or nothing.

    Two methods in one request are refused (RFC 6749 §2.3), as is a secret sent by a public tool.
    """
    presented = _presented(authorization, form)
    if presented is None:
        return None
    method, client_id, secret = presented
    tool = tool_by_client_id(client_id)
    if tool is None or tool.kind != ToolKind.OIDC or tool.state == ToolState.CLOSED:
        return None
    if method not in _accepted(tool):
        return None
    if method == AuthMethod.NONE or _secret_matches(tool, secret):
        return tool
    return None


def _accepted(tool: Tool) -> tuple[str, ...]:
    if tool.token_endpoint_auth_method == AuthMethod.EITHER:
        return (AuthMethod.BASIC, AuthMethod.POST)
    return (tool.token_endpoint_auth_method,)


def _presented(authorization: str, form: Mapping[str, str]) -> tuple[AuthMethod, str, str] | None:
    body_id, body_secret = form.get("client_id") or "", form.get("client_secret") or ""
    if authorization:
        basic = _basic(authorization)
        if basic is None or body_secret or (body_id and body_id != basic[0]):
            return None
        return AuthMethod.BASIC, *basic
    if not body_id:
        return None
    return (AuthMethod.POST, body_id, body_secret) if body_secret else (AuthMethod.NONE, body_id, "")


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    client_id, colon, secret = pair.partition(":")
    # RFC 6749 §2.3.1: both halves are form-encoded; our own identifiers and secrets need no encoding.
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def _secret_matches(tool: Tool, secret: str) -> bool:
    offered = digest(secret)
    known = [tool.client_secret] if tool.client_secret else []
    if tool.previous_client_secret_until and tool.previous_client_secret_until > timezone.now():
        known.append(tool.previous_client_secret)
    return any(hmac.compare_digest(offered, each) for each in known)
