"""Tools, sessions, codes, tokens, keys and what surrounds an account.

The OAuth toolkit's models are swapped for these from the start.
"""

from idp.models.accounts import AccountLink, Alarm, Browser, OutgoingMail, Recovery
from idp.models.admissions import Admission
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
    "AccountLink",
    "Admission",
    "Alarm",
    "Browser",
    "DeviceGrant",
    "Grant",
    "HubSession",
    "IDToken",
    "InitialAccessToken",
    "KnownSubject",
    "LogoutDelivery",
    "OutgoingMail",
    "PushedRequest",
    "Recovery",
    "RefreshToken",
    "SeenIdentifier",
    "SigningKey",
    "Tool",
    "ToolPair",
    "ToolSession",
]
