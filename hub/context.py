"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from directory.types import Role
from hub.env import load


def facts() -> dict[str, Any]:
    """The cooperative and whom to ask: settings only, so an error page can show them when all else is down."""
    env = load()
    return {
        "cooperative": env.cooperative_name,
        "office_contact": env.office_contact,
        "dpo_contact": env.dpo_contact,
        "demo": settings.DEMO,
    }


def hub(request: HttpRequest) -> dict[str, Any]:
    """The facts, and the person's roles as callables: a page that asks for none costs no query."""

    def has(role: Role) -> bool:
        return role in getattr(request.user, "roles", frozenset())

    return facts() | {
        "is_dpo": lambda: has(Role.DPO),
        "is_office": lambda: has(Role.OFFICE),
        "is_technician": lambda: has(Role.TECHNICIAN),
    }
