"""Tools, sessions, codes, tokens and keys; the OAuth toolkit's models are swapped for these from the start."""

from idp.models.keys import SigningKey
from idp.models.sessions import HubSession, LogoutDelivery, ToolSession
from idp.models.tokens import AccessToken, DeviceGrant, Grant, IDToken, RefreshToken
from idp.models.tools import Tool

__all__ = [
    "AccessToken",
    "DeviceGrant",
    "Grant",
    "HubSession",
    "IDToken",
    "LogoutDelivery",
    "RefreshToken",
    "SigningKey",
    "Tool",
    "ToolSession",
]
