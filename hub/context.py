"""What every template may use."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from directory.models import Member
from directory.types import Role
from hub.env import load
from idp.selectors import missing_second_factor


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

    def second_factor_by() -> datetime | None:
        return missing_second_factor(request.user) if isinstance(request.user, Member) else None

    return facts() | {
        # Until when a second factor may be missing, for the pages that say so.
        "second_factor_by": second_factor_by,
        "is_dpo": lambda: has(Role.DPO),
        "is_office": lambda: has(Role.OFFICE),
        "is_technician": lambda: has(Role.TECHNICIAN),
    }
