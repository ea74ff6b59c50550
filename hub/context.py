"""What every template may use."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from audit import mailing
from branding import selectors as branding
from branding.types import Shown
from directory.access import may
from directory.models import Member
from directory.policy import Right
from hub.env import load
from idp.selectors import missing_second_factor

# The pages that the masthead holds under one name, by the beginning of theirs; members' own are among their data.
PROTECTION = (
    "protection:",
    "register:",
    "requests:",
    "incidents:",
    "screening:",
    "contracts:",
    "safety:",
    "evidence:",
    "idp:erasure",
)
OF_MEMBERS = frozenset({"requests:mine", "requests:own", "idp:erasure_answer"})


def facts(look: Shown | None = None) -> dict[str, Any]:
    """The cooperative and whom to ask: nothing is read, so an error page can show them when all else is down."""
    env, look = load(), look or branding.last_shown()
    return {
        "cooperative": look.name(get_language() or settings.LANGUAGE_CODE),
        "look": look,
        "theme_color": look.accent or branding.ACCENT,
        "office_contact": env.office_contact,
        "dpo_contact": env.dpo_contact,
        "demo": settings.DEMO,
    }


def hub(request: HttpRequest) -> dict[str, Any]:
    """The facts, and what the person may open as callables: a page that asks for none costs no query."""
    person = getattr(request, "user", None)

    def second_factor_by() -> datetime | None:
        return missing_second_factor(person) if isinstance(person, Member) else None

    page = request.resolver_match.view_name if request.resolver_match else ""

    return facts(branding.shown()) | {
        "is_of_protection": page.startswith(PROTECTION) and page not in OF_MEMBERS,
        # Until when a second factor may be missing, for the pages that say so.
        "second_factor_by": second_factor_by,
        "may_find_members": lambda: may(person, Right.FIND_MEMBERS),
        "may_keep_proof": lambda: may(person, Right.KEEP_PROOF),
        "is_kept_nowhere": lambda: may(person, Right.KEEP_PROOF) and not mailing.is_kept_outside(timezone.now()),
        "may_read_journal": lambda: may(person, Right.READ_JOURNAL),
        "may_answer_requests": lambda: may(person, Right.ANSWER_REQUESTS),
        "may_keep_register": lambda: may(person, Right.KEEP_REGISTER),
        "may_see_erasures": lambda: may(person, Right.SEE_ERASURES),
        "may_arrange_tools": lambda: may(person, Right.ARRANGE_TOOLS),
        "may_see_deliveries": lambda: may(person, Right.SEE_DELIVERIES),
        "may_see_directory": lambda: may(person, Right.SEE_DIRECTORY),
        "may_see_roles": lambda: may(person, Right.SEE_ROLES),
    }
