"""What both providers are given: the same two tools, the same members, the same claims."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

REDIRECT_URI = "http://localhost:9999/callback"
SCOPES = "openid profile email"
PASSWORD = secrets.token_urlsafe(16)
CLAIMS: dict[str, Any] = {
    "name": "Noémie Ferrand",
    "given_name": "Noémie",
    "family_name": "Ferrand",
    "preferred_username": "noemie.ferrand",
    "locale": "fr",
    "updated_at": 1_790_000_000,
    "email": "noemie.ferrand@alizarine.example",
    "email_verified": True,
}


@dataclass(frozen=True, slots=True)
class Tool:
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Side:
    """A running provider: how it is reached, who may sign in, and which processes are it and its store."""

    name: str
    issuer: str
    web: Tool
    service: Tool
    members: tuple[str, ...]
    server: tuple[int, ...]
    store: tuple[int, ...]

    def orders(self) -> dict[str, Any]:
        """What the load generator is told."""
        told = asdict(self)
        return {name: told[name] for name in ("issuer", "web", "service", "members")} | {"password": PASSWORD}


def new_tool(name: str) -> Tool:
    return Tool(f"{name}-{secrets.token_hex(4)}", secrets.token_hex(32))


def member_names(count: int) -> Iterator[str]:
    """For a provider without a directory."""
    return (f"member-{number}" for number in range(count))
