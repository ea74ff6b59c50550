"""Tools, sessions, codes, tokens and keys; the OAuth toolkit's models are swapped for these from the start."""

from idp.models.keys import SigningKey
from idp.models.sessions import HubSession, LogoutDelivery, ToolSession
from idp.models.subjects import KnownSubject
from idp.models.tokens import (
    AccessToken,
    DeviceGrant,
    Grant,
    IDToken,
    PushedRequest,
    RefreshToken,
    SeenIdentifier,
)
from idp.models.tools import InitialAccessToken, Tool, ToolPair

__all__ = [
    "AccessToken",
    "DeviceGrant",
    "Grant",
    "HubSession",
    "IDToken",
    "InitialAccessToken",
    "KnownSubject",
    "LogoutDelivery",
    "PushedRequest",
    "RefreshToken",
    "SeenIdentifier",
    "SigningKey",
    "Tool",
    "ToolPair",
    "ToolSession",
]
